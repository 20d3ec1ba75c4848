//! Room for the bytes of a stream: taken when there is something to read, given back when it is passed on.
//!
//! A stream that waits has none, so that an idle one costs next to nothing. Most need little; one that turns out to carry
//! much gets a large room, of which there is a bounded number. Each thread keeps a few to hand out again.

use std::{
    cell::RefCell,
    ops::{Deref, DerefMut},
    sync::atomic::{AtomicUsize, Ordering},
};

use memmap2::MmapMut;

/// How large a room is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Size {
    /// For one chunk of the older methods.
    Small,
    /// For one chunk of 2022, where a client sends such large ones.
    Whole,
    /// For many chunks.
    Large,
}

/// How many large rooms may be in use at once. When there is none left a stream makes do with a small one.
const MOST_LARGE: usize = 64;

static LARGE_IN_USE: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static SHELVES: RefCell<[Vec<Bytes>; 3]> = const { RefCell::new([Vec::new(), Vec::new(), Vec::new()]) };
}

impl Size {
    /// How many bytes such a room has.
    pub(crate) const fn bytes(self) -> usize {
        match self {
            Self::Small => 16 * 1024 + 256,
            Self::Whole => 66 * 1024,
            Self::Large => 513 * 1024,
        }
    }

    /// The smallest room for so many bytes.
    fn holding(bytes: usize) -> Self {
        [Self::Small, Self::Whole].into_iter().find(|size| bytes <= size.bytes()).unwrap_or(Self::Large)
    }

    /// How many of them a thread keeps.
    const fn kept(self) -> usize {
        match self {
            Self::Small => 16,
            Self::Whole | Self::Large => 3,
        }
    }
}

/// Bytes that are nobody's until they are written. What was in them before is not cleared: only what was read into them
/// is ever looked at.
pub(crate) struct Room {
    size: Size,
    bytes: Bytes,
}

enum Bytes {
    Heap(Box<[u8]>),
    /// Goes back to the system the moment it is dropped, whatever the allocator thinks.
    Mapped(MmapMut),
}

impl Room {
    /// A room for at least so many bytes, and of this size if there is one left.
    pub(crate) fn take(at_least: usize, wish: Size) -> Self {
        let wish = if wish == Size::Large && !take_large() { Size::Small } else { wish };
        let size = wish.max(Size::holding(at_least));
        let kept = SHELVES.with_borrow_mut(|shelves| shelves.get_mut(size as usize)?.pop());
        Self { size, bytes: kept.unwrap_or_else(|| Bytes::new(size)) }
    }

    pub(crate) fn size(&self) -> Size {
        self.size
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.size == Size::Large {
            LARGE_IN_USE.fetch_sub(1, Ordering::Relaxed);
        }
        let bytes = std::mem::replace(&mut self.bytes, Bytes::Heap(Box::default()));
        // While a thread ends its shelves may be gone already; then the room goes too.
        let _ = SHELVES.try_with(|shelves| {
            let mut shelves = shelves.try_borrow_mut().ok()?;
            shelves.get_mut(self.size as usize).filter(|shelf| shelf.len() < self.size.kept())?.push(bytes);
            Some(())
        });
    }
}

fn take_large() -> bool {
    let free = |taken: usize| (taken < MOST_LARGE).then_some(taken + 1);
    LARGE_IN_USE.fetch_update(Ordering::Relaxed, Ordering::Relaxed, free).is_ok()
}

impl Bytes {
    fn new(size: Size) -> Self {
        let mapped = (size > Size::Small).then(|| MmapMut::map_anon(size.bytes()).ok()).flatten();
        mapped.map_or_else(|| Self::Heap(vec![0; size.bytes()].into()), Self::Mapped)
    }
}

impl Deref for Room {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match &self.bytes {
            Bytes::Heap(bytes) => bytes,
            Bytes::Mapped(bytes) => bytes,
        }
    }
}

impl DerefMut for Room {
    fn deref_mut(&mut self) -> &mut [u8] {
        match &mut self.bytes {
            Bytes::Heap(bytes) => bytes,
            Bytes::Mapped(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_room_for_whatever_must_be_held() {
        for bytes in [0, 1, 16_640, 16_641, 65_551, 67_584] {
            assert!(Room::take(bytes, Size::Small).len() >= bytes);
        }
    }

    #[test]
    fn large_rooms_are_bounded_and_come_back() {
        let taken: Vec<_> = (0..MOST_LARGE + 5).map(|_| Room::take(0, Size::Large)).collect();
        let large = |taken: &[Room]| taken.iter().filter(|room| room.size() == Size::Large).count();
        // Other tests have some at the same time.
        assert!((1..=MOST_LARGE).contains(&large(&taken)) && large(&taken) < taken.len());
        drop(taken);
        assert_eq!(Room::take(0, Size::Large).size(), Size::Large);
    }
}
