//! A recording is refused by whichever relay it is sent to: also by the one that takes the place of a killed one.

use std::{sync::atomic::Ordering, time::Duration};

use avow_proxy::Method;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UdpSocket},
    time::timeout,
};

use crate::{
    client::{Datagrams, Ear, bytes, echo, exchange_target, recorded},
    world::{Account, World},
};

/// What somebody on the way recorded of one account.
struct Recording {
    account: Account,
    /// What the client sent, and what the relay did.
    streams: [Vec<u8>; 2],
    datagrams: [Vec<u8>; 2],
    /// A later datagram of the same session, which nobody has sent yet.
    later: Vec<u8>,
}

async fn silent(world: &World, sends: &[u8]) {
    let mut stream = TcpStream::connect(world.address()).await.unwrap();
    stream.write_all(sends).await.unwrap();
    let answer = timeout(Duration::from_secs(10), stream.read(&mut [0; 64])).await.unwrap();
    assert!(matches!(answer, Ok(0) | Err(_)), "a recording got an answer");
}

async fn answered(world: &World, packet: &[u8], at_most: Duration) -> bool {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    socket.connect(world.address()).await.unwrap();
    socket.send(packet).await.unwrap();
    matches!(timeout(at_most, socket.recv(&mut [0; 2_000])).await, Ok(Ok(_)))
}

async fn kill_relay(world: &World) {
    let (pid, starts) = (world.supervisor.pid().unwrap(), world.supervisor.starts());
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
    let back = |world: &World| world.supervisor.starts() > starts && world.supervisor.is_ready();
    world.until("the relay comes back", back).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_recorded_is_refused_by_the_relay_that_follows_a_killed_one() {
    let mut world = World::new().await;
    let (ear, far) = Ear::listen().await;
    let (asks, answers) = (bytes(1, 500), bytes(2, 700));
    let near = exchange_target("127.0.0.1:0".parse().unwrap(), asks.clone(), answers).await;
    let datagrams = echo("127.0.0.1:0".parse().unwrap()).await;
    let mut recordings = Vec::new();
    for method in Method::ALL {
        let account = world.account(method).await;
        // One that somebody else is still carried by, and one that ended with an answer.
        let up = recorded(&account.config, far, &bytes(5, 1_000)).await;
        TcpStream::connect(world.address()).await.unwrap().write_all(&up).await.unwrap();
        world.counted(account.id, 1_000).await;
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        stream.write_all(&recorded(&account.config, near, &asks).await).await.unwrap();
        stream.shutdown().await.unwrap();
        let mut down = Vec::new();
        stream.read_to_end(&mut down).await.unwrap();

        let mut client = Datagrams::new(&account.config).await;
        let first = client.seal(datagrams, &[1; 50]).to_vec();
        client.socket.send(&first).await.unwrap();
        let mut back = vec![0; 1_000];
        let length = timeout(Duration::from_secs(5), client.socket.recv(&mut back)).await.unwrap().unwrap();
        back.truncate(length);
        world.counted(account.id, 2_300).await;
        let later = client.seal(datagrams, &[1; 50]).to_vec();
        recordings.push(Recording { account, streams: [up, down], datagrams: [first, back], later });
    }
    let reached = ear.streams.load(Ordering::SeqCst);
    for _life in 0..2 {
        kill_relay(&world).await;
        let world = &world;
        let mut tries = tokio::task::JoinSet::new();
        for stream in recordings.iter().flat_map(|recording| &recording.streams) {
            let (stream, at) = (stream.clone(), world.address());
            tries.spawn(async move {
                let mut wire = TcpStream::connect(at).await.unwrap();
                wire.write_all(&stream).await.unwrap();
                let answer = timeout(Duration::from_secs(10), wire.read(&mut [0; 64])).await.unwrap();
                assert!(matches!(answer, Ok(0) | Err(_)), "a recording got an answer");
            });
        }
        tries.join_all().await;
        for packet in recordings.iter().flat_map(|recording| &recording.datagrams) {
            assert!(!answered(world, packet, Duration::from_millis(60)).await, "a recorded datagram got an answer");
        }
        assert_eq!(ear.streams.load(Ordering::SeqCst), reached, "a recording reached its target");
        for recording in &recordings {
            world.counted(recording.account.id, 2_300).await;
        }
    }
    // What nobody has seen is served as before.
    for recording in &recordings {
        assert!(answered(&world, &recording.later, Duration::from_secs(5)).await);
        world.counted(recording.account.id, 2_400).await;
        silent(&world, &recording.streams[0]).await;
    }
}
