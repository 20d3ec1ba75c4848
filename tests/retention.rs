//! The calendar moves under the real binary: what is due is gone at its instant, and the audit says so if it is not.
//!
//! The clock is moved from outside, by libfaketime; the product has no switch for it.

use std::{
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rusqlite::{Connection, OpenFlags};

use crate::{
    life::echo_through,
    target::Echo,
    world::{PATIENCE, Ran, World},
};

/// Debian's places of the library.
const LIBRARIES: [&str; 2] =
    ["/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1", "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1"];

/// The library that moves the clock; `None`, with a hint, where it is not installed.
pub(crate) fn library() -> Option<&'static str> {
    let found = LIBRARIES.into_iter().find(|library| Path::new(library).exists());
    if found.is_none() {
        assert!(
            std::env::var_os("AVOW_REQUIRE_CLIENTS").is_none(),
            "faketime is not installed: apt-get install faketime"
        );
        eprintln!("skipped: faketime is not installed (apt-get install faketime)");
    }
    found
}

/// Lets a command begin at an instant; its clock goes on from there.
pub(crate) fn at<'a>(command: &'a mut Command, library: &str, instant: &str) -> &'a mut Command {
    // The clock that only goes forward is left alone: timers run on it.
    command.env("LD_PRELOAD", library).env("FAKETIME", format!("@{instant}")).env("TZ", "UTC");
    command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
}

pub(crate) fn buckets(world: &World) -> Vec<String> {
    let store = Connection::open_with_flags(world.data().join("avow.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut names =
        store.prepare("SELECT name FROM sqlite_schema WHERE name LIKE 'month_total_%' ORDER BY name").unwrap();
    let names = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap);
    names.collect()
}

#[track_caller]
pub(crate) fn buckets_become(world: &World, expected: &[&str]) {
    let end = Instant::now() + PATIENCE;
    while buckets(world) != expected && Instant::now() < end {
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(buckets(world), expected);
}

#[test]
fn month_totals_are_gone_when_the_month_ends() {
    let Some(library) = library() else { return };
    let world = World::new();
    let mut command = world.command(&["up"]);
    at(&mut command, library, "2026-11-30 23:59:50");
    let service = world.up_with(command);
    let link = account_of_an_older_method(&world);
    let target = Echo::tcp();
    echo_through(&link, &target);
    buckets_become(&world, &["month_total_202611_v0"]);
    // Ten seconds after the start it is December. Nothing else happens: the sweeper wakes by itself.
    buckets_become(&world, &[]);
    let end = Instant::now() + PATIENCE;
    while !world.log_text().contains("2026-12-01T00:00:00Z  INFO erased what was due buckets=1 rows=1") {
        assert!(Instant::now() < end, "{}", world.log_text());
        thread::sleep(Duration::from_millis(50));
    }
    echo_through(&link, &target);
    buckets_become(&world, &["month_total_202612_v0"]);
    assert_eq!(service.stop(), 0);
    let mut audit = world.command(&["audit"]);
    let ran = Ran::from(at(&mut audit, library, "2026-12-01 00:01:00").output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.out);
}

#[test]
fn a_service_that_slept_over_the_end_of_the_month_erases_when_it_wakes() {
    let Some(library) = library() else { return };
    let world = World::new();
    let mut command = world.command(&["up"]);
    at(&mut command, library, "2026-11-20 12:00:00");
    let service = world.up_with(command);
    let link = account_of_an_older_method(&world);
    echo_through(&link, &Echo::tcp());
    buckets_become(&world, &["month_total_202611_v0"]);
    assert_eq!(service.stop(), 0);

    // While it sleeps, the audit says what is overdue.
    let mut audit = world.command(&["audit"]);
    let ran = Ran::from(at(&mut audit, library, "2026-12-05 12:00:00").output().unwrap());
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.out.contains("breaks S3"), "{}", ran.out);

    let mut command = world.command(&["up"]);
    at(&mut command, library, "2026-12-05 12:00:00");
    let _service = world.up_with(command);
    buckets_become(&world, &[]);
}

#[test]
fn a_version_takes_over_at_its_minute() {
    let Some(library) = library() else { return };
    let world = World::new();
    let mut command = world.command(&["up"]);
    at(&mut command, library, "2026-11-20 11:59:55");
    let _service = world.up_with(command);
    assert!(world.get("/privacy").1.contains("On trial."));
    let mut publish = world.command(&["publish", "policy-docs/northgate/privacy.md"]);
    let ran = Ran::from(at(&mut publish, library, "2026-11-20 11:59:56").output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("2026-11-20T12:00Z"), "{}", ran.out);
    let end = Instant::now() + PATIENCE;
    while world.get("/privacy").1.contains("On trial.") {
        assert!(Instant::now() < end, "the version does not come into force");
        thread::sleep(Duration::from_millis(100));
    }
    assert!(world.get("/privacy").1.contains("in force from"));
    let link = account_of_an_older_method(&world);
    echo_through(&link, &Echo::tcp());
    buckets_become(&world, &["month_total_202611_v1"]);
}

/// The methods of 2022 compare clocks, and the client's is not moved.
pub(crate) fn account_of_an_older_method(world: &World) -> String {
    world.link(world.add_account("aes-256-gcm"))
}
