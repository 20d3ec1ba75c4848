//! A disk that fails: writes to the store's files, or what puts them on the disk, give an error. Nothing is acknowledged
//! that is not on the disk, counts wait in memory, and when the disk works again every byte is stored once.
//!
//! The faults come from outside, by a library that is loaded before the C library (`faults.c`); the product has no switch.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use tempfile::TempDir;

use crate::{
    life::echo_through,
    target::Echo,
    trouble::{health_becomes, kill},
    world::{PATIENCE, Ran, Service, World, in_time, repository},
};

/// The library, compiled once; `None`, with a hint, where there is no compiler.
fn library() -> Option<PathBuf> {
    static BUILT: OnceLock<Option<(TempDir, PathBuf)>> = OnceLock::new();
    let built = BUILT.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        let (source, library) = (dir.path().join("faults.c"), dir.path().join("faults.so"));
        fs::write(&source, repository("tests/faults.c")).unwrap();
        let mut compile = Command::new("cc");
        compile.args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]).arg("-ldl");
        match compile.output() {
            Ok(ran) => {
                assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
                Some((dir, library))
            }
            Err(_) => {
                assert!(std::env::var_os("AVOW_REQUIRE_CLIENTS").is_none(), "there is no C compiler");
                eprintln!("skipped: there is no C compiler (apt-get install gcc libc6-dev)");
                None
            }
        }
    });
    built.as_ref().map(|(_, library)| library.clone())
}

/// A disk that can be told to fail.
struct Disk {
    library: PathBuf,
    faults: PathBuf,
}

impl Disk {
    fn under(world: &World) -> Option<Self> {
        let faults = world.directory.path().join("faults");
        fs::create_dir(&faults).unwrap();
        Some(Self { library: library()?, faults })
    }

    fn up(&self, world: &World) -> Service {
        world.up_with(self.command(world))
    }

    fn command(&self, world: &World) -> Command {
        let mut command = world.command(&["up"]);
        command.env("LD_PRELOAD", &self.library).env("AVOW_FAULTS", &self.faults);
        command
    }

    /// From now on this fails: `write` or `sync`.
    fn fails(&self, what: &str) {
        let _ = fs::remove_file(self.faults.join("met"));
        fs::write(self.faults.join(what), "").unwrap();
    }

    #[track_caller]
    fn was_met(&self) {
        let end = Instant::now() + PATIENCE;
        while !self.faults.join("met").exists() {
            assert!(Instant::now() < end, "nothing met the fault");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn works(&self) {
        for what in ["write", "sync"] {
            let _ = fs::remove_file(self.faults.join(what));
        }
    }
}

#[track_caller]
fn is_whole(world: &World) {
    let audit = world.run(&["audit"]);
    assert_eq!(audit.code, 0, "{}", audit.out);
    let store = rusqlite::Connection::open(world.data().join("avow.db")).unwrap();
    let checked: String = store.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(checked, "ok");
}

#[track_caller]
fn counts_wait_while_it_fails(what: &str) {
    let world = World::new();
    let Some(disk) = Disk::under(&world) else { return };
    let service = disk.up(&world);
    let account = world.first_account();
    let (link, target) = (world.link(account), Echo::tcp());
    for round in 0..3 {
        disk.fails(what);
        echo_through(&link, &target);
        health_becomes(&world, 503);
        disk.was_met();
        assert!(world.get("/healthz").1.contains("held in memory"));
        assert!(world.get("/metrics").1.contains("avow_counts_held 1"));
        echo_through(&link, &target);
        if round > 0 {
            assert_eq!(world.run(&["account", "add"]).code, 2, "what is not on the disk is not acknowledged");
        }
        disk.works();
        world.stored_becomes(account, || target.seen());
        health_becomes(&world, 200);
    }
    assert_eq!(world.json(&["account", "list"])["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(service.stop(), 0);
    is_whole(&world);
    assert_eq!(world.stored(account), target.seen());
}

#[test]
fn counts_wait_while_writes_fail() {
    counts_wait_while_it_fails("write");
}

#[test]
fn counts_wait_while_nothing_can_be_put_on_the_disk() {
    counts_wait_while_it_fails("sync");
}

#[test]
fn a_service_that_is_killed_while_the_disk_fails_stores_every_byte_once() {
    for what in ["write", "sync"] {
        let world = World::new();
        let Some(disk) = Disk::under(&world) else { return };
        let service = disk.up(&world);
        let account = world.first_account();
        let (link, target) = (world.link(account), Echo::tcp());
        echo_through(&link, &target);
        world.stored_becomes(account, || target.seen());
        disk.fails(what);
        echo_through(&link, &target);
        health_becomes(&world, 503);
        kill(service);
        // It still fails: the start says so, and what was counted stays in memory.
        let ran = Ran::from(in_time(disk.command(&world)).output().unwrap());
        assert_eq!((ran.code, ran.err.contains("disk I/O error")), (2, true), "{what}: {}", ran.err);
        disk.works();
        let service = disk.up(&world);
        world.stored_becomes(account, || target.seen());
        assert_eq!(service.stop(), 0);
        assert_eq!(world.stored(account), target.seen());
        is_whole(&world);
    }
}
