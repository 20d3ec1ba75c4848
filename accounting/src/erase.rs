//! Erasing: an account leaves every table, its key is destroyed; then every byte that it left behind is zeroed, and the
//! write-ahead log is emptied.

use std::{
    fs,
    path::{Path, PathBuf},
};

use avow_terms::account::AccountId;
use rusqlite::Connection;

use crate::{
    bucket::{self, Opened},
    error::{At, StoreError},
    family::Rows,
    progress::Listener,
    store::{Reader, Store},
};

/// What was removed with an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Removed {
    /// Whether there was an account.
    pub account: bool,
    /// How many rows about it went with it.
    pub rows: usize,
}

impl Store {
    /// Removes an account from every table, and its key. Repeating it is harmless.
    ///
    /// # Errors
    /// [`StoreError::Database`]; [`StoreError::NotWiped`] if it is removed and its bytes could not be wiped from the
    /// write-ahead log, [`StoreError::Pages`] if not from the pages: then repeat it.
    pub fn remove_account(&mut self, account: AccountId) -> Result<Removed, StoreError> {
        self.remove_account_telling(account, &|_| {})
    }

    /// The same, and whoever listens is told how far it has got.
    ///
    /// # Errors
    /// As [`Store::remove_account`].
    pub fn remove_account_telling(
        &mut self,
        account: AccountId,
        listener: Listener<'_>,
    ) -> Result<Removed, StoreError> {
        let transaction = self.begin()?;
        let removed = remove(&transaction, account)?;
        transaction.commit().at("account", "commit")?;
        self.destroy_keys(&[account.number()])?;
        self.wipe_unowned(listener)?;
        Ok(removed)
    }
}

impl Reader {
    /// Moves everything from the write-ahead log into the file and empties the log. SQLite reports a log that it could
    /// not empty as an answer and not as an error, so the answer and the length of the log are both looked at.
    pub(crate) fn wipe(&self) -> Result<(), StoreError> {
        let answer: (i64, i64, i64) = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .at("store", "empty the log")?;
        let empty = fs::metadata(log_of(&self.path)).map_or(0, |log| log.len()) == 0;
        if answer == (0, 0, 0) && empty { Ok(()) } else { Err(StoreError::NotWiped) }
    }
}

/// Removes an account from every table, inside the transaction of the caller.
pub(crate) fn remove(connection: &Connection, account: AccountId) -> Result<Removed, StoreError> {
    let mut rows = 0;
    for Opened { bucket, .. } in bucket::all(connection)? {
        if bucket.family.rows() != Rows::Apart {
            let sql = format!("DELETE FROM {bucket} WHERE account = ?1");
            rows += connection.execute(&sql, [account.number()]).at(bucket.family.name(), "delete")?;
        }
    }
    let accounts =
        connection.execute("DELETE FROM account WHERE number = ?1", [account.number()]).at("account", "delete")?;
    Ok(Removed { account: accounts > 0, rows })
}

/// The write-ahead log of a store.
pub(crate) fn log_of(path: &Path) -> PathBuf {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    log.into()
}
