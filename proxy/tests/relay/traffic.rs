//! What goes through arrives whole, and every byte of it is counted once, on the account that moved it.

use std::{net::SocketAddr, time::Duration};

use avow_proxy::{AccessKey, Event, Limits, Method};
use shadowsocks::{ProxyClientStream, relay::Address};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpSocket},
    time::{sleep, timeout},
};

use crate::{
    client::{Datagrams, Ear, bytes, context, echo, exchange_target, open, send_all},
    world::World,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_arrives_whole_and_is_counted_by_every_method_over_both_protocols() {
    let mut world = World::new().await;
    let (up, down) = (bytes(1, 300_001), bytes(2, 500_003));
    let mut used = Vec::new();
    for method in Method::ALL {
        let account = world.account(method).await;
        used.push(account.id);
        let key = AccessKey::generate(1, method);
        world.put(account.id, &key).await;
        let mut moved = 0;
        for host in world.hosts.clone() {
            let config = world.config(&key, host);
            let target = exchange_target(SocketAddr::new(host, 0), up.clone(), down.clone()).await;
            let mut client = open(&config, target).await;
            send_all(&mut client, &up).await;
            client.shutdown().await.unwrap();
            let mut read = Vec::new();
            client.read_to_end(&mut read).await.unwrap();
            assert!(blake3::hash(&read) == blake3::hash(&down), "{method}: what came back is not what was sent");
            moved += up.len() + down.len();
            world.counted(account.id, moved).await;
        }
    }
    world.only(&used);
}

#[tokio::test(flavor = "multi_thread")]
async fn datagrams_arrive_whole_and_are_counted_by_every_method_over_both_protocols() {
    let mut world = World::new().await;
    let mut used = Vec::new();
    for method in Method::ALL {
        let account = world.account(method).await;
        used.push(account.id);
        let key = AccessKey::generate(1, method);
        world.put(account.id, &key).await;
        let mut moved = 0;
        for host in world.hosts.clone() {
            let target = echo(SocketAddr::new(host, 0)).await;
            let mut client = Datagrams::new(&world.config(&key, host)).await;
            for (seed, length) in [1, 2, 3, 512, 1_200, 1_472, 9_000, 40_000].into_iter().enumerate() {
                let mut payload = bytes(seed as u8, length);
                client.send(target, &payload).await;
                let (answer, from) = client.receive(Duration::from_secs(5)).await.unwrap();
                payload.reverse();
                assert!(
                    answer == payload && from == Address::from(target),
                    "{method}: {length} bytes did not come back"
                );
                moved += 2 * length;
            }
        }
        world.counted(account.id, moved).await;
    }
    world.only(&used);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_is_resolved_for_streams_and_for_datagrams() {
    let mut world = World::new().await;
    let account = world.account(Method::Blake3Aes256Gcm).await;
    let host = if world.hosts.len() == 2 { "[::]:0" } else { "127.0.0.1:0" };
    let target = exchange_target(host.parse().unwrap(), vec![1; 10], vec![2; 20]).await;
    let stream = tokio::net::TcpStream::connect(world.address()).await.unwrap();
    let name = Address::DomainNameAddress("localhost".into(), target.port());
    let mut client = ProxyClientStream::from_stream(context(), stream, &account.config, name);
    client.write_all(&[1; 10]).await.unwrap();
    client.shutdown().await.unwrap();
    let mut read = Vec::new();
    client.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, [2; 20]);
    world.counted(account.id, 30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_of_a_source_in_small_pieces_gets_every_byte_and_no_more_is_counted() {
    let mut world = World::new().await;
    for method in [Method::Chacha20IetfPoly1305, Method::Blake3Aes256Gcm] {
        let account = world.account(method).await;
        let sent = bytes(9, 2_000_000);
        let target = pieces(sent.clone()).await;
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(8_192).unwrap();
        let stream = socket.connect(world.address()).await.unwrap();
        let mut client = ProxyClientStream::from_stream(context(), stream, &account.config, target);
        client.write_all(b"?").await.unwrap();
        let (mut read, mut bite) = (Vec::new(), [0; 3_000]);
        loop {
            let length = client.read(&mut bite).await.unwrap();
            if length == 0 {
                break;
            }
            read.extend_from_slice(&bite[..length]);
            tokio::task::yield_now().await;
        }
        assert_eq!(read.len(), sent.len(), "{method}");
        assert!(blake3::hash(&read) == blake3::hash(&sent), "{method}");
        world.counted(account.id, sent.len() + 1).await;
    }
}

/// A source that sends 700 bytes at a time.
async fn pieces(bytes: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        stream.set_nodelay(true).unwrap();
        // What is not read when a stream is closed would reset it, and throw away what is still on its way.
        stream.read_exact(&mut [0]).await.unwrap();
        for piece in bytes.chunks(700) {
            stream.write_all(piece).await.unwrap();
        }
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn many_streams_at_once_are_counted_exactly() {
    let mut world = World::new().await;
    let account = world.account(Method::Aes256Gcm).await;
    let (up, down) = (bytes(3, 50_000), bytes(4, 70_000));
    let target = exchange_target("127.0.0.1:0".parse().unwrap(), up.clone(), down.clone()).await;
    let streams = (0..40).map(|_| {
        let (config, up, down) = (account.config.clone(), up.clone(), down.clone());
        tokio::spawn(async move {
            let mut client = open(&config, target).await;
            send_all(&mut client, &up).await;
            client.shutdown().await.unwrap();
            let mut read = Vec::new();
            client.read_to_end(&mut read).await.unwrap();
            assert!(read == down);
        })
    });
    for stream in streams.collect::<Vec<_>>() {
        stream.await.unwrap();
    }
    world.counted(account.id, 40 * (up.len() + down.len())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_in_which_nothing_moves_is_ended_and_one_that_is_used_one_way_is_not() {
    let mut world = World::with(Limits { idle: Duration::from_millis(600), ..Limits::default() }).await;
    let account = world.account(Method::Blake3Aes256Gcm).await;
    let (_, silent) = Ear::listen().await;
    let (mut used, mut unused) = (open(&account.config, silent).await, open(&account.config, silent).await);
    unused.write_all(b"?").await.unwrap();
    for _ in 0..15 {
        used.write_all(b"?").await.unwrap();
        sleep(Duration::from_millis(100)).await;
    }
    let mut read = [0; 1];
    assert!(matches!(timeout(Duration::from_millis(100), unused.read(&mut read)).await, Ok(Ok(0) | Err(_))));
    assert!(timeout(Duration::from_millis(100), used.read(&mut read)).await.is_err());
    world.counted(account.id, 16).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_target_that_cannot_be_reached_ends_the_stream_and_counts_nothing() {
    let mut world = World::new().await;
    let account = world.account(Method::Blake3Aes128Gcm).await;
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut client = open(&account.config, nobody).await;
    client.write_all(b"hello").await.unwrap();
    let mut read = [0; 1];
    assert!(matches!(timeout(Duration::from_secs(5), client.read(&mut read)).await, Ok(Ok(0) | Err(_))));
    world.until("it is told", |world| world.supervisor.events().of(Event::Unreachable) == 1).await;
    world.only(&[]);
}
