//! A store that is damaged, newer, or held by somebody else when the service starts: it says what is wrong, stops, and no
//! byte of any file is another one than before.

use std::{
    collections::BTreeMap,
    fs::{self, File, OpenOptions},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Instant,
};

use rusqlite::Connection;

use crate::{
    life::echo_through,
    target::Echo,
    trouble::kill,
    world::{PATIENCE, World},
};

const PAGE: u64 = 4096;

/// Every file under a directory with its bytes.
fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(directory).unwrap().map(Result::unwrap) {
            let kind = entry.file_type().unwrap();
            if kind.is_dir() {
                left.push(entry.path());
            } else if kind.is_file() {
                found.insert(entry.path(), fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

/// A store with accounts and counts, of a service that was stopped.
fn stopped() -> World {
    let mut world = World::new();
    let service = world.up();
    let (account, target) = (world.first_account(), Echo::tcp());
    echo_through(&world.link(account), &target);
    world.stored_becomes(account, || target.seen());
    assert_eq!(service.stop(), 0);
    // No page is free: what stands in one matters to nobody.
    Connection::open(world.data().join("avow.db")).unwrap().execute_batch("VACUUM").unwrap();
    in_time(&mut world);
    world
}

/// From now on every command ends: a damage that is not seen fails the test and does not hang it.
fn in_time(world: &mut World) {
    world.through = ["timeout", "--signal=KILL", "60"].map(str::to_owned).to_vec();
}

/// Whatever wants to write to the store stops with these words, and changes no file.
#[track_caller]
fn refuses(world: &World, words: &[&str]) {
    let before = files(&world.data());
    for command in [&["up"][..], &["account", "add"], &["account", "list"]] {
        let ran = world.run(command);
        assert_eq!(ran.code, 2, "{command:?}: {}{}", ran.out, ran.err);
        for word in words {
            assert!(ran.err.contains(word), "`{word}` is missing: {}", ran.err);
        }
        for (path, bytes) in files(&world.data()) {
            assert!(before.get(&path) == Some(&bytes), "{command:?} changed `{}`", path.display());
        }
        assert_eq!(files(&world.data()).len(), before.len(), "{command:?} removed a file");
    }
}

fn store(world: &World) -> File {
    OpenOptions::new().read(true).write(true).open(world.data().join("avow.db")).unwrap()
}

#[test]
fn a_page_that_was_overwritten_is_found_wherever_it_is() {
    let world = stopped();
    let whole = fs::read(world.data().join("avow.db")).unwrap();
    let pages = whole.len() as u64 / PAGE;
    assert!(pages > 6, "{pages}");
    for page in 1..pages {
        fs::write(world.data().join("avow.db"), &whole).unwrap();
        store(&world).write_all_at(&[0xA5; 64], page * PAGE).unwrap();
        let ran = world.run(&["up"]);
        assert_eq!((ran.code, ran.err.contains("is damaged")), (2, true), "page {page}: {}{}", ran.out, ran.err);
    }
    refuses(&world, &["avow.db", "is damaged", "nothing was changed", "backup"]);
}

#[test]
fn a_file_that_was_cut_is_found() {
    let world = stopped();
    let whole = fs::read(world.data().join("avow.db")).unwrap();
    for length in [whole.len() - 4096, whole.len() / 2, 4096, 1000, 100] {
        fs::write(world.data().join("avow.db"), &whole[..length]).unwrap();
        refuses(&world, &["avow.db", "nothing was changed"]);
    }
}

#[test]
fn a_file_of_no_length_does_not_become_a_new_store_over_the_keys_of_another() {
    let world = stopped();
    fs::write(world.data().join("avow.db"), "").unwrap();
    refuses(&world, &["keys of accounts", "restore"]);
}

#[test]
fn a_header_of_garbage_is_no_store() {
    let world = stopped();
    store(&world).write_all_at(&[0x5A; 100], 0).unwrap();
    refuses(&world, &["is not a store of Avow"]);
}

#[test]
fn a_newer_store_is_left_as_it_is() {
    let world = stopped();
    Connection::open(world.data().join("avow.db")).unwrap().pragma_update(None, "user_version", 99).unwrap();
    refuses(&world, &["newer Avow", "schema 99"]);
}

#[test]
fn a_damaged_store_with_the_log_of_a_crash_keeps_both() {
    let mut world = World::new();
    let service = world.up();
    let (account, target) = (world.first_account(), Echo::tcp());
    echo_through(&world.link(account), &target);
    world.stored_becomes(account, || target.seen());
    // Somebody reads, so that the log is not emptied.
    let reader = Connection::open(world.data().join("avow.db")).unwrap();
    reader.execute_batch("BEGIN; SELECT count(*) FROM account").unwrap();
    echo_through(&world.link(account), &target);
    world.stored_becomes(account, || target.seen());
    kill(service);
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'account'";
    let page: u64 = reader.query_row(sql, [], |row| row.get(0)).unwrap();
    // The last connection to be closed moves the log into the file: both are put back as the crash left them.
    let paths = ["avow.db", "avow.db-wal"].map(|name| world.data().join(name));
    let crashed = paths.each_ref().map(|path| fs::read(path).unwrap());
    assert!(crashed[1].len() > 32, "no log was left");
    drop(reader);
    paths.iter().zip(crashed).for_each(|(path, bytes)| fs::write(path, bytes).unwrap());
    store(&world).write_all_at(&[0xA5; 64], (page - 1) * PAGE).unwrap();
    in_time(&mut world);
    let before = paths.each_ref().map(|path| fs::read(path).unwrap());
    let ran = world.run(&["up"]);
    assert_eq!((ran.code, ran.err.contains("is damaged")), (2, true), "{}", ran.err);
    assert!(paths.each_ref().map(|path| fs::read(path).unwrap()) == before);
}

#[test]
fn a_store_that_somebody_holds_stops_the_start_in_time() {
    let mut world = stopped();
    for hold in ["BEGIN IMMEDIATE", "PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE"] {
        // Reading the file here while it is held would let go of it: locks are the process's.
        let before = fs::read(world.data().join("avow.db")).unwrap();
        let other = Connection::open(world.data().join("avow.db")).unwrap();
        other.execute_batch(hold).unwrap();
        let started = Instant::now();
        let ran = world.run(&["up"]);
        assert_eq!((ran.code, ran.err.contains("locked")), (2, true), "{}", ran.err);
        assert!(ran.err.contains("no other program hold it"), "{}", ran.err);
        assert!(started.elapsed() < PATIENCE, "{:?}", started.elapsed());
        other.execute_batch("ROLLBACK").unwrap();
        drop(other);
        assert!(fs::read(world.data().join("avow.db")).unwrap() == before);
    }
    world.through.clear();
    assert_eq!(world.up().stop(), 0);
}
