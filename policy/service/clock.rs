//! The clock: the only place that asks the time.
//!
//! Everything else is handed instants. The wall clock is asked once; from then on the time is what the machine says has
//! passed, asleep or awake, so that a wall clock that is set by days moves no deadline, neither way
//! ([`steady`]). Tests of the real binary move the wall clock from outside; the product has no switch that does.

mod steady;

use std::{
    fs,
    sync::{Mutex, OnceLock, PoisonError},
    time::UNIX_EPOCH,
};

use jiff::{SignedDuration, Timestamp};
use rustix::time::ClockId;

use steady::{Look, Steady};

/// What `systemd-timesyncd` touches whenever it has compared the clock with the world's.
const VOUCHED: &str = "/run/systemd/timesync/synchronized";

static CLOCK: OnceLock<Mutex<Steady>> = OnceLock::new();

/// The present instant, in whole milliseconds, which is how instants are stored.
#[must_use]
pub fn now() -> Timestamp {
    instant(read(|clock, look| clock.read(look)).now)
}

/// How far the wall clock is from the time, if it is not followed: ahead is positive.
#[must_use]
pub fn off() -> Option<SignedDuration> {
    read(|clock, look| clock.read(look)).off.map(SignedDuration::from_millis)
}

/// Whether the machine was started so lately that its clock may yet be set, and nothing has vouched for it.
#[must_use]
pub fn may_yet_be_set() -> bool {
    steady::is_young(look().boot) && vouched().is_none()
}

fn read<T>(with: impl FnOnce(&mut Steady, Look) -> T) -> T {
    let clock = CLOCK.get_or_init(|| Mutex::new(Steady::begin(look())));
    // Nothing is left half-done by a panic: each field is written whole.
    with(&mut clock.lock().unwrap_or_else(PoisonError::into_inner), look())
}

#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the time")]
fn look() -> Look {
    let boot = rustix::time::clock_gettime(ClockId::Boottime);
    let boot = boot.tv_sec.saturating_mul(1000).saturating_add(boot.tv_nsec / 1_000_000);
    Look { wall: Timestamp::now().as_millisecond(), boot, vouched }
}

/// When the machine's time service last vouched for the wall clock, by that clock.
fn vouched() -> Option<i64> {
    let at = fs::metadata(VOUCHED).and_then(|file| file.modified()).ok()?;
    i64::try_from(at.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
}

fn instant(milliseconds: i64) -> Timestamp {
    Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::MAX)
}
