//! Which datagrams of a session were seen: a window that slides with the highest number.

/// How many numbers back a datagram may be late.
const WIDTH: u64 = 2048;
const WORDS: usize = (WIDTH / 64) as usize;

/// The last numbers of a session, up to the highest that was seen.
#[derive(Default)]
pub(crate) struct Window {
    /// One past the highest number seen.
    next: u64,
    seen: [u64; WORDS],
}

impl Window {
    /// The window of a session of which every number below this one was seen, or is too late.
    pub(crate) fn after(next: u64) -> Self {
        let mut window = Self { next, seen: [u64::MAX; WORDS] };
        if let Some(word) = window.seen.get_mut(word(next)) {
            *word = (1 << (next % 64)) - 1;
        }
        window
    }

    /// Whether the number may still come. Asked before a datagram is opened, which costs more.
    pub(crate) fn is_fresh(&self, number: u64) -> bool {
        if number >= self.next {
            return number != u64::MAX;
        }
        // The word that the highest number is in is shared with the oldest ones, so those are too old already.
        self.next - number <= WIDTH - 64 && !self.has(number)
    }

    /// Takes the number; false when it came before.
    pub(crate) fn take(&mut self, number: u64) -> bool {
        if !self.is_fresh(number) {
            return false;
        }
        if number >= self.next {
            self.slide(number);
        }
        if let Some(word) = self.seen.get_mut(word(number)) {
            *word |= 1 << (number % 64);
        }
        true
    }

    fn has(&self, number: u64) -> bool {
        self.seen.get(word(number)).is_some_and(|word| word & (1 << (number % 64)) != 0)
    }

    /// Clears the words that the window slides into.
    fn slide(&mut self, number: u64) {
        let first = self.next.div_ceil(64);
        let last = number / 64;
        for at in first.max(last.saturating_sub(WORDS as u64 - 1))..=last {
            if let Some(word) = self.seen.get_mut(word(at * 64)) {
                *word = 0;
            }
        }
        self.next = number + 1;
    }
}

fn word(number: u64) -> usize {
    usize::try_from(number / 64 % WORDS as u64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_number_is_taken_twice_and_none_of_the_last_thousand_is_missed(
            numbers in proptest::collection::vec(prop_oneof![0..5000_u64, 0..64_u64, 1000..1200_u64, 0..1_000_000_u64], 1..400)
        ) {
            let (mut window, mut taken, mut highest) = (Window::default(), HashSet::new(), 0);
            for number in numbers {
                let new = taken.insert(number);
                let took = window.take(number);
                prop_assert!(new || !took);
                if new && number + 1024 >= highest {
                    prop_assert!(took);
                }
                highest = highest.max(number);
            }
        }
    }

    #[test]
    fn a_window_that_goes_on_takes_what_comes_after_in_any_order_and_nothing_before() {
        for next in [0, 1, 63, 64, 100, 5000] {
            let mut window = Window::after(next);
            assert!(!(next.saturating_sub(3000)..next).any(|number| window.take(number)), "{next}");
            assert!((next..next + 300).rev().all(|number| window.take(number)), "{next}");
            assert!(!(0..next + 300).any(|number| window.take(number)), "{next}");
        }
    }

    #[test]
    fn the_last_number_of_all_is_never_taken() {
        let mut window = Window::default();
        assert!(!window.take(u64::MAX));
        assert!(window.take(u64::MAX - 1) && !window.take(u64::MAX - 1) && !window.take(0));
    }
}
