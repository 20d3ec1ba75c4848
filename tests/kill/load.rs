//! Traffic for a service that is about to be killed: streams both ways that know what passed, to the byte.
//!
//! What a killed relay's socket had accepted still arrives, because the kernel delivers it. So what the ends of a stream
//! received in the end is exactly what passed, and a count above it counted too much.

use std::{
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering::SeqCst},
    },
    thread,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Runtime,
    time::{sleep, timeout},
};

use crate::{clients::InProcess, world::PATIENCE};

/// Streams that one account may have open at once: one up, one down, one down to a client that is slower than its source,
/// and short ones that come and go.
pub(super) const STREAMS: u64 = 4;

const PIECE: usize = 8_000;
const PAUSE: Duration = Duration::from_micros(500);

/// The traffic of one account.
pub(super) struct Load {
    runtime: Runtime,
    client: Arc<InProcess>,
    far: SocketAddr,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// What the far side and the client received in all.
    passed: AtomicU64,
    /// Streams that either end still has open.
    open: AtomicUsize,
    /// Nothing more is to be sent.
    stop: AtomicBool,
}

impl Load {
    /// Traffic for whoever has this link; none moves yet.
    pub(super) fn new(link: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (far, shared) = (listener.local_addr().unwrap(), Arc::<Shared>::default());
        let accepted = shared.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let open = Open::new(&accepted);
                thread::spawn(move || serve(stream, &open.0));
            }
        });
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        Self { runtime, client: Arc::new(InProcess::new(link)), far, shared }
    }

    /// Starts the streams, and waits until something passes.
    pub(super) fn start(&self) {
        self.shared.stop.store(false, SeqCst);
        let before = self.passed();
        self.run(|client, far, shared| async move { download(&client, far, &shared, b"d").await });
        self.run(|client, far, shared| async move { download(&client, far, &shared, b"s").await });
        self.run(|client, far, shared| async move { upload(&client, far, &shared).await });
        self.run(|client, far, shared| async move {
            while !shared.stop.load(SeqCst) {
                if !visit(&client, far, &shared).await {
                    sleep(Duration::from_millis(5)).await;
                }
            }
        });
        let end = Instant::now() + PATIENCE;
        while self.passed() == before {
            assert!(Instant::now() < end, "nothing passes");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// Sends nothing more, and waits until every stream has ended.
    pub(super) fn stop(&self) {
        self.shared.stop.store(true, SeqCst);
        let end = Instant::now() + PATIENCE;
        while self.shared.open.load(SeqCst) > 0 {
            assert!(Instant::now() < end, "a stream does not end");
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// What passed until now, ever.
    pub(super) fn passed(&self) -> u64 {
        self.shared.passed.load(SeqCst)
    }

    fn run<F: Future<Output = ()> + Send + 'static>(
        &self,
        stream: impl FnOnce(Arc<InProcess>, SocketAddr, Arc<Shared>) -> F,
    ) {
        let open = Open::new(&self.shared);
        let running = stream(self.client.clone(), self.far, self.shared.clone());
        self.runtime.spawn(async move {
            running.await;
            drop(open);
        });
    }
}

/// Counts as an open stream while it lives.
struct Open(Arc<Shared>);

impl Open {
    fn new(shared: &Arc<Shared>) -> Self {
        shared.open.fetch_add(1, SeqCst);
        Self(shared.clone())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, SeqCst);
    }
}

/// The far side: sends to whoever begins with `d`, and all it can to a slow client that begins with `s`; takes from whoever
/// begins with `u`, and answers a `v`.
fn serve(mut stream: TcpStream, shared: &Shared) {
    use std::io::{Read, Write};
    let mut piece = vec![0; PIECE];
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        shared.passed.fetch_add(length as u64, SeqCst);
        match piece.first() {
            Some(how @ (b'd' | b's')) => {
                let pause = if *how == b'd' { PAUSE } else { Duration::ZERO };
                while !shared.stop.load(SeqCst) && stream.write_all(&[b'd'; PIECE]).is_ok() {
                    thread::sleep(pause);
                }
                return;
            }
            Some(b'v') => _ = stream.write_all(b"v"),
            _ => {}
        }
    }
}

async fn download(client: &InProcess, far: SocketAddr, shared: &Shared, how: &[u8]) {
    let Ok(mut stream) = client.try_connect(far).await else { return };
    if stream.write_all(how).await.is_ok() {
        receive(&mut stream, shared, how == b"s").await;
    }
}

async fn upload(client: &InProcess, far: SocketAddr, shared: &Shared) {
    let Ok(mut stream) = client.try_connect(far).await else { return };
    let mut length = 1;
    while !shared.stop.load(SeqCst) && stream.write_all(&[b'u'; PIECE][..length]).await.is_ok() {
        length = PIECE;
        sleep(PAUSE).await;
    }
    let _ = stream.shutdown().await;
    receive(&mut stream, shared, false).await;
}

/// A short stream: one byte there, one back; says whether it came back.
async fn visit(client: &InProcess, far: SocketAddr, shared: &Shared) -> bool {
    let Ok(mut stream) = client.try_connect(far).await else { return false };
    let asked = stream.write_all(b"v").await.is_ok() && stream.shutdown().await.is_ok();
    asked && receive(&mut stream, shared, false).await == 1
}

/// Receives to the end of the stream, however it ends; slowly, until nothing more is sent.
async fn receive(stream: &mut (impl AsyncReadExt + Unpin), shared: &Shared, slowly: bool) -> u64 {
    let (mut piece, mut received) = (vec![0; 1 << 15], 0);
    while let Ok(Ok(length @ 1..)) = timeout(PATIENCE, stream.read(&mut piece)).await {
        received += length as u64;
        shared.passed.fetch_add(length as u64, SeqCst);
        if slowly && !shared.stop.load(SeqCst) {
            sleep(10 * PAUSE).await;
        }
    }
    received
}
