//! Every byte of the file: it belongs to a live row, or it is zero.
//!
//! What SQLite deletes can stay readable in the unused part of a page, on the list of free pages, behind the end of a
//! long value, in the write-ahead log. This parser reads the file itself, without SQLite, and counts every byte that is
//! not zero and that no row owns. It shares nothing with the writer, which wipes those bytes: else both would err alike.
//! It names pages and places; never a byte.

mod cell;
mod file;
mod log;
mod walk;

use std::collections::BTreeMap;

use crate::{
    clauses::Clauses,
    found::Findings,
    journal::{AnotherFile, Log},
    values::counted,
};

/// Bytes that are not zero and belong to no row, in one region of one page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unowned {
    /// Which region.
    pub region: Region,
    /// The page, from 1; in the write-ahead log the frame, from 1.
    pub page: u32,
    /// The first of them: how many bytes stand before it in its page, or in its frame.
    pub offset: usize,
    /// How many of them there are.
    pub count: u64,
}

/// A region of the file that no row owns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Region {
    /// Between the pointers and the contents of a page.
    Gap,
    /// A block of a page that was given back.
    Freeblock,
    /// Up to three bytes between two rows.
    Fragment,
    /// Behind the end of a value that has pages of its own.
    Overflow,
    /// Behind the end of a list of free pages.
    Trunk,
    /// A free page.
    Free,
    /// A page that nothing leads to.
    Unreachable,
    /// What the file's settings keep free at the end of each page.
    Reserved,
    /// What the header of the file keeps free.
    Header,
    /// The page of the byte that SQLite locks.
    LockByte,
    /// Behind the last whole page.
    Tail,
    /// In a row, behind its last column.
    Record,
    /// In the write-ahead log, where no commit reaches.
    Log,
    /// In the write-ahead log, or in a page that it replaces: a row that was removed.
    Removed,
    /// A page that contradicts itself or another: whose its bytes are cannot be told.
    Damaged,
}

/// What was found, and how much was looked at.
#[derive(Debug, Default, Clone)]
pub(crate) struct Seen {
    /// What no row owns.
    pub(crate) unowned: Vec<Unowned>,
    /// Older copies of pages that the write-ahead log and the file still hold.
    pub(crate) older: u64,
}

impl Region {
    /// The name of the check that finds it.
    fn check(self) -> &'static str {
        match self {
            Self::Gap => "bytes.gap",
            Self::Freeblock => "bytes.freeblock",
            Self::Fragment => "bytes.fragment",
            Self::Overflow => "bytes.overflow",
            Self::Trunk => "bytes.trunk",
            Self::Free => "bytes.free",
            Self::Unreachable => "bytes.unreachable",
            Self::Reserved => "bytes.reserved",
            Self::Header => "bytes.header",
            Self::LockByte => "bytes.lock",
            Self::Tail => "bytes.tail",
            Self::Record => "bytes.record",
            Self::Log => "bytes.log",
            Self::Removed => "bytes.removed",
            Self::Damaged => "bytes.damaged",
        }
    }

    /// Where that is, in words.
    fn words(self) -> &'static str {
        match self {
            Self::Gap => "in the unused part of a page",
            Self::Freeblock => "in a block of a page that was given back",
            Self::Fragment => "between two rows",
            Self::Overflow => "behind the end of a long value",
            Self::Trunk => "in the list of free pages",
            Self::Free => "in a free page",
            Self::Unreachable => "in a page that nothing leads to",
            Self::Reserved => "in the reserved end of a page",
            Self::Header => "in the reserved part of the header",
            Self::LockByte => "in the page that is only locked",
            Self::Tail => "behind the last page",
            Self::Record => "in a row, behind its last column",
            Self::Log => "in the write-ahead log, behind its last commit",
            Self::Removed => "in rows that were removed, in the write-ahead log or in a page it replaces",
            Self::Damaged => "",
        }
    }
}

/// Reads a file and its log; the file is as the log leaves it afterwards.
pub(crate) fn look(file: &mut Vec<u8>, journal: &[u8]) -> Result<Seen, AnotherFile> {
    let log = Log::read(journal, file)?;
    let replaced = log.apply(file);
    Ok(log::check(file, &log, &replaced))
}

/// The bytes of a file and its write-ahead log that belong to no row; nothing is known of a log of another file.
#[must_use]
pub fn unowned(mut file: Vec<u8>, journal: &[u8]) -> Option<Vec<Unowned>> {
    look(&mut file, journal).ok().map(|seen| seen.unowned)
}

/// How many places of one kind a report names before it only counts them.
const NAMED: usize = 5;
const SWEEP: &str = "let `avow up` sweep, which wipes it, and find out why it had not";
const RESTORE: &str = "restore the store, and look for what wrote to it";

/// Says what was found.
pub(crate) fn report(seen: &Seen, clauses: &Clauses<'_>, findings: &mut Findings) {
    let mut regions: BTreeMap<Region, Vec<&Unowned>> = BTreeMap::new();
    for one in &seen.unowned {
        regions.entry(one.region).or_default().push(one);
    }
    for (region, all) in regions {
        let damaged = region == Region::Damaged;
        let remedy = if damaged { RESTORE } else { SWEEP };
        let with_words = |count: u64| match damaged {
            true => "pages contradict each other, and whose their bytes are cannot be told".to_owned(),
            false => format!("{} that no row owns, {}", counted(count, "byte"), region.words()),
        };
        for one in all.iter().take(NAMED) {
            let part = if region == Region::Log { "frame" } else { "page" };
            let place = format!("{part} {} of the store, from byte {}", one.page, one.offset);
            findings.add(region.check(), clauses.complete(), &with_words(one.count), &place, remedy);
        }
        let rest = all.get(NAMED..).unwrap_or(&[]);
        if !rest.is_empty() {
            let place = format!("{} of the store", counted(u64::try_from(rest.len()).unwrap_or(u64::MAX), "more page"));
            let count = rest.iter().map(|one| one.count).sum();
            findings.add(region.check(), clauses.complete(), &with_words(count), &place, remedy);
        }
    }
}
