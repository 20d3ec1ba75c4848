//! Deadlines, as the policy states them: to the millisecond, in its zone, under every version.

use crate::world::{World, account, at, before, compile, history, rules};
use avow_accounting::Swept;

/// Sweeps a store with one account that moved something at `recorded`, a millisecond before and at the deadline.
fn check(how_long: &str, recorded: &str, due: &str) {
    let mut world = World::keeping_totals(how_long);
    world.add(account(1), b"keys", at(recorded));
    world.count(&[(account(1), 100)], at(recorded));
    let versions = history(&[("2026-01-01T00:00Z", &world.rules)]);
    let due = at(due);
    assert_eq!(world.store.next_due(&versions, at(recorded)), Ok(Some(due)));
    let early = world.store.sweep(&versions, before(due)).unwrap();
    assert_eq!(early, Swept { next_due: Some(due), ..Swept::default() });
    let swept = world.store.sweep(&versions, due).unwrap();
    assert_eq!(swept, Swept { buckets: 1, rows: 1, accounts: 0, next_due: None });
    assert_eq!(world.total(account(1), at(recorded)), 0);
    assert_eq!(world.store.accounts().unwrap().len(), 1);
}

#[test]
fn month_totals_are_gone_when_the_month_ends_in_utc() {
    let how_long = "Until the end of the calendar month (UTC)";
    check(how_long, "2026-11-30T23:59:59.999Z", "2026-12-01T00:00:00Z");
    check(how_long, "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z");
    check(how_long, "2028-02-29T12:00:00Z", "2028-03-01T00:00:00Z");
}

#[test]
fn month_totals_are_gone_when_the_month_ends_where_clocks_change() {
    let how_long = "Until the end of the calendar month (Europe/Berlin)";
    // Summer time begins on 29 March and ends on 25 October.
    check(how_long, "2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z");
    check(how_long, "2026-10-31T22:59:59.999Z", "2026-10-31T23:00:00Z");
    check(how_long, "2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z");
}

#[test]
fn month_totals_are_gone_by_their_age_where_the_policy_says_so() {
    check("30 days after it was recorded", "2026-11-22T12:00:00.001Z", "2026-12-22T12:00:00.001Z");
    check("90 days after it was recorded", "2026-11-30T23:59:59.999Z", "2027-02-28T23:59:59.999Z");
}

#[test]
fn what_is_counted_on_both_sides_of_midnight_is_in_two_buckets() {
    let mut world = World::keeping_totals("Until the end of the calendar month (UTC)");
    let midnight = at("2026-12-01T00:00:00Z");
    world.add(account(1), b"keys", before(midnight));
    world.count(&[(account(1), 1)], before(midnight));
    world.count(&[(account(1), 2)], midnight);
    let versions = history(&[("2026-01-01T00:00Z", &world.rules)]);
    let swept = world.store.sweep(&versions, midnight).unwrap();
    assert_eq!((swept.buckets, swept.rows, swept.next_due), (1, 1, Some(at("2027-01-01T00:00:00Z"))));
    assert_eq!(world.total(account(1), midnight), 2);
}

#[test]
fn a_shorter_version_brings_old_rows_nearer_from_its_minute_on() {
    let long = rules(1, "90 days after it was recorded");
    let mut world = World::under(long.clone());
    world.add(account(1), b"keys", at("2026-11-01T00:00:00Z"));
    world.count(&[(account(1), 1)], at("2026-11-01T00:00:00Z"));
    let short = rules(2, "10 days after it was recorded");
    let versions = history(&[("2026-01-01T00:00Z", &long), ("2026-11-20T00:00Z", &short)]);
    let minute = at("2026-11-20T00:00:00Z");
    assert_eq!(world.store.sweep(&versions, before(minute)).unwrap().buckets, 0);
    assert_eq!(world.store.sweep(&versions, minute).unwrap().buckets, 1);
}

#[test]
fn a_longer_version_puts_nothing_off() {
    let short = rules(1, "10 days after it was recorded");
    let mut world = World::under(short.clone());
    world.add(account(1), b"keys", at("2026-11-01T00:00:00Z"));
    world.count(&[(account(1), 1)], at("2026-11-01T00:00:00Z"));
    let long = rules(2, "90 days after it was recorded");
    let versions = history(&[("2026-01-01T00:00Z", &short), ("2026-11-05T00:00Z", &long)]);
    world.rules = long;
    world.count(&[(account(1), 2)], at("2026-11-06T00:00:00Z"));
    let due = at("2026-11-11T00:00:00Z");
    assert_eq!(world.store.sweep(&versions, before(due)).unwrap().buckets, 0);
    let swept = world.store.sweep(&versions, due).unwrap();
    assert_eq!((swept.buckets, swept.next_due), (1, Some(at("2027-02-04T00:00:00Z"))));
    assert_eq!(world.total(account(1), due), 2);
}

#[test]
fn a_version_that_no_longer_keeps_totals_ends_them() {
    let keeping = rules(1, "90 days after it was recorded");
    let mut world = World::under(keeping.clone());
    world.add(account(1), b"keys", at("2026-11-01T00:00:00Z"));
    world.count(&[(account(1), 1)], at("2026-11-01T00:00:00Z"));
    let ending = rules(2, "Not stored");
    let versions = history(&[("2026-01-01T00:00Z", &keeping), ("2026-11-05T00:00Z", &ending)]);
    assert_eq!(world.store.sweep(&versions, at("2026-11-05T00:00:00Z")).unwrap().buckets, 1);
}

#[test]
fn accounts_go_when_the_policy_sets_them_a_date() {
    let dated = compile(1, "Until the account is deleted", "30 days after it was recorded");
    let mut world = World::under(dated.clone());
    world.add(account(1), b"keys", at("2026-11-01T00:00:00Z"));
    world.add(account(2), b"keys", at("2026-11-02T00:00:00Z"));
    world.count(&[(account(1), 1), (account(2), 2)], at("2026-11-03T00:00:00Z"));
    let versions = history(&[("2026-01-01T00:00Z", &dated)]);
    let due = at("2026-12-01T00:00:00Z");
    assert_eq!(world.store.sweep(&versions, before(due)).unwrap().accounts, 0);
    let swept = world.store.sweep(&versions, due).unwrap();
    assert_eq!(swept, Swept { accounts: 1, next_due: Some(at("2026-12-02T00:00:00Z")), ..Swept::default() });
    let november = at("2026-11-03T00:00:00Z");
    assert_eq!([world.total(account(1), november), world.total(account(2), november)], [0, 2]);
}

#[test]
fn what_a_clock_recorded_that_ran_ahead_is_kept_no_longer_for_it() {
    let dated = compile(1, "Until the end of the calendar month (UTC)", "60 days after it was recorded");
    let mut world = World::under(dated.clone());
    let ahead = at("2027-01-05T00:00:00Z");
    world.add(account(1), b"keys", ahead);
    world.count(&[(account(1), 1)], ahead);
    let versions = history(&[("2026-01-01T00:00Z", &dated)]);
    let [now, month_end] = ["2026-11-04T00:00:00Z", "2026-12-01T00:00:00Z"].map(at);
    assert_eq!(world.store.sweep(&versions, now).unwrap().next_due, Some(month_end));
    assert_eq!(world.store.sweep(&versions, before(month_end)).unwrap().buckets, 0);
    let swept = world.store.sweep(&versions, month_end).unwrap();
    assert_eq!((swept.buckets, swept.next_due), (1, Some(at("2027-01-03T00:00:00Z"))));
}

#[test]
fn a_clock_that_says_it_is_before_the_store_began_draws_nothing_nearer() {
    let mut world = World::keeping_totals("Until the end of the calendar month (UTC)");
    let began = at("2026-11-03T00:00:00Z");
    world.store.set_trial("text", "vocabulary", began).unwrap();
    world.add(account(1), b"keys", began);
    world.count(&[(account(1), 1)], began);
    let versions = history(&[("2026-01-01T00:00Z", &world.rules)]);
    world.store.sweep(&versions, at("1970-01-01T00:00:05Z")).unwrap();
    let swept = world.store.sweep(&versions, at("2026-11-04T00:00:00Z")).unwrap();
    assert_eq!((swept.buckets, swept.next_due), (0, Some(at("2026-12-01T00:00:00Z"))));
}
