//! Keys that stayed, are gone, were swapped, or that others may read.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
};

use avow_accounting::{Opening, Store, Wrapping};
use avow_audit::{Credential, Keys};
use avow_terms::key_place::KeyPlace;

use crate::world::{NORTHGATE, START, VOCABULARY, World, at, breaks, clean, told};

fn world() -> World {
    let world = World::with_records(NORTHGATE);
    clean(&world.audit_at(START));
    world
}

fn keys(world: &World) -> Keys {
    world.audit_at(START).keys.unwrap()
}

#[expect(clippy::disallowed_methods, reason = "the test plants what the audit must find")]
fn put(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[expect(clippy::disallowed_methods, reason = "the test plants what the audit must find")]
fn remove(path: &Path) {
    fs::remove_file(path).unwrap();
}

#[test]
fn every_sealed_value_is_opened_with_its_own_key() {
    let world = world();
    let keys = keys(&world);
    // The account's access keys, and a value of each of its seven records; the notice is about nobody.
    assert_eq!((keys.accounts, keys.buckets, keys.opened), (1, 7, 8));
    assert!(!keys.wrapped && keys.not_covered.iter().any(|not| not.contains("month totals are not sealed")));
}

#[test]
fn the_key_of_a_bucket_that_was_dropped_breaks_the_clause_of_what_it_sealed() {
    let world = world();
    let bucket = world.bucket("code");
    let key = fs::read(world.key(&bucket)).unwrap();
    world.sweep("2026-11-22T03:15:00Z");
    assert!(!world.key(&bucket).exists(), "the sweep destroys it");
    clean(&world.audit());
    put(&world.key(&bucket), &key);
    breaks(&world.audit(), "key.orphan", "S6");
    assert_eq!(told(&world.audit()), [format!("key.orphan S6 keys/{bucket}.key")]);
    // The next start destroys it.
    drop(world.open());
    clean(&world.audit());
}

#[test]
fn a_live_key_that_is_gone_is_found() {
    let world = world();
    let bucket = world.bucket("payment");
    remove(&world.key(&bucket));
    breaks(&world.audit_at(START), "key.missing", "S4");
    let world = self::world();
    remove(&world.key("accounts"));
    breaks(&world.audit_at(START), "key.missing", "S5");
}

#[test]
fn the_key_of_another_bucket_is_found() {
    let world = world();
    let (one, other) = (world.key(&world.bucket("payment")), world.key(&world.bucket("plan")));
    let (first, second) = (fs::read(&one).unwrap(), fs::read(&other).unwrap());
    put(&one, &second);
    put(&other, &first);
    let report = world.audit_at(START);
    breaks(&report, "key.wrong", "S4");
    breaks(&report, "key.wrong", "S5");
}

#[test]
fn the_register_of_another_store_and_a_key_of_another_account_are_found() {
    let (world, other) = (world(), world());
    put(&world.key("accounts"), &fs::read(other.key("accounts")).unwrap());
    breaks(&world.audit_at(START), "key.wrong", "S5");
    // One byte of the key of the account: its number and the register's own key are as they were.
    let world = self::world();
    let mut register = fs::read(world.key("accounts")).unwrap();
    register[2 * 64 + 20] ^= 1;
    put(&world.key("accounts"), &register);
    let report = world.audit_at(START);
    breaks(&report, "key.opens", "S5");
    breaks(&report, "key.opens", "S4");
}

#[test]
fn the_key_of_an_account_that_is_gone_is_found() {
    let world = World::trial();
    let register = fs::read(world.key("accounts")).unwrap();
    let mut store = world.open();
    let number = store.accounts().unwrap()[0].number;
    store.remove_account(number).unwrap();
    drop(store);
    clean(&world.audit());
    put(&world.key("accounts"), &register);
    breaks(&world.audit(), "key.orphan", "S5");
}

#[test]
fn an_account_without_a_key_and_bytes_of_no_key_are_found() {
    let world = world();
    let mut register = fs::read(world.key("accounts")).unwrap();
    register[2 * 64..].fill(0);
    put(&world.key("accounts"), &register);
    breaks(&world.audit_at(START), "key.missing", "S5");
    let world = self::world();
    let mut register = fs::read(world.key("accounts")).unwrap();
    register[2 * 64 + 60] = 7;
    put(&world.key("accounts"), &register);
    assert_eq!(told(&world.audit_at(START)), ["key.leftover S5 keys/accounts.key"]);
}

#[test]
fn a_value_that_its_key_does_not_open_is_found() {
    let world = world();
    let bucket = world.bucket("blocked");
    world.tamper(&format!("UPDATE {bucket} SET state = (SELECT payment FROM {})", world.bucket("payment")));
    breaks(&world.audit_at(START), "key.opens", "S7");
}

#[test]
fn keys_that_others_may_read_are_found() {
    for (name, mode) in [("keys/accounts.key", 0o640), ("keys", 0o755), ("keys/accounts.key", 0o604)] {
        let world = world();
        fs::set_permissions(world.dir.path().join(name), fs::Permissions::from_mode(mode)).unwrap();
        breaks(&world.audit_at(START), "key.mode", "S0");
    }
    let world = world();
    let key = world.key("accounts");
    let elsewhere = world.dir.path().join("history/accounts");
    world.write("history/accounts", &fs::read(&key).unwrap());
    remove(&key);
    symlink(elsewhere, &key).unwrap();
    let report = world.audit_at(START);
    breaks(&report, "key.unknown", "S0");
    breaks(&report, "file.keys", "S0");
}

#[test]
fn what_belongs_to_nothing_among_the_keys_is_found() {
    for name in ["keys/accounts.key.bak", "keys/month_total_202611_v0.new", "keys/old/accounts.key"] {
        let world = world();
        world.write(name, b"anything");
        fs::set_permissions(world.dir.path().join(name), fs::Permissions::from_mode(0o600)).unwrap();
        breaks(&world.audit_at(START), "key.unknown", "S0");
    }
    let world = world();
    world.write("keys/accounts-next.key", &fs::read(world.key("accounts")).unwrap());
    breaks(&world.audit_at(START), "key.orphan", "S5");
}

#[test]
fn a_copy_of_keys_beside_the_store_is_found() {
    let world = world();
    world.write("notes.txt", &fs::read(world.key("accounts")).unwrap());
    breaks(&world.audit_at(START), "file.keys", "S0");
}

#[test]
fn the_proof_of_a_key_that_nobody_needs_is_found() {
    let world = world();
    world.tamper("INSERT INTO seal SELECT 'code_202611220259_v0', proof FROM seal WHERE name = 'accounts'");
    breaks(&world.audit_at(START), "key.proof", "S6");
}

#[test]
fn keys_that_cannot_be_read_are_not_called_kept() {
    let mut world = World::empty();
    world.dir = tempfile::tempdir().unwrap();
    let secret = [7; 32];
    let (store, keys) = (world.store(), world.dir.path().join("keys"));
    let wrapping = Wrapping::new(&secret).ok();
    let opening = Opening { wrapping, ..Opening::new(&store, &keys) };
    Store::open_as(&opening).unwrap().set_trial(NORTHGATE, VOCABULARY, at(START)).unwrap();
    let report = world.audit();
    clean(&report);
    assert!(report.keys.unwrap().wrapped);
    assert!(
        report.not_checked.iter().any(|not| not.what.contains("whether the keys open")),
        "{:?}",
        report.not_checked
    );
    world.credential = Credential::new(&secret);
    let report = world.audit();
    clean(&report);
    assert!(!report.not_checked.iter().any(|not| not.what.contains("keys")), "{:?}", report.not_checked);
}

#[test]
fn where_the_keys_lie_is_said_with_what_it_covers() {
    let world = world();
    let here = keys(&world);
    assert_eq!(here.covers, here.place.covers());
    // The directory of shared memory is a tmpfs wherever there is one.
    let Ok(memory) = tempfile::tempdir_in("/dev/shm") else { return };
    let (store, directory) = (world.dir.path().join("other.db"), memory.path().join("keys"));
    Store::open(&store, &directory).unwrap().set_trial(NORTHGATE, VOCABULARY, at(START)).unwrap();
    let at_keys = avow_audit::KeysAt { directory: &directory, credential: None };
    let question = avow_audit::Question {
        store: &store,
        history_dir: None,
        keys: Some(at_keys),
        inventory: world.inventory,
        now: at(START),
    };
    let keys = avow_audit::audit(&question).unwrap().keys.unwrap();
    assert_eq!(keys.place, KeyPlace::Memory);
    assert!(!keys.not_covered.iter().any(|not| not.contains("freed block")));
}
