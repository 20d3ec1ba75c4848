//! Counts on their way from the page to the store, and the sweep.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Duration,
};

use avow_proxy::{Event as RelayEvent, Frozen, Page, Standing, Supervisor};
use avow_terms::permit::Due;
use jiff::Timestamp;
use tokio::sync::{Mutex, Notify};

use crate::{
    clock,
    desk::{Desk, Flushed, HOME_NODE},
    failure::Failure,
    http::{Health, Sums},
    keeper::Keeper,
    log::Event,
    runtime_dir::RuntimeDir,
};

/// A sweep that comes a moment too early does not spin.
const SHORTEST_WAIT: Duration = Duration::from_millis(20);

/// The counts of this life of the node, and the batch that the store did not take yet.
pub(super) struct Books {
    page: Arc<Page>,
    keeper: Keeper,
    health: Arc<Health>,
    held: Mutex<Option<Arc<Frozen>>>,
    /// Until when the sweeper sleeps.
    asleep_until: std::sync::Mutex<Option<Timestamp>>,
    /// Wakes the sweeper.
    wake: Arc<Notify>,
}

/// Stores what an earlier life counted, and begins a new life with an empty page.
///
/// # Errors
/// If the store does not take the counts, or no page can be made; then the earlier page is left as it is.
pub(super) fn open_page(desk: &mut Desk, runtime: &RuntimeDir, capacity: u32) -> Result<Page, Failure> {
    if let Some(page) = runtime.earlier_page().and_then(|file| Page::open(file).ok()) {
        recover(desk, &page)?;
    }
    let cursor = desk.begin_epoch()?;
    Page::create(runtime.new_page()?, cursor.epoch, capacity, clock::now().as_millisecond()).map_err(Failure::could_not)
}

fn recover(desk: &mut Desk, page: &Page) -> Result<(), Failure> {
    let cursor = desk.cursor()?.map(|cursor| (cursor.epoch, cursor.seq));
    // A life begins in the store before its page is made: one that the store never began was another store's, whose
    // place this one has taken.
    if cursor.is_none_or(|(epoch, _)| epoch < page.epoch()) {
        Event::CountsOfAnotherStore.tell();
        return Ok(());
    }
    let unsent = match page.standing(cursor) {
        Standing::Stale => return Ok(()),
        Standing::Unsent => page.frozen(HOME_NODE),
        Standing::Committed => None,
    };
    let (mut stored, mut refused, mut over) = (false, false, false);
    for batch in unsent.into_iter().chain(std::iter::from_fn(|| page.freeze(HOME_NODE, clock::now().as_millisecond())))
    {
        match desk.flush(&batch)? {
            Flushed::Stored(_) => stored = true,
            Flushed::Refused(_) => refused = true,
            Flushed::Over => over = true,
        }
    }
    if stored {
        Event::CountsRecovered.tell();
    }
    if refused {
        Event::CountsRefused.tell();
    }
    if over {
        Event::CountsOver.tell();
    }
    Ok(())
}

impl Books {
    /// Books over a page.
    #[must_use]
    pub(super) fn new(page: Arc<Page>, keeper: Keeper, health: Arc<Health>, wake: Arc<Notify>) -> Self {
        let (held, asleep_until) = (Mutex::default(), std::sync::Mutex::default());
        Self { page, keeper, health, held, asleep_until, wake }
    }

    /// Stores what was counted since the last time. A batch that the store does not take is held, and goes first the
    /// next time, unchanged.
    ///
    /// # Errors
    /// Why the store did not take it.
    pub(super) async fn flush(&self) -> Result<(), Failure> {
        let mut held = self.held.lock().await;
        loop {
            // The batch stays held until the store answers: if this task is ended in between, it is sent again, and a
            // store that has it already says so.
            if held.is_none() {
                *held = self.page.freeze(HOME_NODE, clock::now().as_millisecond()).map(Arc::new);
            }
            let Some(batch) = held.clone() else { return Ok(()) };
            match self.keeper.at_desk(move |desk| desk.flush(&batch)).await.flatten() {
                Ok(flushed) => {
                    *held = None;
                    self.stored(&flushed);
                }
                Err(failure) => {
                    self.holds();
                    return Err(failure);
                }
            }
        }
    }

    fn holds(&self) {
        self.health.held_accounts.store(self.page.unstored(), Ordering::Relaxed);
        if !self.health.counts_held.load(Ordering::Relaxed) {
            self.health.held_since.store(clock::now().as_millisecond(), Ordering::Relaxed);
            self.health.counts_held.store(true, Ordering::Relaxed);
            Event::CountsHeld.tell();
        }
    }

    fn stored(&self, flushed: &Flushed) {
        if let Flushed::Stored(Due::At(due)) = flushed {
            self.wake_before(*due);
        }
        if *flushed == Flushed::Over {
            Event::CountsOver.tell();
        }
        let refused = matches!(flushed, Flushed::Refused(_));
        if self.health.counts_held.swap(false, Ordering::Relaxed) {
            Event::CountsStored.tell();
        }
        if !self.health.counts_refused.swap(refused, Ordering::Relaxed) && refused {
            Event::CountsRefused.tell();
        }
        if matches!(flushed, Flushed::Stored(_)) {
            self.health.batches.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What was just stored may be due before the sweeper would look again.
    fn wake_before(&self, due: Timestamp) {
        let until = *self.asleep_until.lock().unwrap_or_else(PoisonError::into_inner);
        if until.is_none_or(|until| due < until) {
            self.wake.notify_one();
        }
    }

    /// Erases what is due, and says when to look again.
    pub(super) async fn sweep(&self, longest: Duration) -> NextLook {
        let swept = self
            .keeper
            .at_desk(|desk| Ok::<_, Failure>((desk.sweep()?, desk.next_change(), desk.version_in_force())))
            .await
            .flatten();
        self.health.sweep_failed.store(swept.is_err(), Ordering::Relaxed);
        let Ok((swept, next_change, in_force)) = swept else {
            Event::SweepFailed.tell();
            // What could not be wiped may be gone from its tables: the relay is to be told all the same.
            return NextLook { wait: longest, in_force: None, accounts_gone: true };
        };
        if swept.buckets > 0 {
            self.health.buckets_erased.fetch_add(swept.buckets as u64, Ordering::Relaxed);
            Event::Swept { buckets: swept.buckets, rows: swept.rows }.tell();
        }
        let next = [swept.next_due, next_change].into_iter().flatten().min();
        let now = clock::now();
        let wait = wait(next, now, longest);
        *self.asleep_until.lock().unwrap_or_else(PoisonError::into_inner) = now.checked_add(wait).ok();
        NextLook { wait, in_force, accounts_gone: swept.accounts > 0 }
    }
}

/// How long until the next instant. A clock that is set while nothing is due is noticed after the longest wait.
pub(super) fn wait(next: Option<Timestamp>, now: Timestamp, longest: Duration) -> Duration {
    let until = |next: Timestamp| Duration::try_from(next.duration_since(now)).unwrap_or(Duration::ZERO);
    next.map_or(longest, until).min(longest).max(SHORTEST_WAIT)
}

/// What a sweep leaves to do.
pub(super) struct NextLook {
    /// How long until something is due or a version comes into force, or the longest wait.
    pub(super) wait: Duration,
    /// The version in force; 0 is a text on trial.
    pub(super) in_force: Option<u32>,
    /// Whether accounts were due themselves, or may have been, which the relay has to let go of.
    pub(super) accounts_gone: bool,
}

/// The relay's sums, for the metrics.
pub(super) struct RelaySums {
    /// Where it counts bytes.
    pub(super) page: Arc<Page>,
    /// Where it counts events.
    pub(super) relay: Arc<Supervisor>,
}

impl Sums for RelaySums {
    fn bytes(&self) -> u64 {
        self.page.totals().iter().fold(0, |sum, (_, bytes)| sum.saturating_add(bytes.0))
    }

    fn events(&self) -> Vec<(&'static str, u64)> {
        self.relay.events().iter().map(|(event, count): (RelayEvent, u64)| (event.name(), count)).collect()
    }

    fn restarts(&self) -> u64 {
        self.relay.starts().saturating_sub(1)
    }

    fn counters(&self) -> u64 {
        self.page.capacity()
    }

    fn serves(&self) -> bool {
        self.relay.is_ready()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fell_due_during_a_sweep_is_looked_at_at_once() {
        let (now, longest) = (Timestamp::from_second(1_800_000_000).unwrap(), Duration::from_secs(60));
        let waits = |milliseconds: i64| {
            let next = Timestamp::from_millisecond(now.as_millisecond() + milliseconds).unwrap();
            wait(Some(next), now, longest)
        };
        assert_eq!([waits(-500), waits(0), waits(1)], [SHORTEST_WAIT; 3]);
        assert_eq!([waits(1500), waits(60_000), waits(90_000)].map(|wait| wait.as_millis()), [1500, 60_000, 60_000]);
        assert_eq!(wait(None, now, longest), longest);
    }
}
