//! Pages that rows never stand in: the one that is only locked, maps of moved pages, what is reserved at the end of each
//! page. Real files of SQLite are read right, and a byte that is planted there is named.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    os::unix::fs::FileExt,
    path::Path,
};

use avow_audit::{Region, Unowned, unowned};
use rusqlite::{Connection, OpenFlags};

fn open(path: &Path, sql: &str) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags(path, flags).unwrap();
    connection.execute_batch("PRAGMA secure_delete = ON").unwrap();
    connection.execute_batch(sql).unwrap();
    connection
}

#[expect(clippy::disallowed_methods, reason = "the test makes a file that SQLite does not make by itself")]
fn write(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
}

/// What is found in a file as SQLite leaves it: copies in the gaps of pages, and nothing that contradicts the file.
#[track_caller]
fn gaps(file: &[u8]) -> Vec<Unowned> {
    let found = unowned(file.to_vec(), &[]).unwrap();
    assert!(found.iter().all(|one| one.region == Region::Gap), "{found:?}");
    found
}

/// What is found besides.
fn besides(file: Vec<u8>, before: &[Unowned]) -> Vec<Unowned> {
    let mut found = unowned(file, &[]).unwrap();
    found.retain(|one| !before.contains(one));
    found
}

const ROWS: &str = "CREATE TABLE a (k INTEGER PRIMARY KEY, v TEXT) STRICT, WITHOUT ROWID;
    CREATE TABLE b (k INTEGER PRIMARY KEY, v BLOB) STRICT;
    WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 130)
    INSERT INTO a SELECT k, printf('%0*d', 20, k) FROM n;
    INSERT INTO b SELECT k, zeroblob(k * 9) FROM a; VACUUM";

/// A file whose pages end with reserved bytes.
fn reserved(path: &Path, page_size: usize, bytes: u8, more: &str) {
    drop(open(path, &format!("PRAGMA page_size = {page_size}; CREATE TABLE t (a); DROP TABLE t; VACUUM")));
    let mut file = fs::read(path).unwrap();
    file.truncate(page_size);
    file[20] = bytes;
    let end = u16::try_from(page_size - usize::from(bytes)).unwrap();
    file[105..107].copy_from_slice(&end.to_be_bytes());
    file[28..32].copy_from_slice(&1_u32.to_be_bytes());
    file[32..40].fill(0);
    write(path, &file);
    let connection = open(path, more);
    connection.execute_batch(ROWS).unwrap();
    let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(sound, "ok");
}

#[test]
fn what_is_reserved_at_the_end_of_each_page_is_no_rows() {
    for (page_size, bytes) in [(512, 32), (4096, 1), (4096, 255), (1024, 16)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        reserved(&path, page_size, bytes, "");
        let file = fs::read(&path).unwrap();
        let before = gaps(&file);
        // Of every page, whatever it is for: of a tree, of a long value.
        for page in 1..file.len() / page_size {
            let mut file = file.clone();
            file[(page + 1) * page_size - 1] = 0xa7;
            let [found] = &besides(file, &before)[..] else { panic!("page {page} of {page_size}") };
            assert_eq!((found.page as usize, found.offset, found.count), (page + 1, page_size - 1, 1));
            assert!(matches!(found.region, Region::Reserved | Region::Overflow), "{found:?}");
        }
    }
}

#[test]
fn maps_of_moved_pages_are_known_and_hide_nothing() {
    for (mode, page_size, bytes) in [("FULL", 512, 0), ("INCREMENTAL", 1024, 0), ("FULL", 4096, 0), ("FULL", 512, 32)] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        if bytes == 0 {
            let settings = format!("PRAGMA page_size = {page_size}; PRAGMA auto_vacuum = {mode};");
            open(&path, &settings).execute_batch(ROWS).unwrap();
        } else {
            reserved(&path, page_size, bytes, &format!("PRAGMA auto_vacuum = {mode};"));
        }
        let file = fs::read(&path).unwrap();
        let moves = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        assert_ne!(moves.pragma_query_value(None, "auto_vacuum", |row| row.get(0)), Ok(0), "the file has maps");
        let before = gaps(&file);
        let pages = file.len() / page_size;
        let entries = (page_size - usize::from(bytes)) / 5;
        assert!(pages > entries + 3 || page_size > 512, "there is a second map");
        // Behind the last entry of each map, and in an entry of a page that is not there.
        for map in (2..=pages).step_by(entries + 1) {
            let in_use = entries.min(pages - map);
            for at in [in_use * 5, page_size - 1].into_iter().filter(|at| (in_use * 5..page_size).contains(at)) {
                let mut file = file.clone();
                file[(map - 1) * page_size + at] = 0xa7;
                let planted =
                    Unowned { region: Region::Reserved, page: u32::try_from(map).unwrap(), offset: at, count: 1 };
                assert_eq!(besides(file, &before), [planted], "{mode} {page_size}");
            }
        }
    }
}

const LOCK: u64 = 1 << 30;
const PAGE: usize = 1 << 16;

/// A file of more than a gibibyte, in memory: what it does not hold on the disk is not read.
fn sparse(path: &Path) -> Vec<u8> {
    let mut file = File::open(path).unwrap();
    let length = usize::try_from(file.metadata().unwrap().len()).unwrap();
    let mut bytes = vec![0; length];
    let whole = 8 * PAGE;
    for range in [0..whole, usize::try_from(LOCK).unwrap() - whole..length] {
        file.seek(SeekFrom::Start(range.start as u64)).unwrap();
        file.read_exact(&mut bytes[range]).unwrap();
    }
    bytes
}

#[test]
fn the_page_that_is_only_locked_is_passed_over_and_must_be_zero() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    drop(open(&path, &format!("PRAGMA page_size = {PAGE}; CREATE TABLE b (k INTEGER PRIMARY KEY, v BLOB)")));
    // The file goes on to the page before the one that SQLite locks, without a block of the disk.
    let before = u32::try_from(LOCK / PAGE as u64).unwrap();
    let file = File::options().read(true).write(true).open(&path).unwrap();
    file.set_len(LOCK).unwrap();
    file.write_all_at(&before.to_be_bytes(), 28).unwrap();
    drop(file);
    let connection = open(&path, "INSERT INTO b VALUES (1, zeroblob(300000)), (2, zeroblob(10))");
    let pages: u32 = connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    assert!(pages > before + 2, "the long value stands on both sides of the locked page");
    connection.close().unwrap();
    let mut bytes = sparse(&path);
    assert_eq!(unowned(bytes.clone(), &[]).unwrap(), []);
    let at = usize::try_from(LOCK).unwrap() + 5;
    bytes[at] = 0xa7;
    let found = Unowned { region: Region::LockByte, page: before + 1, offset: 5, count: 1 };
    assert_eq!(unowned(bytes, &[]).unwrap(), [found]);
}
