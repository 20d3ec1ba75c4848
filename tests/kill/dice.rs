//! Chance that can be repeated: SplitMix64, seeded by the system or by `AVOW_SEED`.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    time::Duration,
};

pub(crate) struct Dice(u64);

/// A seed that no run before had, or the one that was asked for.
pub(crate) fn seed() -> u64 {
    let asked = std::env::var("AVOW_SEED").ok().map(|seed| seed.parse().unwrap());
    asked.unwrap_or_else(|| RandomState::new().build_hasher().finish())
}

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A moment below so many milliseconds, to the microsecond.
    pub(crate) fn moment(&mut self, milliseconds: u64) -> Duration {
        Duration::from_micros(self.next() % (milliseconds * 1000))
    }

    pub(crate) fn one_in(&mut self, sides: u64) -> bool {
        self.next().is_multiple_of(sides)
    }

    pub(crate) fn coin(&mut self) -> bool {
        self.one_in(2)
    }
}
