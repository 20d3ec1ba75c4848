//! The counter page: where the relay counts, and from where the counts are flushed exactly once.
//!
//! It is a file on tmpfs that the caller opened and that both processes map, so it outlives the kill of either. The
//! relay only adds to `counted`. A flush **freezes** a copy of every count as base `seq % 2` and then sets the page's
//! `frozen_seq`; the batch is the difference of the two bases, so it can be made again, unchanged, after any crash.
//! The store's cursor tells which base was committed ([`Page::standing`]).
//!
//! A month can end while a batch waits for the store. [`Page::mark`] then keeps what was counted at that border, and the
//! next batch ends there. No batch therefore holds counts of two months, and each says since when it was counted.
//!
//! Batch `n + 1` may be frozen only after batch `n` is committed: it overwrites the base that batch `n` began from.

mod mapping;
mod slots;

use std::{
    collections::BTreeMap,
    fs::File,
    io,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::Ordering},
};

use avow_terms::{account::AccountId, amount::Bytes, batch::Batch};
use serde::{Deserialize, Serialize};

use self::{
    mapping::{Cell, Mapping},
    slots::Slots,
};

/// The counts of a node in one epoch, shared with its relay.
pub struct Page {
    mapping: Arc<Mapping>,
    file: File,
    /// Held while slots are given out or taken back, which only the parent does.
    slots: Mutex<Slots>,
}

/// The place of an account in the page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Slot(pub(crate) u32);

/// A batch, and since when it was counted.
#[derive(Clone, PartialEq, Eq)]
pub struct Frozen {
    /// The batch.
    pub batch: Batch,
    /// No byte of it was counted before, in milliseconds since 1970 in UTC.
    pub since: i64,
}

/// How a page stands to the store's cursor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// The batch frozen last is committed, or none was frozen yet: a new one may be frozen.
    Committed,
    /// The batch frozen last did not reach the store: send [`Page::frozen`] before anything is frozen.
    Unsent,
    /// The page does not continue what the store has: it belongs to an epoch that is over.
    Stale,
}

impl Page {
    /// The most accounts a page can be made for.
    pub const MAX_CAPACITY: u32 = 1 << 20;

    /// Makes a new page in a file, in which everything counts from zero. Whatever the file held is gone, so no relay may
    /// have it any more.
    ///
    /// The epoch must be greater than every epoch of this node before. `now` is in milliseconds since 1970 in UTC.
    pub fn create(file: File, epoch: u64, capacity: u32, now: i64) -> Result<Self, PageError> {
        if capacity == 0 || capacity > Self::MAX_CAPACITY {
            return Err(PageError::Capacity);
        }
        file.set_len(0)?;
        mapping::fill(&file, capacity)?;
        let mapping = Mapping::new(&file, capacity)?;
        mapping.header().begin(epoch, capacity, now);
        Ok(Self::over(mapping, file))
    }

    /// Takes up a page that exists.
    pub fn open(file: File) -> Result<Self, PageError> {
        let capacity = mapping::capacity_for(file.metadata()?.len()).ok_or(PageError::NotAPage)?;
        let mapping = Mapping::new(&file, capacity)?;
        if !mapping.header().is_of(capacity) {
            return Err(PageError::NotAPage);
        }
        Ok(Self::over(mapping, file))
    }

    /// The epoch that it counts in.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.mapping.header().epoch.load(Ordering::Acquire)
    }

    /// The number of the batch frozen last; 0 when there is none.
    #[must_use]
    pub fn frozen_seq(&self) -> u64 {
        self.mapping.header().frozen_seq.load(Ordering::Acquire)
    }

    /// How this page stands to the store's cursor for the node, `(epoch, seq)`; `None` when the store has none.
    #[must_use]
    pub fn standing(&self, cursor: Option<(u64, u64)>) -> Standing {
        let committed = match cursor {
            Some((epoch, seq)) if epoch == self.epoch() => seq,
            Some((epoch, _)) if epoch > self.epoch() => return Standing::Stale,
            // The store has not seen a batch of this epoch yet.
            _ => 0,
        };
        match self.frozen_seq().checked_sub(committed) {
            Some(0) => Standing::Committed,
            Some(1) => Standing::Unsent,
            _ => Standing::Stale,
        }
    }

    /// The slot of an account: the one it has, or a fresh one.
    ///
    /// A slot that counted for one account never counts for another in the same epoch. When none is left the caller
    /// drains the relay, flushes, and starts a new epoch with a new page.
    pub fn slot_for(&self, account: AccountId) -> Result<Slot, PageFull> {
        let mut slots = self.hold();
        let cells = self.mapping.cells();
        let place = slots.find(account).or_else(|| slots.give(account, cells)).ok_or(PageFull)?;
        let cell = cells.get(place).ok_or(PageFull)?;
        cell.account.store(account.number(), Ordering::Release);
        u32::try_from(place).map(Slot).map_err(|_| PageFull)
    }

    /// Forgets whose slot it was. To be called when the account's streams have ended and its last batch is committed:
    /// what the slot counted since is forgotten with it.
    pub fn forget(&self, account: AccountId) {
        let mut slots = self.hold();
        let place = slots.take_back(account);
        if let Some(cell) = place.and_then(|place| self.mapping.cells().get(place)) {
            cell.account.store(0, Ordering::Release);
        }
    }

    /// The accounts that have a slot.
    #[must_use]
    pub fn accounts(&self) -> Vec<AccountId> {
        self.hold().accounts().collect()
    }

    /// Freezes what was counted since the batch before, up to the border if one is pending, as the next batch; `None`
    /// when nothing was.
    ///
    /// The batch before must be committed. Once frozen, this batch stays the same until the next is frozen.
    pub fn freeze(&self, node: u32, now: i64) -> Option<Frozen> {
        let _held = self.hold();
        let header = self.mapping.header();
        let before = header.frozen_seq.load(Ordering::Acquire);
        let seq = before.checked_add(1)?;
        let before = base_of(before);
        let border = header.border_after(before);
        let ends = border.map(|border| (border, true)).into_iter().chain([(now, false)]);
        for (end, at_border) in ends {
            let until = |cell: &Cell| if at_border { cell.border(before) } else { cell.counted() };
            let moved = |cell: &Cell| cell.account().is_some() && until(cell) > cell.base(before);
            if self.mapping.cells().iter().any(moved) {
                self.snapshot(seq, usize::MAX, until);
                header.take(base_of(seq), end);
                // The bases must be whole before the number says so: a crash in between leaves the batch before in place.
                header.frozen_seq.store(seq, Ordering::SeqCst);
                return self.batch(node);
            }
            // Nothing moved until then: the base is as good as if it had been taken then.
            header.take(before, end);
        }
        None
    }

    /// Keeps what is counted now as the count at the border between two months; says whether it did. A border that is
    /// pending stays the one.
    pub fn mark(&self, now: i64) -> bool {
        let _held = self.hold();
        let header = self.mapping.header();
        if header.border_after(base_of(self.frozen_seq())).is_some() {
            return false;
        }
        self.mapping.cells().iter().for_each(Cell::mark);
        header.mark(now);
        true
    }

    /// The batch that was frozen last, as it was; `None` when there is none.
    #[must_use]
    pub fn frozen(&self, node: u32) -> Option<Frozen> {
        let _held = self.hold();
        self.batch(node)
    }

    /// What an account moved in this epoch until now.
    #[must_use]
    pub fn counted(&self, account: AccountId) -> Bytes {
        let place = self.hold().find(account);
        let cell = place.and_then(|place| self.mapping.cells().get(place));
        Bytes(cell.map_or(0, Cell::counted))
    }

    /// What each account moved in this epoch until now, in the order of the account numbers.
    #[must_use]
    pub fn totals(&self) -> Vec<(AccountId, Bytes)> {
        self.rows(Cell::counted)
    }

    /// For how many accounts it counts at most.
    #[must_use]
    pub fn capacity(&self) -> u64 {
        self.mapping.cells().len() as u64
    }

    /// How many accounts have counts that are in no batch, or in the one that was frozen last and is not committed.
    #[must_use]
    pub fn unstored(&self) -> u64 {
        let _held = self.hold();
        let base = base_of(self.frozen_seq().saturating_sub(1));
        let unstored = |cell: &&Cell| cell.account().is_some() && cell.counted() > cell.base(base);
        self.mapping.cells().iter().filter(unstored).count() as u64
    }

    /// What each account had counted where the next batch of the store's month begins: at the end of the batch of this
    /// number, or at the border between two months if one has passed since. `None` when the page keeps that no more.
    #[must_use]
    pub fn counted_by(&self, seq: u64) -> Option<BTreeMap<AccountId, Bytes>> {
        let _held = self.hold();
        let later = self.frozen_seq().checked_sub(seq)?;
        let (base, last) = (base_of(seq), base_of(self.frozen_seq()));
        let at_border = self.mapping.header().border_after(last).is_some();
        let until = |cell: &Cell| if at_border { cell.border(last) } else { cell.base(base) };
        (later <= 1).then(|| self.rows(until).into_iter().collect())
    }

    /// Another handle of the page's file, for the relay.
    pub fn file(&self) -> io::Result<OwnedFd> {
        self.file.try_clone().map(OwnedFd::from)
    }

    /// The counter of a slot that is this account's; `None` when it is not.
    pub(crate) fn counter(&self, slot: Slot, account: AccountId) -> Option<Counter> {
        let place = usize::try_from(slot.0).ok()?;
        self.mapping.cells().get(place).filter(|cell| cell.is_of(account))?;
        Some(Counter { mapping: Arc::clone(&self.mapping), place })
    }

    fn over(mapping: Mapping, file: File) -> Self {
        let slots = Mutex::new(Slots::of(mapping.cells()));
        Self { mapping: Arc::new(mapping), file, slots }
    }

    fn hold(&self) -> MutexGuard<'_, Slots> {
        // Nothing is left half-done by a panic: the page itself is always consistent, and what is here follows it.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes the first cells' counts into the base of a batch.
    fn snapshot(&self, seq: u64, cells: usize, until: impl Fn(&Cell) -> u64) {
        for cell in self.mapping.cells().iter().take(cells) {
            cell.rebase(base_of(seq), until(cell));
        }
    }

    fn batch(&self, node: u32) -> Option<Frozen> {
        let seq = self.frozen_seq();
        let (this, before) = (base_of(seq), base_of(seq.checked_sub(1)?));
        let rows = self.rows(|cell| cell.base(this).saturating_sub(cell.base(before)));
        let batch = Batch { node, epoch: self.epoch(), seq, rows };
        Some(Frozen { batch, since: self.mapping.header().taken(before) })
    }

    fn rows(&self, of: impl Fn(&Cell) -> u64) -> Vec<(AccountId, Bytes)> {
        let rows = self.mapping.cells().iter().filter_map(|cell| Some((cell.account()?, Bytes(of(cell)))));
        let mut rows: Vec<_> = rows.filter(|(_, bytes)| *bytes > Bytes::ZERO).collect();
        rows.sort_unstable_by_key(|(account, _)| *account);
        rows
    }
}

/// Which of the two bases a batch ends at.
fn base_of(seq: u64) -> usize {
    usize::from(seq % 2 == 1)
}

/// Adds to one slot. It is all that the relay does to the page.
#[derive(Clone)]
pub(crate) struct Counter {
    mapping: Arc<Mapping>,
    place: usize,
}

impl PartialEq for Counter {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.mapping, &other.mapping) && self.place == other.place
    }
}

impl Counter {
    /// The account that it counts for.
    pub(crate) fn account(&self) -> Option<AccountId> {
        self.mapping.cells().get(self.place)?.account()
    }

    /// The far side accepted so many bytes.
    pub(crate) fn add(&self, bytes: usize) {
        if let Some(cell) = self.mapping.cells().get(self.place) {
            cell.counted.fetch_add(bytes as u64, Ordering::Relaxed);
        }
    }

    /// What was counted until now.
    pub(crate) fn counted(&self) -> u64 {
        self.mapping.cells().get(self.place).map_or(0, Cell::counted)
    }
}

/// Why there is no page.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// A page holds at least one account.
    #[error("a counter page holds between 1 and {} accounts", Page::MAX_CAPACITY)]
    Capacity,
    /// The file is something else, or the page was not finished.
    #[error("the file is not a counter page of this version")]
    NotAPage,
    /// The system refused.
    #[error("the counter page cannot be mapped: {0}")]
    Io(#[from] io::Error),
}

/// Every slot of the page has counted for an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the counter page is full: a new epoch is due")]
pub struct PageFull;

#[cfg(test)]
mod tests;
