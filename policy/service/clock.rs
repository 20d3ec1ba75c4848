//! The clock: the only place that asks the time.
//!
//! Everything else is handed instants. Tests of the real binary move this clock from outside; the product has no switch
//! that does.

use jiff::Timestamp;

/// The present instant, in whole milliseconds, which is how instants are stored.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the time")]
pub fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}
