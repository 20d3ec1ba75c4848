//! The write-ahead log beside the file: its committed pages are the file; here is the rest of what it holds.
//!
//! Until a sweep empties it, the log and the pages it replaces hold older copies of pages. That is no fault as long as
//! every row in them still lives. A row that does not was removed, and whoever removes something empties the log.

use super::{
    Region, Seen, Unowned,
    cell::Head,
    file::{Pages, not_zero, number32},
    walk::{Role, row, walk},
};
use crate::journal::{Log, Older};

/// Looks at a file as its log leaves it, and at what the log and the file hold besides.
pub(super) fn check(file: &[u8], log: &Log<'_>, replaced: &[Older]) -> Seen {
    let mut seen = Seen::default();
    let Some(pages) = Pages::of(file) else {
        seen.unowned.push(Unowned { region: Region::Damaged, page: 1, offset: 16, count: 0 });
        return seen;
    };
    let older: Vec<(u32, &[u8])> =
        replaced.iter().map(|older| (older.number, older.page.as_slice())).chain(log.older()).collect();
    let walked = walk(pages, !older.is_empty());
    seen.unowned = walked.unowned;
    seen.older = u64::try_from(older.len()).unwrap_or(u64::MAX);
    for (number, page) in older {
        let role = usize::try_from(number).ok().and_then(|number| walked.roles.get(number.checked_sub(1)?));
        if let Some(found) = removed(number, page, pages, role.copied(), &walked.rows) {
            seen.unowned.push(found);
        }
    }
    for (frame, offset, bytes) in log.behind() {
        if let Some((first, count)) = not_zero(bytes) {
            seen.unowned.push(Unowned { region: Region::Log, page: frame, offset: offset + first, count });
        }
    }
    seen
}

/// Rows in an older copy of a page that no longer live. Of a page that goes on with a long value only its place can
/// tell: if no value stands there now, the one that did was removed.
fn removed(number: u32, page: &[u8], pages: Pages<'_>, role: Option<Role>, rows: &[u64]) -> Option<Unowned> {
    let found = |offset, count| Some(Unowned { region: Region::Removed, page: number, offset, count });
    let Some(head) = Head::read(page, number) else {
        let (first, count) = page.get(4..).and_then(not_zero)?;
        return if role == Some(Role::Overflow) || is_list(page, pages.usable) {
            None
        } else {
            found(first + 4, count)
        };
    };
    let cells = (0..head.cells).filter_map(|index| head.cell(page, index, pages.usable));
    let gone = cells.filter(|cell| row(cell.local).is_some_and(|row| rows.binary_search(&row).is_err()));
    let (mut first, mut count) = (None, 0);
    for cell in gone {
        first = first.or(Some(cell.place.start));
        count += u64::try_from(cell.place.len()).unwrap_or(u64::MAX);
    }
    found(first?, count)
}

/// Whether a page is a list of free pages: nothing but numbers of pages, of which no store has 2²⁴.
fn is_list(page: &[u8], usable: usize) -> bool {
    (4..usable).step_by(4).filter_map(|at| number32(page, at)).all(|number| number < 1 << 24)
}
