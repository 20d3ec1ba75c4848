//! The walk through a file: from the first page to every page that something leads to, painting what has an owner.
//!
//! Each page is looked at once: a second way to it is a contradiction, and so no loop is endless.

use std::{
    borrow::Cow,
    hash::{DefaultHasher, Hash, Hasher},
    ops::Range,
};

use super::{
    Region, Unowned,
    cell::{Cell, Head, Record},
    file::{Pages, not_zero, number32},
};

/// What a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Unknown,
    Tree,
    Overflow,
    Free,
    /// Pages of SQLite's own: locked, or maps of other pages.
    Own,
}

/// What a walk saw.
pub(super) struct Walked {
    /// Bytes that are not zero and that nobody owns.
    pub(super) unowned: Vec<Unowned>,
    /// What each page is for, the first page first.
    pub(super) roles: Vec<Role>,
    /// A number for each live row, sorted, if they were asked for.
    pub(super) rows: Vec<u64>,
}

/// Who owns a byte of a page: a number, so that many are compared at once.
type Paint = u8;
const NOBODY: Paint = 0;
const ROW: Paint = 1;
const FREEBLOCK: Paint = 2;
/// How many bytes are compared at once.
const AT_ONCE: usize = 32;

struct Walk<'a> {
    pages: Pages<'a>,
    paint: Vec<Paint>,
    with_rows: bool,
    seen: Walked,
}

/// Walks through the pages of a file; with a number for each live row if they are asked for.
pub(super) fn walk(pages: Pages<'_>, with_rows: bool) -> Walked {
    let roles = vec![Role::Unknown; usize::try_from(pages.count).unwrap_or(0)];
    let seen = Walked { unowned: Vec::new(), roles, rows: Vec::new() };
    let mut walk = Walk { pages, paint: Vec::new(), with_rows, seen };
    walk.own();
    let mut roots = Vec::new();
    walk.tree(1, &mut |record| roots.extend(Record::whole_number(record, 3).filter(|root| *root != 0)));
    for root in roots {
        match u32::try_from(root) {
            Ok(root) => walk.tree(root, &mut |_| {}),
            Err(_) => walk.damaged(1, 0),
        }
    }
    walk.free_list();
    walk.unreached();
    walk.seen.rows.sort_unstable();
    walk.seen
}

/// A number that stands for a row: of its first column, and of how many there are.
pub(super) fn row(record: &[u8]) -> Option<u64> {
    let record = Record::read(record)?;
    let mut hasher = DefaultHasher::new();
    (record.columns, record.first?).hash(&mut hasher);
    Some(hasher.finish())
}

impl<'a> Walk<'a> {
    /// Takes a page for a purpose; `None`, and a contradiction, if it is not there or was taken before.
    fn take(&mut self, number: u32, role: Role) -> Option<&'a [u8]> {
        let page = self.pages.page(number);
        let place = usize::try_from(number).ok().and_then(|number| self.seen.roles.get_mut(number.checked_sub(1)?));
        match (page, place) {
            (Some(page), Some(place @ Role::Unknown)) => {
                *place = role;
                Some(page)
            }
            _ => {
                self.damaged(number, 0);
                None
            }
        }
    }

    fn damaged(&mut self, page: u32, offset: usize) {
        self.seen.unowned.push(Unowned { region: Region::Damaged, page, offset, count: 0 });
    }

    /// Adds what is not zero from a byte of a page on.
    fn leftover(&mut self, region: Region, page: u32, bytes: &[u8], from: usize) {
        if let Some((first, count)) = bytes.get(from..).and_then(not_zero) {
            self.seen.unowned.push(Unowned { region, page, offset: from + first, count });
        }
    }

    /// The pages that no row can own.
    fn own(&mut self) {
        for number in 1..=self.pages.count {
            let map = self.pages.is_map(number);
            if number == self.pages.lock && number > 1 {
                if let Some(page) = self.take(number, Role::Own) {
                    self.leftover(Region::LockByte, number, page, 0);
                }
            } else if map && let Some(page) = self.take(number, Role::Own) {
                self.leftover(Region::Reserved, number, page, self.pages.mapped_by(number));
            }
        }
    }

    /// A tree, with what to do with each of its records.
    fn tree(&mut self, root: u32, with: &mut dyn FnMut(&[u8])) {
        let mut ahead = vec![root];
        while let Some(number) = ahead.pop() {
            let Some(page) = self.take(number, Role::Tree) else { continue };
            let Some(head) = Head::read(page, number) else {
                self.damaged(number, 0);
                continue;
            };
            // Of a page that says it has more cells than there is room for pointers to them, no cell is believed.
            if head.pointers + 2 * head.cells > self.pages.usable {
                self.damaged(number, head.pointers);
                continue;
            }
            self.paint.clear();
            self.paint.resize(page.len(), NOBODY);
            let header = if number == 1 { 72 } else { 0 };
            self.own_bytes(number, 0..header, ROW);
            let after = if number == 1 { 92 } else { 0 };
            self.own_bytes(number, after..head.pointers + 2 * head.cells, ROW);
            ahead.extend(head.last);
            for index in 0..head.cells {
                match head.cell(page, index, self.pages.usable) {
                    Some(cell) => {
                        self.own_bytes(number, cell.place.clone(), ROW);
                        ahead.extend(cell.below);
                        if cell.below.is_none() || !cell.local.is_empty() {
                            self.record(number, &cell, with);
                        }
                    }
                    None => self.damaged(number, head.pointers + 2 * index),
                }
            }
            self.freeblocks(number, page, head.block);
            self.count(number, page, &head);
        }
    }

    /// Paints bytes of the page at hand; what is painted already, or is not there, contradicts it.
    fn own_bytes(&mut self, page: u32, bytes: Range<usize>, paint: Paint) {
        let start = bytes.start;
        match self.paint.get_mut(bytes) {
            Some(place) if place.iter().all(|before| *before == NOBODY) => place.fill(paint),
            _ => self.damaged(page, start),
        }
    }

    /// The freeblocks stand in the order of their places; four bytes of each chain them.
    fn freeblocks(&mut self, number: u32, page: &[u8], mut block: usize) {
        while block > 0 {
            let Some(word) = number32(page, block) else { return self.damaged(number, block) };
            let (next, size) = ((word >> 16) as usize, (word & 0xffff) as usize);
            self.own_bytes(number, block..block + 4, ROW);
            if size < 4 || (next > 0 && next < block + size) {
                return self.damaged(number, block);
            }
            self.own_bytes(number, block + 4..block + size, FREEBLOCK);
            block = next;
        }
    }

    /// Counts what of a page is not zero and not painted.
    fn count(&mut self, number: u32, page: &[u8], head: &Head) {
        let mut left: [(Region, usize, u64); 5] = [
            (Region::Gap, 0, 0),
            (Region::Freeblock, 0, 0),
            (Region::Fragment, 0, 0),
            (Region::Reserved, 0, 0),
            (Region::Header, 0, 0),
        ];
        let (pages, paints) = (page.chunks(AT_ONCE), self.paint.chunks(AT_ONCE));
        let at_once = pages.zip(paints).enumerate();
        let open = at_once.filter(|(_, (bytes, paint))| *paint != [ROW; AT_ONCE] && *bytes != [0; AT_ONCE]);
        let open = open.flat_map(|(index, (bytes, paint))| {
            bytes.iter().zip(paint).enumerate().map(move |(at, both)| (index * AT_ONCE + at, both))
        });
        for (offset, (byte, paint)) in open {
            if *byte == 0 || *paint == ROW {
                continue;
            }
            let region = match *paint {
                FREEBLOCK => Region::Freeblock,
                _ if offset >= self.pages.usable => Region::Reserved,
                _ if offset < head.pointers => Region::Header,
                _ if offset < head.contents => Region::Gap,
                _ => Region::Fragment,
            };
            if let Some((_, first, count)) = left.iter_mut().find(|(which, _, _)| *which == region) {
                *first = if *count == 0 { offset } else { *first };
                *count += 1;
            }
        }
        let found = left.into_iter().filter(|(_, _, count)| *count > 0);
        let found = found.map(|(region, offset, count)| Unowned { region, page: number, offset, count });
        self.seen.unowned.extend(found);
    }

    /// A record: it ends with its last column.
    fn record(&mut self, number: u32, cell: &Cell<'a>, with: &mut dyn FnMut(&[u8])) {
        let Some(bytes) = self.whole(number, cell) else { return };
        let Some(record) = Record::read(&bytes) else { return self.damaged(number, cell.place.start) };
        match usize::try_from(record.length).ok().and_then(|length| bytes.get(length..)) {
            Some(behind) => {
                if let Some((_, count)) = not_zero(behind) {
                    let offset = cell.place.start;
                    self.seen.unowned.push(Unowned { region: Region::Record, page: number, offset, count });
                }
            }
            None => self.damaged(number, cell.place.start),
        }
        with(&bytes);
        if self.with_rows {
            self.seen.rows.extend(row(&bytes));
        }
    }

    /// All bytes of a record, from its cell and the pages that go on with it.
    fn whole(&mut self, number: u32, cell: &Cell<'a>) -> Option<Cow<'a, [u8]>> {
        let Some((mut next, left)) = cell.rest else { return Some(Cow::Borrowed(cell.local)) };
        let mut all = cell.local.to_vec();
        let mut left = usize::try_from(left).ok()?;
        while left > 0 {
            let page = self.take(next, Role::Overflow)?;
            let here = left.min(self.pages.usable.checked_sub(4)?);
            all.extend(page.get(4..4 + here)?);
            self.leftover(Region::Overflow, next, page, 4 + here);
            next = number32(page, 0)?;
            left -= here;
        }
        if next != 0 {
            self.damaged(number, cell.place.start);
        }
        Some(Cow::Owned(all))
    }

    /// The free pages: lists of them, and they themselves.
    fn free_list(&mut self) {
        let mut list = self.pages.page(1).and_then(|first| number32(first, 32)).unwrap_or(0);
        while list > 0 {
            let Some(page) = self.take(list, Role::Free) else { return };
            let count = number32(page, 4).and_then(|count| usize::try_from(count).ok());
            let most = self.pages.usable / 4 - 2;
            let Some(count) = count.filter(|count| *count <= most) else { return self.damaged(list, 4) };
            self.leftover(Region::Trunk, list, page, 8 + 4 * count);
            for leaf in (0..count).filter_map(|index| number32(page, 8 + 4 * index)) {
                if let Some(page) = self.take(leaf, Role::Free) {
                    self.leftover(Region::Free, leaf, page, 0);
                }
            }
            list = number32(page, 0).unwrap_or(0);
        }
    }

    fn unreached(&mut self) {
        for number in 1..=self.pages.count {
            let role = usize::try_from(number).ok().and_then(|number| self.seen.roles.get(number.checked_sub(1)?));
            if let (Some(Role::Unknown), Some(page)) = (role, self.pages.page(number)) {
                self.leftover(Region::Unreachable, number, page, 0);
            }
        }
        self.leftover(Region::Tail, self.pages.count.saturating_add(1), self.pages.tail(), 0);
    }
}
