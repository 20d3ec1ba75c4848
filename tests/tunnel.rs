//! Every method through the real binary: what arrives is what was sent, and what is stored is what the target saw.

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    thread,
};

use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    clients::InProcess,
    socks::SING_BOX,
    target::Echo,
    world::{World, has_six},
};

/// Enough for many chunks and an odd last one.
const PAYLOAD: usize = 3_000_017;

pub(crate) const METHODS: [&str; 5] =
    ["2022-blake3-aes-256-gcm", "2022-blake3-aes-128-gcm", "chacha20-ietf-poly1305", "aes-256-gcm", "aes-128-gcm"];

#[test]
fn every_method_is_counted_to_the_byte_on_one_port() {
    let world = World::new();
    let _service = world.up();
    let (tcp, udp) = (Echo::tcp(), Echo::udp());
    let bystander = world.first_account();
    let mut seen = 0;
    for method in METHODS {
        let account = world.add_account(method);
        let client = InProcess::new(&world.link(account));
        block_on(async {
            through(&client, &tcp).await;
            let packets = packets();
            assert_eq!(client.exchange(udp.address, &packets).await, packets, "{method} over UDP");
        });
        world.stored_becomes(account, || tcp.seen() + udp.seen() - seen);
        seen = tcp.seen() + udp.seen();
    }
    world.stored_becomes(bystander, || 0);
}

#[test]
fn a_client_that_reads_slowly_loses_nothing() {
    let world = World::new();
    let _service = world.up();
    let account = world.first_account();
    let Some(client) = SING_BOX.client(&world.link(account)) else { return };
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let target = listener.local_addr().unwrap();
    let sending = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let payload = pattern(2_000_000);
        payload.chunks(700).for_each(|piece| stream.write_all(piece).unwrap());
        let _ = stream.shutdown(Shutdown::Write);
    });
    let mut stream = client.connect(target);
    let mut received = Vec::new();
    let mut piece = [0; 3000];
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        received.extend_from_slice(&piece[..length]);
    }
    sending.join().unwrap();
    assert_eq!(digest(&received), digest(&pattern(2_000_000)));
    world.stored_becomes(account, || 2_000_000);
}

#[test]
fn both_families_come_in_at_one_wildcard_and_at_a_list_of_two() {
    if !has_six() {
        return;
    }
    for listen in ["\"[::]:PORT\"", "[\"0.0.0.0:PORT\", \"[::]:PORT\"]"] {
        let world = World::new();
        let config = fs::read_to_string(world.data().join("avow.toml")).unwrap();
        let (here, port) = (format!("[\"127.0.0.1:{}\"]", world.tunnel), world.tunnel.to_string());
        assert!(config.contains(&here));
        world.file("data/avow.toml", &config.replace(&here, &listen.replace("PORT", &port)));
        let _service = world.up();
        let account = world.first_account();
        let (before, host) =
            world.link(account).split_once('@').map(|(key, rest)| (key.to_owned(), rest.to_owned())).unwrap();
        let tag = host.split_once('#').unwrap().1.to_owned();
        let (tcp, udp) = (Echo::tcp(), Echo::udp());
        for host in ["127.0.0.1", "[::1]"] {
            let client = InProcess::new(&format!("{before}@{host}:{port}#{tag}"));
            block_on(async {
                through(&client, &tcp).await;
                assert_eq!(client.exchange(udp.address, &packets()).await, packets(), "{listen} at {host}");
            });
        }
        world.stored_becomes(account, || tcp.seen() + udp.seen());
    }
}

async fn through(client: &InProcess, target: &Echo) {
    let (mut read, mut write) = tokio::io::split(client.connect(target.address).await);
    let sending = tokio::spawn(async move {
        let (first, rest) = (pattern(1000), pattern(PAYLOAD));
        write.write_all(&first).await.unwrap();
        write.write_all(&rest[first.len()..]).await.unwrap();
        write.shutdown().await.unwrap();
        write
    });
    let mut received = Vec::new();
    read.read_to_end(&mut received).await.unwrap();
    sending.await.unwrap();
    assert_eq!(digest(&received), digest(&pattern(PAYLOAD)));
}

/// What comes back of a payload that an echo is sent.
pub(crate) fn echoed(stream: TcpStream, payload: &[u8]) -> Vec<u8> {
    let mut received = vec![0; payload.len()];
    let (mut sending, payload) = (stream.try_clone().unwrap(), payload.to_vec());
    let sender = thread::spawn(move || sending.write_all(&payload).unwrap());
    let mut stream = stream;
    stream.read_exact(&mut received).unwrap();
    sender.join().unwrap();
    received
}

/// Packets of lengths around every border: empty ones are left out, since SOCKS clients drop them.
pub(crate) fn packets() -> Vec<Vec<u8>> {
    [1, 2, 7, 8, 9, 63, 64, 65, 511, 1199, 1200, 1400].map(pattern).to_vec()
}

/// Bytes that repeat with no power of two, so that a lost or doubled piece changes the hash.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length).map(|place| u8::try_from(place % 251).unwrap()).collect()
}

pub(crate) fn digest(bytes: &[u8]) -> Vec<u8> {
    Sha256::digest(bytes).to_vec()
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(future)
}
