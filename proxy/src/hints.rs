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

/// The order to try a number of keys in: the one of the hint first, then the others.
pub(crate) fn turns(hint: Option<&AtomicUsize>, keys: usize) -> impl Iterator<Item = usize> + use<> {
    // Read once: it may change while keys are tried, and each must be tried all the same.
    let hinted = hint.map(|hint| hint.load(Ordering::Relaxed)).filter(|at| *at < keys);
    hinted.into_iter().chain((0..keys).filter(move |at| Some(*at) != hinted))
}

/// Leaves a hint to the key that opened.
pub(crate) fn leave(hint: Option<&AtomicUsize>, at: usize) {
    if let Some(hint) = hint {
        hint.store(at, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_at_the_first_try_when_it_comes_back() {
        let (hints, from) = (Hints::default(), Private::new(7));
        let tries = |right: usize| {
            let hint = hints.place(&from);
            let tries = turns(hint, 100).position(|at| at == right)? + 1;
            leave(hint, right);
            Some(tries)
        };
        assert_eq!(tries(60), Some(61));
        assert_eq!(tries(60), Some(1));
        assert_eq!(tries(3), Some(5));
        assert_eq!(tries(100), None);
    }
}
