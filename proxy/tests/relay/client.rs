//! A client as others write it (the shadowsocks crate's own), and the targets that it goes to.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::BytesMut;
use shadowsocks::{
    ProxyClientStream,
    config::{ServerConfig, ServerType},
    context::{Context, SharedContext},
    relay::{
        Address,
        udprelay::{
            crypto_io::{decrypt_server_payload, encrypt_client_payload},
            options::UdpSocketControlData,
        },
    },
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    time::timeout,
};

pub(crate) fn context() -> SharedContext {
    Context::new_shared(ServerType::Local)
}

/// Bytes that are not alike anywhere.
pub(crate) fn bytes(seed: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    blake3::Hasher::new().update(&[seed]).finalize_xof().fill(&mut bytes);
    bytes
}

/// A stream through the relay.
pub(crate) async fn open(config: &ServerConfig, target: SocketAddr) -> ProxyClientStream<TcpStream> {
    let address: SocketAddr = config.addr().to_string().parse().unwrap();
    let stream = TcpStream::connect(address).await.unwrap();
    ProxyClientStream::from_stream(context(), stream, config, target)
}

/// Sends it all. The first piece is small: the crate's client breaks when the first does not fit one sealed chunk.
pub(crate) async fn send_all(client: &mut ProxyClientStream<TcpStream>, bytes: &[u8]) {
    for piece in bytes.chunks(8_000) {
        client.write_all(piece).await.unwrap();
    }
}

/// What a client sends for a stream with this first payload, as somebody on the way records it.
pub(crate) async fn recorded(config: &ServerConfig, target: SocketAddr, payload: &[u8]) -> Vec<u8> {
    let (client, mut wire) = tokio::io::duplex(1 << 20);
    let mut client = ProxyClientStream::from_stream(context(), client, config, target);
    client.write_all(payload).await.unwrap();
    drop(client);
    let mut recorded = Vec::new();
    wire.read_to_end(&mut recorded).await.unwrap();
    recorded
}

/// A target that reads a stream to its end, checks it, and then answers.
pub(crate) async fn exchange_target(host: SocketAddr, expects: Vec<u8>, answers: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind(host).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (expects, answers) = (expects.clone(), answers.clone());
            tokio::spawn(async move {
                let mut read = Vec::new();
                stream.read_to_end(&mut read).await.unwrap();
                if read == expects {
                    stream.write_all(&answers).await.unwrap();
                }
            });
        }
    });
    address
}

/// A target that counts who comes and what they say, and says nothing.
#[derive(Default)]
pub(crate) struct Ear {
    pub(crate) streams: AtomicUsize,
    pub(crate) heard: AtomicU64,
}

impl Ear {
    pub(crate) async fn listen() -> (Arc<Self>, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let ear = Arc::new(Self::default());
        let heard = Arc::clone(&ear);
        tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                heard.streams.fetch_add(1, Ordering::SeqCst);
                let heard = Arc::clone(&heard);
                tokio::spawn(async move {
                    let mut read = [0; 4096];
                    while let Ok(length @ 1..) = stream.read(&mut read).await {
                        heard.heard.fetch_add(length as u64, Ordering::SeqCst);
                    }
                });
            }
        });
        (ear, address)
    }
}

/// A target that sends without end, and how much of it was taken at most.
pub(crate) async fn fountain() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let taken = Arc::new(AtomicU64::new(0));
    let all = Arc::clone(&taken);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let all = Arc::clone(&all);
            tokio::spawn(async move {
                // Noted before it is written: what is on its way may be counted before this task is there again.
                all.fetch_add(10_000, Ordering::SeqCst);
                while let Ok(length) = stream.write(&[7; 10_000]).await {
                    all.fetch_add(length as u64, Ordering::SeqCst);
                }
            });
        }
    });
    (address, taken)
}

/// A target that sends datagrams back, turned round.
pub(crate) async fn echo(host: SocketAddr) -> SocketAddr {
    let socket = UdpSocket::bind(host).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut packet = vec![0; 65_536];
        loop {
            let (length, from) = socket.recv_from(&mut packet).await.unwrap();
            packet[..length].reverse();
            socket.send_to(&packet[..length], from).await.unwrap();
        }
    });
    address
}

/// A client that sends datagrams through the relay.
pub(crate) struct Datagrams {
    pub(crate) socket: UdpSocket,
    config: ServerConfig,
    control: UdpSocketControlData,
}

impl Datagrams {
    pub(crate) async fn new(config: &ServerConfig) -> Self {
        let relay: SocketAddr = config.addr().to_string().parse().unwrap();
        let socket = UdpSocket::bind(if relay.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" }).await.unwrap();
        socket.connect(relay).await.unwrap();
        let mut control = UdpSocketControlData::default();
        control.client_session_id =
            u64::from_be_bytes(bytes(socket.local_addr().unwrap().port() as u8, 8).try_into().unwrap())
                ^ u64::from(socket.local_addr().unwrap().port());
        Self { socket, config: config.clone(), control }
    }

    /// The next datagram, sealed.
    pub(crate) fn seal(&mut self, target: SocketAddr, payload: &[u8]) -> BytesMut {
        let mut packet = BytesMut::new();
        let (config, target) = (&self.config, Address::from(target));
        let (method, key, names) = (config.method(), config.key(), config.identity_keys());
        encrypt_client_payload(&context(), method, key, &target, &self.control, names, payload, &mut packet);
        self.control.packet_id += 1;
        packet
    }

    pub(crate) async fn send(&mut self, target: SocketAddr, payload: &[u8]) {
        let packet = self.seal(target, payload);
        self.socket.send(&packet).await.unwrap();
    }

    /// What comes back, and from where; `None` when nothing does.
    pub(crate) async fn receive(&self, at_most: Duration) -> Option<(Vec<u8>, Address)> {
        let mut packet = vec![0; 65_536];
        let length = timeout(at_most, self.socket.recv(&mut packet)).await.ok()?.unwrap();
        let packet = &mut packet[..length];
        let (length, from, control) =
            decrypt_server_payload(&context(), self.config.method(), self.config.key(), packet).unwrap();
        if let Some(control) = control {
            assert_eq!(control.client_session_id, self.control.client_session_id);
        }
        Some((packet[..length].to_vec(), from))
    }
}
