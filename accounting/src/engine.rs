//! SQLite as the store needs it: how it was built, how it is set, and what it may never do.
//!
//! SQLite's defaults leave what was deleted in free pages, temporary files and statistics. Every option here is asked
//! for and then read back, because a library that lacks one ignores it without a word.

use std::path::Path;

use rusqlite::{
    Connection, ErrorCode,
    hooks::{AuthAction, AuthContext, Authorization},
    types::Value,
};

use crate::error::{At, OpenError, StoreError, reason};

/// What the library must have been built with, and without (copies of rows outside of the declared tables).
const BUILT_WITH: [&str; 3] = ["SECURE_DELETE", "TEMP_STORE=3", "ENABLE_DBPAGE_VTAB"];
const BUILT_WITHOUT: [&str; 5] = ["ENABLE_STAT4", "ENABLE_FTS3", "ENABLE_FTS4", "ENABLE_FTS5", "ENABLE_RTREE"];

/// A setting: what to ask for, and what must be read back.
type Setting = (&'static str, &'static str, &'static str);

/// Settings of a connection.
const OF_CONNECTION: [Setting; 8] = [
    ("synchronous", "FULL", "2"),
    ("secure_delete", "ON", "1"),
    ("temp_store", "MEMORY", "2"),
    ("journal_size_limit", "0", "0"),
    ("wal_autocheckpoint", "4000", "4000"),
    ("trusted_schema", "OFF", "0"),
    ("cell_size_check", "ON", "1"),
    ("foreign_keys", "ON", "1"),
];

/// Settings that the file itself keeps, in the order in which a new file must be told.
const OF_FILE: [Setting; 4] = [
    ("page_size", "4096", "4096"),
    ("auto_vacuum", "NONE", "0"),
    ("encoding", "'UTF-8'", "UTF-8"),
    ("journal_mode", "WAL", "wal"),
];

/// Refuses a library that was built without what erasing needs.
pub(crate) fn check_build(path: &Path) -> Result<(), OpenError> {
    let connection = Connection::open_in_memory().map_err(|error| database(path, &error))?;
    let has = |option: &str| -> bool {
        let used = connection.query_row("SELECT sqlite_compileoption_used(?1)", [option], |row| row.get(0));
        used.unwrap_or(false)
    };
    let missing = BUILT_WITH.iter().find(|option| !has(option)).map(|option| format!("without `{option}`"));
    let harmful = BUILT_WITHOUT.iter().find(|option| has(option)).map(|option| format!("with `{option}`"));
    missing.or(harmful).map_or(Ok(()), |option| Err(OpenError::Build { option }))
}

/// Sets what lasts as long as the connection, and takes from it what the store never does.
pub(crate) fn set_connection(connection: &mut Connection, path: &Path) -> Result<(), OpenError> {
    connection.authorizer(Some(authorize)).map_err(|error| database(path, &error))?;
    OF_CONNECTION.iter().try_for_each(|setting| set(connection, path, setting))
}

/// Sets what the file keeps. A file that exists keeps its page size, so that this refuses one made by another program.
pub(crate) fn set_file(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    OF_FILE.iter().try_for_each(|setting| set(connection, path, setting))
}

/// Refuses a file that keeps anything else.
pub(crate) fn check_file(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    OF_FILE.iter().try_for_each(|setting| check(connection, path, setting))
}

/// How many contradictions are looked at; more of any kind are too many.
const CONTRADICTIONS: usize = 100;

/// Refuses a file whose pages contradict each other. Every page is read once, and nothing is written: some milliseconds
/// for each thousand pages.
///
/// A page that nothing leads to is let pass: no row is lost with it, the next sweep zeroes it, and the audit names it.
pub(crate) fn check_whole(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let refused = |error| database(path, &error);
    let mut check = connection.prepare(&format!("PRAGMA quick_check({CONTRADICTIONS})")).map_err(refused)?;
    let said = check.query_map([], |row| row.get::<_, String>(0)).map_err(refused)?;
    let said = said.collect::<Result<Vec<_>, _>>().map_err(refused)?;
    let lines: Vec<&str> = said.iter().flat_map(|text| text.lines()).filter(|line| !line.starts_with("***")).collect();
    let harmless = |line: &&str| *line == "ok" || line.ends_with(": never used");
    if lines.len() < CONTRADICTIONS && lines.iter().all(harmless) {
        return Ok(());
    }
    Err(OpenError::Damaged { path: path.into() })
}

/// Does something for which the connection may read and write whole pages, and nothing else.
pub(crate) fn with_pages<T>(
    connection: &mut Connection,
    work: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.authorizer(Some(authorize_pages)).at("store", "open its pages")?;
    let done = work(connection);
    connection.authorizer(Some(authorize)).at("store", "close its pages")?;
    done
}

/// What an error of SQLite means for somebody who opens this file.
pub(crate) fn database(path: &Path, error: &rusqlite::Error) -> OpenError {
    match error.sqlite_error_code() {
        Some(ErrorCode::NotADatabase) => OpenError::NotAStore { path: path.into() },
        Some(ErrorCode::DatabaseCorrupt) => OpenError::Damaged { path: path.into() },
        _ => OpenError::Database { path: path.into(), reason: reason(error) },
    }
}

fn set(connection: &Connection, path: &Path, setting: &Setting) -> Result<(), OpenError> {
    let (pragma, wanted, _) = setting;
    connection.execute_batch(&format!("PRAGMA {pragma} = {wanted}")).map_err(|error| database(path, &error))?;
    check(connection, path, setting)
}

fn check(connection: &Connection, path: &Path, (pragma, _, needed): &Setting) -> Result<(), OpenError> {
    let found = connection
        .query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))
        .map_err(|error| database(path, &error))
        .map(text)?;
    if found == *needed { Ok(()) } else { Err(OpenError::Setting { path: path.into(), pragma, found, needed }) }
}

fn text(value: Value) -> String {
    match value {
        Value::Integer(number) => number.to_string(),
        Value::Text(text) => text,
        Value::Null | Value::Real(_) | Value::Blob(_) => "unknown".into(),
    }
}

/// The table of the pages of the file.
const PAGES: &str = "sqlite_dbpage";

/// Pages are read and replaced; none is added or removed, and no row of any other table is written.
fn authorize_pages(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::Select
        | AuthAction::Read { .. }
        | AuthAction::Transaction { .. }
        | AuthAction::Savepoint { .. }
        | AuthAction::Pragma { pragma_value: None, .. }
        | AuthAction::Update { table_name: PAGES, column_name: "data" } => Authorization::Allow,
        _ => Authorization::Deny,
    }
}

/// No second file, no copy of a column, no code in the schema, no library from the disk. The primary key of a table is
/// announced as an index of this name.
fn authorize(context: AuthContext<'_>) -> Authorization {
    match context.action {
        AuthAction::CreateIndex { index_name, .. } if index_name.starts_with("sqlite_autoindex_") => {
            Authorization::Allow
        }
        AuthAction::CreateIndex { .. }
        | AuthAction::Unknown { .. }
        | AuthAction::Attach { .. }
        | AuthAction::Detach { .. }
        | AuthAction::Analyze { .. }
        | AuthAction::CreateTempIndex { .. }
        | AuthAction::CreateTempTable { .. }
        | AuthAction::CreateTempTrigger { .. }
        | AuthAction::CreateTempView { .. }
        | AuthAction::CreateTrigger { .. }
        | AuthAction::CreateView { .. }
        | AuthAction::CreateVtable { .. }
        | AuthAction::Read { table_name: PAGES, .. }
        | AuthAction::Insert { table_name: PAGES }
        | AuthAction::Update { table_name: PAGES, .. }
        | AuthAction::Delete { table_name: PAGES }
        | AuthAction::Function { function_name: "load_extension" } => Authorization::Deny,
        _ => Authorization::Allow,
    }
}

#[cfg(test)]
mod tests {
    use crate::Store;

    #[test]
    fn no_statement_makes_a_copy_or_a_second_file() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&dir.path().join("avow.db"), &dir.path().join("keys")).unwrap();
        for (sql, parameter) in [
            ("ATTACH 'other.db' AS other", None),
            ("ATTACH ?1 AS other", Some("other.db")),
            ("VACUUM INTO 'copy.db'", None),
            ("ANALYZE", None),
            ("CREATE INDEX i ON account (recorded)", None),
            ("CREATE VIEW v AS SELECT 1", None),
            ("CREATE TRIGGER t AFTER DELETE ON account BEGIN SELECT 1; END", None),
            ("CREATE TEMP TABLE t (x)", None),
            ("CREATE VIRTUAL TABLE t USING dbstat", None),
            ("SELECT load_extension('x')", None),
            ("SELECT data FROM sqlite_dbpage", None),
            ("UPDATE sqlite_dbpage SET data = data", None),
            ("INSERT INTO sqlite_dbpage VALUES (2, NULL, 'main')", None),
            ("DELETE FROM sqlite_dbpage", None),
        ] {
            let done = store.connection.prepare(sql).and_then(|mut statement| match parameter {
                Some(parameter) => statement.query([parameter])?.next().map(|_| ()),
                None => statement.query([])?.next().map(|_| ()),
            });
            let refusal = done.unwrap_err().to_string();
            assert!(refusal.contains("authoriz") || refusal.contains("prohibited"), "{sql}: {refusal}");
        }
    }
}
