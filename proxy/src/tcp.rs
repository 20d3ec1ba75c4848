//! Streams: a connection is accepted, its key found, its target reached, and its bytes carried.

use std::{net::IpAddr, sync::Arc, time::Duration};

use avow_terms::private::Private;
use shadowsocks::relay::{Address, tcprelay::ProxyServerStream};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, TcpStream},
    sync::watch,
    time::{Instant, sleep, timeout_at},
};

use crate::{
    event::Event,
    identify::{HEAD, identify, whole_head},
    prefixed::Prefixed,
    pump::{End, pump},
    registry::{Access, Watch},
    relay::Relay,
    silence::silence,
    target,
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
                tokio::spawn(serve(Arc::clone(&relay), stream, peer));
            }
            Err(_) => {
                relay.tally.count(Event::NotAccepted);
                sleep(BREATH).await;
            }
        }
    }
}

/// A client that has shown its key, and where it wants to go.
struct Welcome {
    client: ProxyServerStream<Prefixed<TcpStream>>,
    target: Private<Address>,
    access: Arc<Access>,
    watch: Watch,
    serving: watch::Receiver<()>,
}

async fn serve(relay: Arc<Relay>, stream: TcpStream, peer: Private<IpAddr>) {
    let until = Instant::now() + relay.limits.load().silence;
    // Small packets of an interactive stream are not held back.
    let _ = stream.set_nodelay(true);
    match welcome(&relay, stream, peer, until).await {
        Ok(welcome) => carry(&relay, welcome, until).await,
        Err(stranger) => silence(&relay, stranger, until).await,
    }
}

/// Finds the key and does the handshake. A stranger's connection is given back.
async fn welcome(
    relay: &Relay,
    mut stream: TcpStream,
    peer: Private<IpAddr>,
    until: Instant,
) -> Result<Welcome, TcpStream> {
    let found = timeout_at(until, read_head(relay, &mut stream, &peer)).await;
    let Ok(Some((head, access))) = found else { return Err(stream) };
    let (mut watch, serving) = (access.watch(), relay.serving.subscribe());
    let mut client = unseal(relay, Prefixed::new(head, stream), &access)?;
    let shaken = tokio::select! {
        biased;
        // Whoever stops half-way through the handshake must not keep the key from being withdrawn.
        () = watch.withdrawn() => None,
        shaken = timeout_at(until, client.handshake()) => shaken.ok().and_then(Result::ok),
    };
    let Some(target) = shaken else { return Err(client.into_inner().into_stream()) };
    relay.tally.count(Event::Identified);
    Ok(Welcome { client, target: Private::new(target), access, watch, serving })
}

/// Reads as much as it takes to find the key; `None` when there is none.
async fn read_head(relay: &Relay, stream: &mut TcpStream, peer: &Private<IpAddr>) -> Option<(Vec<u8>, Arc<Access>)> {
    let mut head = Vec::with_capacity(LONGEST_HEAD);
    read_until(stream, &mut head, HEAD).await?;
    let hints = relay.hints.load_full();
    let access = identify(&relay.registry.load_full(), hints.place(peer), &head).await?;
    read_until(stream, &mut head, whole_head(&access)).await?;
    Some((head, access))
}

async fn read_until(stream: &mut TcpStream, head: &mut Vec<u8>, length: usize) -> Option<()> {
    while head.len() < length {
        let room = u64::try_from(LONGEST_HEAD.checked_sub(head.len())?).ok()?;
        match stream.take(room).read_buf(head).await {
            Ok(1..) => {}
            _ => return None,
        }
    }
    Some(())
}

/// The client's stream in the clear. A client of 2022 is held to the one key that it named, hidden with the server's own.
///
/// Without that list of one the crate would take the server's own key for a user's, so there is no other way past here.
fn unseal(
    relay: &Relay,
    stream: Prefixed<TcpStream>,
    access: &Access,
) -> Result<ProxyServerStream<Prefixed<TcpStream>>, TcpStream> {
    let (seen, cipher) = (Arc::clone(&relay.streams_seen), access.method.cipher());
    if !access.method.is_2022() {
        return Ok(ProxyServerStream::from_stream(seen, stream, cipher, &access.key));
    }
    let registry = relay.registry.load();
    let Some(named) = registry.named.iter().find(|named| named.method == access.method) else {
        return Err(stream.into_stream());
    };
    let alone = Some(Arc::clone(&access.alone));
    Ok(ProxyServerStream::from_stream_with_user_manager(seen, stream, cipher, &named.identity, alone))
}

async fn carry(relay: &Relay, welcome: Welcome, until: Instant) {
    let Welcome { mut client, target, access, mut watch, serving } = welcome;
    let limits = **relay.limits.load();
    let carried = async {
        let mut target = target::connect(&target, limits.connect).await?;
        let _ = target.set_nodelay(true);
        Some(pump(&mut client, &mut target, &access.counter, limits.idle).await)
    };
    let end = tokio::select! {
        biased;
        () = watch.withdrawn() => return relay.tally.count(Event::Withdrawn),
        end = carried => end,
    };
    drop((watch, serving));
    match end {
        None => relay.tally.count(Event::Unreachable),
        Some(End::Idle) => relay.tally.count(Event::Idle),
        // Somebody on the way may have changed a byte to see what happens.
        Some(End::ClientBroken) => silence(relay, client.into_inner().into_stream(), until).await,
        Some(End::Complete | End::Broken) => {}
    }
}
