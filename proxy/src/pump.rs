//! Moves the bytes of a stream both ways, and counts each when the far side has accepted it.
//!
//! A direction that waits holds no memory. One that moves much reads much at once, but hands over no more than a piece at
//! a time: killed at any moment, it has counted all but that piece, and never a byte that was not accepted.

use std::{
    io::{self, IoSlice, IoSliceMut},
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{
    net::TcpStream,
    task::yield_now,
    time::{Instant, sleep_until},
};

use crate::{
    allowance::Allowance,
    room::{Room, Size},
    sealed::{Inflow, Opener, Sealer},
    wire::{self, PIECE},
};

/// How often a direction goes on at once before something else gets its turn.
const TURNS: u32 = 16;

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
    /// The account used up what it may.
    UsedUp,
}

/// A client's side of a stream.
pub(crate) struct Client<'a> {
    pub(crate) stream: &'a TcpStream,
    /// What it sent already.
    pub(crate) inflow: Inflow,
    pub(crate) opener: Opener,
    pub(crate) sealer: Sealer,
}

/// Carries a stream to its end. Either side may be done before the other: the half that is done is closed.
pub(crate) async fn pump(client: Client<'_>, target: &TcpStream, allowance: &Allowance, idle: Duration) -> End {
    let Client { stream, inflow, opener, sealer } = client;
    let progress = Progress { allowance, began: Instant::now(), last: AtomicU64::new(0) };
    let both = async {
        let up = up(stream, inflow, opener, target, &progress);
        let down = down(target, sealer, stream, &progress);
        tokio::try_join!(up, down).map_or_else(|end| end, |_| End::Complete)
    };
    tokio::select! {
        end = both => end,
        () = progress.silent_for(idle) => End::Idle,
    }
}

/// From the client to the target.
async fn up(
    from: &TcpStream,
    first: Inflow,
    mut opener: Opener,
    to: &TcpStream,
    progress: &Progress<'_>,
) -> Result<(), End> {
    let (mut held, mut pace) = (Some(first), Pace::default());
    loop {
        if let Some(flow) = &mut held {
            opener.open(flow).map_err(|_| End::ClientBroken)?;
            while let Some(piece) = flow.piece() {
                let accepted = progress.send(to, piece.slices(), |sent| sent).await?;
                flow.taken(accepted);
            }
        }
        if !pace.goes_on().await {
            held = held.filter(|flow| !flow.is_empty());
            from.readable().await.map_err(|_| End::ClientBroken)?;
        }
        let flow = held.get_or_insert_with(|| Inflow::new(&[], 0, pace.wish));
        flow.make_room(&opener, pace.wish);
        let space = flow.space();
        let asked = space.len();
        match pace.saw(asked, wire::read(from, space)).map_err(|_| End::ClientBroken)? {
            Some(0) if opener.may_end(flow) => return wire::end(to).map_err(|_| End::Broken),
            Some(0) => return Err(End::ClientBroken),
            Some(length) => {
                flow.read(length);
                progress.moved();
            }
            None => {}
        }
    }
}

/// From the target to the client.
async fn down(from: &TcpStream, mut sealer: Sealer, to: &TcpStream, progress: &Progress<'_>) -> Result<(), End> {
    let (mut held, mut pace) = (None::<Room>, Pace::default());
    loop {
        if !pace.goes_on().await {
            held = None;
            from.readable().await.map_err(|_| End::Broken)?;
        }
        let mut room = held.take().filter(|room| room.size() == pace.wish);
        let room = room.get_or_insert_with(|| Room::take(0, pace.wish));
        let mut plan = sealer.plan();
        let mut places: Vec<_> = plan.places(room).map(IoSliceMut::new).collect();
        let asked = places.iter().map(|place| place.len()).sum();
        match pace.saw(asked, wire::read_apart(from, &mut places)).map_err(|_| End::Broken)? {
            Some(0) => return wire::end(to).map_err(|_| End::Broken),
            Some(length) => plan.read = length,
            None => continue,
        }
        progress.moved();
        let (mut sealed, mut sent) = (0, 0);
        // Each chunk goes out before the next is sealed: it is still close to the processor then.
        while let Some(length) = room.get_mut(sealed..).and_then(|rest| sealer.seal(&mut plan, rest)) {
            sealed += length;
            while let Some(rest) = room.get(sent..sealed).filter(|rest| !rest.is_empty()) {
                let piece = rest.get(..PIECE).unwrap_or(rest);
                let payload = |more| plan.payload(sent + more) - plan.payload(sent);
                sent += progress.send(to, &[IoSlice::new(piece)], payload).await?;
            }
        }
        if !plan.is_sealed() {
            return Err(End::Broken);
        }
    }
}

/// Whether a direction reads on at once, and how much.
struct Pace {
    /// The socket may have more.
    more: bool,
    wish: Size,
    turns: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { more: false, wish: Size::Small, turns: 0 }
    }
}

impl Pace {
    /// Whether to read without waiting. A direction that could go on for ever lets others have their turn.
    async fn goes_on(&mut self) -> bool {
        if self.more {
            self.turns += 1;
            if self.turns.is_multiple_of(TURNS) {
                yield_now().await;
            }
        }
        self.more
    }

    /// Learns from what was read; `None` when there was nothing to read.
    fn saw(&mut self, asked: usize, read: io::Result<usize>) -> io::Result<Option<usize>> {
        match read {
            Ok(length) => {
                self.more = length == asked;
                if self.more {
                    self.wish = Size::Large;
                } else if length < Size::Small.bytes() {
                    self.wish = Size::Small;
                }
                Ok(Some(length))
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.more = false;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

/// What was accepted, and when something moved last, either way: in milliseconds since the beginning.
struct Progress<'a> {
    allowance: &'a Allowance,
    began: Instant,
    last: AtomicU64,
}

impl Progress<'_> {
    /// Hands over one piece, waits until some of it is taken, and counts the payload in that. What is handed over is
    /// held back from the account's other streams only while the system is asked to take it.
    async fn send(
        &self,
        to: &TcpStream,
        piece: &[IoSlice<'_>],
        payload: impl Fn(usize) -> usize,
    ) -> Result<usize, End> {
        let all = payload(piece.iter().map(|slice| slice.len()).sum());
        loop {
            let held = self.allowance.hold(all).await.ok_or(End::UsedUp)?;
            if let Some(accepted) = wire::send(to, piece).map_err(|_| End::Broken)? {
                held.taken(payload(accepted));
                self.moved();
                return Ok(accepted);
            }
            drop(held);
            to.writable().await.map_err(|_| End::Broken)?;
        }
    }

    fn moved(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    async fn silent_for(&self, idle: Duration) {
        let last = || self.began + Duration::from_millis(self.last.load(Ordering::Relaxed));
        while last().elapsed() < idle {
            sleep_until(last() + idle).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{net::SocketAddr, sync::Arc};

    use avow_terms::{account::AccountId, amount::Bytes};
    use shadowsocks::{
        ProxyClientStream,
        config::{ServerConfig, ServerType},
        context::{Context, SharedContext},
    };
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::{TcpListener, TcpSocket},
    };

    use super::*;
    use crate::{
        greeting::greeting,
        identify::whole_head,
        keys::{AccessKey, ServerKeys},
        link::link,
        method::Method,
        page::Page,
        registry::Access,
        replays::Replays,
    };

    fn context(kind: ServerType) -> SharedContext {
        Context::new_shared(kind)
    }

    /// Two ends of a connection; the first one has little room for what it receives.
    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(3_000).unwrap();
        let near = socket.connect(listener.local_addr().unwrap()).await.unwrap();
        (near, listener.accept().await.unwrap().0)
    }

    /// A client that takes 3 kB at a time, and a target that takes and sends 700 bytes at a time.
    async fn every_byte_arrives(method: Method, up: Vec<u8>, down: Vec<u8>) {
        let (page, account) =
            (Page::create(tempfile::tempfile().unwrap(), 1, 1, 0).unwrap(), AccountId::from_random(7).unwrap());
        let counter = page.counter(page.slot_for(account).unwrap(), account).unwrap();
        let (key, server) = (AccessKey::generate(1, method), ServerKeys::generate());
        let allowance = Arc::new(Allowance::new(counter));
        let access = Access::new(&key, allowance.clone());
        let config = ServerConfig::from_url(link("::1", 1, &key, &server, "").expose()).unwrap();
        let ((near, stream), (mut far, target)) = (pair().await, pair().await);
        let pumped = tokio::spawn(async move {
            let mut head = vec![0; whole_head(&access)];
            let mut stream = stream;
            stream.read_exact(&mut head).await.unwrap();
            let replays = Replays::create(tempfile::tempfile().unwrap()).unwrap();
            let greeting = greeting(&replays, &stream, &access, &head).await.unwrap();
            let (inflow, opener, sealer) = (greeting.inflow, greeting.opener, greeting.sealer);
            pump(Client { stream: &stream, inflow, opener, sealer }, &target, &allowance, Duration::from_secs(60)).await
        });
        let (sends, expected) = (down.clone(), up.clone());
        let far_side = tokio::spawn(async move {
            let (mut got, mut bite) = (Vec::new(), [0; 700]);
            while let Ok(length @ 1..) = far.read(&mut bite).await {
                got.extend_from_slice(&bite[..length]);
            }
            assert!(got == expected, "{method}: {} bytes of {} went up", got.len(), expected.len());
            for piece in sends.chunks(700) {
                far.write_all(piece).await.unwrap();
            }
        });
        let nobody = SocketAddr::from(([127, 0, 0, 1], 1));
        let mut client = ProxyClientStream::from_stream(context(ServerType::Local), near, &config, nobody);
        for piece in up.chunks(12_345) {
            client.write_all(piece).await.unwrap();
        }
        client.shutdown().await.unwrap();
        let (mut got, mut bite) = (Vec::new(), [0; 3_000]);
        while let Ok(length @ 1..) = client.read(&mut bite).await {
            got.extend_from_slice(&bite[..length]);
        }
        assert!(got == down, "{method}: {} bytes of {} came down", got.len(), down.len());
        assert_eq!(pumped.await.unwrap(), End::Complete);
        far_side.await.unwrap();
        assert_eq!(page.counted(account), Bytes((up.len() + down.len()) as u64), "{method}");
    }

    #[tokio::test]
    async fn every_byte_arrives_through_narrow_places_and_is_counted_once() {
        let bytes = |numbers: u32| (0..numbers).flat_map(u32::to_be_bytes).collect::<Vec<_>>();
        for method in Method::ALL {
            every_byte_arrives(method, bytes(200_000), bytes(300_000)).await;
        }
    }
}
