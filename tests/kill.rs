//! kill -9 in the middle of a download: what is stored in the end is never more than what passed, and at most one chunk
//! of 16 KiB per open stream less.

use std::{
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use tokio::io::AsyncReadExt;

use crate::{
    clients::InProcess,
    target::Source,
    tunnel::block_on,
    world::{Service, World, signal},
};

/// What may be between a socket and the counter, per stream.
const CHUNK: u64 = 16 * 1024;
/// What the client sends to open the stream.
const GREETING: &[u8] = b"go";

/// Rounds of kill and restart in CI, and in the long run.
const ROUNDS: u64 = 4;
const MANY_ROUNDS: u64 = 25;

#[test]
fn a_killed_relay_loses_at_most_a_chunk() {
    check(kill_relay, Restart::Relay, ROUNDS);
}

#[test]
fn a_killed_service_loses_at_most_a_chunk() {
    check(kill_service, Restart::Service, ROUNDS);
}

#[test]
fn both_killed_lose_at_most_a_chunk() {
    check(kill_both, Restart::Service, ROUNDS);
}

#[test]
#[ignore = "takes minutes: `just long`"]
fn many_kills_lose_at_most_a_chunk_each() {
    check(kill_relay, Restart::Relay, MANY_ROUNDS);
    check(kill_service, Restart::Service, MANY_ROUNDS);
    check(kill_both, Restart::Service, MANY_ROUNDS);
}

fn kill_relay(service: &Service) {
    signal(service.relay_pid(), "KILL");
}

fn kill_service(service: &Service) {
    signal(service.pid(), "KILL");
}

fn kill_both(service: &Service) {
    let (service, relay) = (service.pid(), service.relay_pid());
    signal(service, "KILL");
    // The relay dies with its service; this may come too late, and need not come at all.
    let _ = Command::new("kill").args(["-KILL", &relay.to_string()]).stderr(Stdio::null()).status();
}

#[test]
fn a_service_that_is_told_to_stop_loses_nothing() {
    let world = World::new();
    world.configure("[books]\nflush_seconds = 3600\n");
    let service = world.up();
    let account = world.first_account();
    let target = crate::target::Echo::tcp();
    let client = InProcess::new(&world.link(account));
    block_on(async {
        use tokio::io::AsyncWriteExt;
        let mut stream = client.connect(target.address).await;
        for piece in crate::tunnel::pattern(100_000).chunks(10_000) {
            stream.write_all(piece).await.unwrap();
        }
        let mut received = vec![0; 100_000];
        stream.read_exact(&mut received).await.unwrap();
    });
    assert_eq!(service.stop(), 0);
    assert_eq!(world.stored(account), target.seen());
}

enum Restart {
    Relay,
    Service,
}

fn check(kill: impl Fn(&Service), restart: Restart, rounds: u64) {
    let world = World::new();
    let mut service = world.up();
    let account = world.first_account();
    let link = world.link(account);
    let (mut at_least, mut at_most) = (0, 0);
    for round in 0..rounds {
        let source = Source::new(5000, Duration::ZERO);
        let received = download_while(&link, &source, || {
            thread::sleep(Duration::from_millis(150 + 130 * (round % 7)));
            kill(&service);
        });
        at_least += received.saturating_sub(CHUNK);
        if let Restart::Service = restart {
            drop(service);
            service = world.up();
        }
        // The next flush, and a tunnel that works again.
        let stored = settled(&world, account);
        at_most += source.sent() + GREETING.len() as u64;
        assert!(stored >= at_least, "round {round}: {stored} stored, {at_least} or more passed");
        assert!(stored <= at_most, "round {round}: {stored} stored, {at_most} at most passed");
    }
    assert!(at_least > 0, "nothing was downloaded: the test shows nothing");
    assert_eq!(service.stop(), 0);
}

/// Downloads until the stream breaks: how much arrived.
fn download_while(link: &str, source: &Source, act: impl FnOnce()) -> u64 {
    let client = InProcess::new(link);
    let address = source.address;
    let download = thread::spawn(move || {
        block_on(async {
            let mut stream = client.connect(address).await;
            let (mut piece, mut total) = (vec![0; 16384], 0);
            tokio::io::AsyncWriteExt::write_all(&mut stream, GREETING).await.unwrap();
            while let Ok(Ok(length @ 1..)) = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut piece)).await
            {
                total += length as u64;
            }
            total
        })
    });
    act();
    download.join().unwrap()
}

/// What is stored when two looks, further apart than a flush, see the same.
fn settled(world: &World, account: u64) -> u64 {
    let mut before = u64::MAX;
    for _ in 0..20 {
        let now = world.stored(account);
        if now == before {
            return now;
        }
        before = now;
        thread::sleep(Duration::from_millis(1300));
    }
    panic!("the count does not settle");
}
