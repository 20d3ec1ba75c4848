//! What an account may use: one for all its devices, streams and datagrams together.
//!
//! The limit is a count that the account's counter must not pass, told by the parent; it means nothing here which month
//! that is. Bytes are held for as long as the far side is being asked to take them, so that a thousand streams that write
//! at once do not pass the limit together. What is held is never counted before it is taken.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering},
};

use tokio::{sync::Notify, task::yield_now};

use crate::page::Counter;

/// The count that no counter reaches.
const NO_LIMIT: u64 = u64::MAX;

/// What an account may still use.
pub(crate) struct Allowance {
    counter: Counter,
    /// The count at which everything stops.
    ceiling: AtomicU64,
    /// Whether something was stopped by it: what is left is less than one piece.
    spent: AtomicBool,
    /// Bytes that the far sides are being asked to take at this moment. Moves only while there is a limit.
    held: AtomicU64,
    streams: AtomicU32,
    associations: AtomicU32,
    /// Told when nothing is left, so that what is idle ends as well.
    over: Notify,
}

impl Allowance {
    /// Without a limit.
    pub(crate) fn new(counter: Counter) -> Self {
        Self {
            counter,
            ceiling: AtomicU64::new(NO_LIMIT),
            spent: AtomicBool::new(false),
            held: AtomicU64::new(0),
            streams: AtomicU32::new(0),
            associations: AtomicU32::new(0),
            over: Notify::new(),
        }
    }

    /// Where it is counted.
    pub(crate) fn counter(&self) -> &Counter {
        &self.counter
    }

    /// Stops everything at this count; `None` is no limit.
    pub(crate) fn stop_at(&self, ceiling: Option<u64>) {
        self.ceiling.store(ceiling.unwrap_or(NO_LIMIT), Ordering::Release);
        self.spent.store(false, Ordering::Release);
        self.tell_when_used_up();
    }

    /// Whether nothing is left.
    pub(crate) fn is_used_up(&self) -> bool {
        self.spent.load(Ordering::Acquire) || self.counter.counted() >= self.ceiling.load(Ordering::Acquire)
    }

    fn tell_when_used_up(&self) {
        if self.is_used_up() {
            self.over.notify_waiters();
        }
    }

    /// Waits until nothing is left.
    pub(crate) async fn used_up(&self) {
        loop {
            // It hears what is told from here on, so nothing is missed between the look and the wait.
            let told = self.over.notified();
            if self.is_used_up() {
                return;
            }
            told.await;
        }
    }

    /// Holds this many bytes, until it is known how many of them the far side took. `None` when so many are not left:
    /// then nothing of the account goes on.
    pub(crate) async fn hold(&self, bytes: usize) -> Option<Held<'_>> {
        loop {
            if let Some(held) = self.try_hold(bytes) {
                return Some(held);
            }
            let ceiling = self.ceiling.load(Ordering::Acquire);
            if self.counter.counted().saturating_add(bytes as u64) > ceiling {
                self.spent.store(true, Ordering::Release);
                self.over.notify_waiters();
                return None;
            }
            // What others hold may come back in a moment.
            yield_now().await;
        }
    }

    /// Holds this many bytes if that can be done without waiting.
    pub(crate) fn try_hold(&self, bytes: usize) -> Option<Held<'_>> {
        let bytes = bytes as u64;
        if self.ceiling.load(Ordering::Acquire) == NO_LIMIT {
            return Some(Held { allowance: self, bytes: 0 });
        }
        let held = Held { allowance: self, bytes };
        let before = self.held.fetch_add(bytes, Ordering::AcqRel);
        let after = self.counter.counted().saturating_add(before).saturating_add(bytes);
        // When it is too much, what was held is given back with the value.
        (after <= self.ceiling.load(Ordering::Acquire)).then_some(held)
    }

    /// A place among the streams of the account.
    pub(crate) fn stream(self: &Arc<Self>, most: u32) -> Option<Seat> {
        Seat::take(self, |allowance| &allowance.streams, most)
    }

    /// A place among its associations of datagrams.
    pub(crate) fn association(self: &Arc<Self>, most: u32) -> Option<Seat> {
        Seat::take(self, |allowance| &allowance.associations, most)
    }
}

/// Bytes that the far side is being asked to take.
pub(crate) struct Held<'a> {
    allowance: &'a Allowance,
    bytes: u64,
}

impl Held<'_> {
    /// The far side took so many bytes.
    pub(crate) fn taken(self, bytes: usize) {
        // Counted before it is given back: seen from elsewhere it is never missing in both.
        self.allowance.counter.add(bytes);
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        if self.bytes > 0 {
            self.allowance.held.fetch_sub(self.bytes, Ordering::AcqRel);
            self.allowance.tell_when_used_up();
        }
    }
}

/// A place that is free again when this is dropped.
pub(crate) struct Seat {
    allowance: Arc<Allowance>,
    of: fn(&Allowance) -> &AtomicU32,
}

impl Seat {
    fn take(allowance: &Arc<Allowance>, of: fn(&Allowance) -> &AtomicU32, most: u32) -> Option<Self> {
        let free = |taken: u32| (taken < most).then(|| taken.saturating_add(1));
        of(allowance).fetch_update(Ordering::AcqRel, Ordering::Acquire, free).ok()?;
        Some(Self { allowance: Arc::clone(allowance), of })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        (self.of)(&self.allowance).fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use std::{thread, time::Duration};

    use avow_terms::{account::AccountId, amount::Bytes};
    use tokio::time::timeout;

    use super::*;
    use crate::page::Page;

    fn allowance() -> (Page, AccountId, Arc<Allowance>) {
        let page = Page::create(tempfile::tempfile().unwrap(), 1, 1, 0).unwrap();
        let account = AccountId::from_random(7).unwrap();
        let counter = page.counter(page.slot_for(account).unwrap(), account).unwrap();
        (page, account, Arc::new(Allowance::new(counter)))
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 8)]
    async fn many_writers_at_once_stop_at_the_limit_together() {
        let (page, account, allowance) = allowance();
        allowance.stop_at(Some(10_000_000));
        let writers: Vec<_> = (0..100)
            .map(|_| {
                let allowance = Arc::clone(&allowance);
                tokio::spawn(async move {
                    while let Some(held) = allowance.hold(16_383).await {
                        thread::yield_now();
                        held.taken(16_383);
                    }
                })
            })
            .collect();
        for writer in writers {
            writer.await.unwrap();
        }
        let counted = page.counted(account).0;
        assert!(counted <= 10_000_000 && counted > 10_000_000 - 16_384, "{counted}");
    }

    #[tokio::test]
    async fn what_the_far_side_did_not_take_is_not_used() {
        let (page, account, allowance) = allowance();
        allowance.stop_at(Some(1000));
        let held = allowance.hold(700).await.unwrap();
        assert!(timeout(Duration::from_millis(50), allowance.hold(400)).await.is_err(), "it may still be left");
        held.taken(400);
        drop(allowance.hold(600).await.unwrap());
        assert_eq!(page.counted(account), Bytes(400));
        assert!(!allowance.is_used_up());
        assert!(allowance.hold(601).await.is_none() && allowance.is_used_up());
        allowance.stop_at(Some(1001));
        allowance.hold(601).await.unwrap().taken(601);
        assert!(allowance.is_used_up());
        allowance.stop_at(None);
        allowance.hold(usize::MAX).await.unwrap().taken(1);
        assert_eq!(page.counted(account), Bytes(1002));
    }

    #[tokio::test]
    async fn whatever_is_idle_hears_when_nothing_is_left() {
        let (_page, _, allowance) = allowance();
        let idle = |allowance: &Arc<Allowance>| {
            let allowance = Arc::clone(allowance);
            tokio::spawn(async move { allowance.used_up().await })
        };
        allowance.stop_at(Some(10));
        let (by_use, began) = (idle(&allowance), idle(&allowance));
        yield_now().await;
        assert!(!by_use.is_finished());
        allowance.hold(10).await.unwrap().taken(10);
        for idle in [by_use, began] {
            timeout(Duration::from_secs(20), idle).await.unwrap().unwrap();
        }
        allowance.stop_at(None);
        let by_order = idle(&allowance);
        yield_now().await;
        assert!(!by_order.is_finished() && !allowance.is_used_up());
        allowance.stop_at(Some(0));
        timeout(Duration::from_secs(20), by_order).await.unwrap().unwrap();
    }

    #[test]
    fn a_place_is_free_again_when_it_is_left() {
        let (_page, _, allowance) = allowance();
        let first = allowance.stream(2).unwrap();
        let _second = allowance.stream(2).unwrap();
        assert!(allowance.stream(2).is_none() && allowance.association(1).is_some());
        drop(first);
        assert!(allowance.stream(2).is_some());
    }
}
