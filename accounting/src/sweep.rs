//! Sweeping: what is due goes, and nothing that is due stays.
//!
//! Deadlines are computed anew at every sweep from all versions of the policy. The earliest that was ever computed for
//! a bucket is the one that counts: a new version can bring it nearer, and nothing can put it off.

use avow_terms::{
    account::AccountId,
    permit::{Due, Record},
};
use jiff::Timestamp;
use rusqlite::Connection;

use crate::{
    bucket::{self, Opened, instant},
    erase,
    error::{At, StoreError},
    inventory::ACCOUNT,
    record::{AccountRecord, MonthTotal},
    store::Store,
};

/// What a sweep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many buckets were dropped.
    pub buckets: usize,
    /// How many rows went with them.
    pub rows: usize,
    /// How many accounts were due themselves, under a policy that sets them a date.
    pub accounts: usize,
    /// When something will be due next, as far as it is known.
    pub next_due: Option<Timestamp>,
}

/// When data of a code that was recorded under a version at an instant is due.
type Deadlines<'a> = dyn Fn(&str, u32, Timestamp) -> Result<Due, StoreError> + 'a;

impl Store {
    fn sweep_by(&mut self, deadlines: &Deadlines<'_>, now: Timestamp) -> Result<Swept, StoreError> {
        let mut swept = Swept::default();
        let transaction = self.begin()?;
        for opened in bucket::all(&transaction)? {
            let due = due_of(&opened, deadlines)?;
            if due.is_some_and(|due| due <= now) {
                swept.buckets += 1;
                swept.rows += opened.bucket.drop(&transaction)?;
            } else if let Some(due) = due {
                opened.bucket.due_no_later(&transaction, due)?;
            }
        }
        swept.accounts = remove_due_accounts(&transaction, deadlines, now)?;
        swept.next_due = next_due(&transaction, deadlines)?;
        transaction.commit().at("store", "commit")?;
        self.wipe()?;
        Ok(swept)
    }
}

/// The earliest deadline of a bucket: the one it has, or the one its first row has by now.
fn due_of(opened: &Opened, deadlines: &Deadlines<'_>) -> Result<Option<Timestamp>, StoreError> {
    let computed = earliest::<MonthTotal>(opened.bucket.version, opened.at, deadlines)?;
    Ok([opened.due, computed].into_iter().flatten().min())
}

/// Removes the accounts that are due themselves. Of one version, what was recorded first is due first.
fn remove_due_accounts(
    connection: &Connection,
    deadlines: &Deadlines<'_>,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut removed = 0;
    for (version, _) in oldest_accounts(connection)? {
        for (account, recorded) in accounts_of(connection, version)? {
            if earliest::<AccountRecord>(version, recorded, deadlines)?.is_none_or(|due| due > now) {
                break;
            }
            erase::remove(connection, account)?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// A record is due when the first of what it carries is.
fn earliest<R: Record>(
    version: u32,
    recorded: Timestamp,
    deadlines: &Deadlines<'_>,
) -> Result<Option<Timestamp>, StoreError> {
    R::CODES.iter().try_fold(None, |earliest: Option<Timestamp>, code| {
        Ok(match deadlines(code, version, recorded)? {
            Due::At(due) => Some(earliest.map_or(due, |earliest| earliest.min(due))),
            Due::When(_) => earliest,
        })
    })
}

fn next_due(connection: &Connection, deadlines: &Deadlines<'_>) -> Result<Option<Timestamp>, StoreError> {
    let buckets = bucket::all(connection)?.into_iter().map(|opened| due_of(&opened, deadlines));
    let accounts = oldest_accounts(connection)?;
    let accounts = accounts.into_iter().map(|(version, at)| earliest::<AccountRecord>(version, at, deadlines));
    buckets.chain(accounts).try_fold(None, |next: Option<Timestamp>, due| Ok(next.into_iter().chain(due?).min()))
}

/// For each version, when the first account was recorded under it.
fn oldest_accounts(connection: &Connection) -> Result<Vec<(u32, Timestamp)>, StoreError> {
    let mut statement =
        connection.prepare("SELECT version, min(recorded) FROM account GROUP BY version").at(ACCOUNT.name, "read")?;
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).at(ACCOUNT.name, "read")?;
    rows.map(|row| {
        let (version, at) = row.at(ACCOUNT.name, "read")?;
        Ok((version, instant(ACCOUNT.name, at)?))
    })
    .collect()
}

/// The accounts recorded under a version, the first recorded first.
fn accounts_of(connection: &Connection, version: u32) -> Result<Vec<(AccountId, Timestamp)>, StoreError> {
    let mut statement = connection
        .prepare("SELECT number, recorded FROM account WHERE version = ?1 ORDER BY recorded")
        .at(ACCOUNT.name, "read")?;
    let rows =
        statement.query_map([version], |row| Ok((row.get::<_, u32>(0)?, row.get(1)?))).at(ACCOUNT.name, "read")?;
    rows.map(|row| {
        let (number, at) = row.at(ACCOUNT.name, "read")?;
        let number = number.try_into().map_err(|_| StoreError::Damaged { table: ACCOUNT.name })?;
        Ok((number, instant(ACCOUNT.name, at)?))
    })
    .collect()
}
