//! Which key an address used last, so that an older client that comes back is found at the first try.
//!
//! A hint is the number of a key in a table without addresses: the place is chosen by a hash with a random secret that
//! is thrown away every hour. A wrong hint costs one try.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::atomic::{AtomicUsize, Ordering},
};

use avow_terms::private::Private;

const PLACES: usize = 4096;

/// The table.
pub(crate) struct Hints {
    secret: RandomState,
    keys: Box<[AtomicUsize]>,
}

impl Default for Hints {
    fn default() -> Self {
        Self { secret: RandomState::new(), keys: (0..PLACES).map(|_| AtomicUsize::new(usize::MAX)).collect() }
    }
}

impl Hints {
    /// The place for whoever sends from there.
    pub(crate) fn place(&self, from: &Private<impl Hash>) -> Option<&AtomicUsize> {
        let hash = usize::try_from(self.secret.hash_one(from.expose()) % PLACES as u64).ok()?;
        self.keys.get(hash)
    }
}

/// Tries a number of keys, the one of the hint first, and leaves a hint to the one that opens.
pub(crate) fn try_each<T>(
    hint: Option<&AtomicUsize>,
    keys: usize,
    mut opens: impl FnMut(usize) -> Option<T>,
) -> Option<T> {
    let hinted = hint.map(|hint| hint.load(Ordering::Relaxed)).filter(|at| *at < keys);
    let order = hinted.into_iter().chain((0..keys).filter(|at| Some(*at) != hinted));
    let (at, opened) = order.into_iter().find_map(|at| opens(at).map(|opened| (at, opened)))?;
    if let Some(hint) = hint {
        hint.store(at, Ordering::Relaxed);
    }
    Some(opened)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_at_the_first_try_when_it_comes_back() {
        let (hints, from) = (Hints::default(), Private::new(7));
        let mut tries = 0;
        let mut look = |right: usize| {
            tries = 0;
            let found = try_each(hints.place(&from), 100, |at| {
                tries += 1;
                (at == right).then_some(at)
            });
            (found, tries)
        };
        assert_eq!(look(60), (Some(60), 61));
        assert_eq!(look(60), (Some(60), 1));
        assert_eq!(look(3), (Some(3), 5));
        assert_eq!(look(100), (None, 100));
    }
}
