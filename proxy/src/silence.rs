//! What a stranger gets: nothing, for as long as every other stranger.
//!
//! Whatever was wrong (no key, half a head, a key that was withdrawn, an account that used up what it may, a recorded
//! connection sent again), the connection is read and thrown away until the client leaves or the time is over, so that
//! nothing can be learned by trying.

use std::io;

use tokio::{
    net::TcpStream,
    time::{Instant, timeout_at},
};

use crate::{event::Event, relay::Relay, threshold::Place};

/// Meets a connection with silence until then, or until its place is needed.
pub(crate) async fn silence(relay: &Relay, stream: &TcpStream, until: Instant, place: Place) {
    relay.tally.count(Event::Silenced);
    tokio::select! {
        () = throw_away(stream, until) => {}
        () = place.crowded_out() => relay.tally.count(Event::Crowded),
    }
}

async fn throw_away(stream: &TcpStream, until: Instant) {
    while let Ok(Ok(())) = timeout_at(until, stream.readable()).await {
        match stream.try_read(&mut [0; 1024]) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => return,
        }
    }
}
