//! Restoring: a store is made from a backup beside the place it goes to, and takes that place in one step.
//!
//! What was deleted since the backup has no key any more and is left out; what is due by now is erased before anybody sees
//! the store. Until it takes its place no key is touched. Its cursors are fenced, so that no batch that was sent before is
//! ever added to it: what was counted after the backup is lost, and nothing counts twice.

use std::{
    collections::HashSet,
    fs::{self, File},
    path::Path,
};

use avow_terms::history::History;
use jiff::Timestamp;
use rusqlite::{Connection, Transaction, TransactionBehavior, params, params_from_iter, types::Value};

use super::{
    error::{BackupError, of_file},
    file::sync_directory_of,
    form::columns,
    read::{Backup, Part, Take, Unlocked},
    write::table_of,
};
use crate::{
    engine,
    error::{At, StoreError},
    inventory::ACCOUNT,
    keys::Keys,
    open::{self, Opening},
    progress::Listener,
    remains, revisions,
    scrub::scrub,
    store::Store,
    sweep::{Swept, erase_what_is_due},
};

/// How a store is to be restored.
pub struct Restoring<'a> {
    /// Every version of the policy in the backup, by which is told what is due.
    pub history: &'a History,
    /// The time.
    pub now: Timestamp,
    /// Whether a store that is there may be replaced.
    pub replace: bool,
    /// Whether accounts that were opened after the backup may be lost.
    pub older: bool,
}

/// What came of it. It counts, and names nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// When the backup was made.
    pub made: Timestamp,
    /// The accounts that are there now.
    pub accounts: usize,
    /// The rows about them, or about nobody.
    pub rows: usize,
    /// The buckets.
    pub buckets: usize,
    /// The accounts that were erased after the backup was made, and the rows about them.
    pub erased_accounts: usize,
    /// Those rows.
    pub erased_rows: usize,
    /// The buckets whose keys were destroyed after the backup was made.
    pub erased_buckets: usize,
    /// What was due by now.
    pub swept: Swept,
    /// The accounts that were opened after the backup was made, and are lost.
    pub lost_accounts: usize,
}

impl Unlocked {
    /// Makes the store. It is there whole or not at all, whenever this is interrupted; then repeat it.
    ///
    /// # Errors
    /// [`BackupError`]; unless it says otherwise the store and the keys are as they were.
    pub fn restore(
        mut self,
        opening: &Opening<'_>,
        restoring: &Restoring<'_>,
        listener: Listener<'_>,
    ) -> Result<Restored, BackupError> {
        let path = opening.path;
        if fs::symlink_metadata(path).is_ok() && !restoring.replace {
            return Err(BackupError::StoreExists { path: path.into() });
        }
        let new = remains::restoring(path);
        remains::destroy(path).map_err(of_file("write", &new))?;
        let made = self.make(&new, restoring, listener).and_then(|restored| {
            take_place(&new, path)?;
            Ok(restored)
        });
        if made.is_err() {
            // What could not be made whole is not left behind; if it cannot be removed now, the next start does it.
            let _ = remains::destroy_one(&new);
        }
        let restored = made?;
        // Destroys the store that was replaced, and the keys of whatever is not in this one.
        drop(Store::open_as(opening)?);
        Ok(restored)
    }

    fn make(
        &mut self,
        path: &Path,
        restoring: &Restoring<'_>,
        listener: Listener<'_>,
    ) -> Result<Restored, BackupError> {
        let mut connection = open::build(path)?;
        let begin = Transaction::new_unchecked(&connection, TransactionBehavior::Immediate);
        let transaction = begin.at("store", "begin to write")?;
        texts_and_cursors(&transaction, &self.backup, restoring.now)?;
        let mut fill = Fill { connection: &transaction, parts: Vec::new(), known: HashSet::new() };
        self.walk(&mut fill, listener)?;
        let Fill { parts, known, .. } = fill;
        let lost = self.keys.register.accounts().filter(|account| !known.contains(account)).count();
        if lost > 0 && !restoring.older {
            return Err(BackupError::NewerAccounts { count: lost });
        }
        self.keys.prove_register(&transaction)?;
        let swept = erase_what_is_due(&transaction, restoring.history, restoring.now, listener)?;
        transaction.commit().at("store", "commit")?;
        engine::with_pages(&mut connection, |pages| scrub(pages, listener))?;
        connection.close().map_err(|(_, error)| error).at("store", "close")?;
        File::open(path).and_then(|file| file.sync_all()).map_err(of_file("write", path))?;
        Ok(report(self.backup.made, &parts, swept, lost))
    }
}

fn report(made: Timestamp, parts: &[Part], swept: Swept, lost_accounts: usize) -> Restored {
    let (accounts, buckets): (Vec<&Part>, Vec<&Part>) = parts.iter().partition(|part| part.name == ACCOUNT.name);
    let opens = buckets.iter().filter(|part| part.opens).count();
    let rows: usize = buckets.iter().map(|part| part.rows).sum();
    Restored {
        made,
        accounts: accounts.iter().map(|part| part.rows).sum::<usize>().saturating_sub(swept.accounts),
        rows: rows.saturating_sub(swept.rows),
        buckets: opens.saturating_sub(swept.buckets),
        erased_accounts: accounts.iter().map(|part| part.erased).sum(),
        erased_rows: buckets.iter().map(|part| part.erased).sum(),
        erased_buckets: buckets.len() - opens,
        swept,
        lost_accounts,
    }
}

/// The texts as they were. A cursor goes where no life of the node has been: a life begins with a start, and there was
/// less than one in every second since 1970.
fn texts_and_cursors(connection: &Connection, backup: &Backup, now: Timestamp) -> Result<(), StoreError> {
    if let Some(trial) = &backup.trial {
        revisions::put_on_trial(connection, &trial.text, &trial.vocabulary, trial.since)?;
    }
    for revision in &backup.revisions {
        revisions::append(connection, revision)?;
    }
    for (node, cursor) in &backup.cursors {
        let seconds = u64::try_from(now.as_second()).unwrap_or(0);
        let epoch = cursor.epoch.saturating_add(1).max(seconds);
        connection
            .execute("INSERT INTO node (node, epoch, seq) VALUES (?1, ?2, 0)", params![node, epoch])
            .at("node", "insert")?;
    }
    Ok(())
}

/// Puts the new store into its place. Whatever interrupts this leaves the store that was there, none, or the new one.
fn take_place(new: &Path, path: &Path) -> Result<(), BackupError> {
    let moved = || {
        if fs::symlink_metadata(path).is_ok() {
            fs::rename(path, remains::replaced(path))?;
            sync_directory_of(path)?;
        }
        // The log of another store would be taken for this one's.
        remains::destroy_log(path)?;
        fs::rename(new, path)?;
        sync_directory_of(path)
    };
    moved().map_err(of_file("restore", path))
}

/// Writes what opens into the store that is being made.
struct Fill<'a> {
    connection: &'a Connection,
    parts: Vec<Part>,
    /// The accounts that are in the backup.
    known: HashSet<u32>,
}

impl Take for Fill<'_> {
    fn begin(&mut self, keys: &Keys, part: &Part) -> Result<(), BackupError> {
        let (Some(bucket), Some(opened)) = (part.bucket(), part.opened) else { return Ok(()) };
        keys.prove_bucket(self.connection, &part.name)?;
        self.connection.execute_batch(&bucket.ddl()).at(bucket.family.name(), "create a bucket")?;
        let due = part.due.map(Timestamp::as_millisecond);
        self.connection
            .execute(
                "INSERT INTO bucket (name, opened, due) VALUES (?1, ?2, ?3)",
                params![part.name, opened.as_millisecond(), due],
            )
            .at("bucket", "insert")?;
        Ok(())
    }

    fn row(&mut self, part: &Part, values: Vec<Value>) -> Result<(), BackupError> {
        let table = table_of(&part.name)?;
        if part.name == ACCOUNT.name
            && let Some(Value::Integer(number)) = values.first()
        {
            self.known.extend(u32::try_from(*number));
        }
        let places = vec!["?"; values.len()].join(", ");
        let sql = format!("INSERT INTO {} ({}) VALUES ({places})", part.name, columns(table));
        let mut insert = self.connection.prepare_cached(&sql).at(table.name, "insert")?;
        insert.execute(params_from_iter(values)).at(table.name, "insert")?;
        Ok(())
    }

    fn end(&mut self, part: Part) {
        self.parts.push(part);
    }
}
