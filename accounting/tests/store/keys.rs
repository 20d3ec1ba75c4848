//! The keys: each is there before what it seals, is gone after it, and nothing is done with a wrong one.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, sync::Mutex};

use avow_accounting::{AccountRecord, NewAccount, OpenError, Opening, Progress, Reader, Rotated, Store, Wrapping};
use avow_terms::{amount::Bytes, private::Private};
use jiff::tz::TimeZone;

use crate::world::{World, account, at, history, holds, open};

const NOW: &str = "2026-11-22T12:00:00.123Z";
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const SLOT: usize = 64;

fn world() -> World {
    let mut world = World::keeping_totals("Until the end of the calendar month (UTC)");
    for number in [7, 8, 9] {
        world.add(account(number), SECRET, at(NOW));
    }
    world
}

impl World {
    fn key(&self, name: &str) -> PathBuf {
        self.dir.path().join("keys").join(format!("{name}.key"))
    }

    /// The accounts whose keys are in the register's file.
    fn registered(&self) -> Vec<u32> {
        let bytes = fs::read(self.key("accounts")).unwrap();
        let numbers = bytes.chunks(SLOT).skip(2).map(|slot| u32::from_be_bytes(*slot.first_chunk().unwrap()));
        numbers.filter(|number| *number != 0).collect()
    }

    fn keys_of(&self, number: u32) -> Vec<u8> {
        self.store.account(account(number)).unwrap().unwrap().keys.into_inner()
    }
}

#[test]
fn the_key_of_an_account_is_zero_when_the_account_is_gone_and_its_place_is_used_again() {
    let mut world = world();
    assert_eq!(world.registered(), [7, 8, 9]);
    let before = fs::read(world.key("accounts")).unwrap();
    let key = &before[3 * SLOT + 4..3 * SLOT + 36];
    world.store.remove_account(account(8)).unwrap();
    assert_eq!(world.registered(), [7, 9]);
    let after = fs::read(world.key("accounts")).unwrap();
    assert_eq!(after.len(), before.len());
    assert!(!holds(&after, key) && holds(&before, key));
    world.add(account(10), SECRET, at(NOW));
    assert_eq!(world.registered(), [7, 10, 9]);
    let world = world.reopen();
    assert_eq!(world.keys_of(10), SECRET);
}

#[test]
fn two_accounts_share_no_key() {
    let world = world();
    let bytes = fs::read(world.key("accounts")).unwrap();
    let mut keys: Vec<_> = bytes.chunks(SLOT).skip(1).map(|slot| slot[4..36].to_vec()).collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 4);
}

#[test]
fn keys_of_what_is_gone_are_destroyed_at_the_next_start() {
    let mut world = world();
    world.count(&[(account(7), 5)], at(NOW));
    let bucket = world.key("month_total_202611_v1");
    let (register, kept) = (fs::read(world.key("accounts")).unwrap(), fs::read(&bucket).unwrap());
    world.store.remove_account(account(8)).unwrap();
    let rules = world.rules.clone();
    world.store.sweep(&history(&[("2026-01-01T00:00Z", &rules)]), at("2026-12-01T00:00:00Z")).unwrap();
    assert!(!bucket.exists());
    // As if the machine had stopped after the commits and before the keys were destroyed.
    fs::write(world.key("accounts"), register).unwrap();
    fs::write(&bucket, kept).unwrap();
    fs::set_permissions(&bucket, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(bucket.with_extension("new"), "half of a key").unwrap();
    let world = world.reopen();
    assert_eq!(world.registered(), [7, 9]);
    assert!(!bucket.exists() && !bucket.with_extension("new").exists());
    assert_eq!(world.keys_of(7), SECRET);
}

#[test]
fn a_bucket_that_is_begun_anew_has_a_new_key() {
    let mut world = World::keeping_totals("1 day after it was recorded");
    world.add(account(7), SECRET, at(NOW));
    world.count(&[(account(7), 5)], at(NOW));
    let first = fs::read(world.key("month_total_202611_v1")).unwrap();
    world.count(&[(account(7), 5)], at("2026-11-23T11:00:00Z"));
    assert_eq!(fs::read(world.key("month_total_202611_v1")).unwrap(), first);
    world.count(&[(account(7), 6)], at("2026-11-24T11:00:00Z"));
    assert_ne!(fs::read(world.key("month_total_202611_v1")).unwrap(), first);
    assert_eq!(world.total(account(7), at(NOW)), 6);
    drop(world.reopen());
}

#[test]
fn a_bucket_without_its_key_or_with_anothers_is_refused_and_nothing_is_changed() {
    let mut world = world();
    world.count(&[(account(7), 5)], at(NOW));
    let path = world.key("month_total_202611_v1");
    let right = fs::read(&path).unwrap();
    let World { dir, store, .. } = world;
    drop(store);
    let mut wrong = right.clone();
    wrong[SLOT + 4] ^= 1;
    fs::write(&path, wrong).unwrap();
    let before = fs::read(dir.path().join("avow.db")).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::KeyWrong { key, .. }) if key == path));
    fs::remove_file(&path).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::KeyMissing { key }) if key == path));
    assert_eq!(fs::read(dir.path().join("avow.db")).unwrap(), before);
    fs::write(&path, &right).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::KeyExposed { key }) if key == path));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    drop(open(dir.path()).unwrap());
}

#[test]
fn a_register_that_is_older_than_an_account_is_refused() {
    let mut world = world();
    let older = fs::read(world.key("accounts")).unwrap();
    world.add(account(10), SECRET, at(NOW));
    let path = world.key("accounts");
    let World { dir, store, .. } = world;
    drop(store);
    fs::write(&path, older).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::AccountKeyMissing { .. })));
    let reader = Reader::open(&dir.path().join("avow.db"), &dir.path().join("keys"));
    assert!(matches!(reader, Err(OpenError::AccountKeyMissing { .. })));
}

#[test]
fn keys_of_accounts_are_not_given_to_a_new_store() {
    let world = world();
    let before = fs::read(world.key("accounts")).unwrap();
    let path = world.key("accounts");
    let World { dir, store, .. } = world;
    drop(store);
    fs::remove_file(dir.path().join("avow.db")).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::KeysOfAnother { .. })));
    assert_eq!(fs::read(path).unwrap(), before);
    assert!(!dir.path().join("avow.db").exists());
}

#[test]
fn after_a_rotation_the_old_keys_open_nothing_and_the_values_are_the_same() {
    let mut world = world();
    world.count(&[(account(7), 5)], at(NOW));
    let old = fs::read(world.key("accounts")).unwrap();
    let told = Mutex::new(Vec::new());
    let listener = |progress: Progress| {
        if progress.doing.starts_with("sealing") {
            told.lock().unwrap().push(progress.done);
        }
    };
    assert_eq!(world.store.rotate_keys(&listener), Ok(Rotated { accounts: 3, wrapped: false }));
    assert_eq!(*told.lock().unwrap(), [0, 1, 2, 3]);
    let new = fs::read(world.key("accounts")).unwrap();
    assert!(old.chunks(SLOT).skip(1).all(|slot| !holds(&new, &slot[4..36])));
    assert!(!world.key("accounts-next").exists());
    assert_eq!(world.keys_of(7), SECRET);
    world.store.remove_account(account(9)).unwrap();
    world.add(account(11), SECRET, at(NOW));
    let world = world.reopen();
    assert_eq!(world.registered(), [7, 8, 11]);
    assert_eq!((world.keys_of(11), world.total(account(7), at(NOW))), (SECRET.to_vec(), 5));
    // The keys of before the rotation are another store's now.
    let path = world.key("accounts");
    let World { dir, store, .. } = world;
    drop(store);
    fs::write(path, old).unwrap();
    assert!(matches!(open(dir.path()), Err(OpenError::KeyWrong { .. })));
}

#[test]
fn a_rotation_that_a_crash_interrupts_is_finished_or_undone_at_the_next_start() {
    for committed in [true, false] {
        let mut world = world();
        let old = fs::read(world.key("accounts")).unwrap();
        let (path, next) = (world.key("accounts"), world.key("accounts-next"));
        if committed {
            world.store.rotate_keys(&|_| ()).unwrap();
            fs::rename(&path, &next).unwrap();
        } else {
            fs::copy(&path, &next).unwrap();
            let mut garbage = old.clone();
            garbage[SLOT + 4] ^= 1;
            fs::write(&next, garbage).unwrap();
        }
        fs::write(&path, &old).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let reader = Reader::open(&world.dir.path().join("avow.db"), &world.dir.path().join("keys")).unwrap();
        assert_eq!(reader.accounts().unwrap().len(), 3, "somebody who only looks changes nothing");
        assert!(next.exists());
        let world = world.reopen();
        assert!(!next.exists());
        assert_eq!(fs::read(&path).unwrap() == old, !committed);
        assert_eq!(world.keys_of(8), SECRET);
    }
}

#[test]
fn wrapped_keys_open_with_their_credential_and_with_nothing_else() {
    let mut world = world();
    let path = world.dir.path().join("avow.db");
    let keys = world.dir.path().join("keys");
    let wrapping = |byte: u8| Some(Wrapping::new(&[byte; 32]).unwrap());
    let opening = |byte| Opening { wrapping: wrapping(byte), ..Opening::new(&path, &keys) };
    // Plain keys stay plain until they are rotated.
    world.store = Store::open_as(&opening(9)).unwrap();
    assert!(!world.store.key_count().wrapped);
    assert_eq!(world.store.rotate_keys(&|_| ()), Ok(Rotated { accounts: 3, wrapped: true }));
    world.add(account(10), SECRET, at(NOW));
    world.count(&[(account(7), 5)], at(NOW));
    world.store = Store::open_as(&opening(9)).unwrap();
    assert_eq!((world.store.key_count().accounts, world.store.key_count().buckets), (4, 1));
    assert_eq!(world.keys_of(10), SECRET);
    assert!(matches!(Store::open_as(&opening(8)), Err(OpenError::KeyWrapped { .. })));
    assert!(matches!(open(world.dir.path()), Err(OpenError::KeyWrapped { .. })));
}

#[test]
fn a_store_of_the_first_schema_is_sealed_anew_with_a_key_for_each_account() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    fs::create_dir(&keys).unwrap();
    fs::write(dir.path().join("avow.db"), include_bytes!("schema-1/avow.db")).unwrap();
    let first = keys.join("access-keys.key");
    let before = include_bytes!("schema-1/access-keys.key");
    // A wrong key changes nothing.
    for (bytes, mode) in [([7; 32], 0o600), (*before, 0o644)] {
        fs::write(&first, bytes).unwrap();
        fs::set_permissions(&first, fs::Permissions::from_mode(mode)).unwrap();
        assert!(open(dir.path()).is_err());
        assert_eq!(fs::read(dir.path().join("avow.db")).unwrap(), include_bytes!("schema-1/avow.db"));
        assert_eq!(fs::read_dir(&keys).unwrap().count(), 1);
    }
    fs::set_permissions(&first, fs::Permissions::from_mode(0o600)).unwrap();
    let reader = Reader::open(&dir.path().join("avow.db"), &keys);
    assert!(matches!(reader, Err(OpenError::Older { .. })));

    let told = Mutex::new(Vec::new());
    let listener = |progress: Progress| told.lock().unwrap().push(progress.done);
    let path = dir.path().join("avow.db");
    let store = Store::open_as(&Opening { listener: &listener, ..Opening::new(&path, &keys) }).unwrap();
    assert_eq!(*told.lock().unwrap(), [0, 1, 2, 3]);
    assert!(!first.exists(), "the one key of before is destroyed");
    let accounts = store.accounts().unwrap();
    let numbers: Vec<u32> = accounts.iter().map(|account| account.number.number()).collect();
    assert_eq!(numbers, [778_557_112, 1_612_002_320, 1_870_117_324]);
    assert!(accounts.iter().all(|account| !account.keys.expose().is_empty()));
    let totals = store.month_totals(at("2026-11-25T19:00:00Z"), &TimeZone::UTC).unwrap();
    assert_eq!(totals, [(account(778_557_112), Bytes(1_234_567)), (account(1_612_002_320), Bytes(7))]);
    let count = store.key_count();
    assert_eq!((count.accounts, count.buckets), (3, 1));
    drop(store);
    assert_eq!(open(dir.path()).unwrap().accounts().unwrap().len(), 3);
}

#[test]
fn a_migration_that_a_crash_interrupts_begins_again() {
    let dir = tempfile::tempdir().unwrap();
    let keys = dir.path().join("keys");
    fs::create_dir(&keys).unwrap();
    fs::write(dir.path().join("avow.db"), include_bytes!("schema-1/avow.db")).unwrap();
    let first = keys.join("access-keys.key");
    let write_first = || {
        fs::write(&first, include_bytes!("schema-1/access-keys.key")).unwrap();
        fs::set_permissions(&first, fs::Permissions::from_mode(0o600)).unwrap();
    };
    write_first();
    // Before the commit: the new register is there, and the store is of the first schema.
    fs::write(keys.join("accounts.key"), "left by a try that was interrupted").unwrap();
    drop(open(dir.path()).unwrap());
    // After the commit: the first key is still there.
    write_first();
    assert_eq!(open(dir.path()).unwrap().accounts().unwrap().len(), 3);
    assert!(!first.exists());
}

#[test]
fn many_accounts_are_added_at_once_or_not_at_all() {
    let mut world = world();
    let many = |numbers: &[u32]| -> Vec<NewAccount> {
        let new = |number: &u32| NewAccount { number: account(*number), keys: Private::new(SECRET.to_vec()) };
        numbers.iter().map(new).collect()
    };
    let permit = || world.permit::<AccountRecord>(at(NOW));
    let (one, two, three) = (permit(), permit(), permit());
    world.store.add_accounts(one, &many(&[20, 21, 22])).unwrap();
    assert!(world.store.add_accounts(two, &many(&[30, 7])).is_err());
    assert!(world.store.add_accounts(three, &many(&[31, 31])).is_err());
    let world = world.reopen();
    let numbers: Vec<u32> = world.store.accounts().unwrap().iter().map(|account| account.number.number()).collect();
    assert_eq!(numbers, [7, 8, 9, 20, 21, 22]);
    assert_eq!(world.registered(), [7, 8, 9, 20, 21, 22]);
}
