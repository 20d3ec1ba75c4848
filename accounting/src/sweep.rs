//! Sweeping: what is due goes, and nothing that is due stays.
//!
//! Deadlines are computed anew at every sweep from all versions of the policy. The earliest that was ever computed for
//! a bucket is the one that counts: a new version can bring it nearer, and nothing can put it off.

use std::collections::BTreeMap;

use avow_terms::{
    account::AccountId,
    code::Code,
    history::History,
    permit::{Due, Events, Record},
};
use jiff::Timestamp;
use rusqlite::Connection;

use crate::{
    bucket::{self, Bucket, Opened, instant},
    erase,
    error::{At, StoreError},
    inventory::{ACCOUNT, BUCKET},
    progress::{Listener, Steps},
    record::AccountRecord,
    store::{Reader, Store},
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

/// For each version, when the first account was recorded under it.
type Oldest = BTreeMap<u32, Timestamp>;

/// When data of a code that was recorded under a version at an instant is due.
type Deadlines<'a> = dyn Fn(&'static str, u32, Timestamp, &Events) -> Due + 'a;

impl Store {
    /// Drops every bucket, and removes every account, whose deadline has come, and wipes what was dropped.
    ///
    /// The history must know every version that rows were written under, the text on trial included: rows of a version
    /// that nobody knows are due at once.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Database`]; [`StoreError::NotWiped`] or [`StoreError::Pages`] if
    /// everything was dropped and could not be wiped from the write-ahead log or the pages: then repeat it.
    pub fn sweep(&mut self, history: &History, now: Timestamp) -> Result<Swept, StoreError> {
        self.sweep_telling(history, now, &|_| {})
    }

    /// The same, and whoever listens is told how far it has got.
    ///
    /// # Errors
    /// As [`Store::sweep`].
    pub fn sweep_telling(
        &mut self,
        history: &History,
        now: Timestamp,
        listener: Listener<'_>,
    ) -> Result<Swept, StoreError> {
        self.sweep_by(&by(history, now), now, listener)
    }

    fn sweep_by(
        &mut self,
        deadlines: &Deadlines<'_>,
        now: Timestamp,
        listener: Listener<'_>,
    ) -> Result<Swept, StoreError> {
        let transaction = self.begin()?;
        let (swept, removed) = erase_due(&transaction, deadlines, now, listener)?;
        transaction.commit().at("store", "commit")?;
        self.destroy_keys(&removed)?;
        self.wipe_changed(listener)?;
        Ok(swept)
    }

    /// Drops a bucket whose deadline has come, so that it can be begun anew: a row that is recorded now must not share
    /// the fate of the rows in it, nor their key.
    pub(crate) fn make_room(&mut self, bucket: Bucket, now: Timestamp) -> Result<(), StoreError> {
        if !bucket.is_due(&self.connection, now)? {
            return Ok(());
        }
        let transaction = self.begin()?;
        bucket.drop(&transaction)?;
        transaction.commit().at("bucket", "commit")?;
        self.destroy_keys(&[])
    }
}

impl Reader {
    /// When something will be due next, or is due already, as far as it is known: events that have not happened may
    /// bring it nearer.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn next_due(&self, history: &History, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
        next_due(&self.connection, &oldest_accounts(&self.connection)?, &by(history, now))
    }
}

/// Erases what is due, inside the transaction of the caller; also says which accounts were. Their keys, and those of the
/// buckets, are to be destroyed after the commit.
fn erase_due(
    transaction: &Connection,
    deadlines: &Deadlines<'_>,
    now: Timestamp,
    listener: Listener<'_>,
) -> Result<(Swept, Vec<u32>), StoreError> {
    let mut swept = Swept::default();
    date_back(transaction, now)?;
    let buckets = bucket::all(transaction)?;
    let mut steps = Steps::new(listener, "erasing what is due, bucket by bucket", buckets.len());
    for opened in buckets {
        let due = due_of(&opened, deadlines);
        if due.is_some_and(|due| due <= now) {
            swept.buckets += 1;
            swept.rows += opened.bucket.drop(transaction)?;
        } else if let Some(due) = due {
            opened.bucket.due_no_later(transaction, due)?;
        }
        steps.step();
    }
    let mut oldest = oldest_accounts(transaction)?;
    let removed = remove_due_accounts(transaction, &oldest, deadlines, now)?;
    if !removed.is_empty() {
        oldest = oldest_accounts(transaction)?;
    }
    swept.accounts = removed.len();
    swept.next_due = next_due(transaction, &oldest, deadlines)?;
    Ok((swept, removed))
}

/// The same by a history, in a store that is just being restored.
pub(crate) fn erase_what_is_due(
    transaction: &Connection,
    history: &History,
    now: Timestamp,
    listener: Listener<'_>,
) -> Result<Swept, StoreError> {
    erase_due(transaction, &by(history, now), now, listener).map(|(swept, _)| swept)
}

/// The deadlines of a history: the earliest under all versions that have come into force since the recording.
fn by(history: &History, now: Timestamp) -> impl Fn(&'static str, u32, Timestamp, &Events) -> Due {
    move |code, version, recorded, events| history.due(&Code::literal(code), version, recorded, events, now)
}

/// What a clock recorded that ran ahead, and was set right since, is no younger than now. A clock that says the store has
/// not begun yet is wrong itself, and dates nothing.
fn date_back(connection: &Connection, now: Timestamp) -> Result<(), StoreError> {
    for (table, column) in [(BUCKET.name, "opened"), (ACCOUNT.name, "recorded")] {
        let sql = format!(
            "UPDATE {table} SET {column} = ?1
             WHERE {column} > ?1 AND NOT EXISTS (SELECT 1 FROM trial WHERE since > ?1)"
        );
        connection.execute(&sql, [now.as_millisecond()]).at(table, "date back")?;
    }
    Ok(())
}

/// The earliest deadline of a bucket: the one it has, or the one its first row has by now.
fn due_of(opened: &Opened, deadlines: &Deadlines<'_>) -> Option<Timestamp> {
    let Opened { bucket, at, .. } = opened;
    let computed = earliest(bucket.family.codes(), bucket.version, *at, &bucket.family.events(*at), deadlines);
    [opened.due, computed].into_iter().flatten().min()
}

/// Removes the accounts that are due themselves. Of one version, what was recorded first is due first.
fn remove_due_accounts(
    connection: &Connection,
    oldest: &Oldest,
    deadlines: &Deadlines<'_>,
    now: Timestamp,
) -> Result<Vec<u32>, StoreError> {
    let mut removed = Vec::new();
    let due = |version, at| of_account(version, at, deadlines).is_some_and(|due| due <= now);
    for (&version, _) in oldest.iter().filter(|(version, at)| due(**version, **at)) {
        for (account, recorded) in accounts_of(connection, version)? {
            if !due(version, recorded) {
                break;
            }
            erase::remove(connection, account)?;
            removed.push(account.number());
        }
    }
    Ok(removed)
}

/// When an account is due itself.
fn of_account(version: u32, recorded: Timestamp, deadlines: &Deadlines<'_>) -> Option<Timestamp> {
    earliest(AccountRecord::CODES, version, recorded, &Events::default(), deadlines)
}

/// A record is due when the first of what it carries is.
fn earliest(
    codes: &'static [&'static str],
    version: u32,
    recorded: Timestamp,
    events: &Events,
    deadlines: &Deadlines<'_>,
) -> Option<Timestamp> {
    let dues = codes.iter().map(|code| deadlines(code, version, recorded, events));
    dues.filter_map(|due| match due {
        Due::At(due) => Some(due),
        Due::When(_) => None,
    })
    .min()
}

fn next_due(
    connection: &Connection,
    oldest: &Oldest,
    deadlines: &Deadlines<'_>,
) -> Result<Option<Timestamp>, StoreError> {
    let buckets = bucket::all(connection)?;
    let buckets = buckets.iter().filter_map(|opened| due_of(opened, deadlines));
    let accounts = oldest.iter().filter_map(|(version, at)| of_account(*version, *at, deadlines));
    Ok(buckets.chain(accounts).min())
}

/// For each version, when the first account was recorded under it. There are few versions and many accounts: they are
/// looked at once, and not sorted.
fn oldest_accounts(connection: &Connection) -> Result<Oldest, StoreError> {
    let mut statement = connection.prepare("SELECT version, recorded FROM account").at(ACCOUNT.name, "read")?;
    let mut oldest: BTreeMap<u32, i64> = BTreeMap::new();
    let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).at(ACCOUNT.name, "read")?;
    for row in rows {
        let (version, at): (u32, i64) = row.at(ACCOUNT.name, "read")?;
        oldest.entry(version).and_modify(|oldest| *oldest = at.min(*oldest)).or_insert(at);
    }
    oldest.into_iter().map(|(version, at)| Ok((version, instant(ACCOUNT.name, at)?))).collect()
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

#[cfg(test)]
mod tests {
    use std::{fs, time::Duration};

    use avow_terms::retention::Anchor;
    use tempfile::TempDir;

    use super::*;
    use crate::{erase::log_of, schema};

    const NAME: &str = "month_total_202611_v1";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn millisecond_before(instant: Timestamp) -> Timestamp {
        Timestamp::from_millisecond(instant.as_millisecond() - 1).unwrap()
    }

    /// A store with one bucket of two rows.
    fn store(opened: Timestamp, due: Due) -> (TempDir, Store) {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("avow.db"), &dir.path().join("keys")).unwrap();
        let (transaction, keys) = store.begin_with_keys().unwrap();
        NAME.parse::<Bucket>().unwrap().open(&transaction, keys, opened, due).unwrap();
        transaction.execute_batch(&format!("INSERT INTO {NAME} VALUES (7, 100), (9, 200)")).unwrap();
        transaction.commit().unwrap();
        (dir, store)
    }

    /// Sweeps with the same deadline for everything, and says how many buckets are left.
    fn left(store: &mut Store, due: Due, now: Timestamp) -> usize {
        store.sweep_by(&|_, _, _, _| due, now, &|_| {}).unwrap();
        bucket::all(&store.connection).unwrap().len()
    }

    #[test]
    fn a_bucket_goes_at_its_deadline_and_not_a_millisecond_before() {
        let due = at("2026-12-01T00:00:00Z");
        let (dir, mut store) = store(at("2026-11-03T10:00:00Z"), Due::At(due));
        let early = store.sweep_by(&|_, _, _, _| Due::At(due), millisecond_before(due), &|_| {}).unwrap();
        assert_eq!(early, Swept { next_due: Some(due), ..Swept::default() });
        let swept = store.sweep_by(&|_, _, _, _| Due::At(due), due, &|_| {}).unwrap();
        assert_eq!(swept, Swept { buckets: 1, rows: 2, accounts: 0, next_due: None });
        assert_eq!(fs::metadata(log_of(&dir.path().join("avow.db"))).unwrap().len(), 0);
        assert_eq!(schema::difference(&store.connection).unwrap(), None);
    }

    #[test]
    fn a_deadline_comes_nearer_and_is_never_put_off() {
        let [first, nearer, later] = ["2026-12-01T00:00Z", "2026-11-20T00:00Z", "2027-11-20T00:00Z"].map(at);
        let now = at("2026-11-04T00:00:00Z");
        let (_dir, mut store) = store(at("2026-11-03T10:00:00Z"), Due::At(first));
        assert_eq!(left(&mut store, Due::At(later), now), 1);
        assert_eq!(left(&mut store, Due::At(nearer), now), 1);
        assert_eq!(left(&mut store, Due::When(Anchor::AccountDeleted), now), 1);
        assert_eq!(left(&mut store, Due::At(later), millisecond_before(nearer)), 1);
        assert_eq!(left(&mut store, Due::At(later), nearer), 0);
    }

    #[test]
    fn a_bucket_that_waits_for_an_event_waits() {
        let waits = Due::When(Anchor::AccountDeleted);
        let (_dir, mut store) = store(at("2026-11-03T10:00:00Z"), waits);
        assert_eq!(left(&mut store, waits, at("2226-11-03T10:00:00Z")), 1);
        assert_eq!(next_due(&store.connection, &Oldest::new(), &|_, _, _, _| waits), Ok(None));
    }

    #[test]
    fn a_row_that_comes_late_does_not_share_a_bucket_that_is_due() {
        let due = at("2026-11-10T10:00:00Z");
        let (_dir, mut store) = store(at("2026-11-03T10:00:00Z"), Due::At(due));
        let late = at("2026-11-17T10:00:00Z");
        let bucket: Bucket = NAME.parse().unwrap();
        store.make_room(bucket, due).unwrap();
        let (transaction, keys) = store.begin_with_keys().unwrap();
        bucket.open(&transaction, keys, due, Due::At(late)).unwrap();
        transaction.commit().unwrap();
        let [opened] = &bucket::all(&store.connection).unwrap()[..] else { panic!() };
        assert_eq!((opened.at, opened.due), (due, Some(late)));
        let rows: u32 = store.connection.query_row(&format!("SELECT count(*) FROM {NAME}"), [], |r| r.get(0)).unwrap();
        assert_eq!(rows, 0);
    }

    #[test]
    fn a_clock_that_is_set_back_draws_a_bucket_nearer() {
        let (_dir, mut store) = store(at("2026-11-03T10:00:00Z"), Due::When(Anchor::AccountDeleted));
        let (transaction, keys) = store.begin_with_keys().unwrap();
        let earlier = at("2026-11-02T10:00:00Z");
        let bucket: Bucket = NAME.parse().unwrap();
        bucket.open(&transaction, keys, earlier, Due::When(Anchor::AccountDeleted)).unwrap();
        bucket.open(&transaction, keys, at("2026-11-04T10:00:00Z"), Due::When(Anchor::AccountDeleted)).unwrap();
        transaction.commit().unwrap();
        assert_eq!(bucket::all(&store.connection).unwrap()[0].at, earlier);
    }

    #[test]
    fn what_a_reader_still_sees_is_reported_as_not_wiped() {
        let due = at("2026-12-01T00:00:00Z");
        let (dir, mut store) = store(at("2026-11-03T10:00:00Z"), Due::At(due));
        store.connection.busy_timeout(Duration::from_millis(10)).unwrap();
        let reader = Reader::open(&dir.path().join("avow.db"), &dir.path().join("keys")).unwrap();
        let looking = reader.connection.unchecked_transaction().unwrap();
        let rows = |connection: &Connection| -> u32 {
            connection.query_row("SELECT count(*) FROM bucket", [], |row| row.get(0)).unwrap()
        };
        assert_eq!(rows(&looking), 1);
        assert_eq!(store.sweep_by(&|_, _, _, _| Due::At(due), due, &|_| {}), Err(StoreError::NotWiped));
        assert_eq!(rows(&store.connection), 0);
        looking.finish().unwrap();
        assert_eq!(store.sweep_by(&|_, _, _, _| Due::At(due), due, &|_| {}), Ok(Swept::default()));
    }
}
