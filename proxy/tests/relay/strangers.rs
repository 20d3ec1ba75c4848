//! Who shows no key gets nothing, learns nothing and moves no counter.

use std::{
    net::SocketAddr,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use avow_proxy::{Event, Limits, Method};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::{sleep, timeout},
};

use crate::{
    client::{Datagrams, Ear, bytes, echo, exchange_target, recorded},
    world::World,
};

const SILENCE: Duration = Duration::from_secs(2);

async fn world() -> World {
    World::with(Limits { silence: SILENCE, ..Limits::default() }).await
}

/// Sends this and nothing else. Nothing may come back until the connection ends; tells how long that took.
async fn met_with_silence(relay: SocketAddr, sends: Vec<u8>) -> Duration {
    let mut stream = TcpStream::connect(relay).await.unwrap();
    let began = Instant::now();
    stream.write_all(&sends).await.unwrap();
    let mut read = [0; 64];
    let answer = timeout(Duration::from_secs(10), stream.read(&mut read)).await.unwrap();
    assert!(matches!(answer, Ok(0) | Err(_)), "a stranger with {} bytes got an answer", sends.len());
    began.elapsed()
}

/// Each of them gets nothing, for as long as every other.
pub(crate) async fn all_met_with_the_same_silence(relay: SocketAddr, tries: Vec<Vec<u8>>) {
    let tries: Vec<_> = tries.into_iter().map(|sends| tokio::spawn(met_with_silence(relay, sends))).collect();
    for silence in tries {
        let took = silence.await.unwrap();
        assert!(took > SILENCE - Duration::from_millis(300) && took < SILENCE * 3, "the silence ended after {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_stream_that_is_cut_or_changed_is_met_with_the_same_silence() {
    let mut world = world().await;
    let (ear, target) = Ear::listen().await;
    for method in [Method::Blake3Aes256Gcm, Method::Blake3Aes128Gcm, Method::Chacha20IetfPoly1305, Method::Aes128Gcm] {
        let account = world.account(method).await;
        let mut tries = Vec::new();
        for cut in [1, 16, 31, 32, 33, 48, 49, 50, 51, 58, 59, 66, 74] {
            let mut head = recorded(&account.config, target, b"hello").await;
            head.truncate(cut.min(head.len() - 1));
            tries.push(head);
        }
        for changed in [0, 15, 17, 31, 33, 40, 47, 49, 55, 60, 70] {
            let mut head = recorded(&account.config, target, b"hello").await;
            let at = changed.min(head.len() - 1);
            head[at] ^= 0x40;
            tries.push(head);
        }
        all_met_with_the_same_silence(world.address(), tries).await;
    }
    assert!(world.page.totals().is_empty(), "a counter moved");
    assert_eq!(ear.heard.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_stream_that_is_sent_again_is_met_with_silence_and_counted_once() {
    let mut world = world().await;
    let (ear, target) = Ear::listen().await;
    for (at, method) in Method::ALL.into_iter().enumerate() {
        let account = world.account(method).await;
        let stream = recorded(&account.config, target, &bytes(5, 4_000)).await;
        let mut first = TcpStream::connect(world.address()).await.unwrap();
        first.write_all(&stream).await.unwrap();
        world.counted(account.id, 4_000).await;
        let again = (0..4).map(|_| stream.clone()).collect();
        all_met_with_the_same_silence(world.address(), again).await;
        world.counted(account.id, 4_000).await;
        assert_eq!(ear.streams.load(Ordering::SeqCst), at + 1, "{method}: the target was reached again");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_that_are_random_cut_changed_or_sent_again_get_no_answer() {
    let mut world = world().await;
    let target = echo("127.0.0.1:0".parse().unwrap()).await;
    for method in Method::ALL {
        let account = world.account(method).await;
        let mut client = Datagrams::new(&account.config).await;
        let packet = client.seal(target, &[1; 100]);
        client.socket.send(&packet).await.unwrap();
        assert!(client.receive(Duration::from_secs(5)).await.is_some());
        for _ in 0..3 {
            client.socket.send(&packet).await.unwrap();
        }
        for cut in [1, 16, 17, 31, 32, 33, 48, 58, 59, 75, packet.len() - 1] {
            let packet = client.seal(target, &[1; 100]);
            client.socket.send(&packet[..cut.min(packet.len() - 1)]).await.unwrap();
        }
        for changed in [0, 8, 17, 32, 40, 60, 100] {
            let mut packet = client.seal(target, &[1; 100]);
            packet[changed] ^= 1;
            client.socket.send(&packet).await.unwrap();
        }
        for length in (0..1000).step_by(29) {
            client.socket.send(&bytes(6, length)).await.unwrap();
        }
        assert!(client.receive(Duration::from_millis(300)).await.is_none(), "{method}: something came back");
        world.counted(account.id, 200).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_relay_sent_is_met_with_silence_when_it_is_sent_back() {
    let mut world = world().await;
    let (asks, answers) = (bytes(1, 1_000), bytes(2, 2_000));
    let streams = exchange_target("127.0.0.1:0".parse().unwrap(), asks.clone(), answers).await;
    let datagrams = echo("127.0.0.1:0".parse().unwrap()).await;
    for method in Method::ALL {
        let account = world.account(method).await;
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        stream.write_all(&recorded(&account.config, streams, &asks).await).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut sent = Vec::new();
        stream.read_to_end(&mut sent).await.unwrap();
        assert!(sent.len() > 2_000);
        all_met_with_the_same_silence(world.address(), vec![sent]).await;

        let mut client = Datagrams::new(&account.config).await;
        client.send(datagrams, &[1; 50]).await;
        let mut sent = [0; 1_000];
        let length = timeout(Duration::from_secs(5), client.socket.recv(&mut sent)).await.unwrap().unwrap();
        for _ in 0..3 {
            client.socket.send(&sent[..length]).await.unwrap();
        }
        assert!(client.receive(Duration::from_millis(200)).await.is_none(), "{method}: a datagram was reflected");
        world.counted(account.id, 3_100).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn late_datagrams_of_a_session_pass_and_those_from_long_ago_do_not() {
    let mut world = world().await;
    let target = echo("127.0.0.1:0".parse().unwrap()).await;
    let account = world.account(Method::Blake3Aes128Gcm).await;
    let mut client = Datagrams::new(&account.config).await;
    let mut packets: Vec<_> = (0..3_000).map(|_| client.seal(target, &[1; 10])).collect();
    let last = packets.pop().unwrap();
    for (packet, passes) in [(&last, true), (&packets[2_900], true), (&packets[2_000], true), (&packets[5], false)] {
        client.socket.send(packet).await.unwrap();
        assert_eq!(client.receive(Duration::from_millis(if passes { 5_000 } else { 200 })).await.is_some(), passes);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_strangers_does_not_keep_an_account_out() {
    let mut world = World::with(Limits { silence: SILENCE, silenced: 20, ..Limits::default() }).await;
    let account = world.account(Method::Chacha20IetfPoly1305).await;
    let (ear, target) = Ear::listen().await;
    let mut flood = Vec::new();
    for _ in 0..60 {
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        stream.write_all(&bytes(7, 80)).await.unwrap();
        flood.push(stream);
    }
    let noise = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for _ in 0..200 {
        noise.send_to(&bytes(8, 300), world.address()).await.unwrap();
    }
    let mut client = crate::client::open(&account.config, target).await;
    client.write_all(b"hello").await.unwrap();
    world.counted(account.id, 5).await;
    assert_eq!(ear.heard.load(Ordering::SeqCst), 5);
    sleep(Duration::from_millis(1_200)).await;
    // Some were closed for others before it was known that they are strangers.
    let events = world.supervisor.events();
    assert!(events.of(Event::Silenced) <= 60 && [40, 41].contains(&events.of(Event::Crowded)));
}
