//! A file of SQLite as pages, by <https://sqlite.org/fileformat2.html>, and the numbers in them.
//!
//! Every reading answers nothing where the bytes end; no page can make it leave the file.

/// The page of this byte is never used: SQLite locks it.
const LOCK_BYTE: u32 = 1 << 30;

/// The pages of a file.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pages<'a> {
    bytes: &'a [u8],
    /// How large a page is.
    pub(super) size: usize,
    /// How much of a page is used.
    pub(super) usable: usize,
    /// How many whole pages there are.
    pub(super) count: u32,
    /// The page that is only locked.
    pub(super) lock: u32,
    /// Whether some pages say where others went.
    maps: bool,
}

impl<'a> Pages<'a> {
    /// `None` if the header says what no header says.
    pub(super) fn of(bytes: &'a [u8]) -> Option<Self> {
        let size = match usize::from(number16(bytes, 16)?) {
            // 65,536 does not fit into two bytes and is written as 1.
            1 => 1 << 16,
            size => size,
        };
        let usable = size.checked_sub(usize::from(*bytes.get(20)?))?;
        let fits = size.is_power_of_two() && (512..=1 << 16).contains(&size) && usable >= 480;
        let lock = LOCK_BYTE / u32::try_from(size).ok().filter(|size| *size > 0)? + 1;
        let count = u32::try_from(bytes.len() / size).ok()?;
        let maps = number32(bytes, 52)? != 0;
        fits.then_some(Self { bytes, size, usable, count, lock, maps })
    }

    /// A page, from 1.
    pub(super) fn page(&self, number: u32) -> Option<&'a [u8]> {
        let start = usize::try_from(number.checked_sub(1)?).ok()?.checked_mul(self.size)?;
        self.bytes.get(start..start.checked_add(self.size)?)
    }

    /// What stands behind the last whole page.
    pub(super) fn tail(&self) -> &'a [u8] {
        self.bytes.chunks_exact(self.size).remainder()
    }

    /// How many bytes of a map speak of pages that are there: five for each of those that follow it.
    pub(super) fn mapped_by(&self, map: u32) -> usize {
        let behind = usize::try_from(self.count.saturating_sub(map)).unwrap_or(usize::MAX);
        behind.min(self.usable / 5) * 5
    }

    /// Whether a page says where others went.
    pub(super) fn is_map(&self, number: u32) -> bool {
        let every = u32::try_from(self.usable / 5 + 1).unwrap_or(u32::MAX);
        let Some(behind) = number.checked_sub(2).filter(|_| self.maps) else { return false };
        let map = behind / every * every + 2;
        // The map that would be the locked page is the one behind it.
        number == if map == self.lock { map + 1 } else { map }
    }
}

/// A number of two bytes.
pub(super) fn number16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A number of four bytes.
pub(super) fn number32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(*bytes.get(at..)?.first_chunk()?))
}

/// A number of one to nine bytes, and what follows it.
pub(super) fn number(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut value: u64 = 0;
    let mut rest = bytes;
    for index in 0..9 {
        let (&byte, behind) = rest.split_first()?;
        rest = behind;
        if index == 8 {
            return Some((value << 8 | u64::from(byte), rest));
        }
        value = value << 7 | u64::from(byte & 0x7f);
        if byte < 0x80 {
            return Some((value, rest));
        }
    }
    None
}

/// How many bytes are not zero, and how many stand before the first of them.
pub(super) fn not_zero(bytes: &[u8]) -> Option<(usize, u64)> {
    let first = bytes.iter().position(|byte| *byte != 0)?;
    let count = bytes.iter().filter(|byte| **byte != 0).count();
    Some((first, u64::try_from(count).unwrap_or(u64::MAX)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_to_nine_bytes() {
        assert_eq!(number(&[0x7f, 1]), Some((0x7f, [1].as_slice())));
        assert_eq!(number(&[0x81, 0x00]), Some((0x80, [].as_slice())));
        assert_eq!(number(&[0xff; 9]), Some((u64::MAX, [].as_slice())));
        assert_eq!(number(&[0xff; 8]), None);
        assert_eq!(number(&[]), None);
    }

    #[test]
    fn a_header_that_no_file_has_gives_no_pages() {
        let header = |size: [u8; 2], reserved: u8| {
            let mut bytes = vec![0; 100];
            bytes[16..18].copy_from_slice(&size);
            bytes[20] = reserved;
            Pages::of(&bytes).map(|pages| (pages.size, pages.usable))
        };
        assert_eq!(header([0, 1], 0), Some((65536, 65536)));
        assert_eq!(header([2, 0], 32), Some((512, 480)));
        assert_eq!(header([2, 0], 33), None);
        assert_eq!(header([0, 0], 0), None);
        assert_eq!(header([1, 0], 0), None);
        assert_eq!(header([3, 0], 0), None);
        assert!(Pages::of(&[0; 20]).is_none());
    }
}
