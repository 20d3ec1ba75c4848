//! Trouble around the store: locked, read by others, replaced, begun by halves. Nothing counted is lost, nothing hangs.

use std::{
    fs,
    io::Write,
    os::unix::net::UnixStream,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    clients::InProcess,
    life::echo_through,
    target::Echo,
    tunnel::block_on,
    world::{PATIENCE, Service, World},
};

/// A connection to the store that is another program's.
fn another_program(world: &World, sql: &str) -> Connection {
    let store = Connection::open(world.data().join("avow.db")).unwrap();
    store.execute_batch(sql).unwrap();
    store
}

/// Waits until `/healthz` answers with a status.
#[track_caller]
pub(crate) fn health_becomes(world: &World, status: u16) {
    let end = Instant::now() + PATIENCE;
    while world.get("/healthz").0 != status {
        assert!(Instant::now() < end, "{}", world.get("/healthz").1);
        thread::sleep(Duration::from_millis(100));
    }
}

/// Kills a service, and waits until its relay is gone too.
pub(crate) fn kill(service: Service) {
    let relay = service.relay_pid();
    drop(service);
    let end = Instant::now() + PATIENCE;
    while Path::new(&format!("/proc/{relay}")).exists() {
        assert!(Instant::now() < end, "the relay outlives its service");
        thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn counts_wait_while_the_store_is_locked() {
    let world = World::new();
    let _service = world.up();
    let account = world.first_account();
    let (link, target) = (world.link(account), Echo::tcp());
    let lock = another_program(&world, "BEGIN IMMEDIATE");
    echo_through(&link, &target);
    health_becomes(&world, 503);
    assert!(world.get("/healthz").1.contains("held in memory"));
    echo_through(&link, &target);
    drop(lock);
    world.stored_becomes(account, || target.seen());
    health_becomes(&world, 200);
}

#[test]
fn a_stop_while_the_store_is_locked_loses_nothing() {
    let world = World::new();
    let service = world.up();
    let account = world.first_account();
    let (link, target) = (world.link(account), Echo::tcp());
    let lock = another_program(&world, "BEGIN IMMEDIATE");
    echo_through(&link, &target);
    health_becomes(&world, 503);
    // The batch is under way again; what is counted now belongs to the next one.
    thread::sleep(Duration::from_millis(1500));
    echo_through(&link, &target);
    let unlock = thread::spawn(move || {
        thread::sleep(Duration::from_secs(8));
        drop(lock);
    });
    assert_eq!(service.stop(), 0, "{}", world.log_text());
    unlock.join().unwrap();
    assert_eq!(world.stored(account), target.seen());
}

#[test]
fn a_stop_does_not_wait_for_whoever_asks_nothing() {
    let world = World::new();
    let service = world.up();
    let silent = UnixStream::connect(world.data().join("control.sock")).unwrap();
    let mut slow = UnixStream::connect(world.data().join("control.sock")).unwrap();
    slow.write_all(b"{\"avow\":1,").unwrap();
    assert_eq!(service.stop(), 0);
    drop((silent, slow));
}

#[test]
fn a_new_store_does_not_stumble_over_the_counts_of_another() {
    let world = World::new();
    world.configure("[books]\nflush_seconds = 3600\n");
    let service = world.up();
    let first = world.first_account();
    echo_through(&world.link(first), &Echo::tcp());
    kill(service);
    // The store is gone, and the directory that the counters go by is the same.
    fs::remove_file(world.data().join("avow.db")).unwrap();
    for left in ["avow.db-wal", "avow.db-shm"] {
        let _ = fs::remove_file(world.data().join(left));
    }
    fs::remove_dir_all(world.data().join("keys")).unwrap();
    world.configure("[books]\nflush_seconds = 1\n");

    let _service = world.up();
    let (account, target) = (world.first_account(), Echo::tcp());
    assert_ne!(account, first);
    echo_through(&world.link(account), &target);
    world.stored_becomes(account, || target.seen());
    assert!(world.log_text().contains("belong to another store"), "{}", world.log_text());
}

#[test]
fn a_first_start_that_was_interrupted_is_made_up_for() {
    let world = World::new();
    let runtime = world.directory.path().join("runtime");
    fs::write(&runtime, "not a directory").unwrap();
    let ran = world.run(&["up"]);
    assert_eq!((ran.code, ran.err.contains("runtime directory")), (2, true), "{}", ran.err);
    fs::remove_file(&runtime).unwrap();

    let service = world.up();
    let link = world.link(world.first_account());
    assert!(service.first_screen.contains(&link), "{}", service.first_screen);
}

#[test]
fn keys_are_changed_and_accounts_removed_while_somebody_reads() {
    let world = World::new();
    let _service = world.up();
    let account = world.first_account();
    let (old, target) = (world.link(account), Echo::tcp());
    let reader = another_program(&world, "BEGIN; SELECT count(*) FROM account");
    let ran = world.run(&["account", "rotate", &account.to_string()]);
    assert_eq!((ran.code, ran.err.contains("it is done, but")), (2, true), "{}", ran.err);
    let new = world.link(account);
    assert_ne!(old, new);
    echo_through(&new, &target);
    block_on(async {
        let mut stream = InProcess::new(&old).connect(target.address).await;
        stream.write_all(b"ping").await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut [0; 16])).await;
        assert!(!matches!(answer, Ok(Ok(1..))), "the old key still works");
    });
    let started = Instant::now();
    let ran = world.run(&["account", "remove", &account.to_string()]);
    assert_eq!((ran.code, ran.err.contains("it is done, but")), (2, true), "{}", ran.err);
    assert!(started.elapsed() < Duration::from_secs(15), "{:?}", started.elapsed());
    assert!(world.json(&["account", "list"])["accounts"].as_array().unwrap().is_empty());
    drop(reader);
}
