//! Backups: one file that holds everything of a store, of which every row dies with the keys it is sealed under.
//!
//! A row about an account is sealed under the key of its account, and in a bucket under a key made of both; the rows of a
//! bucket stand in blocks that are sealed under the key of the bucket. So an account that is forgotten and a bucket that
//! expires are gone from every backup at once, and what is left of them tells nothing. No key is ever in the file. In the
//! clear are the published texts, the cursors, and which buckets there are. The form is in `docs/backup.md`.

mod error;
mod file;
mod form;
mod read;
mod restore;
mod write;

pub use error::BackupError;
pub use read::{Backup, Part, Unlocked};
pub use restore::{Restored, Restoring};
pub use write::BackedUp;
