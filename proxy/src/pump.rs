//! Moves the bytes of a stream both ways, and counts each when the far side has accepted it.
//!
//! Not by tokio's copy: the sealing writer takes the length of whatever slice it is shown when it is asked again, and
//! copy shows it a longer one, so that bytes are lost and counted. Here a slice stays the same until it is accepted.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split},
    time::{Instant, sleep_until},
};

use crate::page::Counter;

/// The most that is between the two sides, each way: what the older methods seal in one piece.
const CHUNK: usize = 0x3fff;

/// How a stream ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Both sides had said all they had to say.
    Complete,
    /// What came from the client could not be read: it is gone, or what it sent was tampered with.
    ClientBroken,
    /// The client does not take any more, or the target is gone.
    Broken,
    /// Nothing moved for too long.
    Idle,
}

/// Carries a stream to its end. Either side may be done before the other: the half that is done is closed.
pub(crate) async fn pump<C, T>(client: &mut C, target: &mut T, counter: &Counter, idle: Duration) -> End
where
    C: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    let (from_client, to_client) = split(client);
    let (from_target, to_target) = split(target);
    let last = Last::new();
    let both = async {
        let up = one_way(from_client, to_target, counter, &last, End::ClientBroken);
        let down = one_way(from_target, to_client, counter, &last, End::Broken);
        tokio::try_join!(up, down).map_or_else(|end| end, |_| End::Complete)
    };
    tokio::select! {
        end = both => end,
        () = silent_for(idle, &last) => End::Idle,
    }
}

async fn one_way(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    counter: &Counter,
    last: &Last,
    unreadable: End,
) -> Result<(), End> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = from.read(&mut chunk).await.map_err(|_| unreadable)?;
        last.moved();
        let mut rest = chunk.get(..length).unwrap_or_default();
        if rest.is_empty() {
            return to.shutdown().await.map_err(|_| End::Broken);
        }
        while !rest.is_empty() {
            let accepted = to.write(rest).await.map_err(|_| End::Broken)?;
            counter.add(accepted);
            last.moved();
            rest = rest.get(accepted..).filter(|_| accepted > 0).ok_or(End::Broken)?;
        }
    }
}

async fn silent_for(idle: Duration, last: &Last) {
    while last.when().elapsed() < idle {
        sleep_until(last.when() + idle).await;
    }
}

/// When something moved last, either way: in milliseconds since the beginning.
struct Last(Instant, AtomicU64);

impl Last {
    fn new() -> Self {
        Self(Instant::now(), AtomicU64::new(0))
    }

    fn moved(&self) {
        let now = u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.1.store(now, Ordering::Relaxed);
    }

    fn when(&self) -> Instant {
        self.0 + Duration::from_millis(self.1.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use avow_terms::{account::AccountId, amount::Bytes};
    use shadowsocks::{
        ProxyClientStream,
        config::{ServerConfig, ServerType},
        context::Context,
        relay::tcprelay::ProxyServerStream,
    };
    use tokio::io::duplex;

    use super::*;
    use crate::{
        keys::{AccessKey, ServerKeys},
        link::link,
        method::Method,
        page::Page,
        registry::{Access, Registry},
    };

    /// A sealed stream whose client takes 3 kB at a time, from a source that has 700 bytes at a time.
    async fn a_slow_client_gets_every_byte(method: Method) {
        let (page, account) =
            (Page::create(tempfile::tempfile().unwrap(), 1, 1).unwrap(), AccountId::from_random(7).unwrap());
        let counter = page.counter(page.slot_for(account).unwrap(), account).unwrap();
        let (key, server) = (AccessKey::generate(1, method), ServerKeys::generate());
        let access = Arc::new(Access::new(&key, counter.clone()));
        let registry = Registry::new(Some(&server), [access.clone()].iter());
        let config = ServerConfig::from_url(link("::1", 1, &key, &server, "").expose()).unwrap();

        let (outer, inner) = duplex(3_000);
        let mut client =
            ProxyClientStream::from_stream(Context::new_shared(ServerType::Local), outer, &config, ("a".to_owned(), 1));
        let named = registry.named.iter().find(|named| named.method == method);
        let mut sealed = ProxyServerStream::from_stream_with_user_manager(
            Context::new_shared(ServerType::Server),
            inner,
            method.cipher(),
            named.map_or(&*access.key, |named| &*named.identity),
            named.map(|_| access.alone.clone()),
        );
        let (mut source, mut target) = duplex(700);
        let sent: Vec<u8> = (0..500_000_u32).flat_map(u32::to_be_bytes).collect();
        let expected = sent.clone();
        let end = tokio::spawn(async move {
            sealed.handshake().await.unwrap();
            pump(&mut sealed, &mut target, &counter, Duration::from_secs(60)).await
        });
        tokio::spawn(async move {
            source.write_all(&sent).await.unwrap();
            source.shutdown().await.unwrap();
            source.read_to_end(&mut Vec::new()).await.unwrap();
        });
        client.write_all(b"?").await.unwrap();
        let (mut got, mut bite) = (Vec::new(), [0; 3_000]);
        while let Ok(length @ 1..) = client.read(&mut bite).await {
            got.extend_from_slice(&bite[..length]);
        }
        client.shutdown().await.unwrap();
        assert_eq!(end.await.unwrap(), End::Complete);
        assert!(got == expected, "{method}: {} bytes of {}", got.len(), expected.len());
        assert_eq!(page.counted(account), Bytes(2_000_001), "{method}");
    }

    #[tokio::test]
    async fn a_slow_client_of_a_source_in_small_pieces_gets_every_byte() {
        for method in Method::ALL {
            a_slow_client_gets_every_byte(method).await;
        }
    }
}
