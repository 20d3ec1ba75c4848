//! A client as others write it (the shadowsocks crate's own), and a target that does what the first bytes ask for.

use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

use shadowsocks::{ProxyClientStream, config::ServerConfig, config::ServerType, context::Context};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime::{Builder, Runtime},
    time::{MissedTickBehavior, interval},
};

use crate::servers::Server;

/// What one write of the client carries, and one of the target.
const PIECE: usize = 0xffff;

/// What a client asks of the target.
#[derive(Clone, Copy)]
pub(crate) enum Ask {
    /// Send so many bytes.
    Down = 1,
    /// Take so many, then send one.
    Up = 2,
    /// Send back every kilobyte that comes, until the client leaves.
    Echo = 3,
    /// Send 32 KiB every 5 ms until the client leaves.
    Paced = 4,
    /// Send so many bytes and wait until the client leaves.
    Burst = 5,
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

pub(crate) fn runtime() -> Runtime {
    Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()
}

/// A target; it runs for as long as the runtime does.
pub(crate) fn target(runtime: &Runtime) -> SocketAddr {
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream));
            }
        });
        address
    })
}

async fn answer(mut stream: TcpStream) -> Option<()> {
    stream.set_nodelay(true).ok()?;
    let (ask, length) = (stream.read_u8().await.ok()?, stream.read_u64().await.ok()?);
    let mut bytes = vec![7; 128 * 1024];
    match ask {
        1 => {
            send(&mut stream, &bytes, length).await?;
            stream.shutdown().await.ok()
        }
        2 => {
            receive(&mut stream, &mut bytes, length).await?;
            stream.write_all(&[1]).await.ok()
        }
        3 => loop {
            stream.read_exact(&mut bytes[..1024]).await.ok()?;
            stream.write_all(&bytes[..1024]).await.ok()?;
        },
        5 => {
            send(&mut stream, &bytes, length).await?;
            stream.read(&mut bytes).await.ok().map(drop)
        }
        _ => {
            let mut pace = interval(Duration::from_millis(5));
            pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
            loop {
                pace.tick().await;
                stream.write_all(&bytes[..32 * 1024]).await.ok()?;
            }
        }
    }
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), bytes: &[u8], length: u64) -> Option<()> {
    let mut left = length as usize;
    while left > 0 {
        let piece = &bytes[..left.min(bytes.len())];
        stream.write_all(piece).await.ok()?;
        left -= piece.len();
    }
    Some(())
}

pub(crate) async fn receive(stream: &mut (impl AsyncRead + Unpin), bytes: &mut [u8], length: u64) -> Option<()> {
    let mut left = length as usize;
    while left > 0 {
        match stream.read(bytes).await.ok()? {
            0 => return None,
            read => left -= read,
        }
    }
    Some(())
}

/// A stream to the target: through a server, or through the plain relay that knows its one target.
pub(crate) async fn open(server: &Server, account: usize, target: SocketAddr) -> Option<Box<dyn Stream>> {
    let stream = TcpStream::connect(server.address).await.ok()?;
    stream.set_nodelay(true).ok()?;
    Some(match server.clients.get(account % server.clients.len().max(1)) {
        Some(config) => Box::new(sealed(stream, config, target)),
        None => Box::new(stream),
    })
}

pub(crate) fn sealed(stream: TcpStream, config: &ServerConfig, target: SocketAddr) -> ProxyClientStream<TcpStream> {
    ProxyClientStream::from_stream(Context::new_shared(ServerType::Local), stream, config, target)
}

/// Asks the target for something.
pub(crate) async fn ask(stream: &mut dyn Stream, ask: Ask, length: u64) -> Option<()> {
    let mut words = vec![ask as u8];
    words.extend_from_slice(&length.to_be_bytes());
    stream.write_all(&words).await.ok()
}

/// Carries so many bytes one way; tells how many seconds that took.
pub(crate) async fn carry(server: &Server, target: SocketAddr, way: Ask, length: u64) -> f64 {
    let began = Instant::now();
    let mut stream = open(server, 0, target).await.unwrap();
    ask(&mut *stream, way, length).await.unwrap();
    let mut bytes = vec![7; PIECE];
    match way {
        Ask::Up => {
            send(&mut stream, &bytes, length).await.unwrap();
            assert_eq!(stream.read(&mut [0]).await.unwrap(), 1);
        }
        _ => receive(&mut stream, &mut bytes, length).await.unwrap(),
    }
    began.elapsed().as_secs_f64()
}
