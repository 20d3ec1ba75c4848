//! What can go wrong with the store. No error carries a value from a row: only tables, operations and paths.

use std::{io, path::PathBuf};

use avow_terms::revision::Broken;
use rusqlite::ffi;

/// Why a store cannot be opened. Nothing in the file was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A file or directory cannot be read, written or made.
    #[error("cannot {action} `{path}`: {source}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// The file is something else.
    #[error("`{path}` is not a store of Avow: move it away, or name another data directory")]
    NotAStore {
        /// The file.
        path: PathBuf,
    },
    /// A later version of Avow wrote it.
    #[error(
        "`{path}` was written by a newer Avow (schema {found}, this one knows {known}): use that version, or restore a \
         backup"
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its schema.
        found: i32,
        /// The newest schema this program knows.
        known: i32,
    },
    /// Its pages contradict each other, or some are not there.
    #[error("`{path}` is damaged: its pages contradict each other; nothing was changed: restore a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// An earlier version of Avow wrote it, and it was to be looked at only.
    #[error("`{path}` was written by an older Avow: `avow up` brings it to this version")]
    Older {
        /// The file.
        path: PathBuf,
    },
    /// Its tables are not those of the inventory.
    #[error("`{path}` does not hold what this Avow declares: {difference}; nothing was changed: restore a backup")]
    Schema {
        /// The file.
        path: PathBuf,
        /// The first difference.
        difference: String,
    },
    /// SQLite was compiled without what erasing needs.
    #[error("SQLite was built {option}: build in the project's directory, whose `.cargo/config.toml` sets its options")]
    Build {
        /// `without SECURE_DELETE`
        option: String,
    },
    /// A setting of SQLite cannot be had.
    #[error("`{path}`: the setting `{pragma}` is `{found}` and must be `{needed}`: restore a backup")]
    Setting {
        /// The file.
        path: PathBuf,
        /// The setting.
        pragma: &'static str,
        /// What it is.
        found: String,
        /// What it must be.
        needed: &'static str,
    },
    /// A key is not there.
    #[error("`{key}` is missing, and what is sealed with it opens with nothing else: put it back from a copy")]
    KeyMissing {
        /// The key.
        key: PathBuf,
    },
    /// An account has no key.
    #[error(
        "`{key}` has no key for an account that is in `{path}`: it is older than the store, or not its own; put the \
         right one back from a copy"
    )]
    AccountKeyMissing {
        /// The store.
        path: PathBuf,
        /// The register.
        key: PathBuf,
    },
    /// The file does not hold keys.
    #[error("`{key}` is not a file of keys, or not a whole one: put the right one back from a copy")]
    NotAKey {
        /// The key.
        key: PathBuf,
    },
    /// Other users can read the key.
    #[error("`{key}` is open to other users: `chmod 600` it")]
    KeyExposed {
        /// The key.
        key: PathBuf,
    },
    /// The key is wrapped, and what unwraps it is not there.
    #[error(
        "`{key}` is wrapped with a credential, and that credential was not handed over: start the service as the unit \
         that loads it"
    )]
    KeyWrapped {
        /// The key.
        key: PathBuf,
    },
    /// The key is another store's.
    #[error("`{key}` is not the key that `{path}` is sealed with: put the right one back from a copy")]
    KeyWrong {
        /// The store.
        path: PathBuf,
        /// The key.
        key: PathBuf,
    },
    /// There is no store, and there are keys of accounts.
    #[error(
        "`{key}` holds keys of accounts, and there is no store they belong to: restore the store from a backup, or move \
         the directory of keys away to begin anew"
    )]
    KeysOfAnother {
        /// The register.
        key: PathBuf,
    },
    /// Keys of what is gone cannot be destroyed.
    #[error("the keys in `{directory}` cannot be brought in order: {error}")]
    Keys {
        /// The directory of the keys.
        directory: PathBuf,
        /// What stood against it.
        error: StoreError,
    },
    /// Its buckets or accounts cannot be read.
    #[error("`{path}` cannot be read: {error}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What stood against it.
        error: StoreError,
    },
    /// The store cannot be brought to this version's schema. It is as it was.
    #[error("`{path}` cannot be brought to the schema of this version: {error}; nothing was changed")]
    Migration {
        /// The file.
        path: PathBuf,
        /// What stood against it.
        error: StoreError,
    },
    /// SQLite refused.
    #[error(
        "cannot open `{path}`: {reason}; the file and its directory must be writable, and no other program hold it"
    )]
    Database {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        reason: &'static str,
    },
}

/// Why the store did not do what it was asked. A write that failed changed nothing, unless the variant says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// SQLite refused.
    #[error("`{table}`: cannot {operation}: {reason}")]
    Database {
        /// The table, or `store`.
        table: &'static str,
        /// What was tried.
        operation: &'static str,
        /// What SQLite says.
        reason: &'static str,
    },
    /// A row holds something that the store never writes.
    #[error("`{table}`: a row holds what this store never writes: run the audit, restore a backup")]
    Damaged {
        /// The table.
        table: &'static str,
    },
    /// There is an account with this number.
    #[error("there is already an account with this number")]
    AccountExists,
    /// The password is empty, or longer than 4 KiB.
    #[error("a password has 1 to 4096 bytes")]
    Password,
    /// The account did not agree to it.
    #[error("the account did not agree to this, and nothing of it is kept")]
    NoConsent,
    /// Another account has this user name.
    #[error("another account has this user name")]
    NameTaken,
    /// There is no account with this number.
    #[error("there is no account with this number")]
    NoSuchAccount,
    /// A batch came before the one that precedes it.
    #[error("batch {expected} of this node has not arrived yet")]
    Gap {
        /// The batch the store waits for.
        expected: u64,
    },
    /// The batch belongs to a life of the node's counters that is over, or that this store never began.
    #[error("the node has begun to count anew: this batch belongs to counters that are not its current ones")]
    Fenced,
    /// A sum would pass 2⁶³ − 1 bytes. Nothing of the batch was written.
    #[error("a sum would be larger than the store can hold")]
    Overflow,
    /// The change is written, but what it removed still stands in the write-ahead log, because another program reads.
    /// Whoever reads for a moment only has been waited for.
    #[error(
        "it is done, but what was removed cannot be wiped while another program reads the store: close that program; \
         the next sweep wipes it"
    )]
    NotWiped,
    /// The pages of the file contradict each other: what belongs to no row cannot be told from what does.
    #[error(
        "the pages of the store contradict each other, and what was removed could not be wiped from them: run the \
         audit, restore a backup"
    )]
    Pages,
    /// The text cannot be sealed, or a sealed value not opened.
    #[error("`{table}`: a sealed value cannot be made or opened with this key")]
    Seal {
        /// The table.
        table: &'static str,
    },
    /// A key cannot be written. Nothing was changed.
    #[error("cannot write a key: {reason}; nothing was changed")]
    KeyNotWritten {
        /// What the system says.
        reason: io::ErrorKind,
    },
    /// A key cannot be read, or one that is not needed any more not be destroyed.
    #[error(
        "cannot {operation} the keys: {reason}; what was removed is gone from the store, and the next start destroys its \
         keys"
    )]
    Keys {
        /// What was tried.
        operation: &'static str,
        /// What the system says.
        reason: io::ErrorKind,
    },
    /// The permit is of a version before one that something is recorded under already. Ask the rules in force again.
    #[error("the permission is of a version before {newest}, which is in force: ask again")]
    OldPermit {
        /// The newest version that anything is recorded under.
        newest: u32,
    },
    /// A version does not continue the chain of published versions.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// No random number could be had.
    #[error("the system gives no random numbers")]
    NoRandom,
}

/// What SQLite says about an error, in its own constant words: never a value, never a statement.
pub(crate) fn reason(error: &rusqlite::Error) -> &'static str {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) => ffi::code_to_str(failure.extended_code),
        rusqlite::Error::SqlInputError { error, .. } => ffi::code_to_str(error.extended_code),
        rusqlite::Error::QueryReturnedNoRows => "no such row",
        _ => "the answer has an unexpected form",
    }
}

/// Names the table and the operation that a result of SQLite belongs to, and drops everything else it says.
pub(crate) trait At<T> {
    fn at(self, table: &'static str, operation: &'static str) -> Result<T, StoreError>;
}

impl<T> At<T> for rusqlite::Result<T> {
    fn at(self, table: &'static str, operation: &'static str) -> Result<T, StoreError> {
        self.map_err(|error| StoreError::Database { table, operation, reason: reason(&error) })
    }
}
