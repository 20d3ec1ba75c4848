//! What was promised, as values.
//!
//! This crate turns the Markdown privacy policy that legal edits into terms, compares a text with every text published
//! before it, compiles it to Cedar and answers whether a record may be stored and until when.
//!
//! Architecture invariant: nothing here reads a clock, a file or a socket. Time and text come in as arguments.

pub mod account;
pub mod adopt;
pub mod amount;
pub mod batch;
pub mod clause;
pub mod code;
mod compile;
pub mod conflict;
pub mod deadline;
pub mod diff;
pub mod explain;
pub mod history;
pub mod init;
pub mod inventory;
pub mod key_place;
pub mod language;
pub mod legal;
mod markdown;
pub mod minute;
pub mod payment;
pub mod permit;
pub mod plan;
pub mod policy;
pub mod private;
pub mod problem;
pub mod reading;
pub mod redline;
pub mod retention;
pub mod revision;
pub mod row;
pub mod rules;
pub mod selfcheck;
pub mod source;
mod suggest;
pub mod term;
pub mod vocabulary;
mod words;
