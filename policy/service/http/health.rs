//! `GET /healthz`: whether the service does its main job.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use serde::Serialize;
use warp::{Reply, http::StatusCode, reply::Response};

use super::Site;
use crate::clock;

/// How many sealed sessions wait in memory at most: some 10 MB.
pub const MOST_SESSIONS: usize = 65_536;

/// Whether the parts of the service work. Written by the parts, read by `/healthz` and `/metrics`.
#[derive(Debug, Default)]
pub struct Health {
    /// Counts could not be stored and wait in memory.
    pub counts_held: AtomicBool,
    /// Since when, in milliseconds since 1970 in UTC.
    pub held_since: AtomicI64,
    /// The counts of how many accounts wait. Each is one counter of the page, which never grows.
    pub held_accounts: AtomicU64,
    /// How many sealed sessions wait in memory.
    pub held_sessions: AtomicU64,
    /// The policy in force keeps no month totals.
    pub counts_refused: AtomicBool,
    /// The last sweep did not finish.
    pub sweep_failed: AtomicBool,
    /// The wall clock was set while the service ran, and is not followed.
    pub clock_set: AtomicBool,
    /// How many batches were stored.
    pub batches: AtomicU64,
    /// How many buckets were erased because they were due.
    pub buckets_erased: AtomicU64,
}

#[derive(Debug, Serialize)]
struct Answer {
    status: &'static str,
    relay: &'static str,
    counts: &'static str,
    held: Held,
    sweep: &'static str,
    clock: &'static str,
    policy: Option<String>,
    version: Option<u32>,
    on_trial: bool,
}

/// What waits in memory for the store, and the most that can.
#[derive(Debug, Serialize)]
pub(super) struct Held {
    /// For how long the store has taken nothing.
    pub(super) seconds: u64,
    /// The counts of how many accounts.
    pub(super) accounts: u64,
    /// The counters of the page.
    pub(super) most_accounts: u64,
    /// How many sealed sessions.
    pub(super) sessions: u64,
    /// Beyond it the oldest are dropped.
    pub(super) most_sessions: u64,
}

impl Health {
    pub(super) fn held(&self, most_accounts: u64) -> Held {
        let read = |number: &AtomicU64| number.load(Ordering::Relaxed);
        let held = self.counts_held.load(Ordering::Relaxed);
        let since = clock::now().as_millisecond().saturating_sub(self.held_since.load(Ordering::Relaxed));
        Held {
            seconds: if held { u64::try_from(since / 1000).unwrap_or(0) } else { 0 },
            accounts: if held { read(&self.held_accounts) } else { 0 },
            most_accounts,
            sessions: read(&self.held_sessions),
            most_sessions: MOST_SESSIONS as u64,
        }
    }
}

pub(super) fn answer(site: &Site) -> Response {
    let read = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
    let health = &site.health;
    let (relay, held, failed) = (site.relay.serves(), read(&health.counts_held), read(&health.sweep_failed));
    let well = relay && !held && !failed;
    let standing = site.standing.load();
    let rules = standing.in_force(clock::now());
    let answer = Answer {
        status: if well { "ok" } else { "degraded" },
        relay: if relay { "ok" } else { "not running" },
        counts: match (held, read(&health.counts_refused)) {
            (true, _) => "held in memory: the store does not take them",
            (false, true) => "dropped: the policy in force keeps no month totals",
            (false, false) => "ok",
        },
        held: health.held(site.relay.counters()),
        sweep: if failed { "the last one failed" } else { "ok" },
        clock: if read(&health.clock_set) {
            "was set, and is not followed: the time goes by what has passed"
        } else {
            "ok"
        },
        policy: rules.map(|rules| rules.policy().header.policy.clone()),
        version: rules.map(|rules| rules.policy().header.version),
        on_trial: rules.is_some_and(|rules| rules.version() == 0),
    };
    let status = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    warp::reply::with_status(warp::reply::json(&answer), status).into_response()
}
