//! A page of a b-tree: its cells, its freeblocks, and the record in a cell.

use std::ops::Range;

use super::file::{number, number16, number32};

/// What a page is, by its first byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Keys and rows of a table without row ids, or an index, with pages below.
    Index { below: bool },
    /// Rows with row ids; with pages below only the row ids.
    Table { below: bool },
}

/// The head of a page of a b-tree.
#[derive(Debug, Clone, Copy)]
pub(super) struct Head {
    /// What the page is.
    pub(super) kind: Kind,
    /// Where the pointers to the cells begin.
    pub(super) pointers: usize,
    /// How many cells there are.
    pub(super) cells: usize,
    /// Where the contents begin.
    pub(super) contents: usize,
    /// The first freeblock; 0 where there is none.
    pub(super) block: usize,
    /// The page below the last cell.
    pub(super) last: Option<u32>,
}

/// One cell.
#[derive(Debug, Clone)]
pub(super) struct Cell<'a> {
    /// Where it stands in its page.
    pub(super) place: Range<usize>,
    /// The page below it.
    pub(super) below: Option<u32>,
    /// What of its record stands in it.
    pub(super) local: &'a [u8],
    /// The page that goes on with the record, and how many bytes are left for it and those behind it.
    pub(super) rest: Option<(u32, u64)>,
}

/// A record: how many columns it has, the first of them, and how long it says it is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    /// The number of columns.
    pub(super) columns: usize,
    /// The type of the first column, and its bytes.
    pub(super) first: Option<(u64, &'a [u8])>,
    /// How many bytes the header and the columns take.
    pub(super) length: u64,
}

impl Head {
    /// `None` if the page is none of a b-tree. The first page has the header of the file before its own.
    pub(super) fn read(page: &[u8], number: u32) -> Option<Self> {
        let start = if number == 1 { 100 } else { 0 };
        let kind = match page.get(start)? {
            2 => Kind::Index { below: true },
            5 => Kind::Table { below: true },
            10 => Kind::Index { below: false },
            13 => Kind::Table { below: false },
            _ => return None,
        };
        let below = matches!(kind, Kind::Index { below: true } | Kind::Table { below: true });
        Some(Self {
            kind,
            pointers: start + if below { 12 } else { 8 },
            cells: usize::from(number16(page, start + 3)?),
            contents: match usize::from(number16(page, start + 5)?) {
                0 => 1 << 16,
                contents => contents,
            },
            block: usize::from(number16(page, start + 1)?),
            last: if below { Some(number32(page, start + 8)?) } else { None },
        })
    }

    /// A cell by its place in the order of keys; `None` if it leaves the page.
    pub(super) fn cell<'a>(&self, page: &'a [u8], index: usize, usable: usize) -> Option<Cell<'a>> {
        let start = usize::from(number16(page, self.pointers + 2 * index)?);
        let all = page.get(start..usable)?;
        let (below, bytes) = match self.last {
            Some(_) => (Some(number32(all, 0)?), all.get(4..)?),
            None => (None, all),
        };
        let split = match self.kind {
            Kind::Table { below: true } => Split { local: &[], rest: None, behind: number(bytes)?.1 },
            Kind::Table { below: false } => {
                let (length, bytes) = number(bytes)?;
                split(number(bytes)?.1, length, usable.checked_sub(35)?, usable)?
            }
            Kind::Index { .. } => {
                let (length, bytes) = number(bytes)?;
                split(bytes, length, share(usable, 64)?, usable)?
            }
        };
        let end = usable.checked_sub(split.behind.len())?;
        Some(Cell { place: start..end, below, local: split.local, rest: split.rest })
    }
}

/// Parts of 255 of what a page can hold.
fn share(usable: usize, parts: usize) -> Option<usize> {
    (usable.checked_sub(12)? * parts / 255).checked_sub(23)
}

/// What of a record stands in a cell, the page that goes on with it, and what follows the cell.
struct Split<'a> {
    local: &'a [u8],
    rest: Option<(u32, u64)>,
    behind: &'a [u8],
}

/// Splits a record of this length, of which at most so many bytes stand in the cell.
fn split(bytes: &[u8], length: u64, most: usize, usable: usize) -> Option<Split<'_>> {
    let whole = usize::try_from(length).ok()?;
    if whole <= most {
        let (local, behind) = bytes.split_at_checked(whole)?;
        return Some(Split { local, rest: None, behind });
    }
    let least = share(usable, 32)?;
    let even = least + whole.checked_sub(least)? % usable.checked_sub(4)?;
    let here = if even <= most { even } else { least };
    let (local, behind) = bytes.split_at_checked(here)?;
    let rest = Some((number32(behind, 0)?, length - u64::try_from(here).ok()?));
    Some(Split { local, rest, behind: behind.get(4..)? })
}

impl<'a> Record<'a> {
    /// `None` if the bytes begin no record.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Self> {
        let (header, mut types) = number(bytes)?;
        let header_size = usize::try_from(header).ok()?;
        let body = bytes.get(header_size..).unwrap_or(&[]);
        types = types.get(..header_size.checked_sub(bytes.len() - types.len())?)?;
        let (mut columns, mut first, mut length) = (0, None, header);
        while !types.is_empty() {
            let (kind, behind) = number(types)?;
            types = behind;
            let size = size_of(kind)?;
            if columns == 0 {
                first = body.get(..usize::try_from(size).ok()?).map(|bytes| (kind, bytes));
            }
            columns += 1;
            length = length.checked_add(size)?;
        }
        Some(Self { columns, first, length })
    }

    /// The whole number in a column.
    pub(super) fn whole_number(bytes: &[u8], column: usize) -> Option<i64> {
        let (header, rest) = number(bytes)?;
        let header = usize::try_from(header).ok()?;
        let mut types = rest.get(..header.checked_sub(bytes.len() - rest.len())?)?;
        let mut at = header;
        for _ in 0..column {
            let (kind, behind) = number(types)?;
            types = behind;
            at = at.checked_add(usize::try_from(size_of(kind)?).ok()?)?;
        }
        let (kind, _) = number(types)?;
        match kind {
            8 => Some(0),
            9 => Some(1),
            1..=6 => {
                let value = bytes.get(at..at.checked_add(usize::try_from(size_of(kind)?).ok()?)?)?;
                let sign = if value.first()? & 0x80 == 0 { 0 } else { -1 };
                Some(value.iter().fold(sign, |number, byte| number << 8 | i64::from(*byte)))
            }
            _ => None,
        }
    }
}

/// How many bytes a column of this type takes.
fn size_of(kind: u64) -> Option<u64> {
    Some(match kind {
        0 | 8 | 9 => 0,
        1..=4 => kind,
        5 => 6,
        6 | 7 => 8,
        10 | 11 => return None,
        _ => (kind - 12) / 2,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_how_long_it_is() {
        let record = [4, 1, 15, 0, 7, b'x', 9];
        let read = Record::read(&record).unwrap();
        assert_eq!(read, Record { columns: 3, first: Some((1, &[7])), length: 6 });
        assert_eq!(Record::whole_number(&record, 0), Some(7));
        assert_eq!(Record::whole_number(&record, 1), None);
        assert_eq!(Record::read(&[3, 1]), None);
        assert_eq!(Record::read(&[2, 10]), None);
        assert_eq!(Record::read(&[0, 1]), None);
    }

    #[test]
    fn whole_numbers_are_signed() {
        assert_eq!(Record::whole_number(&[2, 2, 0xff, 0xfe], 0), Some(-2));
        assert_eq!(Record::whole_number(&[3, 9, 8], 1), Some(0));
    }
}
