//! The private copy: the store and its journal, read into memory byte for byte.
//!
//! Opening the file through SQLite would leave a journal and an index beside it, and hold back whoever wipes pages
//! meanwhile; telling SQLite that the file never changes would hide what is still in the journal. So the audit reads
//! both files itself, twice, until they stand still between the readings, and puts the journal's committed pages into
//! its copy. It takes no lock and leaves the directory as it was, also on a read-only disk.
//!
//! Run it in a process that does not have the store open: closing a file drops the locks of the whole process.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    time::Duration,
};

use rusqlite::{Connection, ErrorCode, MAIN_DB};

use crate::{
    bytes,
    journal::{self, Log},
};

/// Why an audit could not run.
#[derive(Debug, thiserror::Error)]
pub enum CouldNotRun {
    /// There is nothing to audit.
    #[error("there is no store at `{}`", .0.display())]
    NoStore(PathBuf),
    /// The file cannot be read.
    #[error("the store `{}` cannot be read: {reason}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        reason: io::ErrorKind,
    },
    /// It is something else.
    #[error("`{}` is not a store", .0.display())]
    NotAStore(PathBuf),
    /// It is something else, or of a later Avow.
    #[error("`{}` is not a backup, or one of a newer Avow", .0.display())]
    NotABackup(PathBuf),
    /// A later Avow wrote it.
    #[error("the store has schema {found}, and this audit knows {known}: audit it with the version that wrote it")]
    Newer {
        /// The schema of the store.
        found: i64,
        /// The newest schema this audit knows.
        known: i64,
    },
    /// It never stood still.
    #[error("the store changed every time it was read: try again when less is written")]
    Busy,
    /// SQLite cannot read its pages.
    #[error("the store is damaged: {0}")]
    Damaged(String),
    /// It holds no text to audit against.
    #[error("the store holds no policy, neither published nor on trial")]
    NoPolicy,
}

/// The schema that this audit knows.
const SCHEMA: i64 = 2;
/// The mark that Avow gives its stores: `AVOW` in ASCII.
const APPLICATION: i64 = 0x4156_4f57;
const MAGIC: &[u8] = b"SQLite format 3\0";
const ATTEMPTS: usize = 40;
const PAUSE: Duration = Duration::from_millis(25);

/// A store in memory.
pub(crate) struct Copy {
    /// Opened on the copy; nothing else can see it.
    pub(crate) connection: Connection,
    /// How many bytes were read, journal included.
    pub(crate) bytes: u64,
    /// Which of them belong to no row.
    pub(crate) residue: bytes::Seen,
}

/// Copies a store.
pub(crate) fn copy(store: &Path) -> Result<Copy, CouldNotRun> {
    let (mut pages, journal) = still(store)?;
    if !pages.starts_with(MAGIC) {
        return Err(CouldNotRun::NotAStore(store.into()));
    }
    let size = u64::try_from(pages.len() + journal.len()).unwrap_or(u64::MAX);
    let residue = bytes::look(&mut pages, &journal).map_err(|reason| CouldNotRun::Damaged(reason.to_string()))?;
    drop(journal);
    // A copy in memory has no journal; the two bytes that promise one must say so.
    if let Some(versions) = pages.get_mut(18..20) {
        versions.fill(1);
    }
    let connection = open(&pages).map_err(|error| damaged(&error))?;
    let number =
        |pragma| connection.pragma_query_value(None, pragma, |row| row.get(0)).map_err(|error| damaged(&error));
    match (number("application_id")?, number("user_version")?) {
        (APPLICATION, ..=SCHEMA) => Ok(Copy { connection, bytes: size, residue }),
        (APPLICATION, found) => Err(CouldNotRun::Newer { found, known: SCHEMA }),
        _ => Err(CouldNotRun::NotAStore(store.into())),
    }
}

/// What SQLite says about a copy it cannot read, without a word that could come from a row.
pub(crate) fn damaged(error: &rusqlite::Error) -> CouldNotRun {
    CouldNotRun::Damaged(reason(error))
}

/// Why SQLite refused, in its fixed words: its longer messages may quote the store.
pub(crate) fn reason(error: &rusqlite::Error) -> String {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) if failure.code != ErrorCode::Unknown => failure.to_string(),
        _ => "a table does not have the columns it should have".into(),
    }
}

fn open(pages: &[u8]) -> rusqlite::Result<Connection> {
    let mut connection = Connection::open_in_memory()?;
    connection.deserialize_read_exact(MAIN_DB, pages, pages.len(), true)?;
    for (pragma, value) in [("query_only", "ON"), ("trusted_schema", "OFF"), ("cell_size_check", "ON")] {
        connection.pragma_update(None, pragma, value)?;
    }
    Ok(connection)
}

/// The file and its journal as they were at one moment.
fn still(store: &Path) -> Result<(Vec<u8>, Vec<u8>), CouldNotRun> {
    let journal = journal::beside(store);
    for attempt in 1..=ATTEMPTS {
        let pages = read(store)?.ok_or_else(|| CouldNotRun::NoStore(store.into()))?;
        let frames = read(&journal)?.unwrap_or_default();
        // A change that is being made ends soon; one that does not is what a crash left.
        let ended = attempt == ATTEMPTS || Log::read(&frames, &pages).is_ok_and(|log| !log.is_unfinished());
        if ended && same(&journal, &frames)? && same(store, &pages)? {
            return Ok((pages, frames));
        }
        std::thread::sleep(PAUSE);
    }
    Err(CouldNotRun::Busy)
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, CouldNotRun> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(path, &error)),
    }
}

/// Whether a file still says what was read; one that is gone says nothing.
fn same(path: &Path, bytes: &[u8]) -> Result<bool, CouldNotRun> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(bytes.is_empty()),
        Err(error) => return Err(unreadable(path, &error)),
    };
    let mut left = bytes;
    let mut file = io::BufReader::with_capacity(1 << 16, file);
    loop {
        let mut chunk = [0; 1 << 13];
        let read = file.read(&mut chunk).map_err(|error| unreadable(path, &error))?;
        match (chunk.get(..read), left.split_at_checked(read)) {
            (Some([]), _) => return Ok(left.is_empty()),
            (Some(now), Some((before, rest))) if now == before => left = rest,
            _ => return Ok(false),
        }
    }
}

fn unreadable(path: &Path, error: &io::Error) -> CouldNotRun {
    CouldNotRun::Unreadable { path: path.into(), reason: error.kind() }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_copy_of_a_store_that_is_written_to_is_of_one_moment() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("avow.db");
        let writer = Connection::open_with_flags(&path, rusqlite::OpenFlags::default()).unwrap();
        writer
            .execute_batch(
                "PRAGMA application_id = 1096175447; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 20;
                 CREATE TABLE t (a INTEGER, filler BLOB);
                 INSERT INTO t SELECT 0, zeroblob(3000) FROM (VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9))",
            )
            .unwrap();
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let stopped = &stop;
            scope.spawn(move || {
                while !stopped.load(Ordering::Relaxed) {
                    writer.execute_batch("UPDATE t SET a = a + 1").unwrap();
                    std::thread::sleep(Duration::from_millis(3));
                }
            });
            for _ in 0..20 {
                let copy = copy(&path).unwrap().connection;
                let values: i64 = copy.query_row("SELECT count(DISTINCT a) FROM t", [], |row| row.get(0)).unwrap();
                assert_eq!(values, 1);
                let sound: String = copy.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
                assert_eq!(sound, "ok");
            }
            stop.store(true, Ordering::Relaxed);
        });
    }
}
