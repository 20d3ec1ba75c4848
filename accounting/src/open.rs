//! Opening: everything is looked at before anything is changed.

use std::{
    fs::{self, File, OpenOptions},
    io::ErrorKind,
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior, config::DbConfig};

use crate::{
    bucket,
    engine::{self, database},
    erase::log_of,
    error::{At, OpenError, StoreError},
    inventory::ACCOUNT,
    key_file::Wrapping,
    keys::Keys,
    migrate,
    progress::Listener,
    remains, schema,
    store::Reader,
};

/// How a store is to be opened.
pub struct Opening<'a> {
    /// The file of the store.
    pub path: &'a Path,
    /// The directory of its keys.
    pub keys: &'a Path,
    /// What the files of keys are wrapped with, if anything. Files that are plain are read all the same, and stay so
    /// until the keys are rotated.
    pub wrapping: Option<Wrapping>,
    /// Who is told how far a migration has got.
    pub listener: Listener<'a>,
}

impl<'a> Opening<'a> {
    /// A store and its keys, which are not wrapped.
    #[must_use]
    pub fn new(path: &'a Path, keys: &'a Path) -> Self {
        Self { path, keys, wrapping: None, listener: &|_| () }
    }
}

/// How often a reader looks again, when the owner changed keys while it looked.
const LOOKS: usize = 3;

/// Opens a store for writing; makes it where there is none.
///
/// Also says which is the newest version that anything was recorded under.
pub(crate) fn write(opening: &Opening<'_>) -> Result<(Reader, u32), OpenError> {
    let made = make_file(opening.path)?;
    let opened = open(opening);
    if made && opened.is_err() {
        // What could not be made whole is not left behind. If it cannot be removed either, it is an empty file.
        let _ = fs::remove_file(opening.path);
    }
    opened
}

/// Opens a store that exists, for reading. SQLite has leave to write, because it leaves its helper files behind where it
/// has not; `query_only` takes it from every statement.
pub(crate) fn read(opening: &Opening<'_>) -> Result<Reader, OpenError> {
    let path = opening.path;
    fs::metadata(path).map_err(|source| OpenError::File { action: "open", path: path.into(), source })?;
    let connection = connect(path)?;
    let refused = |error| database(path, &error);
    connection.pragma_update(None, "query_only", true).map_err(refused)?;
    match look(&connection, path)? {
        Found::Store(schema::VERSION) => {}
        Found::Nothing => return Err(OpenError::NotAStore { path: path.into() }),
        Found::Store(_) => return Err(OpenError::Older { path: path.into() }),
    }
    let look = || {
        let transaction = connection.unchecked_transaction().map_err(refused)?;
        compare(&transaction, path)?;
        let keys = Keys::read(&transaction, path, opening.keys, opening.wrapping.as_ref())?;
        transaction.finish().map_err(refused)?;
        Ok(keys)
    };
    let keys = (1..LOOKS).fold(look(), |seen, _| seen.or_else(|_: OpenError| look()))?;
    engine::check_file(&connection, path)?;
    Ok(Reader { connection, keys, path: path.into() })
}

/// Makes the file of a store that is to be filled by one transaction, with its schema.
pub(crate) fn build(path: &Path) -> Result<Connection, OpenError> {
    make_file(path)?;
    let connection = connect(path)?;
    engine::set_file(&connection, path)?;
    schema::migrate(&connection).map_err(|error| database(path, &error))?;
    keep_log(&connection, path, false)?;
    Ok(connection)
}

fn open(opening: &Opening<'_>) -> Result<(Reader, u32), OpenError> {
    let path = opening.path;
    let connection = connect(path)?;
    let crashed = has_log(path);
    match look(&connection, path)? {
        Found::Nothing => {
            Keys::refuse_those_of_another(opening.keys, opening.wrapping.as_ref())?;
            engine::set_file(&connection, path)?;
        }
        Found::Store(_) => engine::check_whole(&connection, path)?,
    }
    let mut keys = complete(&connection, opening)?;
    engine::set_file(&connection, path)?;
    keys.take(&connection)?;
    keep_log(&connection, path, false)?;
    let unreadable = |error| OpenError::Unreadable { path: path.into(), error };
    let newest = newest(&connection).map_err(unreadable)?;
    let reader = Reader { connection, keys, path: path.into() };
    if crashed {
        settle_log(&reader).map_err(unreadable)?;
    }
    remains::destroy(path).map_err(|source| OpenError::File {
        action: "finish restoring",
        path: path.into(),
        source,
    })?;
    Ok((reader, newest))
}

/// Moves the log of a crash into the file. Its last commit may be one that the disk failed to keep: SQLite finds it again
/// in the memory of the system, and what is committed after it would be lost with it at a power cut. Written into the file
/// it is written anew. While somebody reads this is left to the next sweep.
fn settle_log(reader: &Reader) -> Result<(), StoreError> {
    match reader.wipe() {
        Err(StoreError::NotWiped) => Ok(()),
        settled => settled,
    }
}

/// The newest version that an account or a bucket was recorded under.
fn newest(connection: &Connection) -> Result<u32, StoreError> {
    let of_accounts: u32 = connection
        .query_row("SELECT coalesce(max(version), 0) FROM account", [], |row| row.get(0))
        .at(ACCOUNT.name, "read")?;
    let of_buckets = bucket::all(connection)?.into_iter().map(|opened| opened.bucket.version).max();
    Ok(of_buckets.unwrap_or(0).max(of_accounts))
}

/// Brings the schema up to date and compares it with the inventory, in one transaction: all of it or nothing.
fn complete(connection: &Connection, opening: &Opening<'_>) -> Result<Keys, OpenError> {
    let path = opening.path;
    let refused = |error| database(path, &error);
    let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate).map_err(refused)?;
    let found = look(&transaction, path)?;
    schema::migrate(&transaction).map_err(refused)?;
    compare(&transaction, path)?;
    let keys = match found {
        Found::Nothing => {
            let keys = Keys::make(opening.keys, opening.wrapping.as_ref())?;
            let proved = keys.prove_register(&transaction);
            proved.map_err(|error| OpenError::Keys { directory: opening.keys.into(), error })?;
            keys
        }
        Found::Store(1) => migrate::to_keys_of_accounts(&transaction, opening)?,
        Found::Store(_) => Keys::read(&transaction, path, opening.keys, opening.wrapping.as_ref())?,
    };
    transaction.commit().map_err(refused)?;
    Ok(keys)
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
    let crashed = has_log(path);
    let access = OpenFlags::SQLITE_OPEN_READ_WRITE;
    engine::check_build(path)?;
    let mut connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)
        .map_err(|error| database(path, &error))?;
    engine::set_connection(&mut connection, path)?;
    keep_log(&connection, path, crashed)?;
    Ok(connection)
}

fn has_log(path: &Path) -> bool {
    fs::metadata(log_of(path)).is_ok_and(|log| log.len() > 0)
}

#[derive(PartialEq, Eq)]
enum Found {
    Nothing,
    /// A store of this version of the schema.
    Store(i32),
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
        (schema::APPLICATION, 1..) => Ok(Found::Store(version)),
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
