//! A key that is withdrawn serves nobody a second later.

use std::time::Duration;

use avow_proxy::{AccessKey, Method};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use crate::{
    client::{Datagrams, echo, fountain, open, recorded},
    world::{World, admission},
};

/// Reads until the stream ends; tells how long that took.
async fn ends(mut stream: shadowsocks::ProxyClientStream<TcpStream>) -> Duration {
    let began = Instant::now();
    let mut read = vec![0; 65_536];
    while let Ok(1..) = stream.read(&mut read).await {}
    began.elapsed()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_streams_of_a_removed_account_end_within_a_second_and_others_go_on() {
    let mut world = World::new().await;
    let (source, _) = fountain().await;
    let going = world.account(Method::Blake3Aes256Gcm).await;
    let staying = world.account(Method::Chacha20IetfPoly1305).await;
    let (mut other, mut ending) = (open(&staying.config, source).await, Vec::new());
    other.write_all(b"?").await.unwrap();
    for _ in 0..3 {
        let mut stream = open(&going.config, source).await;
        stream.write_all(b"?").await.unwrap();
        ending.push(tokio::spawn(ends(stream)));
    }
    // One whose client reads nothing: the relay waits for room in its socket.
    let mut stuck = open(&going.config, source).await;
    stuck.write_all(b"?").await.unwrap();
    sleep(Duration::from_millis(300)).await;

    let began = Instant::now();
    timeout(Duration::from_secs(1), world.supervisor.remove(going.id)).await.unwrap().unwrap();
    let counted = world.page.counted(going.id);
    for stream in ending {
        timeout(Duration::from_secs(1), stream).await.unwrap().unwrap();
    }
    assert!(began.elapsed() < Duration::from_secs(1));
    let mut read = vec![0; 65_536];
    for _ in 0..50 {
        other.read_exact(&mut read).await.unwrap();
    }
    assert_eq!(world.page.counted(going.id), counted, "it counted after its end was acknowledged");

    let mut again = open(&going.config, source).await;
    again.write_all(b"?").await.unwrap();
    assert!(timeout(Duration::from_millis(300), again.read(&mut read)).await.is_err(), "it is a stranger now");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_streams_of_a_key_that_was_rotated_end_and_those_of_the_other_key_go_on() {
    let mut world = World::new().await;
    let (source, _) = fountain().await;
    let account = world.account(Method::Aes256Gcm).await;
    let (kept, lost) = (AccessKey::generate(1, Method::Aes128Gcm), AccessKey::generate(2, Method::Blake3Aes128Gcm));
    let slot = world.page.slot_for(account.id).unwrap();
    let put = async |keys: &[&AccessKey]| {
        world.supervisor.put(vec![admission(account.id, slot, keys)]).await.unwrap();
    };
    put(&[&kept, &lost]).await;
    let mut going_on = open(&world.config(&kept, world.hosts[0]), source).await;
    going_on.write_all(b"?").await.unwrap();
    let mut ending = open(&world.config(&lost, world.hosts[0]), source).await;
    ending.write_all(b"?").await.unwrap();
    let ending = tokio::spawn(ends(ending));
    sleep(Duration::from_millis(200)).await;
    put(&[&kept]).await;
    timeout(Duration::from_secs(1), ending).await.unwrap().unwrap();
    let mut read = vec![0; 65_536];
    for _ in 0..50 {
        going_on.read_exact(&mut read).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_datagrams_of_a_removed_account_stop() {
    let mut world = World::new().await;
    let target = echo("127.0.0.1:0".parse().unwrap()).await;
    for method in [Method::Blake3Aes256Gcm, Method::Aes256Gcm] {
        let account = world.account(method).await;
        let mut client = Datagrams::new(&account.config).await;
        client.send(target, &[1; 50]).await;
        assert!(client.receive(Duration::from_secs(5)).await.is_some());
        world.supervisor.remove(account.id).await.unwrap();
        client.send(target, &[1; 50]).await;
        assert!(client.receive(Duration::from_millis(200)).await.is_none());
        world.counted(account.id, 100).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_stops_in_the_middle_of_its_handshake_does_not_delay_the_end_of_its_key() {
    let mut world = World::with(avow_proxy::Limits::default()).await;
    let (target, _) = fountain().await;
    for method in [Method::Blake3Aes256Gcm, Method::Chacha20IetfPoly1305] {
        let account = world.account(method).await;
        let head = recorded(&account.config, target, b"hello").await;
        let mut stuck = Vec::new();
        for cut in [50, 75, head.len() - 1] {
            let mut stream = TcpStream::connect(world.address()).await.unwrap();
            stream.write_all(&head[..cut.min(head.len() - 1)]).await.unwrap();
            stuck.push(stream);
        }
        sleep(Duration::from_millis(100)).await;
        timeout(Duration::from_secs(1), world.supervisor.remove(account.id)).await.unwrap().unwrap();
    }
}
