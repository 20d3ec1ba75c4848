//! The counter page as it lies in memory. The only place with unsafe code: two casts from mapped bytes to atomics.

use std::{
    fs::File,
    io,
    mem::size_of,
    os::unix::fs::FileExt,
    slice,
    sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering},
};

use avow_terms::account::AccountId;
use memmap2::{MmapOptions, MmapRaw};

/// "avowpage", so that another file is not taken for a page.
const MAGIC: u64 = u64::from_be_bytes(*b"avowpage");
/// The version of this layout.
const LAYOUT: u32 = 2;

/// The first line of the page.
#[repr(C, align(64))]
pub(super) struct Header {
    magic: AtomicU64,
    layout: AtomicU32,
    capacity: AtomicU32,
    pub(super) epoch: AtomicU64,
    pub(super) frozen_seq: AtomicU64,
    /// When each base was taken, in milliseconds since 1970 in UTC.
    taken: [AtomicI64; 2],
    /// When the border was taken; it is pending if that is later than the base that was frozen last.
    border: AtomicI64,
}

/// The slot of one account: a cache line of its own, so that two accounts never wait for each other.
#[repr(C, align(64))]
pub(super) struct Cell {
    /// The account's number; 0 when the slot has none.
    pub(super) account: AtomicU32,
    /// Bytes since the page was made. Only the relay adds.
    pub(super) counted: AtomicU64,
    /// The counts at which batches ended: the even ones and the odd ones. Only the parent writes.
    base: [AtomicU64; 2],
    /// The count at the last border between two months. Only the parent writes.
    border: AtomicU64,
}

/// A page mapped for reading and writing.
pub(super) struct Mapping {
    map: MmapRaw,
    capacity: usize,
}

/// The length of the file of a page for so many accounts.
pub(super) fn size_for(capacity: u32) -> u64 {
    (size_of::<Header>() + size_of::<Cell>() * capacity as usize) as u64
}

/// Fills a file with an empty page. It is written out: when memory is short this fails, and not the first byte that is
/// counted in a part of the page that has none yet, which would end the process.
pub(super) fn fill(file: &File, capacity: u32) -> io::Result<()> {
    let (length, zeros) = (size_for(capacity), vec![0; 1 << 16]);
    for start in (0..length).step_by(zeros.len()) {
        let rest = usize::try_from(length - start).unwrap_or(usize::MAX).min(zeros.len());
        file.write_all_at(zeros.get(..rest).unwrap_or_default(), start)?;
    }
    Ok(())
}

/// For how many accounts a page of this length is; `None` when no page is so long.
pub(super) fn capacity_for(length: u64) -> Option<u32> {
    let capacity = u32::try_from(length.checked_sub(size_for(0))? / size_of::<Cell>() as u64).ok()?;
    (capacity > 0 && size_for(capacity) == length).then_some(capacity)
}

impl Mapping {
    /// Maps a file of the length for so many accounts. Fails when the file is shorter.
    pub(super) fn new(file: &File, capacity: u32) -> io::Result<Self> {
        let length = size_for(capacity);
        if file.metadata()?.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let length = usize::try_from(length).map_err(|_| io::ErrorKind::OutOfMemory)?;
        let map = MmapOptions::new().len(length).map_raw(file)?;
        Ok(Self { map, capacity: capacity as usize })
    }

    pub(super) fn header(&self) -> &Header {
        #[expect(unsafe_code, reason = "a shared page has no other way into it")]
        // SAFETY: the mapping starts at a border of memory pages, which is aligned for `Header`, and is longer than
        // one. It lives as long as `self`. Every field is an atomic, for which every pattern of bits is valid, and
        // every process that maps the file touches it through these same atomics. Nobody shortens the file: it is
        // made at its full length before it is mapped, and only its owner's processes can open it.
        unsafe {
            &*self.map.as_mut_ptr().cast::<Header>()
        }
    }

    pub(super) fn cells(&self) -> &[Cell] {
        #[expect(unsafe_code, reason = "a shared page has no other way into it")]
        // SAFETY: as for the header; `new` saw to it that `capacity` cells follow it, and the size of `Header` is a
        // multiple of the alignment of `Cell`.
        unsafe {
            let first = self.map.as_mut_ptr().add(size_of::<Header>()).cast::<Cell>();
            slice::from_raw_parts(first, self.capacity)
        }
    }
}

impl Header {
    /// Makes an empty page valid. The magic number comes last: a page that was not finished is none.
    pub(super) fn begin(&self, epoch: u64, capacity: u32, now: i64) {
        self.take(0, now);
        self.layout.store(LAYOUT, Ordering::Relaxed);
        self.capacity.store(capacity, Ordering::Relaxed);
        self.epoch.store(epoch, Ordering::Relaxed);
        self.magic.store(MAGIC, Ordering::Release);
    }

    /// When a base was taken.
    pub(super) fn taken(&self, which: usize) -> i64 {
        self.taken.get(which).map_or(0, |taken| taken.load(Ordering::Acquire))
    }

    /// Says when a base was taken: all that was counted before is in it or in a base before.
    pub(super) fn take(&self, which: usize, at: i64) {
        if let Some(taken) = self.taken.get(which) {
            taken.store(at, Ordering::Release);
        }
    }

    /// The border, if it is later than this base.
    pub(super) fn border_after(&self, which: usize) -> Option<i64> {
        let border = self.border.load(Ordering::Acquire);
        (border > self.taken(which)).then_some(border)
    }

    /// Says when the border was taken, after the cells have theirs.
    pub(super) fn mark(&self, at: i64) {
        self.border.store(at, Ordering::SeqCst);
    }

    /// Whether this heads a page of this layout for so many accounts.
    pub(super) fn is_of(&self, capacity: u32) -> bool {
        self.magic.load(Ordering::Acquire) == MAGIC
            && self.layout.load(Ordering::Relaxed) == LAYOUT
            && self.capacity.load(Ordering::Relaxed) == capacity
    }
}

impl Cell {
    pub(super) fn account(&self) -> Option<AccountId> {
        AccountId::try_from(self.account.load(Ordering::Acquire)).ok()
    }

    pub(super) fn is_of(&self, account: AccountId) -> bool {
        self.account.load(Ordering::Acquire) == account.number()
    }

    /// Whether it never counted for anybody.
    pub(super) fn is_fresh(&self) -> bool {
        self.account.load(Ordering::Acquire) == 0 && self.counted() == 0
    }

    pub(super) fn counted(&self) -> u64 {
        self.counted.load(Ordering::Relaxed)
    }

    pub(super) fn base(&self, which: usize) -> u64 {
        self.base.get(which).map_or(0, |base| base.load(Ordering::Acquire))
    }

    /// The count at the border, as far as it lies between a base and what is counted now.
    pub(super) fn border(&self, since: usize) -> u64 {
        let counted = self.counted();
        self.border.load(Ordering::Acquire).clamp(self.base(since).min(counted), counted)
    }

    /// Takes what is counted now as the count at the border.
    pub(super) fn mark(&self) {
        self.border.store(self.counted(), Ordering::Release);
    }

    /// Ends a batch at a count.
    pub(super) fn rebase(&self, which: usize, count: u64) {
        if let Some(base) = self.base.get(which) {
            base.store(count, Ordering::Release);
        }
    }
}
