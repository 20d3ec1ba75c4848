//! Our relay, as the service starts it, and its peers: each with the accounts it is told, and how a client reaches it.

use std::{
    env,
    fs::{self, File},
    net::{SocketAddr, TcpListener, TcpStream, UdpSocket},
    path::PathBuf,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};

use avow_proxy::{
    AccessKey, AccountKeys, Admission, Limits, Method, Page, Replays, ServerKeys, SpawnRelay, Supervisor, link,
};
use avow_terms::account::AccountId;
use shadowsocks::config::ServerConfig;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::plain;

/// The method that everything is measured with, where a peer has it.
pub(crate) const METHOD: Method = Method::Blake3Aes256Gcm;

/// What the plain relay is called that seals and hands over as much at once as our promise allows.
pub(crate) const PIECES: &str = "plain relay that seals pieces of 16 KiB";

/// A server that runs, and one client's way to it for each account asked for.
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) pid: u32,
    pub(crate) address: SocketAddr,
    /// None for the plain relay.
    pub(crate) clients: Vec<ServerConfig>,
    keep: Keep,
}

enum Keep {
    Ours { supervisor: Supervisor, page: Page, _replays: Replays },
    Peer(Child, #[expect(dead_code, reason = "held for as long as the peer may read its configuration")] TempDir),
}

impl Drop for Keep {
    fn drop(&mut self) {
        if let Self::Peer(child, _) = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Server {
    /// What keeps our own relay, and where it counts.
    pub(crate) fn own(&self) -> (&Supervisor, &Page) {
        match &self.keep {
            Keep::Ours { supervisor, page, .. } => (supervisor, page),
            Keep::Peer(..) => panic!("{} is not ours", self.name),
        }
    }
}

/// Our relay with so many accounts.
pub(crate) fn ours(runtime: &Runtime, accounts: u32) -> Server {
    ours_with(runtime, accounts, METHOD)
}

/// The same with keys of another method.
pub(crate) fn ours_with(runtime: &Runtime, accounts: u32, method: Method) -> Server {
    let spawn = SpawnRelay { program: env!("CARGO_BIN_EXE_avow").into(), arguments: vec!["relay".into()] };
    started_by(spawn, runtime, accounts, method)
}

/// The same, started by another program.
pub(crate) fn started_by(spawn: SpawnRelay, runtime: &Runtime, accounts: u32, method: Method) -> Server {
    let limits = Limits {
        associations: 30_000,
        account_associations: 30_000,
        account_streams: 30_000,
        silence: Duration::from_secs(5),
        ..Limits::default()
    };
    let port = free_port();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let page = Page::create(tempfile::tempfile().unwrap(), 1, accounts + 1, 0).unwrap();
    let (tcp, udp) = (TcpListener::bind(address).unwrap(), UdpSocket::bind(address).unwrap());
    // As the service does: as many may wait as the system allows.
    rustix::net::listen(&tcp, 4096).unwrap();
    let replays = Replays::create(tempfile::tempfile().unwrap()).unwrap();
    let supervisor = Supervisor::start(spawn, vec![tcp], vec![udp], &page, &replays, None).unwrap();
    let server = ServerKeys::generate();
    let clients = runtime.block_on(async {
        let (mut admissions, mut clients) = (Vec::new(), Vec::new());
        for number in 1..=accounts {
            let (account, key) = (AccountId::try_from(number).unwrap(), AccessKey::generate(1, method));
            clients.push(ServerConfig::from_url(link("127.0.0.1", port, &key, &server, "").expose()).unwrap());
            let (slot, keys) = (page.slot_for(account).unwrap(), AccountKeys(vec![key]));
            admissions.push(Admission { account, slot, keys, stop_at: None });
        }
        supervisor.put(admissions).await.unwrap();
        supervisor.guard(vec!["127.0.0.0/8".parse().unwrap()], Vec::new()).await.unwrap();
        supervisor.configure(server.clone(), limits).await.unwrap();
        supervisor.ready().await.unwrap();
        clients
    });
    let pid = supervisor.pid().unwrap();
    Server { name: "avow", pid, address, clients, keep: Keep::Ours { supervisor, page, _replays: replays } }
}

/// ssserver with so many accounts; `None` when there is none on this machine.
pub(crate) fn ssserver(accounts: u32) -> Option<Server> {
    ssserver_by(accounts, |command| command)
}

/// The same, started in another way.
pub(crate) fn ssserver_by(accounts: u32, how: impl Fn(Command) -> Command) -> Option<Server> {
    let program = found("AVOW_SSSERVER", "ssserver")?;
    Some(peer("ssserver", METHOD, accounts, |folder, port, server, users| {
        let users = users.iter().enumerate().map(|(at, key)| format!(r#"{{"name":"{at}","password":"{key}"}}"#));
        let users = users.collect::<Vec<_>>().join(",");
        let method = METHOD.name();
        let config = format!(
            r#"{{"servers":[{{"server":"127.0.0.1","server_port":{port},"method":"{method}","password":"{server}","mode":"tcp_and_udp","users":[{users}]}}]}}"#
        );
        fs::write(folder.join("config.json"), config).unwrap();
        let mut command = Command::new(&program);
        command.arg("-c").arg(folder.join("config.json"));
        how(command)
    }))
}

/// sing-box with so many accounts.
pub(crate) fn sing_box(accounts: u32) -> Option<Server> {
    let program = found("AVOW_SING_BOX", "sing-box")?;
    Some(peer("sing-box", METHOD, accounts, |folder, port, server, users| {
        let users = users.iter().enumerate().map(|(at, key)| format!(r#"{{"name":"{at}","password":"{key}"}}"#));
        let users = users.collect::<Vec<_>>().join(",");
        let method = METHOD.name();
        let config = format!(
            r#"{{"log":{{"disabled":true}},"inbounds":[{{"type":"shadowsocks","listen":"127.0.0.1","listen_port":{port},"method":"{method}","password":"{server}","users":[{users}]}}],"outbounds":[{{"type":"direct"}}]}}"#
        );
        fs::write(folder.join("config.json"), config).unwrap();
        let mut command = Command::new(&program);
        command.args(["run", "-c"]).arg(folder.join("config.json"));
        command
    }))
}

/// shadowsocks-libev's server, which knows the older methods only, with its one account.
pub(crate) fn libev() -> Option<Server> {
    let program = found("AVOW_SS_SERVER", "ss-server")?;
    Some(peer("ss-server", Method::Aes256Gcm, 1, |_, port, _, users| {
        let mut command = Command::new(&program);
        let method = Method::Aes256Gcm.name();
        command.args(["-s", "127.0.0.1", "-p", &port.to_string(), "-k", &users[0], "-m", method, "-t", "3600"]);
        command
    }))
}

/// A relay without a cipher, for streams to this target.
pub(crate) fn plain(kind: &str, target: SocketAddr) -> Server {
    plain_by(kind, target, |command| command)
}

/// The same, started in another way.
pub(crate) fn plain_by(kind: &str, target: SocketAddr, how: impl Fn(Command) -> Command) -> Server {
    let port = free_port();
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([plain::HIDDEN, kind, &port.to_string(), &target.to_string()]);
    let folder = tempfile::tempdir().unwrap();
    let name = if kind == "pieces" { PIECES } else { "plain relay" };
    let child = started(name, how(command), port);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    Server { name, pid: child.id(), address, clients: Vec::new(), keep: Keep::Peer(child, folder) }
}

fn peer(
    name: &'static str,
    method: Method,
    accounts: u32,
    command: impl Fn(&std::path::Path, u16, &str, &[String]) -> Command,
) -> Server {
    let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
    let secret = || AccessKey::generate(0, method).secret().expose().clone();
    let server = secret();
    let users: Vec<String> = (0..accounts).map(|_| secret()).collect();
    let child = started(name, command(folder.path(), port, &server, &users), port);
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let clients = users.iter().map(|user| {
        let password = if method.is_2022() { format!("{server}:{user}") } else { user.clone() };
        ServerConfig::new(address, password, method.name().parse().unwrap()).unwrap()
    });
    Server { name, pid: child.id(), address, clients: clients.collect(), keep: Keep::Peer(child, folder) }
}

fn started(name: &str, mut command: Command, port: u16) -> Child {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null()).spawn().unwrap();
    let end = Instant::now() + Duration::from_secs(30);
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        assert!(child.try_wait().unwrap().is_none() && Instant::now() < end, "{name} does not start");
        sleep(Duration::from_millis(50));
    }
    // Some open the port for datagrams a little later.
    sleep(Duration::from_millis(500));
    child
}

/// A program named by the environment, or else on PATH.
fn found(variable: &str, name: &str) -> Option<PathBuf> {
    if let Some(path) = env::var_os(variable) {
        return Some(path.into());
    }
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(name)).find(|path| File::open(path).is_ok())
}

fn free_port() -> u16 {
    loop {
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        if UdpSocket::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
