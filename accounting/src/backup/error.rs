//! What can go wrong with a backup.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::error::{OpenError, StoreError};

/// Why a backup was not written, read or restored. Nothing was changed, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// A file cannot be read, written or made.
    #[error("cannot {action} `{path}`: {}", plain(.source))]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A backup is never written over another file.
    #[error("`{path}` exists, and is left as it is: name another file")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else.
    #[error("`{path}` is not a backup of Avow")]
    NotABackup {
        /// The file.
        path: PathBuf,
    },
    /// A later version of Avow wrote it.
    #[error("`{path}` is a backup of a newer Avow: restore it with that version; nothing was changed")]
    Newer {
        /// The file.
        path: PathBuf,
    },
    /// Not all of it is there, or a bit of it is another one.
    #[error("`{path}` is damaged or not whole: use another backup; nothing was changed")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// It was sealed under other keys.
    #[error(
        "the keys in `{keys}` open nothing of `{path}`: they are another store's, or were rotated after the backup was \
         made; nothing was changed"
    )]
    OtherKeys {
        /// The backup.
        path: PathBuf,
        /// The directory of the keys.
        keys: PathBuf,
    },
    /// There is a store where it would be restored.
    #[error("there is a store at `{path}`, and it is left as it is")]
    StoreExists {
        /// The store.
        path: PathBuf,
    },
    /// Accounts have a key and are not in the backup.
    #[error("{count} accounts have a key and are not in this backup: they were opened after it was made")]
    NewerAccounts {
        /// How many.
        count: usize,
    },
    /// The keys cannot be used, or the store cannot be made or opened.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Names the file that an error of the system is about.
pub(super) fn of_file(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> BackupError {
    move |source| BackupError::File { action, path: path.into(), source }
}

/// What the system says, without its number.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".into(),
        _ => error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase(),
    }
}
