//! A relay with its supervisor, a page, and many accounts.

use std::{
    env,
    ffi::OsString,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, UdpSocket},
    time::{Duration, Instant},
};

use avow_proxy::{
    AccessKey, AccountKeys, Admission, Limits, Method, Network, Page, Replays, ServerKeys, Slot, SpawnRelay,
    Supervisor, link,
};
use avow_terms::{account::AccountId, amount::Bytes};
use shadowsocks::config::ServerConfig;
use tokio::time::sleep;

/// How many accounts there are that nobody uses.
const BYSTANDERS: u32 = 100;

pub(crate) struct World {
    pub(crate) supervisor: Supervisor,
    pub(crate) page: Page,
    pub(crate) server: ServerKeys,
    pub(crate) port: u16,
    /// The addresses of this machine that the relay is served on.
    pub(crate) hosts: Vec<IpAddr>,
    next: u32,
}

/// An account with one device.
pub(crate) struct Account {
    pub(crate) id: AccountId,
    pub(crate) config: ServerConfig,
}

/// A memory in which nothing was seen.
pub(crate) fn replays() -> Replays {
    Replays::create(tempfile::tempfile().unwrap()).unwrap()
}

/// How the tests start their relay: this very program.
pub(crate) fn spawn() -> SpawnRelay {
    let arguments = ["the_relay_itself", "--exact", "--ignored", "--nocapture"];
    SpawnRelay { program: env::current_exe().unwrap(), arguments: arguments.map(OsString::from).to_vec() }
}

impl World {
    pub(crate) async fn new() -> Self {
        Self::with(Limits { silence: Duration::from_secs(2), ..Limits::default() }).await
    }

    pub(crate) async fn with(limits: Limits) -> Self {
        let (hosts, port, tcp, udp) = doors();
        let page = Page::create(tempfile::tempfile().unwrap(), 1, 1024, 0).unwrap();
        let supervisor = Supervisor::start(spawn(), tcp, udp, &page, &replays(), None).unwrap();
        let server = ServerKeys::generate();
        supervisor.guard(inside(), Vec::new()).await.unwrap();
        supervisor.configure(server.clone(), limits).await.unwrap();
        let mut world = Self { supervisor, page, server, port, hosts, next: 1 };
        for bystander in 0..BYSTANDERS {
            world.account(Method::ALL[bystander as usize % Method::ALL.len()]).await;
        }
        world
    }

    /// Opens an account.
    pub(crate) async fn account(&mut self, method: Method) -> Account {
        self.next += 1;
        let id = AccountId::try_from(self.next).unwrap();
        let key = AccessKey::generate(1, method);
        self.put(id, &key).await;
        Account { id, config: self.config(&key, self.hosts[0]) }
    }

    pub(crate) async fn put(&self, id: AccountId, key: &AccessKey) {
        let slot = self.page.slot_for(id).unwrap();
        self.supervisor.put(vec![admission(id, slot, &[key])]).await.unwrap();
    }

    /// What a client reads from the link.
    pub(crate) fn config(&self, key: &AccessKey, host: IpAddr) -> ServerConfig {
        ServerConfig::from_url(link(&host.to_string(), self.port, key, &self.server, "Avow").expose()).unwrap()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (self.hosts[0], self.port).into()
    }

    /// Waits until an account has moved so much, and a moment longer: it must not be more.
    pub(crate) async fn counted(&self, id: AccountId, bytes: usize) {
        let until = Instant::now() + Duration::from_secs(10);
        while self.page.counted(id).0 < bytes as u64 && Instant::now() < until {
            sleep(Duration::from_millis(5)).await;
        }
        sleep(Duration::from_millis(50)).await;
        assert_eq!(self.page.counted(id), Bytes(bytes as u64));
    }

    /// Only these accounts moved anything.
    pub(crate) fn only(&self, ids: &[AccountId]) {
        assert!(self.page.totals().iter().all(|(id, _)| ids.contains(id)), "a byte was counted on another account");
    }

    /// Waits until something is so.
    pub(crate) async fn until(&self, what: &str, so: impl Fn(&Self) -> bool) {
        let end = Instant::now() + Duration::from_secs(10);
        while !so(self) {
            assert!(Instant::now() < end, "{what}");
            sleep(Duration::from_millis(5)).await;
        }
    }
}

/// An account with these keys and no limit.
pub(crate) fn admission(account: AccountId, slot: Slot, keys: &[&AccessKey]) -> Admission {
    let keys = AccountKeys(keys.iter().map(|key| (*key).clone()).collect());
    Admission { account, slot, keys, stop_at: None }
}

/// This machine, where the targets of these tests are.
pub(crate) fn inside() -> Vec<Network> {
    ["127.0.0.0/8", "::1"].map(|network| network.parse().unwrap()).to_vec()
}

/// Listeners for both protocols on one port, on every loopback there is.
fn doors() -> (Vec<IpAddr>, u16, Vec<TcpListener>, Vec<UdpSocket>) {
    let (four, six) = (IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST));
    let has_six = TcpListener::bind((six, 0)).is_ok();
    let hosts: Vec<_> = [four].into_iter().chain(has_six.then_some(six)).collect();
    loop {
        let port = TcpListener::bind((four, 0)).unwrap().local_addr().unwrap().port();
        let tcp: Result<Vec<_>, _> = hosts.iter().map(|host| TcpListener::bind((*host, port))).collect();
        let udp: Result<Vec<_>, _> = hosts.iter().map(|host| UdpSocket::bind((*host, port))).collect();
        if let (Ok(tcp), Ok(udp)) = (tcp, udp) {
            return (hosts, port, tcp, udp);
        }
    }
}
