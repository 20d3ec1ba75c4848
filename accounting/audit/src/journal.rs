//! The write-ahead journal of SQLite: its committed pages, put into a copy, and what else it holds.
//!
//! The format is <https://sqlite.org/fileformat2.html#walformat>. A frame counts if its salts are the header's and its
//! running checksum is right, and only up to the last frame that commits; the rest was never written as far as anybody
//! may know. Pages that were already moved into the file are put there again, which changes
//! nothing.

use std::{
    collections::BTreeMap,
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

/// A journal, read.
#[derive(Default)]
pub(crate) struct Log<'a> {
    /// The pages that count, in the order in which they were written.
    committed: Vec<(u32, &'a [u8])>,
    /// Which of them was the last of each page.
    last: BTreeMap<u32, usize>,
    /// How large the file is, if anything counts.
    size: usize,
    /// Whether a frame that is whole stands behind the last commit.
    unfinished: bool,
    behind: &'a [u8],
    frame: usize,
}

/// A page as it was before the journal, where it was another.
#[derive(Debug)]
pub(crate) struct Older {
    /// Its number, from 1.
    pub(crate) number: u32,
    /// What it held.
    pub(crate) page: Vec<u8>,
}

impl<'a> Log<'a> {
    /// Reads the journal of a file.
    pub(crate) fn read(journal: &'a [u8], file: &[u8]) -> Result<Self, AnotherFile> {
        let nothing = Self { behind: journal, ..Self::default() };
        let Some((header, frames)) = journal.split_at_checked(HEADER) else { return Ok(nothing) };
        let Some(reading) = Reading::of(header) else { return Ok(nothing) };
        if page_size(file) != Some(reading.page_size) {
            return Err(AnotherFile);
        }
        let frame = FRAME + reading.page_size;
        let mut log = Self { behind: frames, frame, ..Self::default() };
        let mut uncommitted = Vec::new();
        for (index, (number, commits, page)) in reading.frames(frames).enumerate() {
            uncommitted.push((number, page));
            log.unfinished = commits == 0;
            if commits > 0 {
                log.size = usize::try_from(commits).unwrap_or(0).saturating_mul(reading.page_size);
                log.committed.append(&mut uncommitted);
                log.behind = frames.get((index + 1).saturating_mul(frame)..).unwrap_or(&[]);
            }
        }
        log.last = log.committed.iter().enumerate().map(|(index, (number, _))| (*number, index)).collect();
        Ok(log)
    }

    /// Puts the committed pages into the file; says what stood there before.
    pub(crate) fn apply(&self, file: &mut Vec<u8>) -> Vec<Older> {
        let mut older = Vec::new();
        let Some(page_size) = self.committed.first().map(|(_, page)| page.len()) else { return older };
        let cut = file.get(self.size..).unwrap_or(&[]).chunks(page_size);
        for (index, page) in cut.enumerate() {
            keep(self.size / page_size + index, page, &mut older);
        }
        // A file is never longer than its pages in the file and in the journal together.
        let longest = file.len().saturating_add(self.committed.len().saturating_mul(page_size));
        file.resize(self.size.min(longest), 0);
        for (number, index) in &self.last {
            let index_of_page = usize::try_from(*number).unwrap_or(usize::MAX).wrapping_sub(1);
            let start = index_of_page.saturating_mul(page_size);
            let place = file.get_mut(start..start.saturating_add(page_size));
            if let (Some(place), Some((_, page))) = (place, self.committed.get(*index))
                && place != *page
            {
                keep(index_of_page, place, &mut older);
                place.copy_from_slice(page);
            }
        }
        older
    }

    /// The pages of the journal that a later one replaces.
    pub(crate) fn older(&self) -> impl Iterator<Item = (u32, &'a [u8])> {
        let all = self.committed.iter().enumerate();
        all.filter(|(index, (number, _))| self.last.get(number) != Some(index)).map(|(_, frame)| *frame)
    }

    /// What stands behind the last commit: the number of each frame, from 1, where its page begins, and the page.
    pub(crate) fn behind(&self) -> impl Iterator<Item = (u32, usize, &'a [u8])> {
        let (size, skip) = if self.frame == 0 { (self.behind.len().max(1), 0) } else { (self.frame, FRAME) };
        let first = self.committed.len() + 1;
        self.behind.chunks(size).enumerate().map(move |(index, frame)| {
            let number = u32::try_from(first + index).unwrap_or(u32::MAX);
            (number, skip, frame.get(skip..).unwrap_or(&[]))
        })
    }

    /// Whether a change has begun that no commit has ended.
    pub(crate) fn is_unfinished(&self) -> bool {
        self.unfinished
    }
}

/// Keeps what a page held, unless it held nothing.
fn keep(index: usize, page: &[u8], older: &mut Vec<Older>) {
    if page.iter().any(|byte| *byte != 0) {
        let number = u32::try_from(index.saturating_add(1)).unwrap_or(u32::MAX);
        older.push(Older { number, page: page.to_vec() });
    }
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
            let (number, sums) = (word(head, 0)?, (word(head, 16)?, word(head, 20)?));
            // Pages are counted from 1: SQLite ends the log at a frame of none.
            let counts = head.get(8..16)? == salts && sums == *sum && number > 0;
            if counts { Some((number, word(head, 4)?, page)) } else { None }
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
        let log = Log::read(&journal, &pages).unwrap();
        log.apply(&mut pages);
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
