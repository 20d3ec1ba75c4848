//! What a restore works with beside the store: the store that is being made, and the one that it replaced. Whatever an
//! interrupted one left of them is destroyed at the next start.

use std::{
    io,
    path::{Path, PathBuf},
};

use crate::{erase::log_of, key_file};

/// The store that is being made.
pub(crate) fn restoring(path: &Path) -> PathBuf {
    with(path, "-restoring")
}

/// The store that was replaced.
pub(crate) fn replaced(path: &Path) -> PathBuf {
    with(path, "-replaced")
}

/// Destroys both, with zeros.
pub(crate) fn destroy(path: &Path) -> io::Result<()> {
    [restoring(path), replaced(path)].iter().try_for_each(|path| destroy_one(path))
}

/// Destroys a store with its log.
pub(crate) fn destroy_one(path: &Path) -> io::Result<()> {
    key_file::destroy(path)?;
    destroy_log(path)
}

/// Destroys the log of a store that is not there, and its index.
pub(crate) fn destroy_log(path: &Path) -> io::Result<()> {
    key_file::destroy(&log_of(path))?;
    key_file::destroy(&with(path, "-shm"))
}

fn with(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}
