//! The store as a value: [`Store`] owns the one writing connection, [`Reader`] can only look.

use std::{
    fmt,
    ops::Deref,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{
    error::{At, OpenError, StoreError},
    open,
    seal::SealingKey,
};

/// The open store, with its one writing connection. What only reads is on [`Reader`], which it derefs to.
pub struct Store(Reader);

/// A store that is only looked at, for a moment, while another process may write to it.
pub struct Reader {
    pub(crate) connection: Connection,
    pub(crate) sealing: SealingKey,
    pub(crate) path: PathBuf,
}

impl Store {
    /// Opens a store for writing; makes it, with its sealing key, where there is none.
    ///
    /// `path` is the file of the store, `keys` the directory of its keys.
    ///
    /// # Errors
    /// [`OpenError`]; what was there before is then unchanged.
    pub fn open(path: &Path, keys: &Path) -> Result<Self, OpenError> {
        open::write(path, keys).map(Self)
    }

    pub(crate) fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        self.0.connection.transaction_with_behavior(TransactionBehavior::Immediate).at("store", "begin to write")
    }
}

impl Reader {
    /// Opens a store that exists, for reading. Hold it for a moment only: what is removed meanwhile cannot be wiped.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(path: &Path, keys: &Path) -> Result<Self, OpenError> {
        open::read(path, keys)
    }

    /// One state of the store for several questions, whatever another process writes meanwhile.
    pub(crate) fn view(&self) -> Result<Transaction<'_>, StoreError> {
        self.connection.unchecked_transaction().at("store", "begin to read")
    }
}

impl Deref for Store {
    type Target = Reader;

    fn deref(&self) -> &Reader {
        &self.0
    }
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Store")
    }
}

impl fmt::Debug for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reader")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_can_live_on_a_thread_of_its_own() {
        fn is_send<T: Send>() {}
        is_send::<Store>();
        is_send::<Reader>();
    }
}
