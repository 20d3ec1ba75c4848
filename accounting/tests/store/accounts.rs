//! Accounts: what is kept about them cannot be read without the key, and is gone when they are.

use crate::world::{World, account, at, holds};
use avow_accounting::{AccountRecord, NewAccount, Removed, StoreError};
use avow_terms::private::Private;
use jiff::tz::TimeZone;

const NOW: &str = "2026-11-22T12:00:00.123Z";
const KEYS: &[u8] = b"0123456789abcdef0123456789abcdef";

fn world() -> World {
    World::keeping_totals("Until the end of the calendar month (UTC)")
}

#[test]
fn an_account_is_read_as_it_was_added() {
    let mut world = world();
    world.add(account(7), KEYS, at(NOW));
    let world = world.reopen();
    let found = world.store.account(account(7)).unwrap().unwrap();
    assert_eq!(found.number, account(7));
    assert_eq!(found.keys.expose(), KEYS);
    assert_eq!((found.recorded, found.version), (at(NOW), 1));
    assert!(world.store.account(account(8)).unwrap().is_none());
    assert_eq!(world.store.accounts().unwrap().len(), 1);
}

#[test]
fn access_keys_cannot_be_read_in_the_file() {
    let mut world = world();
    world.add(account(7), KEYS, at(NOW));
    assert!(!holds(&world.bytes(), &KEYS[..8]));
    let world = world.reopen();
    assert!(!holds(&world.bytes(), &KEYS[..8]));
}

#[test]
fn keys_that_are_moved_to_another_account_do_not_open() {
    let mut world = world();
    world.add(account(7), KEYS, at(NOW));
    let other = rusqlite::Connection::open(world.dir.path().join("avow.db")).unwrap();
    other.execute("UPDATE account SET number = 8", []).unwrap();
    assert_eq!(world.store.accounts().err(), Some(StoreError::Seal { table: "account" }));
}

#[test]
fn a_number_is_given_once() {
    let mut world = world();
    world.add(account(7), KEYS, at(NOW));
    let permit = world.permit::<AccountRecord>(at(NOW));
    let again = NewAccount { number: account(7), keys: Private::new(b"other".to_vec()) };
    assert_eq!(world.store.add_account(permit, &again), Err(StoreError::AccountExists));
    assert_eq!(world.store.account(account(7)).unwrap().unwrap().keys.expose(), KEYS);
    assert_ne!(world.store.draw_number().unwrap(), world.store.draw_number().unwrap());
}

#[test]
fn replaced_keys_are_the_new_ones_and_the_account_stays_as_old_as_it_is() {
    let mut world = world();
    world.add(account(7), KEYS, at(NOW));
    world.rules = crate::world::rules(2, "Until the end of the calendar month (UTC)");
    let later = at("2026-12-22T12:00:00Z");
    let permit = world.permit::<AccountRecord>(later);
    world.store.replace_keys(permit, account(7), Private::new(b"new".to_vec())).unwrap();
    let found = world.store.account(account(7)).unwrap().unwrap();
    assert_eq!((found.keys.expose().as_slice(), found.recorded, found.version), (b"new".as_slice(), at(NOW), 1));
    let permit = world.permit::<AccountRecord>(later);
    let missing = world.store.replace_keys(permit, account(8), Private::new(Vec::new()));
    assert_eq!(missing, Err(StoreError::NoSuchAccount));
}

#[test]
fn a_removed_account_leaves_no_row_and_no_byte() {
    let mut world = world();
    let number = account(0x5a17_c0de);
    let marker = 0x5a17_c0de_u32.to_be_bytes();
    for neighbour in 1..=20 {
        world.add(account(neighbour), KEYS, at(NOW));
    }
    world.add(number, KEYS, at(NOW));
    let months = ["2026-09-10T00:00:00Z", "2026-10-10T00:00:00Z", NOW];
    for month in months {
        world.count(&[(account(1), 1), (number, 0x0011_2233_4455_6677)], at(month));
    }
    assert!(holds(&world.bytes(), &marker));
    assert_eq!(world.store.remove_account(number), Ok(Removed { account: true, rows: 3 }));
    for month in months {
        let totals = world.store.month_totals(at(month), &TimeZone::UTC).unwrap();
        assert_eq!(totals.len(), 1);
    }
    assert!(world.store.account(number).unwrap().is_none());
    let bytes = world.bytes();
    assert!(!holds(&bytes, &marker));
    assert!(!holds(&bytes, &0x0011_2233_4455_6677_u64.to_be_bytes()));
    assert_eq!(world.store.remove_account(number), Ok(Removed { account: false, rows: 0 }));
}

#[test]
fn a_swept_month_leaves_no_byte() {
    let mut world = world();
    let marker = 0x0011_2233_4455_6677_u64;
    world.add(account(7), KEYS, at(NOW));
    world.count(&[(account(7), marker)], at(NOW));
    assert!(holds(&world.bytes(), &marker.to_be_bytes()));
    let versions = crate::world::history(&[("2026-01-01T00:00Z", &world.rules)]);
    assert_eq!(world.store.sweep(&versions, at("2026-12-01T00:00:00Z")).unwrap().rows, 1);
    assert!(!holds(&world.bytes(), &marker.to_be_bytes()));
}
