//! The write-ahead journal of SQLite: its committed pages, put into a copy.
//!
//! The format is <https://sqlite.org/fileformat2.html#walformat>. A frame counts if its salts are the header's and its
//! running checksum is right, and only up to the last frame that commits; the rest was never written as far as anybody
//! may know. Pages that were already moved into the file are put there again, which changes nothing.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

const HEADER: usize = 32;
const FRAME: usize = 24;
/// The checksums are over words of the writer's byte order: the last bit of the magic number tells which.
const MAGIC: u32 = 0x377f_0682;

/// The journal does not fit the store it lies beside.
#[derive(Debug, thiserror::Error)]
#[error("its journal is for a file of another page size")]
pub(crate) struct AnotherFile;

/// Where the journal of a store lies.
pub(crate) fn beside(store: &Path) -> PathBuf {
    let mut name = OsString::from(store);
    name.push("-wal");
    name.into()
}

/// Puts the committed pages of a journal into the pages of its store.
pub(crate) fn apply(journal: &[u8], pages: &mut Vec<u8>) -> Result<(), AnotherFile> {
    let Some((header, frames)) = journal.split_at_checked(HEADER) else { return Ok(()) };
    let Some(reading) = Reading::of(header) else { return Ok(()) };
    if page_size(pages) != Some(reading.page_size) {
        return Err(AnotherFile);
    }
    let mut uncommitted = Vec::new();
    for (number, commits, page) in reading.frames(frames) {
        uncommitted.push((number, page));
        if commits > 0 {
            let size = usize::try_from(commits).unwrap_or(0).saturating_mul(reading.page_size);
            pages.resize(size.max(pages.len()), 0);
            for (number, page) in uncommitted.drain(..) {
                let start = usize::try_from(number).unwrap_or(0).saturating_sub(1).saturating_mul(page.len());
                if let Some(place) = pages.get_mut(start..start.saturating_add(page.len())) {
                    place.copy_from_slice(page);
                }
            }
            pages.truncate(size);
        }
    }
    Ok(())
}

/// What the header of a journal says.
struct Reading {
    page_size: usize,
    big_endian: bool,
    salts: [u8; 8],
    sum: (u32, u32),
}

impl Reading {
    /// `None` if it is no header, or one that was never finished: such a journal holds nothing.
    fn of(header: &[u8]) -> Option<Self> {
        let magic = word(header, 0)?;
        let big_endian = magic & 1 == 1;
        let page_size = usize::try_from(word(header, 8)?).ok()?;
        let sum = checksum((0, 0), header.get(..24)?, big_endian);
        let whole = magic & !1 == MAGIC && (word(header, 24)?, word(header, 28)?) == sum && page_size >= 512;
        whole.then_some(Self { page_size, big_endian, salts: header.get(16..24)?.try_into().ok()?, sum })
    }

    /// The frames that count: the number of the page, the size of the file in pages if it commits, the page.
    fn frames<'a>(&self, frames: &'a [u8]) -> impl Iterator<Item = (u32, u32, &'a [u8])> {
        let (big_endian, salts) = (self.big_endian, self.salts);
        frames.chunks_exact(FRAME + self.page_size).scan(self.sum, move |sum, frame| {
            let (head, page) = frame.split_at_checked(FRAME)?;
            *sum = checksum(checksum(*sum, head.get(..8)?, big_endian), page, big_endian);
            let counts = head.get(8..16)? == salts && (word(head, 16)?, word(head, 20)?) == *sum;
            if counts { Some((word(head, 0)?, word(head, 4)?, page)) } else { None }
        })
    }
}

fn page_size(pages: &[u8]) -> Option<usize> {
    match pages.get(16..18)? {
        // 65,536 does not fit into two bytes and is written as 1.
        [0, 1] => Some(1 << 16),
        [high, low] => Some(usize::from(u16::from_be_bytes([*high, *low]))),
        _ => None,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// The running checksum, over pairs of words.
fn checksum((mut first, mut second): (u32, u32), bytes: &[u8], big_endian: bool) -> (u32, u32) {
    let read = if big_endian { u32::from_be_bytes } else { u32::from_le_bytes };
    let (words, _) = bytes.as_chunks::<4>();
    let (pairs, _) = words.as_chunks::<2>();
    for [a, b] in pairs {
        first = first.wrapping_add(read(*a)).wrapping_add(second);
        second = second.wrapping_add(read(*b)).wrapping_add(first);
    }
    (first, second)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    /// A store whose last commits are in the journal only.
    fn in_the_journal() -> (tempfile::TempDir, PathBuf, Connection) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("avow.db");
        let writer = Connection::open_with_flags(&path, rusqlite::OpenFlags::default()).unwrap();
        writer.execute_batch("PRAGMA application_id = 1096175447; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t (a INTEGER)").unwrap();
        for number in 0..300 {
            writer.execute("INSERT INTO t VALUES (?1)", [number]).unwrap();
        }
        (dir, path, writer)
    }

    #[test]
    fn what_is_only_in_the_journal_is_seen() {
        let (_dir, path, _writer) = in_the_journal();
        let copy = crate::copy::copy(&path).unwrap();
        let rows: i64 = copy.connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 300);
        let sound: String = copy.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }

    #[test]
    fn a_frame_that_was_torn_ends_the_journal() {
        let (_dir, path, _writer) = in_the_journal();
        let mut pages = std::fs::read(&path).unwrap();
        let mut journal = std::fs::read(beside(&path)).unwrap();
        let middle = journal.len() / 2;
        journal[middle] ^= 1;
        apply(&journal, &mut pages).unwrap();
        pages[18..20].fill(1);
        let mut connection = Connection::open_in_memory().unwrap();
        connection.deserialize_read_exact(rusqlite::MAIN_DB, pages.as_slice(), pages.len(), true).unwrap();
        let rows: i64 = connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert!((1..300).contains(&rows), "{rows}");
        let sound: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }

    #[test]
    fn a_journal_of_a_writer_that_started_over_ends_where_the_old_frames_begin() {
        let (_dir, path, writer) = in_the_journal();
        writer.execute_batch("PRAGMA wal_checkpoint(RESTART); INSERT INTO t VALUES (7)").unwrap();
        let copy = crate::copy::copy(&path).unwrap();
        let rows: i64 = copy.connection.query_row("SELECT count(*) FROM t", [], |row| row.get(0)).unwrap();
        assert_eq!(rows, 301);
    }
}
