//! Traffic: batches of counts, each applied exactly once.
//!
//! The counts and the cursor that says which batch they came from are written in one transaction. A batch that is sent
//! again, because its answer was lost, therefore changes nothing.

use std::collections::BTreeMap;

use avow_terms::{account::AccountId, amount::Bytes, batch::Batch, permit::Permit};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use rusqlite::{Connection, OptionalExtension, ffi, params};

use crate::{
    bucket::{self, Bucket},
    error::{At, StoreError, reason},
    family::Family,
    keys::Keys,
    period::{Period, Width},
    record::{MonthTotal, SessionTotal},
    store::{Reader, Store},
};

const TABLE: &str = "month_total";

/// The last batch of a node that was applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    /// The life of the node's counters, from 1.
    pub epoch: u64,
    /// The last batch of that life; 0 before the first.
    pub seq: u64,
}

/// What became of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Applied {
    /// It is written, and will survive a power cut.
    Written,
    /// It had been applied before; nothing changed.
    Duplicate,
}

impl Store {
    /// Begins a new life of a node's counters. Batches of earlier lives are fenced from now on.
    ///
    /// # Errors
    /// [`StoreError::Database`]
    pub fn begin_epoch(&mut self, node: u32) -> Result<Cursor, StoreError> {
        let transaction = self.begin()?;
        let epoch: u64 = transaction
            .query_row(
                "INSERT INTO node (node, epoch, seq) VALUES (?1, 1, 0)
                 ON CONFLICT (node) DO UPDATE SET epoch = epoch + 1, seq = 0 RETURNING epoch",
                [node],
                |row| row.get(0),
            )
            .at("node", "begin an epoch")?;
        transaction.commit().at("node", "commit")?;
        Ok(Cursor { epoch, seq: 0 })
    }

    /// Adds a batch to the month totals, in the month in which the permit says it was recorded. Rows of accounts that
    /// do not exist (any more) are left out.
    ///
    /// Only a permit for month totals will do:
    ///
    /// ```
    /// # use avow_accounting::{MonthTotal, Store};
    /// # use avow_terms::{batch::Batch, permit::Permit};
    /// fn add(store: &mut Store, permit: Permit<MonthTotal>, batch: &Batch) {
    ///     let _ = store.add_traffic(permit, batch);
    /// }
    /// ```
    ///
    /// ```compile_fail,E0308
    /// # use avow_accounting::{AccountRecord, Store};
    /// # use avow_terms::{batch::Batch, permit::Permit};
    /// fn add(store: &mut Store, permit: Permit<AccountRecord>, batch: &Batch) {
    ///     let _ = store.add_traffic(permit, batch);
    /// }
    /// ```
    ///
    /// And only once:
    ///
    /// ```compile_fail,E0382
    /// # use avow_accounting::{MonthTotal, Store};
    /// # use avow_terms::{batch::Batch, permit::Permit};
    /// fn add(store: &mut Store, permit: Permit<MonthTotal>, batch: &Batch) {
    ///     let _ = store.add_traffic(permit, batch);
    ///     let _ = store.add_traffic(permit, batch);
    /// }
    /// ```
    ///
    /// # Errors
    /// [`StoreError::Gap`], [`StoreError::Fenced`], [`StoreError::Overflow`], [`StoreError::Database`]; nothing of the
    /// batch is then applied.
    pub fn add_traffic(&mut self, permit: Permit<MonthTotal>, batch: &Batch) -> Result<Applied, StoreError> {
        self.add_counts(Some(permit), None, batch)
    }

    /// Adds a batch to whatever the policy keeps of it: to the month totals, to the sessions it belongs to, or to both,
    /// in one transaction with the cursor.
    ///
    /// # Errors
    /// As [`Store::add_traffic`].
    pub fn add_counts(
        &mut self,
        month: Option<Permit<MonthTotal>>,
        session: Option<Permit<SessionTotal>>,
        batch: &Batch,
    ) -> Result<Applied, StoreError> {
        let months = month.as_ref().map(|permit| self.room_under(Family::MonthTotal, permit)).transpose()?;
        if let Some(permit) = &session {
            self.room_under(Family::SessionTotal, permit)?;
        }
        let (transaction, keys, sessions) = self.begin_with_sessions()?;
        if take(&transaction, batch)? == Applied::Duplicate {
            return Ok(Applied::Duplicate);
        }
        // A bucket that is not there yet is begun for an account that exists, and for no other.
        if let Some((permit, bucket)) = month.zip(months)
            && (bucket.exists(&transaction)? || any_known(keys, batch))
        {
            bucket.open(&transaction, keys, permit.recorded(), permit.due())?;
            add(&transaction, bucket, &batch.rows)?;
        }
        let changed = match session.filter(|_| any_known(keys, batch)) {
            Some(permit) => Some((sessions.add(&transaction, keys, &permit, &known(keys, batch))?, permit.recorded())),
            None => None,
        };
        transaction.commit().at(TABLE, "commit")?;
        if let Some((changed, now)) = changed {
            sessions.commit(changed, now);
        }
        Ok(Applied::Written)
    }

    /// How long a pause ends a session: 15 minutes unless this says otherwise.
    pub fn set_session_pause(&mut self, pause: SignedDuration) {
        self.sessions_mut().pause = pause;
    }

    /// Takes a batch without writing its rows: for counts that the policy does not allow to be stored. They are dropped
    /// once, and the node goes on.
    ///
    /// # Errors
    /// [`StoreError::Gap`], [`StoreError::Fenced`], [`StoreError::Database`]
    pub fn advance(&mut self, batch: &Batch) -> Result<Applied, StoreError> {
        let transaction = self.begin()?;
        let applied = take(&transaction, batch)?;
        transaction.commit().at("node", "commit")?;
        Ok(applied)
    }
}

impl Reader {
    /// The last batch of a node that was applied; none if the node never began.
    ///
    /// # Errors
    /// [`StoreError::Database`]
    pub fn cursor(&self, node: u32) -> Result<Option<Cursor>, StoreError> {
        cursor(&self.connection, node)
    }

    /// What each account moved in the month of `now` in this zone; accounts that moved nothing are absent.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn month_totals(&self, now: Timestamp, zone: &TimeZone) -> Result<Vec<(AccountId, Bytes)>, StoreError> {
        let _view = self.view()?;
        let mut totals = BTreeMap::new();
        for bucket in self.buckets_of(now, zone)? {
            for (account, bytes) in rows(&self.connection, bucket)? {
                let total = totals.entry(account).or_insert(Bytes::ZERO);
                *total = *total + bytes;
            }
        }
        Ok(totals.into_iter().collect())
    }

    /// What one account moved in the month of `now` in this zone.
    ///
    /// # Errors
    /// [`StoreError::Database`]
    pub fn month_total(&self, account: AccountId, now: Timestamp, zone: &TimeZone) -> Result<Bytes, StoreError> {
        let _view = self.view()?;
        self.buckets_of(now, zone)?.into_iter().try_fold(Bytes::ZERO, |total, bucket| {
            let sql = format!("SELECT bytes FROM {bucket} WHERE account = ?1");
            let bytes: Option<u64> =
                self.connection.query_row(&sql, [account.number()], |row| row.get(0)).optional().at(TABLE, "read")?;
            Ok(total + Bytes(bytes.unwrap_or(0)))
        })
    }

    /// The buckets of a month: one for each version that was in force in it.
    fn buckets_of(&self, now: Timestamp, zone: &TimeZone) -> Result<Vec<Bucket>, StoreError> {
        let month = Period::of(Width::Month, now, zone);
        let all = bucket::of(&self.connection, Family::MonthTotal)?;
        Ok(all.into_iter().filter(|bucket| bucket.period == month).collect())
    }
}

fn cursor(connection: &Connection, node: u32) -> Result<Option<Cursor>, StoreError> {
    connection
        .query_row("SELECT epoch, seq FROM node WHERE node = ?1", [node], |row| {
            Ok(Cursor { epoch: row.get(0)?, seq: row.get(1)? })
        })
        .optional()
        .at("node", "read")
}

/// Moves the cursor on to the batch, if it is the next one.
fn take(connection: &Connection, batch: &Batch) -> Result<Applied, StoreError> {
    let last = cursor(connection, batch.node)?.filter(|last| last.epoch == batch.epoch).ok_or(StoreError::Fenced)?;
    if batch.seq <= last.seq {
        return Ok(Applied::Duplicate);
    }
    let expected = last.seq.saturating_add(1);
    if batch.seq != expected {
        return Err(StoreError::Gap { expected });
    }
    connection
        .execute("UPDATE node SET seq = ?2 WHERE node = ?1", params![batch.node, batch.seq])
        .at("node", "move the cursor")?;
    Ok(Applied::Written)
}

/// Whether an account of the batch exists and moved something. An account that exists has a key, and keys are in memory.
fn any_known(keys: &Keys, batch: &Batch) -> bool {
    batch.rows.iter().any(|(account, bytes)| *bytes > Bytes::ZERO && keys.knows(*account))
}

/// The rows of the batch whose account exists and moved something.
fn known(keys: &Keys, batch: &Batch) -> Vec<(AccountId, Bytes)> {
    let rows = batch.rows.iter().copied();
    rows.filter(|(account, bytes)| *bytes > Bytes::ZERO && keys.knows(*account)).collect()
}

/// Adds what moved. An account that has a row exists, for its rows go with it: whether it does is only asked where there
/// is no row yet.
fn add(connection: &Connection, bucket: Bucket, rows: &[(AccountId, Bytes)]) -> Result<(), StoreError> {
    let mut update =
        connection.prepare(&format!("UPDATE {bucket} SET bytes = bytes + ?2 WHERE account = ?1")).at(TABLE, "add")?;
    let mut insert = connection
        .prepare(&format!(
            "INSERT INTO {bucket} (account, bytes)
             SELECT ?1, ?2 WHERE EXISTS (SELECT 1 FROM account WHERE number = ?1)"
        ))
        .at(TABLE, "add")?;
    for &(account, Bytes(bytes)) in rows.iter().filter(|(_, bytes)| *bytes > Bytes::ZERO) {
        let bytes = i64::try_from(bytes).map_err(|_| StoreError::Overflow)?;
        let row = params![account.number(), bytes];
        if update.execute(row).map_err(|error| not_added(&error))? == 0 {
            insert.execute(row).map_err(|error| not_added(&error))?;
        }
    }
    Ok(())
}

/// A sum past 2⁶³ − 1 becomes a floating-point number, which a strict column refuses.
fn not_added(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error() {
        Some(failure) if failure.extended_code == ffi::SQLITE_CONSTRAINT_DATATYPE => StoreError::Overflow,
        _ => StoreError::Database { table: TABLE, operation: "add", reason: reason(error) },
    }
}

fn rows(connection: &Connection, bucket: Bucket) -> Result<Vec<(AccountId, Bytes)>, StoreError> {
    let mut statement = connection.prepare(&format!("SELECT account, bytes FROM {bucket}")).at(TABLE, "read")?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get(1)?))).at(TABLE, "read")?;
    rows.map(|row| {
        let (account, bytes) = row.at(TABLE, "read")?;
        Ok((account.try_into().map_err(|_| StoreError::Damaged { table: TABLE })?, Bytes(bytes)))
    })
    .collect()
}
