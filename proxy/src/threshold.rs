//! Where a connection stands until it has shown a key: a bounded number of places. For the next one, the one that stands
//! there longest is closed.
//!
//! So a flood of connections that say nothing, or nothing of use, keeps nobody out: an account shows its key within a
//! moment, and is closed only if the whole place filled up in that moment. Who is closed early depends on the crowd and
//! not on what was sent, so nothing can be learned by it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::Notify;

/// The places.
#[derive(Default)]
pub(crate) struct Threshold(Mutex<Standing>);

#[derive(Default)]
struct Standing {
    next: u64,
    /// Those who stand there, in the order in which they came.
    here: BTreeMap<u64, Arc<Notify>>,
}

impl Threshold {
    /// Takes a place. To be called in the order in which connections come.
    pub(crate) fn enter(self: &Arc<Self>, most: usize) -> Place {
        let mut standing = self.hold();
        while standing.here.len() >= most.max(1) {
            if let Some((_, longest)) = standing.here.pop_first() {
                longest.notify_one();
            }
        }
        let (number, crowded_out) = (standing.next, Arc::new(Notify::new()));
        standing.next += 1;
        standing.here.insert(number, Arc::clone(&crowded_out));
        Place { threshold: Arc::clone(self), number, crowded_out }
    }

    fn hold(&self) -> MutexGuard<'_, Standing> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place, free again when this is dropped.
pub(crate) struct Place {
    threshold: Arc<Threshold>,
    number: u64,
    crowded_out: Arc<Notify>,
}

impl Place {
    /// Waits until the place is needed for somebody else.
    pub(crate) async fn crowded_out(&self) {
        self.crowded_out.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.threshold.hold().here.remove(&self.number);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_one_who_stands_there_longest_goes_first() {
        let threshold = Arc::new(Threshold::default());
        let places: Vec<_> = (0..3).map(|_| threshold.enter(3)).collect();
        let moment = Duration::from_millis(20);
        assert!(timeout(moment, places[0].crowded_out()).await.is_err());
        let fourth = threshold.enter(3);
        places[0].crowded_out().await;
        assert!(timeout(moment, places[1].crowded_out()).await.is_err());
        drop(fourth);
        let _fifth = threshold.enter(3);
        assert!(timeout(moment, places[1].crowded_out()).await.is_err(), "there was room");
    }
}
