//! Every violation that the audit claims to see, planted in a store of the real writer: the named check fires, the
//! named clause is broken, and the exit code says so. A clean store has no finding.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

mod backup;
mod bytes;
mod chain;
mod clean;
mod events;
mod files;
mod keys;
mod rows;
mod schema;
mod values;
mod world;
