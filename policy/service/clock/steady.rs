//! Which time it is when the wall clock and the time that has passed disagree. Pure: it is handed both.
//!
//! The kernel counts the time since the machine was started (`CLOCK_BOOTTIME`): it goes on while the machine sleeps, is
//! slewed with the wall clock, and nobody can set it. So once an instant is known, every later one is:
//!
//! 1. A wall clock within a minute of the time that has passed is followed: seconds are corrected all the time.
//! 2. One that is further off was set, and is not believed, neither way. Nothing is erased early by it and nothing is
//!    kept longer.
//! 3. Unless the machine's time service vouched for it since the two last agreed: then the instant known before was the
//!    wrong one.
//! 4. In the first minutes of a machine its clock may be set without that, as its battery may have been empty. It is
//!    believed then, but never back behind the instant at which this process began.
//!
//! A clock that is wrong from the start is another matter: one that is behind what the store has seen stops the start
//! (`desk.rs`), and one that may yet be set has its first sweep wait for one interval (`up.rs`).

/// What is taken for a correction.
const MINUTE: i64 = 60_000;
/// How long a machine is one whose clock may yet be set, in milliseconds since its start.
const YOUTH: i64 = 5 * MINUTE;

/// What the clocks say, in milliseconds.
#[derive(Clone, Copy)]
pub(super) struct Look {
    /// The wall clock, since 1970 in UTC.
    pub(super) wall: i64,
    /// The time since the machine was started.
    pub(super) boot: i64,
    /// When the time service last vouched for the wall clock, by that clock. Asked when it matters only.
    pub(super) vouched: fn() -> Option<i64>,
}

/// The time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    pub(super) now: i64,
    /// How far the wall clock is from it, if it is not believed.
    pub(super) off: Option<i64>,
}

/// An instant that is known, and how long the machine had run then.
#[derive(Debug, Clone, Copy)]
struct Known {
    instant: i64,
    boot: i64,
}

/// A time that only passes.
#[derive(Debug)]
pub(super) struct Steady {
    known: Known,
    /// What this process began with.
    least: Known,
    /// How long the machine had run when the clocks last agreed.
    agreed: i64,
}

impl Known {
    fn at(self, boot: i64) -> i64 {
        self.instant.saturating_add(boot.saturating_sub(self.boot))
    }
}

impl Steady {
    /// Believes the wall clock, as nothing else is known.
    pub(super) fn begin(look: Look) -> Self {
        let known = Known { instant: look.wall, boot: look.boot };
        Self { known, least: known, agreed: look.boot }
    }

    pub(super) fn read(&mut self, look: Look) -> Reading {
        let passed = self.known.at(look.boot);
        let off = look.wall.saturating_sub(passed);
        if off.saturating_abs() <= MINUTE {
            self.agreed = look.boot;
            return Reading { now: look.wall, off: None };
        }
        if self.is_vouched_for(look) || self.may_be_set_now(look) {
            *self = Self { least: self.least, ..Self::begin(look) };
            return Reading { now: look.wall, off: None };
        }
        Reading { now: passed, off: Some(off) }
    }

    /// Whether the time service spoke since the clocks last agreed.
    fn is_vouched_for(&self, look: Look) -> bool {
        let since = look.boot.saturating_sub(self.agreed);
        (look.vouched)().is_some_and(|vouched| vouched > look.wall.saturating_sub(since) && vouched <= look.wall)
    }

    fn may_be_set_now(&self, look: Look) -> bool {
        is_young(look.boot) && look.wall >= self.least.at(look.boot)
    }
}

/// Whether a machine that has run so long is one whose clock may yet be set.
pub(super) fn is_young(boot: i64) -> bool {
    boot < YOUTH
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const DAY: i64 = 24 * 60 * MINUTE;
    /// A machine that has run for a day, at some instant.
    const BOOT: i64 = DAY;
    const THEN: i64 = 1_795_000_000_000;

    fn silent(wall: i64, boot: i64) -> Look {
        Look { wall, boot, vouched: || None }
    }

    /// A time service that spoke a second after the clock was set to `THEN + 3 days`.
    fn spoken(wall: i64, boot: i64) -> Look {
        Look { wall, boot, vouched: || Some(THEN + 3 * DAY + 1000) }
    }

    #[test]
    fn seconds_are_followed() {
        let mut clock = Steady::begin(silent(THEN, BOOT));
        for off in [0, 900, -900, MINUTE, -MINUTE] {
            let wall = THEN + 5000 + off;
            assert_eq!(clock.read(silent(wall, BOOT + 5000)), Reading { now: wall, off: None });
        }
    }

    #[test]
    fn days_are_not_believed_and_are_told() {
        let mut clock = Steady::begin(silent(THEN, BOOT));
        for off in [MINUTE + 1, -MINUTE - 1, 5 * DAY, -5 * DAY] {
            let read = clock.read(silent(THEN + 5000 + off, BOOT + 5000));
            assert_eq!(read, Reading { now: THEN + 5000, off: Some(off) });
        }
        assert_eq!(clock.read(silent(THEN + 9000, BOOT + 9000)), Reading { now: THEN + 9000, off: None });
    }

    #[test]
    fn a_clock_that_the_time_service_set_right_is_believed_at_once() {
        let mut clock = Steady::begin(silent(THEN, BOOT));
        let (wall, boot) = (THEN + 3 * DAY + 2000, BOOT + 3000);
        assert_eq!(clock.read(spoken(wall, boot)), Reading { now: wall, off: None });
        // From then on it is the instant that is known: to go back is a jump again.
        assert_eq!(clock.read(silent(THEN + 5000, BOOT + 5000)).now, wall + 2000);
    }

    #[test]
    fn what_the_time_service_said_before_the_jump_confirms_nothing() {
        let mut clock = Steady::begin(silent(THEN + 2 * DAY, BOOT));
        // It spoke at three days; an hour after that the clock is set to five.
        assert_eq!(clock.read(spoken(THEN + 3 * DAY + 60 * MINUTE, BOOT + DAY + 60 * MINUTE)).off, None);
        assert!(clock.read(spoken(THEN + 5 * DAY, BOOT + DAY + 61 * MINUTE)).off.is_some());
    }

    #[test]
    fn a_young_machines_clock_may_be_set_forward_and_not_back() {
        let mut clock = Steady::begin(silent(THEN, 20_000));
        let read = clock.read(silent(5000, 25_000));
        assert_eq!(read, Reading { now: THEN + 5000, off: Some(-THEN) });
        // A minute later the clock is set, to two days after what was seen.
        let read = clock.read(silent(THEN + 2 * DAY, 80_000));
        assert_eq!(read, Reading { now: THEN + 2 * DAY, off: None });
        // Set once more, ten minutes after the start, it is not believed.
        assert!(clock.read(silent(THEN + 9 * DAY, 10 * MINUTE)).off.is_some());
    }

    proptest! {
        /// The sentence: whatever a clock that was right does, the time is right to the minute.
        #[test]
        fn a_clock_that_jumps_erases_nothing_early_and_keeps_nothing_longer(
            steps in prop::collection::vec((0..3 * DAY, -400 * DAY..400 * DAY), 1..60),
        ) {
            let (mut clock, mut passed) = (Steady::begin(silent(THEN, BOOT)), 0);
            for (pause, jump) in steps {
                passed += pause;
                let truth = THEN + passed;
                let read = clock.read(silent(truth + jump, BOOT + passed));
                prop_assert!((read.now - truth).abs() <= MINUTE);
                prop_assert_eq!(read.off.is_some(), jump.abs() > MINUTE);
            }
        }

        /// Set right by a time service, a clock that was wrong by days is right from the next look on.
        #[test]
        fn a_clock_that_began_wrong_is_right_once_the_time_service_spoke(
            wrong in -400 * DAY..400 * DAY, before in 0..DAY,
        ) {
            let mut clock = Steady::begin(silent(THEN + 3 * DAY + 1500 - before + wrong, BOOT));
            clock.read(silent(THEN + 3 * DAY + wrong, BOOT + before));
            let right = THEN + 3 * DAY + 3000;
            let read = clock.read(spoken(right, BOOT + before + 2500));
            prop_assert!((read.now - right).abs() <= MINUTE && read.off.is_none());
        }

        /// A young machine's clock goes anywhere, and the time never behind what was seen.
        #[test]
        fn nothing_that_was_seen_is_still_to_come(
            walls in prop::collection::vec((0..MINUTE, 0..2 * THEN), 1..30),
        ) {
            let mut clock = Steady::begin(silent(THEN, 0));
            let mut boot = 0;
            for (pause, wall) in walls {
                boot += pause;
                prop_assert!(clock.read(silent(wall, boot)).now >= THEN - MINUTE);
            }
        }
    }
}
