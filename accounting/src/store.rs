//! The store as a value: [`Store`] owns the one writing connection, [`Reader`] can only look.

use std::{
    fmt,
    ops::Deref,
    path::{Path, PathBuf},
};

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{
    error::{At, OpenError, StoreError},
    keys::Keys,
    open::{self, Opening},
};

/// The open store, with its one writing connection. What only reads is on [`Reader`], which it derefs to.
pub struct Store(Reader);

/// A store that is only looked at, for a moment, while another process may write to it.
pub struct Reader {
    pub(crate) connection: Connection,
    pub(crate) keys: Keys,
    pub(crate) path: PathBuf,
}

impl Store {
    /// Opens a store for writing; makes it, with its keys, where there is none.
    ///
    /// `path` is the file of the store, `keys` the directory of its keys.
    ///
    /// # Errors
    /// [`OpenError`]; what was there before is then unchanged.
    pub fn open(path: &Path, keys: &Path) -> Result<Self, OpenError> {
        Self::open_as(&Opening::new(path, keys))
    }

    /// Opens a store for writing, with keys that are wrapped, or saying how far it has got.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_as(opening: &Opening<'_>) -> Result<Self, OpenError> {
        open::write(opening).map(Self)
    }

    pub(crate) fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        self.begin_with_keys().map(|(transaction, _)| transaction)
    }

    /// Begins to write, with the keys at hand.
    pub(crate) fn begin_with_keys(&mut self) -> Result<(Transaction<'_>, &mut Keys), StoreError> {
        let Reader { connection, keys, .. } = &mut self.0;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        Ok((transaction.at("store", "begin to write")?, keys))
    }

    pub(crate) fn reader_mut(&mut self) -> &mut Reader {
        &mut self.0
    }

    /// Destroys the keys of buckets that were dropped, and of these accounts, which were removed: after the commit.
    pub(crate) fn destroy_keys(&mut self, removed: &[u32]) -> Result<(), StoreError> {
        let Reader { connection, keys, .. } = &mut self.0;
        keys.forget(removed.iter().copied())?;
        keys.settle_buckets(connection)
    }
}

impl Reader {
    /// Opens a store that exists, for reading. Hold it for a moment only: what is removed meanwhile cannot be wiped.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open(path: &Path, keys: &Path) -> Result<Self, OpenError> {
        Self::open_as(&Opening::new(path, keys))
    }

    /// Opens a store that exists, for reading, with keys that are wrapped.
    ///
    /// # Errors
    /// [`OpenError`]
    pub fn open_as(opening: &Opening<'_>) -> Result<Self, OpenError> {
        open::read(opening)
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
