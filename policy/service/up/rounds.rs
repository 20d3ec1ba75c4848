//! What a running service does again and again until it is stopped: store counts, erase what is due, and tell when the
//! clock or the relay is not what it was.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use avow_proxy::{ResolverFiles, Supervisor, Wall};
use tokio::time;

use super::{books::Books, sealed::Sealed, switchboard::Switchboard};
use crate::{clock, http::Health, log::Event};

/// Stores counts at every interval.
pub(super) async fn flush(books: Arc<Books>, sealed: Arc<Sealed>, every: Duration) {
    let mut ticks = time::interval(every);
    ticks.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        // A failure is told once and shown by /healthz; the batch is held and goes first the next time.
        let _ = books.flush().await;
        // The same for sessions: they wait, in the order of their hours.
        let _ = sealed.store().await;
    }
}

/// Erases what is due, at its instant; also tells when a version comes into force.
pub(super) async fn sweep(books: Arc<Books>, board: Arc<Switchboard>, sealed: Arc<Sealed>, longest: Duration) {
    let mut in_force = None;
    // A machine whose clock is wrong when it starts often sets it a moment later: what is erased by then does not come
    // back. One interval is what a deadline may be late.
    if clock::may_yet_be_set() {
        time::sleep(longest).await;
    }
    loop {
        let swept = books.sweep(longest).await;
        if swept.accounts_gone {
            let _ = board.let_go_of_the_erased().await;
        }
        if swept.in_force != in_force
            && let Some(version) = swept.in_force
        {
            Event::InForce { version }.tell();
            let _ = sealed.order().await;
            in_force = swept.in_force;
        }
        let _ = time::timeout(swept.wait, board.news.notified()).await;
    }
}

/// Tells when the wall clock is no longer followed, and when it is again.
pub(super) async fn watch_clock(health: Arc<Health>) {
    loop {
        let off = clock::off().is_some();
        if health.clock_set.swap(off, Ordering::Relaxed) != off {
            let event = if off { Event::ClockSet } else { Event::ClockAgrees };
            event.tell();
        }
        time::sleep(Duration::from_millis(500)).await;
    }
}

/// Has the relay started again when the files of the system's resolver were replaced: the wall around files would keep it
/// from reading the new ones, and it would find no name any more.
pub(super) async fn watch_resolver(relay: Arc<Supervisor>, mut known: ResolverFiles) {
    loop {
        time::sleep(Duration::from_secs(1)).await;
        if ResolverFiles::look() == known {
            continue;
        }
        // What replaces one often replaces the next a moment later.
        time::sleep(Duration::from_millis(500)).await;
        known = ResolverFiles::look();
        if relay.walls().is_some_and(|raised| raised.walls.contains(&Wall::Files)) {
            Event::ResolverReplaced.tell();
            let _ = relay.renew().await;
        }
    }
}

/// Tells the log when the relay was started again.
pub(super) async fn watch_relay(relay: Arc<Supervisor>) {
    let mut known = relay.starts();
    loop {
        time::sleep(Duration::from_millis(500)).await;
        if relay.starts() != known {
            known = relay.starts();
            Event::RelayRestarted.tell();
        }
    }
}
