//! Which key an address used last, so that an older client that comes back is found at the first try.
//!
//! A hint is the place of a key in a table without addresses: which line of the table is chosen by a hash with a random
//! secret that is thrown away every hour. A wrong hint costs one try.

use std::{
    hash::{BuildHasher, Hash, RandomState},
    sync::atomic::{AtomicU32, Ordering},
};

use avow_terms::private::Private;

const LINES: usize = 1 << 16;
const NONE: u32 = u32::MAX;

/// The table.
pub(crate) struct Hints {
    secret: RandomState,
    keys: Box<[AtomicU32]>,
}

impl Default for Hints {
    fn default() -> Self {
        Self { secret: RandomState::new(), keys: (0..LINES).map(|_| AtomicU32::new(NONE)).collect() }
    }
}

impl Hints {
    /// The line for whoever sends from there.
    pub(crate) fn line(&self, from: &Private<impl Hash>) -> Line<'_> {
        let hash = usize::try_from(self.secret.hash_one(from.expose()) % LINES as u64).unwrap_or(0);
        Line { key: self.keys.get(hash), number: hash }
    }
}

/// A line of the table: what is known about an address is which key was used from there, or from others that share it.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a> {
    key: Option<&'a AtomicU32>,
    /// Which line it is.
    pub(crate) number: usize,
}

impl Line<'_> {
    /// The place of the key that was used last.
    pub(crate) fn read(&self) -> Option<usize> {
        let place = self.key?.load(Ordering::Relaxed);
        usize::try_from(place).ok().filter(|_| place != NONE)
    }

    /// Leaves a hint to the key that opened.
    pub(crate) fn leave(&self, place: usize) {
        if let Some(key) = self.key {
            key.store(u32::try_from(place).unwrap_or(NONE), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_there_when_its_address_comes_back() {
        let (hints, from) = (Hints::default(), Private::new(7));
        assert_eq!(hints.line(&from).read(), None);
        hints.line(&from).leave(60);
        assert_eq!(hints.line(&from).read(), Some(60));
        hints.line(&from).leave(3);
        assert_eq!(hints.line(&from).read(), Some(3));
        assert_eq!(Hints::default().line(&from).read(), None);
    }
}
