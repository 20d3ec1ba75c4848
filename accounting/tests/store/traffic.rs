//! Batches of counts: each is booked exactly once, whole or not at all.

use std::{
    collections::BTreeMap,
    env,
    io::{self, BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
};

use crate::world::{NODE, World, account, at, batch, open, permit, rules};
use avow_accounting::{Applied, Cursor, MonthTotal, StoreError};
use avow_terms::amount::Bytes;
use jiff::tz::TimeZone;
use proptest::{prelude::*, test_runner::Config};

const MONTH_END: &str = "Until the end of the calendar month (UTC)";
const NOW: &str = "2026-11-22T12:00:00Z";

/// A store with the accounts 1 to 3 whose node has begun.
fn begun() -> World {
    let mut world = World::keeping_totals(MONTH_END);
    for number in 1..=3 {
        world.add(account(number), b"keys", at(NOW));
    }
    world.store.begin_epoch(NODE).unwrap();
    world
}

fn apply(world: &mut World, epoch: u64, seq: u64, bytes: u64) -> Result<Applied, StoreError> {
    let permit = world.permit::<MonthTotal>(at(NOW));
    world.store.add_traffic(permit, &batch(epoch, seq, &[(account(1), bytes)]))
}

#[test]
fn a_batch_that_is_sent_twice_is_booked_once() {
    let mut world = begun();
    assert_eq!(apply(&mut world, 1, 1, 100), Ok(Applied::Written));
    assert_eq!(apply(&mut world, 1, 1, 100), Ok(Applied::Duplicate));
    let mut world = world.reopen();
    assert_eq!(apply(&mut world, 1, 1, 100), Ok(Applied::Duplicate));
    assert_eq!(apply(&mut world, 1, 2, 20), Ok(Applied::Written));
    assert_eq!(apply(&mut world, 1, 1, 100), Ok(Applied::Duplicate));
    assert_eq!(world.total(account(1), at(NOW)), 120);
    assert_eq!(world.store.cursor(NODE), Ok(Some(Cursor { epoch: 1, seq: 2 })));
}

#[test]
fn a_batch_that_comes_too_early_or_too_late_changes_nothing() {
    let mut world = begun();
    assert_eq!(apply(&mut world, 1, 2, 100), Err(StoreError::Gap { expected: 1 }));
    assert_eq!(apply(&mut world, 2, 1, 100), Err(StoreError::Fenced));
    assert_eq!(world.store.begin_epoch(NODE), Ok(Cursor { epoch: 2, seq: 0 }));
    assert_eq!(apply(&mut world, 1, 1, 100), Err(StoreError::Fenced));
    assert_eq!(world.total(account(1), at(NOW)), 0);
    assert_eq!(apply(&mut world, 2, 1, 100), Ok(Applied::Written));
    let mut stranger = batch(1, 1, &[(account(1), 1)]);
    stranger.node = 9;
    let permit = world.permit::<MonthTotal>(at(NOW));
    assert_eq!(world.store.add_traffic(permit, &stranger), Err(StoreError::Fenced));
}

#[test]
fn counts_that_may_not_be_stored_are_dropped_once() {
    let mut world = begun();
    let refused = batch(1, 1, &[(account(1), 100)]);
    assert_eq!(world.store.advance(&refused), Ok(Applied::Written));
    assert_eq!(world.store.advance(&refused), Ok(Applied::Duplicate));
    assert_eq!(apply(&mut world, 1, 1, 100), Ok(Applied::Duplicate));
    assert_eq!(apply(&mut world, 1, 2, 20), Ok(Applied::Written));
    assert_eq!(world.total(account(1), at(NOW)), 20);
}

#[test]
fn rows_of_accounts_that_are_gone_are_left_out() {
    let mut world = begun();
    world.store.remove_account(account(2)).unwrap();
    world.count(&[(account(1), 5), (account(2), 6), (account(4), 7)], at(NOW));
    let totals = world.store.month_totals(at(NOW), &TimeZone::UTC).unwrap();
    assert_eq!(totals, [(account(1), Bytes(5))]);
}

#[test]
fn a_sum_that_does_not_fit_books_nothing_of_its_batch() {
    let mut world = begun();
    let largest = i64::MAX.unsigned_abs();
    world.count(&[(account(1), largest)], at(NOW));
    let permit = world.permit::<MonthTotal>(at(NOW));
    let over = batch(1, 2, &[(account(2), 1), (account(1), 1)]);
    assert_eq!(world.store.add_traffic(permit, &over), Err(StoreError::Overflow));
    let permit = world.permit::<MonthTotal>(at(NOW));
    let too_large = batch(1, 2, &[(account(2), u64::MAX)]);
    assert_eq!(world.store.add_traffic(permit, &too_large), Err(StoreError::Overflow));
    assert_eq!(world.store.cursor(NODE).unwrap().unwrap().seq, 1);
    assert_eq!([world.total(account(1), at(NOW)), world.total(account(2), at(NOW))], [largest, 0]);
}

#[test]
fn totals_are_of_one_month_over_all_versions() {
    let mut world = begun();
    world.count(&[(account(1), 1)], at("2026-10-31T23:59:59.999Z"));
    world.count(&[(account(1), 20)], at("2026-11-01T00:00:00Z"));
    world.rules = rules(2, MONTH_END);
    world.count(&[(account(1), 300), (account(3), 4)], at(NOW));
    assert_eq!(world.total(account(1), at("2026-10-01T00:00:00Z")), 1);
    assert_eq!(world.total(account(1), at(NOW)), 320);
    let totals = world.store.month_totals(at(NOW), &TimeZone::UTC).unwrap();
    assert_eq!(totals, [(account(1), Bytes(320)), (account(3), Bytes(4))]);
}

#[test]
fn a_store_that_was_not_closed_keeps_what_it_answered() {
    let mut world = begun();
    world.count(&[(account(1), 77)], at(NOW));
    // What the disk holds while the store is still open is what a crash leaves behind.
    let crashed = tempfile::tempdir().unwrap();
    std::fs::create_dir(crashed.path().join("keys")).unwrap();
    for name in ["avow.db", "avow.db-wal", "keys/accounts.key", "keys/month_total_202611_v1.key"] {
        std::fs::copy(world.dir.path().join(name), crashed.path().join(name)).unwrap();
    }
    let store = open(crashed.path()).unwrap();
    assert_eq!(store.month_total(account(1), at(NOW), &TimeZone::UTC), Ok(Bytes(77)));
    assert_eq!(store.cursor(NODE), Ok(Some(Cursor { epoch: 1, seq: 1 })));
}

/// Where the test below tells itself, run again as the process that is killed, which store to write to.
const VICTIM: &str = "AVOW_TEST_VICTIM";

/// Books one byte after the other, and says so after each, until it is killed.
fn write_until_killed(dir: &Path) {
    let rules = rules(1, MONTH_END);
    let mut store = open(dir).unwrap();
    let mut answers = io::stdout();
    let Cursor { epoch, mut seq } = store.cursor(NODE).unwrap().unwrap();
    loop {
        seq += 1;
        let one = batch(epoch, seq, &[(account(1), 1)]);
        store.add_traffic(permit::<MonthTotal>(&rules, at(NOW)), &one).unwrap();
        writeln!(answers, "booked").unwrap();
    }
}

#[test]
fn a_killed_process_books_each_batch_once() {
    if let Some(dir) = env::var_os(VICTIM) {
        write_until_killed(Path::new(&dir));
    }
    let mut world = begun();
    let mut answered = 0;
    for round in 0..6 {
        let World { dir, store, rules } = world;
        drop(store);
        let mut victim = Command::new(env::current_exe().unwrap())
            .args(["--exact", "traffic::a_killed_process_books_each_batch_once", "--nocapture"])
            .env(VICTIM, dir.path())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(victim.stdout.take().unwrap()).lines().map(Result::unwrap);
        answered += lines.filter(|line| line.ends_with("booked")).take(5 + 7 * round).count() as u64;
        victim.kill().unwrap();
        victim.wait().unwrap();
        let store = open(dir.path()).unwrap();
        world = World { dir, store, rules };
        let cursor = world.store.cursor(NODE).unwrap().unwrap();
        assert_eq!(world.total(account(1), at(NOW)), cursor.seq);
        assert!(cursor.seq >= answered);
    }
    assert_eq!(answered, 135);
}

/// What can happen to a store, in any order.
#[derive(Debug, Clone)]
enum Step {
    /// A batch this far from the one that is expected.
    Send {
        ahead: u64,
        rows: Vec<(u32, u64)>,
    },
    Begin,
    Remove(u32),
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let rows = prop::collection::vec((1..=4_u32, 0..1000_u64), 0..5);
    prop::collection::vec(
        prop_oneof![
            8 => (0..3_u64, rows).prop_map(|(ahead, rows)| Step::Send { ahead, rows }),
            1 => Just(Step::Begin),
            1 => (1..=3_u32).prop_map(Step::Remove),
            1 => Just(Step::Reopen),
        ],
        0..20,
    )
}

proptest! {
    #![proptest_config(Config { cases: 24, failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_happens_each_batch_counts_once(steps in steps()) {
        let mut world = begun();
        let (mut epoch, mut seq) = (1, 0);
        let mut model: BTreeMap<u32, u64> = (1..=3).map(|number| (number, 0)).collect();
        for step in steps {
            match step {
                Step::Send { ahead, rows } => {
                    let sent: Vec<_> = rows.iter().map(|&(number, bytes)| (account(number), bytes)).collect();
                    let permit = world.permit::<MonthTotal>(at(NOW));
                    let answer = world.store.add_traffic(permit, &batch(epoch, seq + ahead, &sent));
                    let expected = match ahead {
                        0 => Ok(Applied::Duplicate),
                        1 => Ok(Applied::Written),
                        _ => Err(StoreError::Gap { expected: seq + 1 }),
                    };
                    prop_assert_eq!(answer, expected);
                    if ahead == 1 {
                        seq += 1;
                        for (number, bytes) in rows {
                            model.entry(number).and_modify(|total| *total += bytes);
                        }
                    }
                }
                Step::Begin => (epoch, seq) = (world.store.begin_epoch(NODE).unwrap().epoch, 0),
                Step::Remove(number) => {
                    world.store.remove_account(account(number)).unwrap();
                    model.remove(&number);
                }
                Step::Reopen => world = world.reopen(),
            }
        }
        let expected: Vec<_> = model.into_iter().filter(|&(_, total)| total > 0).collect();
        let totals = world.store.month_totals(at(NOW), &TimeZone::UTC).unwrap();
        let totals: Vec<_> = totals.into_iter().map(|(account, Bytes(total))| (account.number(), total)).collect();
        prop_assert_eq!(totals, expected);
    }
}
