//! The store as a value: [`Store`] owns the one writing connection, [`Reader`] can only look.

use std::{
    fmt,
    ops::Deref,
    path::{Path, PathBuf},
    time::Duration,
};

use avow_terms::permit::{Permit, Record};
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::{
    engine,
    error::{At, OpenError, StoreError},
    keys::Keys,
    open::{self, Opening},
    progress::Listener,
    scrub::scrub,
    session_total::OpenSessions,
};

/// How many pages make a store that is wiped after every batch: 16 MiB, which takes some milliseconds.
const TIDY: u32 = 4096;
/// How long a statement waits for another program.
const PATIENCE: Duration = Duration::from_secs(5);

/// The open store, with its one writing connection. What only reads is on [`Reader`], which it derefs to.
pub struct Store {
    reader: Reader,
    /// How many rows this connection had changed when nothing unowned was left.
    wiped: Option<u64>,
    /// The newest version that anything was recorded under.
    newest: u32,
    /// The sessions that are open now.
    sessions: OpenSessions,
}

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
        let (reader, newest) = open::write(opening)?;
        Ok(Self { reader, wiped: None, newest, sessions: OpenSessions::default() })
    }

    pub(crate) fn begin(&mut self) -> Result<Transaction<'_>, StoreError> {
        self.begin_with_keys().map(|(transaction, _)| transaction)
    }

    /// Begins to write, with the keys at hand.
    pub(crate) fn begin_with_keys(&mut self) -> Result<(Transaction<'_>, &mut Keys), StoreError> {
        let Reader { connection, keys, .. } = &mut self.reader;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        Ok((transaction.at("store", "begin to write")?, keys))
    }

    /// Begins to write, with the keys and the open sessions at hand.
    pub(crate) fn begin_with_sessions(
        &mut self,
    ) -> Result<(Transaction<'_>, &mut Keys, &mut OpenSessions), StoreError> {
        let Reader { connection, keys, .. } = &mut self.reader;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate);
        Ok((transaction.at("store", "begin to write")?, keys, &mut self.sessions))
    }

    pub(crate) fn sessions_mut(&mut self) -> &mut OpenSessions {
        &mut self.sessions
    }

    /// Destroys the keys of whatever is not in the store.
    pub(crate) fn settle_keys(&mut self) -> Result<(), StoreError> {
        let Reader { connection, keys, .. } = &mut self.reader;
        keys.settle(connection)
    }

    /// Takes a permit of the newest version that anything was recorded under, or of a newer one.
    pub(crate) fn admit<R: Record>(&mut self, permit: &Permit<R>) -> Result<(), StoreError> {
        if permit.version() < self.newest {
            return Err(StoreError::OldPermit { newest: self.newest });
        }
        self.newest = permit.version();
        Ok(())
    }

    /// The newest version that anything was recorded under: a permit of an older one is refused.
    #[must_use]
    pub fn newest_version(&self) -> u32 {
        self.newest
    }

    pub(crate) fn reader_mut(&mut self) -> &mut Reader {
        &mut self.reader
    }

    /// Destroys the keys of buckets that were dropped, and of these accounts, which were removed: after the commit.
    pub(crate) fn destroy_keys(&mut self, removed: &[u32]) -> Result<(), StoreError> {
        let Reader { connection, keys, .. } = &mut self.reader;
        keys.forget(removed.iter().copied())?;
        keys.settle_buckets(connection)
    }

    /// Wipes what belongs to no row: from the pages of the file, then from the write-ahead log.
    ///
    /// # Errors
    /// [`StoreError::Pages`] if it cannot be told what belongs to no row, [`StoreError::NotWiped`] if another program
    /// reads, [`StoreError::Database`]; repeating it is harmless.
    pub fn wipe_unowned(&mut self, listener: Listener<'_>) -> Result<(), StoreError> {
        let scrubbed = engine::with_pages(&mut self.reader.connection, |pages| scrub(pages, listener));
        self.wipe()?;
        scrubbed?;
        self.wiped = Some(self.connection.total_changes());
        Ok(())
    }

    /// Wipes what a change left behind, if that takes a moment only: SQLite leaves copies of rows that it moves in the
    /// gaps of pages. In a large store, or while somebody reads, it is left to the next sweep.
    pub fn tidy(&mut self) {
        let small =
            self.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).is_ok_and(|pages: u32| pages < TIDY);
        if small && self.connection.busy_timeout(Duration::ZERO).is_ok() {
            let _ = self.wipe_changed(&|_| {});
            let _ = self.connection.busy_timeout(PATIENCE);
        }
    }

    /// The same, unless nothing was changed since the last time.
    pub(crate) fn wipe_changed(&mut self, listener: Listener<'_>) -> Result<(), StoreError> {
        if self.wiped == Some(self.connection.total_changes()) { self.wipe() } else { self.wipe_unowned(listener) }
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
        &self.reader
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
