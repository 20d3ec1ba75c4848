//! Opening: everything is looked at before anything is changed.

use std::{
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, config::DbConfig};

use crate::{
    engine::{self, database},
    erase::log_of,
    error::OpenError,
    key, schema,
    seal::SealingKey,
    store::Reader,
};

/// Opens a store for writing; makes it where there is none.
pub(crate) fn write(path: &Path, keys: &Path) -> Result<Reader, OpenError> {
    let made = make_file(path)?;
    let opened = open(path, keys);
    if made && opened.is_err() {
        // What could not be made whole is not left behind. If it cannot be removed either, it is an empty file.
        let _ = fs::remove_file(path);
    }
    opened
}

/// Opens a store that exists, for reading. SQLite has leave to write, because it leaves its helper files behind where it
/// has not; `query_only` takes it from every statement.
pub(crate) fn read(path: &Path, keys: &Path) -> Result<Reader, OpenError> {
    fs::metadata(path).map_err(|source| OpenError::File { action: "open", path: path.into(), source })?;
    let connection = connect(path)?;
    let refused = |error| database(path, &error);
    connection.pragma_update(None, "query_only", true).map_err(refused)?;
    if look(&connection, path)? == Found::Nothing {
        return Err(OpenError::NotAStore { path: path.into() });
    }
    let key = key::read(path, keys)?;
    let transaction = connection.unchecked_transaction().map_err(refused)?;
    compare(&transaction, path)?;
    key::check_proof(&transaction, path, keys, &key)?;
    transaction.finish().map_err(refused)?;
    engine::check_file(&connection, path)?;
    Ok(Reader { connection, sealing: key, path: path.into() })
}

fn open(path: &Path, keys: &Path) -> Result<Reader, OpenError> {
    let connection = connect(path)?;
    let new = look(&connection, path)? == Found::Nothing;
    let key = if new { key::read_or_make(path, keys)? } else { key::read(path, keys)? };
    if new {
        engine::set_file(&connection, path)?;
    }
    complete(&connection, path, keys, &key)?;
    engine::set_file(&connection, path)?;
    keep_log(&connection, path, false)?;
    Ok(Reader { connection, sealing: key, path: path.into() })
}

/// Brings the schema up to date and compares it with the inventory, in one transaction: all of it or nothing.
fn complete(connection: &Connection, path: &Path, keys: &Path, key: &SealingKey) -> Result<(), OpenError> {
    let refused = |error| database(path, &error);
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate).map_err(refused)?;
    let new = look(&transaction, path)? == Found::Nothing;
    schema::migrate(&transaction).map_err(refused)?;
    compare(&transaction, path)?;
    if new {
        key::write_proof(&transaction, path, key)?;
    }
    key::check_proof(&transaction, path, keys, key)?;
    transaction.commit().map_err(refused)
}

/// Makes an empty file that only its owner can read, unless there is one; says whether it did.
fn make_file(path: &Path) -> Result<bool, OpenError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => sync_directory(path).map(|()| true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(source) => Err(OpenError::File { action: "make", path: path.into(), source }),
    }
}

/// Puts the name of a new file on the disk.
fn sync_directory(path: &Path) -> Result<(), OpenError> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let synced = File::open(directory).and_then(|directory| directory.sync_all());
    synced.map_err(|source| OpenError::File { action: "write", path: directory.into(), source })
}

/// Connects. The log of a crash stays as it is until the store is accepted: closing would move it into the file.
fn connect(path: &Path) -> Result<Connection, OpenError> {
    let crashed = fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0);
    let access = OpenFlags::SQLITE_OPEN_READ_WRITE;
    engine::check_build(path)?;
    let mut connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| database(path, &error))?;
    engine::set_connection(&mut connection, path)?;
    keep_log(&connection, path, crashed)?;
    Ok(connection)
}

#[derive(PartialEq, Eq)]
enum Found {
    Nothing,
    Store,
}

/// Looks at what the file is, before anything is done to it.
fn look(connection: &Connection, path: &Path) -> Result<Found, OpenError> {
    let refused = |error| database(path, &error);
    let application = schema::application(connection).map_err(refused)?;
    let version = schema::version(connection).map_err(refused)?;
    match (application, version) {
        (0, 0) if schema::is_empty(connection).map_err(refused)? => Ok(Found::Nothing),
        (schema::APPLICATION, found) if found > schema::VERSION => {
            Err(OpenError::Newer { path: path.into(), found, known: schema::VERSION })
        }
        (schema::APPLICATION, 1..) => Ok(Found::Store),
        _ => Err(OpenError::NotAStore { path: path.into() }),
    }
}

fn compare(connection: &Connection, path: &Path) -> Result<(), OpenError> {
    let difference = schema::difference(connection).map_err(|error| database(path, &error))?;
    difference.map_or(Ok(()), |difference| Err(OpenError::Schema { path: path.into(), difference }))
}

/// Whether closing the connection leaves the write-ahead log as it is.
fn keep_log(connection: &Connection, path: &Path, keep: bool) -> Result<(), OpenError> {
    connection
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, keep)
        .map_err(|error| database(path, &error))
        .map(|_| ())
}
