//! Counts at a border, of two versions or two months: what was counted under one version is kept by no other for longer, and
//! what belongs to a month that is over is not the next one's. The clock is moved from outside, by libfaketime.

use std::{
    process::Command,
    thread,
    time::{Duration, Instant},
};

use rusqlite::Connection;

use crate::{
    life::echo_through,
    retention::{account_of_an_older_method, at, buckets, buckets_become, library},
    target::Echo,
    trouble::{health_becomes, kill},
    world::{PATIENCE, Ran, World, repository},
};

const NORTHGATE: &str = "policy-docs/northgate/privacy.md";
const ROW: &str = "Until the end of the calendar month (UTC)";

/// Counts that only the end of the service brings to the store.
fn flushing_at_the_end() -> World {
    let world = World::new();
    world.configure("[books]\nflush_seconds = 3600\nsweep_seconds = 1\n");
    world
}

fn bytes(world: &World, bucket: &str) -> u64 {
    let store = Connection::open(world.data().join("avow.db")).unwrap();
    store.query_row(&format!("SELECT coalesce(sum(bytes), 0) FROM {bucket}"), [], |row| row.get(0)).unwrap()
}

fn log_says(world: &World, what: &str) {
    let end = Instant::now() + PATIENCE;
    while !world.log_text().contains(what) {
        assert!(Instant::now() < end, "{}", world.log_text());
        thread::sleep(Duration::from_millis(50));
    }
}

fn publish(world: &World, library: &str, instant: &str) {
    let mut publish = world.command(&["publish", NORTHGATE]);
    let ran = Ran::from(at(&mut publish, library, instant).output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.err);
}

fn up_under(world: &World, policy: &str, library: &str, instant: &str) -> Command {
    let mut command = world.command(&["up"]);
    command.arg("--policy").arg(world.file("trial.md", policy));
    at(&mut command, library, instant);
    command
}

/// What was moved before and after Northgate took over from a text on trial, and the buckets that are left after the stop.
#[track_caller]
fn across_a_version(trial: &str) -> Option<(World, u64, u64)> {
    let library = library()?;
    let world = flushing_at_the_end();
    let service = world.up_with(up_under(&world, trial, library, "2026-11-20 11:59:50"));
    let link = account_of_an_older_method(&world);
    let (before, after) = (Echo::tcp(), Echo::tcp());
    echo_through(&link, &before);
    publish(&world, library, "2026-11-20 11:59:55");
    log_says(&world, "a version is in force version=1");
    // A border is kept a moment after it has passed.
    thread::sleep(Duration::from_millis(1500));
    echo_through(&link, &after);
    assert_eq!(service.stop(), 0);
    Some((world, before.seen(), after.seen()))
}

#[test]
fn counts_of_before_a_version_that_keeps_them_are_not_kept_under_it() {
    let policy = repository(NORTHGATE);
    let row = policy.lines().find(|line| line.contains("**S3**")).unwrap();
    let Some((world, before, after)) = across_a_version(&policy.replace(&format!("{row}\n"), "")) else { return };
    assert_eq!(buckets(&world), ["month_total_202611_v1"]);
    assert!(before > 0);
    assert_eq!(bytes(&world, "month_total_202611_v1"), after, "{before} bytes were moved before");
}

#[test]
fn counts_of_before_a_version_that_keeps_them_for_longer_stay_under_the_one_before() {
    let policy = repository(NORTHGATE);
    let trial = policy.replace(ROW, "1 day after it was recorded");
    assert_ne!(policy, trial);
    let Some((world, before, after)) = across_a_version(&trial) else { return };
    assert_eq!(buckets(&world), ["month_total_202611_v0", "month_total_202611_v1"]);
    assert_eq!(bytes(&world, "month_total_202611_v0"), before);
    assert_eq!(bytes(&world, "month_total_202611_v1"), after);
}

#[test]
fn counts_of_before_a_version_that_keeps_them_as_long_are_all_kept() {
    let Some((world, before, after)) = across_a_version(&repository(NORTHGATE)) else { return };
    assert_eq!(buckets(&world), ["month_total_202611_v1"]);
    assert_eq!(bytes(&world, "month_total_202611_v1"), before + after);
}

#[test]
fn a_version_that_something_is_recorded_under_stays_in_force_though_the_clock_goes_back_behind_it() {
    let Some(library) = library() else { return };
    let world = World::new();
    let service = world.up_with(up_under(&world, &repository(NORTHGATE), library, "2026-11-20 11:59:50"));
    let link = account_of_an_older_method(&world);
    let target = Echo::tcp();
    publish(&world, library, "2026-11-20 11:59:55");
    log_says(&world, "a version is in force version=1");
    echo_through(&link, &target);
    buckets_become(&world, &["month_total_202611_v1"]);
    assert_eq!(service.stop(), 0);
    // The clock ran ahead, and is set right: by it the text is on trial still. What was in force stays so.
    let mut command = world.command(&["up", "--clock-is-right"]);
    at(&mut command, library, "2026-11-20 11:50:00");
    let service = world.up_with(command);
    echo_through(&link, &target);
    let end = Instant::now() + PATIENCE;
    while bytes(&world, "month_total_202611_v1") != target.seen() {
        assert!(Instant::now() < end, "{}", world.get("/healthz").1);
        thread::sleep(Duration::from_millis(100));
    }
    health_becomes(&world, 200);
    // Whatever else is kept asks the same version.
    let number = world.json(&["account", "list"])["accounts"][0]["account"].to_string();
    assert_eq!(world.run(&["account", "rotate", &number]).code, 0);
    assert_eq!(world.run(&["account", "plan", &number, "--limit", "1GB"]).code, 0);
    assert!(!world.log_text().contains("cannot store counts"), "{}", world.log_text());
    assert_eq!(service.stop(), 0);
    assert_eq!(buckets(&world), ["month_total_202611_v1"]);
}

#[test]
fn counts_of_a_month_that_ended_while_the_service_was_down_are_dropped_and_not_the_next_months() {
    let Some(library) = library() else { return };
    let world = flushing_at_the_end();
    let mut command = world.command(&["up"]);
    at(&mut command, library, "2026-11-30 12:00:00");
    let service = world.up_with(command);
    let link = account_of_an_older_method(&world);
    echo_through(&link, &Echo::tcp());
    kill(service);
    let mut command = world.command(&["up"]);
    at(&mut command, library, "2026-12-02 12:00:00");
    let service = world.up_with(command);
    log_says(&world, "counts of a month that is over came too late to be stored");
    assert_eq!(buckets(&world), [""; 0]);
    let target = Echo::tcp();
    echo_through(&link, &target);
    assert_eq!(service.stop(), 0);
    assert_eq!(buckets(&world), ["month_total_202612_v0"]);
    assert_eq!(bytes(&world, "month_total_202612_v0"), target.seen());
}
