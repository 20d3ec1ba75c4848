//! Processor time for each datagram, there and back, with few associations and with many.

use std::net::SocketAddr;

use bytes::BytesMut;
use shadowsocks::{
    config::{ServerConfig, ServerType},
    context::Context,
    relay::{
        Address,
        udprelay::{crypto_io::encrypt_client_payload, options::UdpSocketControlData},
    },
};
use tokio::{
    net::UdpSocket,
    runtime::Runtime,
    time::{Duration, timeout},
};

use crate::{
    load, process,
    servers::{self, Server},
    table::{Limit, Ratio, Table, median},
};

const ASSOCIATIONS: [usize; 4] = [1, 100, 1_000, 20_000];
const PACKETS: usize = 40_000;
const PAYLOAD: usize = 1_200;
/// How many are on their way at once: few enough for the system's buffers.
const AT_ONCE: usize = 32;
const ROUNDS: usize = 3;

pub(crate) fn measure(table: &mut Table) {
    let runtime = load::runtime();
    let target = runtime.block_on(echo());
    // Each association has a socket of its own: no more of them than descriptors.
    let descriptors = descriptors();
    let counts = ASSOCIATIONS.map(|associations| associations.min(descriptors.saturating_sub(300)));
    let (mut ours, mut plain) = (vec![Vec::new(); counts.len()], vec![Vec::new(); counts.len()]);
    let (mut memory, mut theirs) = (0.0, vec![Vec::new(); counts.len()]);
    for _ in 0..ROUNDS {
        for (at, associations) in counts.into_iter().enumerate() {
            let server = servers::ours(&runtime, 1);
            let before = process::resident(server.pid);
            ours[at].push(per_packet(&runtime, &server, target, associations));
            memory = (process::resident(server.pid) - before) / associations as f64;
            // Its sockets are needed for the others: there are only so many ports.
            drop(server);
            let relay = servers::plain("datagrams", target);
            plain[at].push(per_packet(&runtime, &relay, target, associations));
            drop(relay);
            // Its cost grows with the associations; twenty thousand of them would take minutes.
            if let Some(peer) = (associations <= 1_000).then(|| servers::ssserver(1)).flatten() {
                theirs[at].push(per_packet(&runtime, &peer, target, associations));
            }
        }
    }
    for (at, associations) in counts.into_iter().enumerate() {
        let (ours, plain, theirs) = (&ours[at], &plain[at], &theirs[at]);
        let micros = |figures: &[f64]| format!("{:.2} µs", median(figures));
        let ratio = Ratio::of(ours, plain);
        let measured = format!("{}: {}", ratio.written(), micros(ours));
        let peer = if theirs.is_empty() { String::new() } else { format!("; ssserver: {}", micros(theirs)) };
        let beside = format!("plain relay: {}{peer}", micros(plain));
        let what =
            format!("processor time per datagram there and back, {associations} associations, over a plain relay's");
        table.bounded(&what, ratio.mean, Limit::AtMost(1.3), measured, beside);
    }
    for (at, associations) in counts.into_iter().enumerate().skip(1) {
        let ratio = Ratio::of(&ours[at], &ours[0]);
        let beside = format!("the plain relay's: {}", Ratio::of(&plain[at], &plain[0]).written());
        let what = format!("the same with {associations} associations over that with one");
        table.bounded(&what, ratio.mean, Limit::AtMost(1.1), ratio.written(), beside);
    }
    table.told("resident memory per association", format!("{:.1} kB", memory / 1e3), String::new());
}

/// Microseconds on a processor for each datagram and its answer.
fn per_packet(runtime: &Runtime, server: &Server, target: SocketAddr, associations: usize) -> f64 {
    let each = PACKETS.div_ceil(associations);
    let context = Context::new(ServerType::Local);
    let packet = |session, number| packet(&context, server, target, session, number);
    let sessions: Vec<Vec<BytesMut>> = (1..=associations as u64)
        .map(|session| (0..=each as u64).map(|number| packet(session, number)).collect())
        .collect();
    runtime.block_on(async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(server.address).await.unwrap();
        // The first of each opens its association, which is not what is measured here.
        exchange(&socket, sessions.iter().map(|packets| &packets[0])).await;
        let before = process::cpu(server.pid);
        for number in 1..=each {
            exchange(&socket, sessions.iter().map(|packets| &packets[number])).await;
        }
        let spent = 1e6 * (process::cpu(server.pid) - before) / (each * associations) as f64;
        eprintln!("{}, {associations} associations: {spent:.2} µs", server.name);
        spent
    })
}

/// Sends them all, never more at once than fit, and waits for the answers.
async fn exchange(socket: &UdpSocket, packets: impl Iterator<Item = &BytesMut>) {
    let (mut waiting, mut answer) = (0, [0; 2_048]);
    for packet in packets {
        socket.send(packet).await.unwrap();
        waiting += 1;
        if waiting == AT_ONCE {
            waiting -= answered(socket, &mut answer, waiting).await;
        }
    }
    while waiting > 0 {
        waiting -= answered(socket, &mut answer, waiting).await;
    }
}

/// How many are not waited for any more: one that is answered, or all when the rest is lost.
async fn answered(socket: &UdpSocket, answer: &mut [u8], waiting: usize) -> usize {
    match timeout(Duration::from_millis(500), socket.recv(answer)).await {
        Ok(received) => received.map(|_| 1).unwrap(),
        Err(_) => waiting,
    }
}

/// A datagram as a client seals it; for the plain relay one that begins with its session.
fn packet(context: &Context, server: &Server, target: SocketAddr, session: u64, number: u64) -> BytesMut {
    let mut packet = BytesMut::new();
    match server.clients.first() {
        Some(config) => seal(context, config, target, session, number, &mut packet),
        None => {
            packet.extend_from_slice(&session.to_be_bytes());
            packet.resize(PAYLOAD + 75, 7);
        }
    }
    packet
}

fn seal(
    context: &Context,
    config: &ServerConfig,
    target: SocketAddr,
    session: u64,
    number: u64,
    packet: &mut BytesMut,
) {
    let mut control = UdpSocketControlData::default();
    (control.client_session_id, control.packet_id) = (session, number);
    let (method, key, names) = (config.method(), config.key(), config.identity_keys());
    encrypt_client_payload(context, method, key, &Address::from(target), &control, names, &[7; PAYLOAD], packet);
}

/// A target that sends every datagram back.
async fn echo() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        let mut packet = vec![0; 65_536];
        while let Ok((length, from)) = socket.recv_from(&mut packet).await {
            let _ = socket.send_to(&packet[..length], from).await;
        }
    });
    address
}

/// How many descriptors a process of ours may have.
fn descriptors() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    line.split_whitespace().nth(3).unwrap().parse().unwrap_or(usize::MAX)
}
