//! Streams: a connection is accepted, its key found, its target reached, and its bytes carried.

use std::{io, net::IpAddr, sync::Arc, time::Duration};

use avow_terms::private::Private;
use bytes::BufMut;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    event::Event,
    greeting::{Greeting, greeting},
    identify::{HEAD, identify, whole_head},
    pump::{Client, End, pump},
    registry::{Access, Watch},
    relay::Relay,
    sessions::InUse,
    silence::silence,
    target::{self, Unreached},
    threshold::Place,
};

/// The most of a connection that is read before its key is known.
const LONGEST_HEAD: usize = 512;
/// How long to wait when the system is out of descriptors.
const BREATH: Duration = Duration::from_millis(50);

/// Accepts connections until it is dropped; those that are open go on.
pub(crate) async fn accept(relay: Arc<Relay>, listener: TcpListener) {
    relay.opened().await;
    loop {
        match listener.accept().await.map(|(stream, peer)| (stream, Private::new(peer.ip()))) {
            Ok((stream, peer)) => {
                relay.tally.count(Event::Accepted);
                let place = relay.threshold.enter(relay.limits.load().silenced);
                tokio::spawn(serve(Arc::clone(&relay), stream, peer, place));
            }
            Err(_) => {
                relay.tally.count(Event::NotAccepted);
                sleep(BREATH).await;
            }
        }
    }
}

/// A client that has shown its key, and where it wants to go.
pub(crate) struct Welcome {
    pub(crate) greeting: Greeting,
    pub(crate) access: Arc<Access>,
    watch: Watch,
    serving: watch::Receiver<()>,
    /// Where sessions are sealed to the abuse desk, this one is in use.
    session: Option<InUse>,
}

async fn serve(relay: Arc<Relay>, stream: TcpStream, peer: Private<IpAddr>, place: Place) {
    let until = Instant::now() + relay.limits.load().silence;
    // Small packets of an interactive stream are not held back.
    let _ = stream.set_nodelay(true);
    let welcome = tokio::select! {
        welcome = Box::pin(welcome(&relay, &stream, peer, until)) => welcome,
        () = place.crowded_out() => return relay.tally.count(Event::Crowded),
    };
    let place = match welcome {
        Some(welcome) => {
            drop(place);
            if !carry(&relay, &stream, welcome).await {
                return;
            }
            relay.threshold.enter(relay.limits.load().silenced)
        }
        None => place,
    };
    silence(&relay, &stream, until, place).await;
}

/// Finds the key and hears where the client wants to go; `None` is for a stranger.
pub(crate) async fn welcome(
    relay: &Relay,
    stream: &TcpStream,
    peer: Private<IpAddr>,
    until: Instant,
) -> Option<Welcome> {
    let (head, access) = timeout_at(until, read_head(relay, stream, &peer)).await.ok()??;
    let (mut watch, serving) = (access.watch(), relay.serving.subscribe());
    let greeting = tokio::select! {
        biased;
        // Whoever stops half-way through the handshake must not keep the key from being withdrawn.
        () = watch.withdrawn() => None,
        greeting = timeout_at(until, greeting(&relay.replays, stream, &access, &head)) => greeting.ok().flatten(),
    };
    // An account that used up what it may is a stranger; only now, so that its connection cannot be sent again later.
    let greeting = greeting.filter(|_| !access.allowance.is_used_up())?;
    relay.tally.count(Event::Identified);
    let session = relay.sessions.stream(access.allowance.counter().account(), &peer);
    Some(Welcome { greeting, access, watch, serving, session })
}

/// Reads as much as it takes to find the key; `None` when there is none.
async fn read_head(relay: &Relay, stream: &TcpStream, peer: &Private<IpAddr>) -> Option<(Vec<u8>, Arc<Access>)> {
    let mut head = Vec::with_capacity(LONGEST_HEAD);
    read_until(stream, &mut head, HEAD).await?;
    let access = identify(relay, peer, &head).await?;
    read_until(stream, &mut head, whole_head(&access)).await?;
    Some((head, access))
}

async fn read_until(stream: &TcpStream, head: &mut Vec<u8>, length: usize) -> Option<()> {
    while head.len() < length {
        stream.readable().await.ok()?;
        match stream.try_read_buf(&mut head.limit(LONGEST_HEAD.checked_sub(head.len())?)) {
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            _ => return None,
        }
    }
    Some(())
}

/// Carries the stream to its end; tells whether the client turned out to be one to meet with silence.
async fn carry(relay: &Relay, stream: &TcpStream, welcome: Welcome) -> bool {
    let Welcome { greeting, access, mut watch, serving, session: _session } = welcome;
    let Greeting { target, inflow, opener, sealer } = greeting;
    let limits = **relay.limits.load();
    let Some(_seat) = access.allowance.stream(limits.account_streams) else {
        relay.tally.count(Event::StreamRefused);
        return false;
    };
    let carried = async {
        let target = target::connect(&target, &relay.guard.load_full(), limits.connect).await?;
        let _ = target.set_nodelay(true);
        let client = Client { stream, inflow, opener, sealer };
        Ok(pump(client, &target, &access.allowance, limits.idle).await)
    };
    let end = tokio::select! {
        biased;
        () = watch.withdrawn() => {
            relay.tally.count(Event::Withdrawn);
            return false;
        }
        () = access.allowance.used_up() => Ok(End::UsedUp),
        end = carried => end,
    };
    drop((watch, serving));
    match end {
        Err(Unreached::NoAnswer) => relay.tally.count(Event::Unreachable),
        Err(Unreached::Refused) => relay.tally.count(Event::Refused),
        Ok(End::Idle) => relay.tally.count(Event::Idle),
        Ok(End::UsedUp) => relay.tally.count(Event::UsedUp),
        Ok(End::ClientBroken | End::Complete | End::Broken) => {}
    }
    // Somebody on the way may have changed a byte to see what happens.
    end == Ok(End::ClientBroken)
}
