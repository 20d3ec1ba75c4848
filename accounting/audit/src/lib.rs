//! Whether a store keeps what the policy promised, read from its bytes and from nothing the writer says about itself.
//!
//! The audit opens files for reading only, takes a private copy of the store into memory, and asks one question per
//! file of this crate: bytes, schema, columns, values, rows, chain, copies, files, keys. It answers with one line per promise in the
//! policy's own words, then every finding, then what was not checked. A report holds counts and the names of tables and
//! columns; never a value, an account number or a name that looks like one.
//!
//! Architecture invariant: the audit shares the grammar of policies with the writer, and no arithmetic of deadlines and
//! no query: else both would err alike and agree.

mod audit;
mod backup;
mod buckets;
mod bytes;
mod chain;
mod clauses;
mod columns;
mod copies;
mod copy;
mod dates;
mod due;
mod files;
mod found;
mod journal;
mod keys;
mod limit;
mod link;
mod period;
mod promises;
mod published;
mod report;
mod rows;
mod schema;
mod shapes;
mod values;

pub use audit::{Question, audit};
pub use backup::{BackupQuestion, BackupReport, HeldPart, Opens, audit_backup};
pub use bytes::{Region, Unowned, unowned};
pub use copy::CouldNotRun;
pub use keys::{Credential, KeysAt};
pub use report::{Finding, Keys, Line, LookedAt, NotChecked, Report, Standing, Verdict};
