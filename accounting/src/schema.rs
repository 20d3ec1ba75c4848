//! The schema of the file: how it comes to be, and its comparison with the inventory.
//!
//! The comparison is a closed world: every object of the schema must be declared, word for word, and every declared
//! table must be there.

use std::collections::BTreeMap;

use rusqlite::Connection;

use crate::{
    bucket::Bucket,
    inventory::{ACCOUNT, BUCKET, INVENTORY, NODE, REVISION, SEAL, TRIAL},
};

/// What marks a database as a store of Avow: `AVOW` in ASCII.
pub(crate) const APPLICATION: i32 = 0x4156_4f57;

/// What each version of the schema adds to the one before it. An entry that was released never changes.
///
/// The second changes no table: it seals every account with a key of its own (`migrate.rs`).
const MIGRATIONS: &[&[&str]] = &[&[ACCOUNT.ddl, BUCKET.ddl, NODE.ddl, REVISION.ddl, SEAL.ddl, TRIAL.ddl], &[]];

/// The version of the schema that this program writes.
pub(crate) const VERSION: i32 = 2;
const _: () = assert!(MIGRATIONS.len() == VERSION.unsigned_abs() as usize, "each migration makes a version");

/// The version of the file's schema; 0 where there is none.
pub(crate) fn version(connection: &Connection) -> rusqlite::Result<i32> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// The mark of the program that made the file; 0 where there is none.
pub(crate) fn application(connection: &Connection) -> rusqlite::Result<i32> {
    connection.query_row("PRAGMA application_id", [], |row| row.get(0))
}

/// Whether the file holds nothing at all.
pub(crate) fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

/// Brings the schema up to date, inside the transaction of the caller.
pub(crate) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let done = usize::try_from(version(connection)?).unwrap_or(MIGRATIONS.len());
    if done >= MIGRATIONS.len() {
        return Ok(());
    }
    for statement in MIGRATIONS.iter().skip(done).copied().flatten() {
        connection.execute_batch(statement)?;
    }
    connection.execute_batch(&format!("PRAGMA application_id = {APPLICATION}; PRAGMA user_version = {VERSION}"))
}

/// The first difference between the live schema and the inventory, in words; none if there is none.
pub(crate) fn difference(connection: &Connection) -> rusqlite::Result<Option<String>> {
    let live = live(connection)?;
    let mut declared: BTreeMap<String, String> = INVENTORY
        .iter()
        .filter(|table| !table.name.contains("{}"))
        .map(|table| (table.name.into(), table.ddl.into()))
        .collect();
    if let Some(missing) = first_missing(&declared, &live) {
        return Ok(Some(missing));
    }
    let buckets: Vec<String> =
        connection.prepare("SELECT name FROM bucket")?.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
    for name in buckets {
        match name.parse::<Bucket>() {
            Ok(bucket) => declared.insert(name, bucket.ddl()),
            Err(_) => return Ok(Some("a bucket has a name that no bucket can have".into())),
        };
    }
    Ok(first_undeclared(&declared, &live).or_else(|| first_missing(&declared, &live)))
}

/// The objects of the live schema by name: their kind and their statement.
fn live(connection: &Connection) -> rusqlite::Result<BTreeMap<String, (String, Option<String>)>> {
    connection
        .prepare("SELECT name, type, sql FROM sqlite_schema")?
        .query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?))))?
        .collect()
}

fn first_missing(
    declared: &BTreeMap<String, String>,
    live: &BTreeMap<String, (String, Option<String>)>,
) -> Option<String> {
    declared.keys().find(|name| !live.contains_key(*name)).map(|name| format!("the table `{name}` is missing"))
}

fn first_undeclared(
    declared: &BTreeMap<String, String>,
    live: &BTreeMap<String, (String, Option<String>)>,
) -> Option<String> {
    live.iter().find_map(|(name, (kind, sql))| match declared.get(name) {
        None => Some(format!("the {kind} `{name}` is not declared")),
        Some(ddl) if sql.as_deref() != Some(ddl.as_str()) => Some(format!("the {kind} `{name}` has other columns")),
        Some(_) => None,
    })
}
