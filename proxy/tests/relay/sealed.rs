//! Sessions sealed to the abuse desk: none without an order; with one, what the desk opens is where each came from, when,
//! and by which server, and nobody else learns it.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use avow_proxy::{DeskKey, Method, SealTo, SealedSession};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream, UdpSocket},
    time::{sleep, timeout},
};

use crate::{
    client::{Datagrams, Ear, bytes, echo, recorded},
    world::{Account, World},
};

/// An address of this machine that a client comes from.
fn from(last: u8) -> SocketAddr {
    ([127, 77, 66, last], 0).into()
}

async fn stream(world: &World, account: &Account, from: SocketAddr, target: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(from).unwrap();
    let mut stream = socket.connect(world.address()).await.unwrap();
    stream.write_all(&recorded(&account.config, target, &bytes(3, 200)).await).await.unwrap();
    stream
}

async fn sealed(world: &World, how_many: usize) -> Vec<SealedSession> {
    let mut sealed = Vec::new();
    let until = std::time::Instant::now() + Duration::from_secs(10);
    while sealed.len() < how_many {
        assert!(std::time::Instant::now() < until, "{} of {how_many} sessions were sealed", sealed.len());
        sealed.extend(world.supervisor.take_sealed());
        sleep(Duration::from_millis(20)).await;
    }
    sealed
}

/// The seconds of the wall clock, as a file that is made now carries them.
fn seconds() -> u64 {
    use std::os::unix::fs::MetadataExt;
    tempfile::tempfile().unwrap().metadata().unwrap().mtime().cast_unsigned()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_opens_where_a_session_came_from_and_nobody_else_does() {
    let mut world = World::new().await;
    let (desk, began) = (DeskKey::generate().unwrap(), seconds());
    let (_ear, target) = Ear::listen().await;
    let datagrams = echo("127.0.0.1:0".parse().unwrap()).await;
    let to = SealTo { key: desk.public().unwrap(), server: 12, pause: Duration::from_secs(1) };
    world.supervisor.seal_sessions(Some(to)).await.unwrap();
    let (one, other) =
        (world.account(Method::Blake3Aes256Gcm).await, world.account(Method::Chacha20IetfPoly1305).await);
    let open = stream(&world, &one, from(1), target).await;
    drop(stream(&world, &one, from(1), target).await);
    drop(stream(&world, &one, from(2), target).await);
    let mut client = Datagrams::new(&other.config).await;
    let packet = client.seal(datagrams, &[1; 50]);
    let socket = UdpSocket::bind(from(3)).await.unwrap();
    socket.send_to(&packet, world.address()).await.unwrap();
    timeout(Duration::from_secs(5), socket.recv(&mut [0; 1_000])).await.unwrap().unwrap();

    let mut first = sealed(&world, 2).await;
    first.sort_by_key(|session| session.account != one.id);
    for (session, (account, last)) in first.iter().zip([(one.id, 2), (other.id, 3)]) {
        assert_eq!(session.account, account);
        let record = desk.open(&session.blob).unwrap();
        assert_eq!(*record.address.expose(), from(last).ip());
        assert_eq!(record.server, 12);
        assert!(began <= record.start && record.start <= record.end && record.end <= seconds());
        assert_eq!(session.hour, record.end / 3600);
        assert!(DeskKey::generate().unwrap().open(&session.blob).is_none());
    }
    assert_eq!(first[0].blob.len(), first[1].blob.len(), "lengths tell nothing");
    // What is in use is sealed when the relay ends, at the latest.
    assert!(world.supervisor.take_sealed().is_empty());
    world.supervisor.drain(Duration::ZERO).await.unwrap();
    let last = world.supervisor.take_sealed();
    assert_eq!(last.len(), 1);
    let address: IpAddr = *desk.open(&last[0].blob).unwrap().address.expose();
    assert_eq!((last[0].account, address), (one.id, from(1).ip()));
    drop(open);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sealed_without_an_order_and_a_relay_that_follows_a_killed_one_is_told_again() {
    let mut world = World::new().await;
    let (_ear, target) = Ear::listen().await;
    let account = world.account(Method::Aes256Gcm).await;
    drop(stream(&world, &account, from(1), target).await);
    world.counted(account.id, 200).await;
    let desk = DeskKey::generate().unwrap();
    let to = SealTo { key: desk.public().unwrap(), server: 1, pause: Duration::ZERO };
    world.supervisor.seal_sessions(Some(to)).await.unwrap();
    world.supervisor.seal_sessions(None).await.unwrap();
    drop(stream(&world, &account, from(1), target).await);
    world.counted(account.id, 400).await;
    sleep(Duration::from_secs(2)).await;
    assert!(world.supervisor.take_sealed().is_empty(), "a session was sealed that nobody ordered");

    world.supervisor.seal_sessions(Some(to)).await.unwrap();
    let (pid, starts) = (world.supervisor.pid().unwrap(), world.supervisor.starts());
    kill_process(Pid::from_raw(pid.cast_signed()).unwrap(), Signal::KILL).unwrap();
    world
        .until("the relay comes back", |world| world.supervisor.starts() > starts && world.supervisor.is_ready())
        .await;
    drop(stream(&world, &account, from(4), target).await);
    let session = sealed(&world, 1).await.remove(0);
    assert_eq!(*desk.open(&session.blob).unwrap().address.expose(), from(4).ip());
}
