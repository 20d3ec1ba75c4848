//! Whoever is killed: the relay comes back, it never outlives its parent, and its counts outlive both.

use std::{
    env,
    process::{Command, Stdio},
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use avow_proxy::{Event, Limits, Method, Page, ServerKeys, SpawnRelay, Supervisor, SupervisorError};
use avow_terms::amount::Bytes;
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    client::{bytes, exchange_target, fountain, open},
    world::{World, replays, spawn},
};

fn process(pid: u32) -> Pid {
    Pid::from_raw(pid.try_into().unwrap()).unwrap()
}

async fn exchange(world: &World, account: &crate::world::Account) {
    let target = exchange_target("127.0.0.1:0".parse().unwrap(), vec![1; 1_000], vec![2; 2_000]).await;
    let before = world.page.counted(account.id).0;
    let mut client = open(&account.config, target).await;
    client.write_all(&[1; 1_000]).await.unwrap();
    client.shutdown().await.unwrap();
    let mut read = Vec::new();
    client.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, [2; 2_000]);
    world.counted(account.id, before as usize + 3_000).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_killed_comes_back_with_its_accounts_and_its_counts() {
    let mut world = World::new().await;
    let account = world.account(Method::Blake3Aes256Gcm).await;
    let (source, taken) = fountain().await;
    for life in 1..=3 {
        exchange(&world, &account).await;
        let (before, pid) = (world.page.counted(account.id).0, world.supervisor.pid().unwrap());
        let sent = taken.load(Ordering::SeqCst);
        let mut client = open(&account.config, source).await;
        client.write_all(b"?").await.unwrap();
        let (mut received, mut read) = (0, vec![0; 100_000]);
        let mut killed = false;
        while let Ok(length @ 1..) = client.read(&mut read).await {
            received += length as u64;
            if received > 3_000_000 && !killed {
                kill_process(process(pid), Signal::KILL).unwrap();
                killed = true;
            }
        }
        let counted = world.page.counted(account.id).0 - before - 1;
        assert!(counted + 16_384 >= received, "{counted} counted, {received} received");
        assert!(counted <= taken.load(Ordering::SeqCst) - sent, "more was counted than the source sent");

        world
            .until("the relay comes back", |world| world.supervisor.starts() > life && world.supervisor.is_ready())
            .await;
        assert_ne!(world.supervisor.pid(), Some(pid));
    }
    exchange(&world, &account).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_given_while_no_relay_runs_are_carried_out_by_the_next() {
    let mut world = World::new().await;
    kill_process(process(world.supervisor.pid().unwrap()), Signal::KILL).unwrap();
    let account = timeout(Duration::from_secs(5), world.account(Method::Aes128Gcm)).await.unwrap();
    exchange(&world, &account).await;
    assert_eq!(world.supervisor.starts(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_leaves_the_signals_of_a_terminal_to_its_parent() {
    let mut world = World::new().await;
    let account = world.account(Method::Aes128Gcm).await;
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        kill_process(process(world.supervisor.pid().unwrap()), signal).unwrap();
        sleep(Duration::from_millis(50)).await;
        exchange(&world, &account).await;
    }
    assert_eq!(world.supervisor.starts(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_lets_streams_end_and_takes_no_new_ones() {
    let mut world = World::new().await;
    let account = world.account(Method::Blake3Aes128Gcm).await;
    let target = exchange_target("127.0.0.1:0".parse().unwrap(), vec![1; 1_000], vec![2; 2_000]).await;
    let mut client = open(&account.config, target).await;
    client.write_all(&[1; 500]).await.unwrap();
    world.counted(account.id, 500).await;
    let pid = process(world.supervisor.pid().unwrap());

    let drain = tokio::spawn({
        let supervisor = world.supervisor.clone();
        async move { supervisor.drain(Duration::from_secs(5)).await }
    });
    sleep(Duration::from_millis(200)).await;
    client.write_all(&[1; 500]).await.unwrap();
    client.shutdown().await.unwrap();
    let mut read = Vec::new();
    client.read_to_end(&mut read).await.unwrap();
    assert_eq!(read, [2; 2_000]);
    timeout(Duration::from_secs(2), drain).await.unwrap().unwrap().unwrap();
    assert!(test_kill_process(pid).is_err(), "the process is gone");
    assert_eq!(world.page.counted(account.id), Bytes(3_000));
    assert_eq!(world.supervisor.pid(), None);
    assert_eq!(world.supervisor.remove(account.id).await, Err(SupervisorError::Ended));
    assert_eq!(world.supervisor.ready().await, Err(SupervisorError::Ended));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_ends_what_does_not_end_by_itself() {
    let mut world = World::new().await;
    let account = world.account(Method::Aes256Gcm).await;
    let (source, _) = fountain().await;
    let mut client = open(&account.config, source).await;
    client.write_all(b"?").await.unwrap();
    world.until("it flows", |world| world.page.counted(account.id).0 > 1_000).await;
    let pid = process(world.supervisor.pid().unwrap());
    timeout(Duration::from_secs(3), world.supervisor.drain(Duration::from_millis(300))).await.unwrap().unwrap();
    assert!(test_kill_process(pid).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_does_not_wait_for_strangers() {
    let world = World::with(Limits::default()).await;
    let mut strangers = Vec::new();
    for sends in [0, 10, 200] {
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        stream.write_all(&bytes(1, sends)).await.unwrap();
        strangers.push(stream);
    }
    sleep(Duration::from_millis(100)).await;
    timeout(Duration::from_secs(2), world.supervisor.drain(Duration::from_secs(20))).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn clients_that_come_while_no_relay_runs_are_served_by_the_next() {
    let mut world = World::new().await;
    for _ in 0..800 {
        world.account(Method::Blake3Aes256Gcm).await;
    }
    let account = world.account(Method::Chacha20IetfPoly1305).await;
    let target = exchange_target("127.0.0.1:0".parse().unwrap(), vec![1; 10], vec![2; 20]).await;
    kill_process(process(world.supervisor.pid().unwrap()), Signal::KILL).unwrap();
    world.until("it is gone", |world| !world.supervisor.is_ready()).await;
    let clients = (0..20).map(|_| {
        let config = account.config.clone();
        tokio::spawn(async move {
            let mut client = open(&config, target).await;
            client.write_all(&[1; 10]).await.unwrap();
            client.shutdown().await.unwrap();
            let mut read = Vec::new();
            timeout(Duration::from_secs(10), client.read_to_end(&mut read)).await.unwrap().unwrap();
            assert_eq!(read, [2; 20]);
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    world.counted(account.id, 20 * 30).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_before_a_relay_died_is_still_told() {
    let mut world = World::new().await;
    let account = world.account(Method::Aes256Gcm).await;
    exchange(&world, &account).await;
    world.until("it is told", |world| world.supervisor.events().of(Event::Identified) == 1).await;
    kill_process(process(world.supervisor.pid().unwrap()), Signal::KILL).unwrap();
    world.until("it comes back", |world| world.supervisor.starts() == 2 && world.supervisor.is_ready()).await;
    exchange(&world, &account).await;
    world.until("both are told", |world| world.supervisor.events().of(Event::Identified) == 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_does_not_start_is_tried_again_ever_more_rarely_and_can_be_given_up() {
    let page = Page::create(tempfile::tempfile().unwrap(), 1, 1, 0).unwrap();
    for program in ["/bin/true", "/nonexistent/relay"] {
        let spawn = SpawnRelay { program: program.into(), arguments: Vec::new() };
        let supervisor = Supervisor::start(spawn, Vec::new(), Vec::new(), &page, &replays(), None).unwrap();
        sleep(Duration::from_secs(1)).await;
        assert!(!supervisor.is_ready());
        assert!(supervisor.starts() <= 5, "{} starts in a second", supervisor.starts());
        timeout(Duration::from_secs(1), supervisor.drain(Duration::ZERO)).await.unwrap().unwrap();
        assert_eq!(supervisor.ready().await, Err(SupervisorError::Ended));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_hangs_can_be_given_up() {
    let world = World::new().await;
    let pid = process(world.supervisor.pid().unwrap());
    kill_process(pid, Signal::STOP).unwrap();
    for _ in 0..4_000 {
        let supervisor = world.supervisor.clone();
        tokio::spawn(async move { supervisor.configure(ServerKeys::generate(), Limits::default()).await });
    }
    sleep(Duration::from_millis(500)).await;
    timeout(Duration::from_secs(5), world.supervisor.drain(Duration::from_millis(100))).await.unwrap().unwrap();
    assert!(test_kill_process(pid).is_err());
}

/// Not a test: a parent that is killed with its relay running. It tells the number of the relay's process.
#[test]
#[ignore = "it is the parent that another test kills"]
fn the_parent_itself() {
    let Ok(path) = env::var("AVOW_TEST_TELLS") else { return };
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let page = Page::create(tempfile::tempfile().unwrap(), 1, 1, 0).unwrap();
        let supervisor = Supervisor::start(spawn(), Vec::new(), Vec::new(), &page, &replays(), None).unwrap();
        supervisor.ready().await.unwrap();
        std::os::unix::net::UnixDatagram::unbound()
            .unwrap()
            .send_to(&supervisor.pid().unwrap().to_be_bytes(), path)
            .unwrap();
        sleep(Duration::from_secs(60)).await;
    });
}

#[test]
fn a_relay_dies_with_its_parent() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("told");
    let told = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    told.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut parent = Command::new(env::current_exe().unwrap())
        .args(["lives::the_parent_itself", "--exact", "--ignored", "--nocapture"])
        .env("AVOW_TEST_TELLS", &path)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut pid = [0; 4];
    told.recv(&mut pid).unwrap();
    let relay = process(u32::from_be_bytes(pid));
    assert!(test_kill_process(relay).is_ok());
    parent.kill().unwrap();
    parent.wait().unwrap();
    let until = Instant::now() + Duration::from_secs(2);
    // Nobody may have collected the dead process yet: it is gone for good when it has no memory any more.
    while alive(relay) && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(!alive(relay), "the relay outlived its parent");
}

fn alive(pid: Pid) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero()));
    status.is_ok_and(|status| !status.contains(") Z "))
}
