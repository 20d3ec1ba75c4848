//! One page of a b-tree: which of its bytes something owns, and where it leads.
//!
//! The format is <https://sqlite.org/fileformat2.html#b_tree_pages>. Owned are the header, the cell pointers, the cells,
//! and of each freeblock the four bytes that chain it; all else is left over. Nothing is guessed: a page that
//! contradicts itself has no layout.

use std::ops::Range;

/// The header of the file, which stands before the header of the first page.
pub(super) const FILE_HEADER: usize = 100;

/// What a page of a b-tree is made of.
#[derive(Debug, Default)]
pub(super) struct Layout {
    /// The bytes that something owns, in order, without overlap.
    pub(super) owned: Vec<Range<usize>>,
    /// The pages below it.
    pub(super) children: Vec<u32>,
    /// The first page of each chain of overflow pages, and how many bytes the chain holds.
    pub(super) chains: Vec<(u32, u64)>,
}

/// The kinds of pages, by their first byte.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    IndexInterior,
    TableInterior,
    IndexLeaf,
    TableLeaf,
}

/// One cell: how many bytes it takes on its page, where it leads.
struct Cell {
    size: usize,
    child: Option<u32>,
    chain: Option<(u32, u64)>,
}

impl Layout {
    /// Reads the page; `None` if it is no page of a b-tree, or contradicts itself. `first` is the first page of the file,
    /// `usable` the size of a page without what is reserved at its end.
    pub(super) fn read(&mut self, page: &[u8], first: bool, usable: usize) -> Option<()> {
        let Self { owned, children, chains } = self;
        owned.clear();
        children.clear();
        chains.clear();
        let start = if first { FILE_HEADER } else { 0 };
        let kind = Kind::of(*page.get(start)?)?;
        let cells = short(page, start + 3)?;
        let pointers = start + kind.header();
        let content = pointers + 2 * cells;
        owned.push(0..content);
        if kind.is_interior() {
            children.push(word(page, start + 8)?);
        }
        for index in 0..cells {
            let at = short(page, pointers + 2 * index)?;
            let cell = Cell::read(page.get(at..usable)?, kind, usable)?;
            owned.push(at..at + cell.size);
            children.extend(cell.child);
            chains.extend(cell.chain);
        }
        let mut block = short(page, start + 1)?;
        while block > 0 {
            owned.push(block..block + 4);
            let next = short(page, block)?;
            let end = block + short(page, block + 2)?.max(4);
            if end > usable || (next > 0 && next < end) {
                return None;
            }
            block = next;
        }
        owned.sort_unstable_by_key(|range| range.start);
        let apart = owned.is_sorted_by(|a, b| a.end <= b.start);
        (apart && owned.last().is_some_and(|last| last.end <= usable)).then_some(())
    }
}

impl Kind {
    fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            2 => Self::IndexInterior,
            5 => Self::TableInterior,
            10 => Self::IndexLeaf,
            13 => Self::TableLeaf,
            _ => return None,
        })
    }

    fn is_interior(self) -> bool {
        matches!(self, Self::IndexInterior | Self::TableInterior)
    }

    fn header(self) -> usize {
        if self.is_interior() { 12 } else { 8 }
    }

    /// How much of a payload a cell holds at most, before the rest goes to overflow pages.
    fn most(self, usable: usize) -> usize {
        if self == Self::TableLeaf { usable - 35 } else { (usable - 12) * 64 / 255 - 23 }
    }
}

impl Cell {
    /// Reads the cell at the start of these bytes.
    fn read(bytes: &[u8], kind: Kind, usable: usize) -> Option<Self> {
        let child = if kind.is_interior() { Some(word(bytes, 0)?) } else { None };
        let start = if kind.is_interior() { 4 } else { 0 };
        if kind == Kind::TableInterior {
            let (_, key) = varint(bytes.get(start..)?)?;
            return Some(Self { size: start + key, child, chain: None });
        }
        let (payload, length) = varint(bytes.get(start..)?)?;
        let mut at = start + length;
        if kind == Kind::TableLeaf {
            at += varint(bytes.get(at..)?)?.1;
        }
        let most = kind.most(usable);
        let (local, chain) = match usize::try_from(payload).ok()? {
            payload if payload <= most => (payload, None),
            whole => {
                let least = (usable - 12) * 32 / 255 - 23;
                let fits = least + (whole - least) % (usable - 4);
                let local = if fits <= most { fits } else { least };
                let left = payload - u64::try_from(local).ok()?;
                (local, Some((word(bytes, at + local)?, left)))
            }
        };
        let size = at + local + if chain.is_some() { 4 } else { 0 };
        // SQLite gives a cell at least four bytes. Those it does not fill belong to nobody.
        (size <= bytes.len()).then_some(Self { size, child, chain })
    }
}

/// A number of two bytes.
fn short(bytes: &[u8], at: usize) -> Option<usize> {
    let &[high, low] = bytes.get(at..)?.first_chunk()?;
    Some(usize::from(u16::from_be_bytes([high, low])))
}

/// A number of four bytes.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A number of one to nine bytes, and how many.
fn varint(bytes: &[u8]) -> Option<(u64, usize)> {
    let mut number = 0;
    for (index, byte) in bytes.iter().take(8).enumerate() {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 == 0 {
            return Some((number, index + 1));
        }
    }
    Some((number << 8 | u64::from(*bytes.get(8)?), 9))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A leaf of an index with one cell at the end, and the bytes that are set.
    fn leaf(set: &[(usize, u8)]) -> Vec<u8> {
        let mut page = vec![0; 512];
        for (at, byte) in [(0, 10), (4, 1), (5, 1), (6, 248), (8, 1), (9, 248), (504, 7)].iter().chain(set) {
            page[*at] = *byte;
        }
        page
    }

    #[test]
    fn the_header_the_pointers_the_cells_and_the_chain_of_freeblocks_are_owned() {
        let mut layout = Layout::default();
        let page = leaf(&[(1, 1), (2, 0), (256, 0), (257, 0), (259, 16)]);
        layout.read(&page, false, 512).unwrap();
        assert_eq!(layout.owned, [0..10, 256..260, 504..512]);
    }

    #[test]
    fn a_page_that_contradicts_itself_has_no_layout() {
        let mut layout = Layout::default();
        let broken: [&[(usize, u8)]; 6] = [
            &[(0, 7)],
            &[(9, 255), (8, 2)],
            &[(504, 8)],
            &[(1, 1), (2, 247), (506, 16)],
            &[(1, 1), (2, 0), (256, 1), (257, 0)],
            &[(3, 255), (4, 255)],
        ];
        for set in broken {
            assert_eq!(layout.read(&leaf(set), false, 512), None, "{set:?}");
        }
    }
}
