//! The sweep and Cedar: what the store has dropped is what the rules refuse to keep, and nothing else.
//!
//! Deadlines of every kind, in zones whose clocks change, recorded next to midnight, the end of a month and leap days, and
//! looked at next to every border. Real buckets in real files, swept by the product's own sweep; Cedar is asked about each
//! record anew, by `decide`, and knows nothing of buckets.

use std::sync::Arc;

use avow_terms::{
    code::Code,
    history::History,
    minute::Minute,
    permit::{Due, Events, Facts, Form, NodePlace, Service},
    rules::Rules,
};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use proptest::prelude::*;

use crate::world::{World, account, rules};

const ZONES: [&str; 6] =
    ["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia"];

/// A "How long" of any kind, in the words of a policy.
fn how_long() -> impl Strategy<Value = String> {
    let zone = || prop::sample::select(ZONES.as_slice());
    let age = prop_oneof![
        (1..4_000_u32).prop_map(|minutes| format!("{minutes} minutes after it was recorded")),
        (1..800_u32).prop_map(|days| format!("{days} days after it was recorded")),
        (1..30_u32).prop_map(|months| format!("{months} months after it was recorded")),
        (1..4_u32).prop_map(|years| format!("{years} years after it was recorded")),
    ];
    // An event that no row of a month total knows of: its deadline is NULL.
    let event = prop_oneof![
        Just("until the account is deleted".to_owned()),
        Just("90 days after the account is closed".to_owned()),
        Just("2 months after the subscription ends".to_owned()),
    ];
    let month = zone().prop_map(|zone| format!("until the end of the calendar month ({zone})"));
    let single = prop_oneof![4 => age, 1 => event, 2 => month].boxed();
    prop_oneof![
        3 => single.clone(),
        1 => (single.clone(), single).prop_map(|(one, other)| format!("{one} or {other}, whichever is earlier")),
    ]
}

/// From 2004 to 2036, at noon, next to midnight in some zone, at the end of a month, or on a leap day.
fn recorded() -> impl Strategy<Value = Timestamp> {
    let day = prop_oneof![
        (2004..2037_i16, 1..=12_i8, 1..=28_i8).prop_map(|(year, month, day)| civil::date(year, month, day)),
        (2004..2037_i16, 1..=12_i8).prop_map(|(year, month)| civil::date(year, month, 1)),
        (1..9_i16).prop_map(|leap| civil::date(2000 + 4 * leap, 2, 29)),
    ];
    let off = prop_oneof![Just(12 * 3_600_000_i64), -2..=2_i64, -3_600_001..=3_600_001_i64];
    (day, prop::sample::select(ZONES.as_slice()), off).prop_map(|(day, zone, off)| {
        let midnight = day.to_zoned(TimeZone::get(zone).unwrap()).unwrap().timestamp();
        Timestamp::from_millisecond(midnight.as_millisecond() + off).unwrap()
    })
}

/// Whether Cedar lets a month total be kept on, under every version in force since it was recorded.
fn kept(versions: &[(Timestamp, Arc<Rules>)], recorded: Timestamp, now: Timestamp) -> bool {
    let facts =
        Facts { now, recorded, events: Events::default(), place: NodePlace::Home, form: Form::Plain, consent: false };
    let in_force = versions.iter().filter(|(minute, _)| *minute <= now);
    in_force.map(|(_, rules)| rules).all(|rules| {
        rules
            .decide(Service::Accounting, &Code::literal("usage.month_total"), &Code::literal("service.limit"), &facts)
            .allowed
    })
}

/// The instants to look at: next to recording and to every deadline and minute, and long after.
fn instants(versions: &[(Timestamp, Arc<Rules>)], records: &[Timestamp]) -> Vec<Timestamp> {
    let mut borders = records.to_vec();
    for (minute, rules) in versions {
        borders.push(*minute);
        for &recorded in records {
            let due = rules.due(&Code::literal("usage.month_total"), recorded, &Events::default());
            borders.extend(due.and_then(|due| match due {
                Due::At(due) => Some(due),
                Due::When(_) => None,
            }));
        }
    }
    let next = |border: &Timestamp| [-1, 0, 1].map(|by| *border + SignedDuration::from_millis(by));
    let mut all: Vec<Timestamp> = borders.iter().flat_map(next).collect();
    all.push(records.iter().max().unwrap().checked_add(SignedDuration::from_hours(24 * 365 * 50)).unwrap());
    all.retain(|now| now >= records.iter().max().unwrap());
    all.sort_unstable();
    all.dedup();
    all
}

/// The versions as the service hands them to the sweep: whole minutes, the first from long before.
fn history(versions: &[(Timestamp, Arc<Rules>)]) -> History {
    let published = versions.iter().map(|(minute, rules)| (Minute::exactly(*minute).unwrap(), Arc::clone(rules)));
    History::new(None, published.collect())
}

fn long_before() -> Timestamp {
    "2001-01-01T00:00:00Z".parse().unwrap()
}

/// How many buckets there are.
fn buckets(world: &World) -> usize {
    let connection = rusqlite::Connection::open(world.dir.path().join("avow.db")).unwrap();
    let tables = connection.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name GLOB 'month_total_*'",
        [],
        |row| row.get(0),
    );
    tables.unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_bucket_is_swept_exactly_when_cedar_no_longer_keeps_its_record(how_long in how_long(), recorded in recorded()) {
        let versions = vec![(long_before(), rules(1, &how_long))];
        let history = history(&versions);
        let mut world = World::under(versions[0].1.clone());
        world.add(account(1), b"keys", recorded);
        world.count(&[(account(1), 100)], recorded);
        for now in instants(&versions, &[recorded]) {
            world.store.sweep(&history, now).unwrap();
            prop_assert_eq!(buckets(&world) == 1, kept(&versions, recorded, now), "{} recorded {} at {}", how_long, recorded, now);
        }
    }

    #[test]
    fn a_later_version_sweeps_what_it_no_longer_keeps(
        first in how_long(),
        second in how_long(),
        recorded in recorded(),
        days in 0..900_i64,
    ) {
        let minute = Minute::at_or_after(recorded + SignedDuration::from_hours(24 * days)).unwrap();
        let versions = vec![(long_before(), rules(1, &first)), (minute.instant(), rules(2, &second))];
        let history = history(&versions);
        let mut world = World::under(versions[0].1.clone());
        world.add(account(1), b"keys", recorded);
        world.count(&[(account(1), 100)], recorded);
        for now in instants(&versions, &[recorded]) {
            world.store.sweep(&history, now).unwrap();
            prop_assert_eq!(buckets(&world) == 1, kept(&versions, recorded, now), "{} then {} at {}", first, second, now);
        }
    }

    #[test]
    fn no_record_that_cedar_refuses_outlives_a_sweep(
        how_long in how_long(),
        first in recorded(),
        gaps in prop::collection::vec(1..40_000_i64, 1..4),
    ) {
        let versions = vec![(long_before(), rules(1, &how_long))];
        let history = history(&versions);
        let mut world = World::under(versions[0].1.clone());
        let mut records = vec![first];
        for minutes in gaps {
            records.push(*records.last().unwrap() + SignedDuration::from_mins(minutes));
        }
        world.add(account(1), b"keys", first);
        for &recorded in &records {
            world.count(&[(account(1), 100)], recorded);
        }
        for now in instants(&versions, &records) {
            world.store.sweep(&history, now).unwrap();
            // A bucket goes with its first record, so it may be gone early, and is never there late.
            let kept = records.iter().filter(|recorded| kept(&versions, **recorded, now)).count();
            prop_assert!(buckets(&world) <= kept, "{} recorded {:?} at {}", how_long, records, now);
        }
    }
}
