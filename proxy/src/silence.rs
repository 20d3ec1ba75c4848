//! What a stranger gets: nothing, for as long as every other stranger.
//!
//! Whatever was wrong (no key, half a head, a key that was withdrawn, a recorded connection sent again), the connection
//! is read and thrown away until the client leaves or the time is over, so that nothing can be learned by trying.

use std::{
    io,
    sync::atomic::{AtomicUsize, Ordering},
};

use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

use crate::{event::Event, relay::Relay};

/// Meets a connection with silence until then.
pub(crate) async fn silence(relay: &Relay, stream: &TcpStream, until: Instant) {
    let Some(_place) = Place::take(&relay.silenced, relay.limits.load().silenced) else {
        relay.tally.count(Event::Crowded);
        return;
    };
    relay.tally.count(Event::Silenced);
    while let Ok(Ok(())) = timeout_at(until, stream.readable()).await {
        match stream.try_read(&mut [0; 1024]) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => return,
        }
    }
}

/// One of a bounded number of places.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(taken: &'a AtomicUsize, most: usize) -> Option<Self> {
        let free = |now: usize| (now < most).then_some(now + 1);
        taken.fetch_update(Ordering::AcqRel, Ordering::Acquire, free).ok().map(|_| Self(taken))
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}
