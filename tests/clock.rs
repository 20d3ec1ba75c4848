//! The wall clock of the machine is set by days under the running binary: nothing is erased early, and nothing is kept
//! longer. Moved from outside by libfaketime; the time that has passed is left alone.

use std::{
    fs,
    path::PathBuf,
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use rusqlite::Connection;

use crate::{
    life::echo_through,
    retention::{account_of_an_older_method, buckets, buckets_become, library},
    target::Echo,
    world::{PATIENCE, Ran, Service, World, in_time},
};

const DAY: i64 = 24 * 3600;

/// A wall clock that the test can set while the service runs.
struct Wall {
    file: PathBuf,
    /// How far ahead of the machine's it is.
    ahead: i64,
}

impl Wall {
    /// One that shows this instant now.
    #[expect(clippy::disallowed_methods, reason = "it is set from what the machine's shows")]
    fn showing(world: &World, instant: &str) -> Self {
        let shown: jiff::Timestamp = instant.parse().unwrap();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let file = world.data().parent().unwrap().join("wall");
        let wall = Self { file, ahead: shown.as_second() - i64::try_from(now).unwrap() };
        wall.set_by(0);
        wall
    }

    /// Sets it by so many seconds.
    fn set_by(&self, seconds: i64) {
        let whole = self.file.with_extension("new");
        fs::write(&whole, format!("{:+}\n", self.ahead + seconds)).unwrap();
        fs::rename(whole, &self.file).unwrap();
    }

    fn up(&self, world: &World, arguments: &[&str]) -> std::process::Command {
        let mut command = world.command(&[&["up"], arguments].concat());
        command.env("LD_PRELOAD", library().unwrap()).env("FAKETIME_TIMESTAMP_FILE", &self.file);
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("TZ", "UTC");
        command
    }
}

#[track_caller]
fn log_says(world: &World, what: &str) {
    let end = Instant::now() + PATIENCE;
    while !world.log_text().contains(what) {
        assert!(Instant::now() < end, "{}", world.log_text());
        thread::sleep(Duration::from_millis(50));
    }
}

fn running(world: &World, wall: &Wall) -> Service {
    world.configure("[books]\nflush_seconds = 1\nsweep_seconds = 1\n");
    world.up_with(wall.up(world, &[]))
}

#[test]
fn a_clock_that_is_set_forward_by_days_erases_nothing_early() {
    if library().is_none() {
        return;
    }
    let world = World::new();
    let wall = Wall::showing(&world, "2026-11-28T12:00:00Z");
    let service = running(&world, &wall);
    let link = account_of_an_older_method(&world);
    echo_through(&link, &Echo::tcp());
    buckets_become(&world, &["month_total_202611_v0"]);
    wall.set_by(5 * DAY);
    log_says(&world, "the wall clock was set and is not followed");
    assert!(world.get("/healthz").1.contains("was set, and is not followed"));
    // Several sweeps later nothing is gone, and what is counted now is November's.
    thread::sleep(Duration::from_secs(4));
    echo_through(&link, &Echo::tcp());
    thread::sleep(Duration::from_secs(3));
    assert_eq!(buckets(&world), ["month_total_202611_v0"]);
    wall.set_by(0);
    log_says(&world, "the wall clock is followed again");
    assert_eq!(service.stop(), 0);
}

#[test]
fn a_clock_that_is_set_back_by_days_keeps_nothing_longer() {
    if library().is_none() {
        return;
    }
    let world = World::new();
    let wall = Wall::showing(&world, "2026-11-30T23:59:40Z");
    let service = running(&world, &wall);
    echo_through(&account_of_an_older_method(&world), &Echo::tcp());
    buckets_become(&world, &["month_total_202611_v0"]);
    wall.set_by(-5 * DAY);
    // The month ends when the time has passed, whatever the wall says.
    buckets_become(&world, &[]);
    assert_eq!(service.stop(), 0);
}

#[test]
fn a_clock_that_is_behind_the_store_stops_the_start() {
    if library().is_none() {
        return;
    }
    let world = World::new();
    let wall = Wall::showing(&world, "2026-11-28T12:00:00Z");
    assert_eq!(running(&world, &wall).stop(), 0);
    wall.set_by(-3 * DAY);
    let ran = Ran::from(wall.up(&world, &[]).output().unwrap());
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("the clock shows 2026-11-25T12:0"), "{}", ran.err);
    assert!(ran.err.contains("--clock-is-right"), "{}", ran.err);
    let service = world.up_with(wall.up(&world, &["--clock-is-right"]));
    assert_eq!(service.stop(), 0);
}

#[test]
fn a_clock_that_is_behind_the_last_sweep_stops_the_start_though_nothing_was_recorded_for_days() {
    if library().is_none() {
        return;
    }
    let world = World::new();
    let wall = Wall::showing(&world, "2026-11-08T12:00:00Z");
    assert_eq!(running(&world, &wall).stop(), 0);
    wall.set_by(20 * DAY);
    let service = running(&world, &wall);
    let end = Instant::now() + PATIENCE;
    while !fs::read_to_string(world.data().join("last-sweep")).is_ok_and(|at| at.starts_with("2026-11-28T12:0")) {
        assert!(Instant::now() < end, "the sweep is not written down");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(service.stop(), 0);
    wall.set_by(17 * DAY);
    let ran = Ran::from(in_time(wall.up(&world, &[])).output().unwrap());
    assert_eq!((ran.code, ran.err.contains("in use at 2026-11-28T12:0")), (1, true), "{}", ran.err);
    // If it ran ahead then, it is right now, and from now on it is what was seen.
    let service = world.up_with(wall.up(&world, &["--clock-is-right"]));
    let end = Instant::now() + PATIENCE;
    while !fs::read_to_string(world.data().join("last-sweep")).unwrap().starts_with("2026-11-25T12:0") {
        assert!(Instant::now() < end, "the sweep is not written down");
        thread::sleep(Duration::from_millis(50));
    }
    assert_eq!(service.stop(), 0);
    assert_eq!(world.up_with(wall.up(&world, &[])).stop(), 0);
}

#[test]
fn counts_that_the_store_could_not_take_in_their_month_are_not_the_next_ones() {
    if library().is_none() {
        return;
    }
    let world = World::new();
    let wall = Wall::showing(&world, "2026-11-30T23:59:35Z");
    let service = running(&world, &wall);
    let link = account_of_an_older_method(&world);
    let old = Echo::tcp();
    echo_through(&link, &old);
    buckets_become(&world, &["month_total_202611_v0"]);
    // Somebody else holds the store while the month ends.
    let other = Connection::open(world.data().join("avow.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    echo_through(&link, &old);
    log_says(&world, "cannot store counts now");
    let december = Duration::from_secs(26);
    thread::sleep(december);
    other.execute_batch("ROLLBACK").unwrap();
    log_says(&world, "counts of a month that is over came too late to be stored");
    buckets_become(&world, &[]);
    let new = Echo::tcp();
    echo_through(&link, &new);
    buckets_become(&world, &["month_total_202612_v0"]);
    assert_eq!(service.stop(), 0);
    let store = Connection::open(world.data().join("avow.db")).unwrap();
    let stored: u64 = store.query_row("SELECT sum(bytes) FROM month_total_202612_v0", [], |row| row.get(0)).unwrap();
    assert_eq!(stored, new.seen());
}
