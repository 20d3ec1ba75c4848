//! Every client, by every method that it speaks, over TCP and UDP, over IPv4 and IPv6, at one port among 1,000 accounts:
//! what arrives is what was sent, each account is charged what its targets saw, and nobody else is charged anything.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    os::unix::net::UnixStream,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    clients::InProcess,
    socks::{PPROXY, Program, SING_BOX, SS_LOCAL, SocksClient, V2RAY},
    target::Echo,
    tunnel::{METHODS, block_on, digest, echoed, packets, pattern},
    world::{PATIENCE, World, has_six},
};

/// How many accounts there are that nobody uses.
const BYSTANDERS: usize = 1_000;
/// Enough for many chunks of every method, and an odd last one.
const PAYLOAD: usize = 400_017;

#[test]
fn every_client_is_counted_to_the_byte_on_one_port_among_a_thousand_accounts() {
    let world = if has_six() { World::on_both_families() } else { World::new() };
    let _service = world.up();
    for at in 0..BYSTANDERS {
        open_account(&world, METHODS[at % METHODS.len()]);
    }
    let mut used = BTreeMap::new();
    for program in [SS_LOCAL, SING_BOX, V2RAY, PPROXY] {
        used.extend(through_program(&world, &program));
    }
    for method in METHODS {
        let account = open_account(&world, method);
        used.insert(account, through_library(&world, account, method));
    }
    charged(&world, &used);
}

/// The targets that one account went to. They are asked at the end: a target may have sent what it has not counted yet.
type Targets = Vec<Echo>;

/// What the targets of an account saw.
fn seen(targets: &Targets) -> u64 {
    targets.iter().map(Echo::seen).sum()
}

/// One account for each method; each goes through a client for each family, to targets of both.
fn through_program(world: &World, program: &Program) -> Vec<(u64, Targets)> {
    let accounts: Vec<_> = program.methods.iter().map(|method| open_account(world, method)).collect();
    let links: Vec<_> = accounts.iter().flat_map(|account| links(world, *account)).collect();
    let Some(clients) = program.clients(&links) else { return Vec::new() };
    let families = clients.len() / accounts.len();
    let charged = accounts.iter().zip(program.methods).zip(clients.chunks(families));
    charged.map(|((account, method), clients)| (*account, through(program, method, clients))).collect()
}

fn through(program: &Program, method: &str, clients: &[SocksClient]) -> Targets {
    let mut targets = Vec::new();
    for (client, host) in clients.iter().flat_map(|client| hosts().into_iter().map(move |host| (client, host))) {
        let (tcp, udp) = (Echo::tcp_on(host), Echo::udp_on(host));
        let received = echoed(client.connect(tcp.address), &pattern(PAYLOAD));
        assert_eq!(digest(&received), digest(&pattern(PAYLOAD)), "{} by {method} to {host}", program.name);
        if program.packets {
            let answers = client.exchange(udp.address, &packets());
            assert_eq!(answers, packets(), "{} by {method} to {host} over UDP", program.name);
        }
        targets.extend([tcp, udp]);
    }
    targets
}

fn through_library(world: &World, account: u64, method: &str) -> Targets {
    let mut targets = Vec::new();
    for link in links(world, account) {
        for host in hosts() {
            let (tcp, udp, client) = (Echo::tcp_on(host), Echo::udp_on(host), InProcess::new(&link));
            block_on(async {
                let (mut read, mut write) = tokio::io::split(client.connect(tcp.address).await);
                let sending = tokio::spawn(async move {
                    for piece in pattern(PAYLOAD).chunks(8_000) {
                        write.write_all(piece).await.unwrap();
                    }
                    write.shutdown().await.unwrap();
                });
                let mut received = Vec::new();
                read.read_to_end(&mut received).await.unwrap();
                sending.await.unwrap();
                assert_eq!(digest(&received), digest(&pattern(PAYLOAD)), "{method} to {host}");
                assert_eq!(client.exchange(udp.address, &packets()).await, packets(), "{method} to {host} over UDP");
            });
            targets.extend([tcp, udp]);
        }
    }
    targets
}

/// Waits until the store says of every account what its targets saw, and of everybody else nothing.
fn charged(world: &World, used: &BTreeMap<u64, Targets>) {
    let end = Instant::now() + PATIENCE;
    loop {
        let stored: BTreeMap<u64, u64> = accounts(world).into_iter().filter(|(_, bytes)| *bytes > 0).collect();
        let seen: BTreeMap<u64, u64> = used.iter().map(|(account, targets)| (*account, seen(targets))).collect();
        if stored == seen {
            return;
        }
        assert!(Instant::now() < end, "stored {stored:?}\nseen by the targets {seen:?}");
        thread::sleep(Duration::from_millis(200));
    }
}

fn accounts(world: &World) -> Vec<(u64, u64)> {
    let Value::Array(accounts) = &world.json(&["account", "list"])["accounts"] else { panic!("no list") };
    assert!(accounts.len() > BYSTANDERS);
    let number = |account: &Value, key: &str| account[key].as_u64().unwrap();
    accounts.iter().map(|account| (number(account, "account"), number(account, "month_bytes"))).collect()
}

/// The loopback addresses of this machine.
fn hosts() -> Vec<IpAddr> {
    let six = has_six().then_some(Ipv6Addr::LOCALHOST.into());
    [Ipv4Addr::LOCALHOST.into()].into_iter().chain(six).collect()
}

/// The link of an account, for each family that the tunnel is reached by.
fn links(world: &World, account: u64) -> Vec<String> {
    let done = ask(world, &json!({ "avow": 1, "do": "link_account", "account": account }));
    let link = done["links"][0].as_str().unwrap().to_owned();
    let six = has_six().then(|| link.replace("@127.0.0.1:", "@[::1]:"));
    [link].into_iter().chain(six).collect()
}

fn open_account(world: &World, method: &str) -> u64 {
    ask(world, &json!({ "avow": 1, "do": "add_account", "method": method }))["account"].as_u64().unwrap()
}

/// What `avow account` asks of a running service, without a process for each of a thousand accounts.
fn ask(world: &World, request: &Value) -> Value {
    let mut stream = UnixStream::connect(world.data().join("control.sock")).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    writeln!(stream, "{request}").unwrap();
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).unwrap();
    serde_json::from_str(&answer).unwrap()
}
