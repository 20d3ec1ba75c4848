//! Backups by the real binary: what is forgotten stays forgotten, a month that ended stays gone, nothing counts twice, and a
//! restore that is killed leaves nothing or all.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    os::unix::{fs::PermissionsExt, net::UnixStream},
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::{
    kill::Dice,
    life::echo_through,
    retention::{account_of_an_older_method, at, buckets_become, library},
    target::Echo,
    world::{Ran, World, signal},
};

impl World {
    fn backup(&self) -> PathBuf {
        self.directory.path().join("backup")
    }

    /// Runs a command on the backup.
    fn on_backup(&self, arguments: &[&str]) -> Ran {
        let path = self.backup();
        Ran::from(self.command(&[arguments, &[path.to_str().unwrap()]].concat()).output().unwrap())
    }

    fn back_up(&self) {
        let ran = self.on_backup(&["backup"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
    }

    /// Loses the store, and nothing else.
    fn lose_the_store(&self) {
        for name in ["avow.db", "avow.db-wal", "avow.db-shm"] {
            let _ = fs::remove_file(self.data().join(name));
        }
    }

    fn use_a_while(&self, account: u64) -> u64 {
        let target = Echo::tcp();
        let before = self.stored(account);
        echo_through(&self.link(account), &target);
        self.stored_becomes(account, || before + target.seen());
        self.stored(account)
    }

    fn accounts(&self) -> Vec<u64> {
        let list = self.json(&["account", "list"]);
        list["accounts"].as_array().unwrap().iter().map(|one| one["account"].as_u64().unwrap()).collect()
    }
}

#[test]
fn what_is_forgotten_after_a_backup_is_not_restored_and_the_rest_is() {
    let world = World::new();
    let service = world.up();
    let (stays, goes) = (world.add_account("aes-256-gcm"), world.add_account("aes-256-gcm"));
    let (moved, _) = (world.use_a_while(stays), world.use_a_while(goes));
    world.back_up();
    assert_eq!(fs::metadata(world.backup()).unwrap().permissions().mode() & 0o777, 0o600);
    let link = world.link(stays);
    let again = world.on_backup(&["backup"]);
    assert_eq!(again.code, 2);
    assert!(again.err.contains("exists, and is left as it is"), "{}", again.err);
    let running = world.on_backup(&["restore"]);
    assert_eq!(running.code, 2);
    assert!(running.err.contains("a service is already running"), "{}", running.err);

    let look = world.on_backup(&["audit", "--backup"]);
    assert_eq!(look.code, 0, "{}{}", look.out, look.err);
    assert!(look.out.contains("2 of 2 parts open: every byte of the file belongs to a declared part"), "{}", look.out);
    assert_eq!(world.run(&["forget", &goes.to_string()]).code, 0);
    let look = world.on_backup(&["audit", "--format", "json", "--backup"]);
    let report: serde_json::Value = serde_json::from_str(&look.out).unwrap();
    let parts = report["parts"].as_array().unwrap();
    let counts: Vec<_> = parts.iter().map(|part| (part["rows"].as_u64(), part["erased"].as_u64())).collect();
    assert_eq!(counts, [(Some(2), Some(1)), (Some(1), Some(1))], "{report}");
    assert_eq!(parts[1]["clauses"], serde_json::json!(["S3", "S5"]));
    assert!(!look.out.contains(&goes.to_string()) && !look.out.contains(&stays.to_string()), "it names nobody");
    assert_eq!(service.stop(), 0);

    let there = world.on_backup(&["restore"]);
    assert_eq!(there.code, 1);
    assert!(there.err.contains("there is a store at") && there.err.contains("--replace"), "{}", there.err);
    world.lose_the_store();
    let up = world.run(&["up"]);
    assert_eq!(up.code, 2, "no new store takes its place: {}", up.out);
    assert!(up.err.contains("restore the store from a backup"), "{}", up.err);
    let restored = world.on_backup(&["restore"]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    assert!(restored.out.contains("left out   1 account, 1 row, 0 buckets"), "{}", restored.out);
    assert_eq!(world.run(&["audit"]).code, 0);
    let service = world.up();
    assert_eq!((world.stored(stays), world.link(stays)), (moved, link));
    assert!(!world.accounts().contains(&goes));
    assert!(world.use_a_while(stays) > moved, "it counts on");
    assert_eq!(service.stop(), 0);
}

#[test]
fn a_month_that_ended_after_a_backup_is_not_restored() {
    let Some(library) = library() else { return };
    let world = World::new();
    let mut command = world.command(&["up"]);
    at(&mut command, library, "2026-11-20 12:00:00");
    let service = world.up_with(command);
    let link = account_of_an_older_method(&world);
    echo_through(&link, &Echo::tcp());
    buckets_become(&world, &["month_total_202611_v0"]);
    world.back_up();
    assert_eq!(service.stop(), 0);
    let on = |instant: &str, arguments: &[&str]| {
        let path = world.backup();
        let mut command = world.command(&[arguments, &[path.to_str().unwrap()]].concat());
        Ran::from(at(&mut command, library, instant).output().unwrap())
    };
    let early = on("2026-11-20 11:00:00", &["restore", "--replace"]);
    assert_eq!(early.code, 1, "{}", early.out);
    assert!(early.err.contains("set the clock"), "{}", early.err);

    // The month ends. Nothing swept yet: the backup still opens, and the audit says that it must not.
    let late = on("2026-12-05 12:00:00", &["audit", "--backup"]);
    assert_eq!(late.code, 1, "{}", late.out);
    assert!(late.out.contains("backup.overdue breaks S3"), "{}", late.out);
    let restored = on("2026-12-05 12:00:00", &["restore", "--replace"]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    assert!(restored.out.contains("due by now, and erased        0 accounts, 1 row, 1 bucket"), "{}", restored.out);
    buckets_become(&world, &[]);

    // Now its key is gone: nobody opens it any more, and that is as it should be.
    let dead = on("2026-12-05 12:00:00", &["audit", "--backup"]);
    assert_eq!(dead.code, 0, "{}", dead.out);
    assert!(dead.out.contains("no, its key is destroyed"), "{}", dead.out);
    let restored = on("2026-12-05 12:00:00", &["restore", "--replace"]);
    assert!(restored.out.contains("left out   0 accounts, 0 rows, 1 bucket"), "{}", restored.out);
    let mut command = world.command(&["up"]);
    at(&mut command, library, "2026-12-05 12:00:00");
    let _service = world.up_with(command);
    echo_through(&link, &Echo::tcp());
    buckets_become(&world, &["month_total_202612_v0"]);
}

#[test]
fn counts_that_a_killed_service_left_do_not_come_on_top_of_a_restored_store() {
    let world = World::new();
    let service = world.up();
    let account = world.add_account("aes-256-gcm");
    let moved = world.use_a_while(account);
    world.back_up();
    assert!(world.use_a_while(account) > moved);
    // What is counted from now on stays in the page: the service is killed with its relay before it stores it.
    let relay = service.relay_pid();
    echo_through(&world.link(account), &Echo::tcp());
    signal(service.pid(), "KILL");
    let _ = Command::new("kill").args(["-KILL", &relay.to_string()]).stderr(Stdio::null()).status();
    drop(service);
    let restored = world.on_backup(&["restore", "--replace"]);
    assert_eq!(restored.code, 0, "{}", restored.err);
    let service = world.up();
    assert_eq!(world.stored(account), moved, "neither what came after the backup nor what the page held");
    assert!(world.use_a_while(account) > moved);
    assert_eq!(service.stop(), 0);
    let service = world.up();
    let stored = world.stored(account);
    assert_eq!(service.stop(), 0);
    assert_eq!(world.stored(account), stored);
}

#[test]
fn a_restore_that_is_killed_leaves_nothing_or_the_whole_store() {
    let world = World::new();
    let service = world.up();
    for _ in 0..20 {
        world.add_account("aes-256-gcm");
    }
    assert_eq!(service.stop(), 0);
    world.back_up();
    let accounts = world.accounts();
    let seed = crate::kill::seed();
    eprintln!("repeat with AVOW_SEED={seed}");
    let began = Instant::now();
    assert_eq!(world.on_backup(&["restore", "--replace"]).code, 0);
    let takes = u64::try_from(began.elapsed().as_millis()).unwrap();
    let (mut dice, mut nothing, mut whole) = (Dice::new(seed), 0, 0);
    for round in 0..60 {
        let replace = round % 2 == 1;
        if replace {
            let ran = world.on_backup(&["restore", "--replace"]);
            assert_eq!(ran.code, 0, "{}", ran.err);
        } else {
            world.lose_the_store();
        }
        let mut command = world.command(if replace { &["restore", "--replace"] } else { &["restore"] });
        let mut child = command.arg(world.backup()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        thread::sleep(dice.moment(takes + takes / 3));
        let _ = child.kill();
        let _ = child.wait();
        if world.data().join("avow.db").exists() {
            assert_eq!(world.accounts(), accounts, "whole");
            whole += 1;
        } else {
            assert_eq!(world.run(&["account", "list"]).code, 2, "nothing");
            let ran = world.on_backup(&["restore"]);
            assert_eq!(ran.code, 0, "{}", ran.err);
            nothing += 1;
        }
        if round % 10 == 0 {
            let ran = world.run(&["audit"]);
            assert_eq!(ran.code, 0, "{}", ran.out);
        }
    }
    eprintln!("killed 60 times within {takes} ms: {nothing} times nothing, {whole} times the whole store");
    let left: Vec<_> = fs::read_dir(world.data()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(world.up().stop(), 0);
    let clean = |name: &str| !world.data().join(name).exists();
    assert!(clean("avow.db-restoring") && clean("avow.db-replaced"), "{left:?}");
    let ran = world.run(&["audit"]);
    assert_eq!(ran.code, 0, "{}", ran.out);
}

#[test]
fn a_wrong_file_is_told_and_touches_nothing() {
    let world = World::new();
    world.up().stop();
    world.back_up();
    let whole = fs::read(world.backup()).unwrap();
    let store = fs::read(world.data().join("avow.db")).unwrap();
    let check = |bytes: &[u8], words: &str| {
        fs::write(world.backup(), bytes).unwrap();
        let ran = world.on_backup(&["restore", "--replace"]);
        assert_eq!(ran.code, 2, "{words}");
        assert!(ran.err.contains(words), "{}", ran.err);
        assert_eq!(fs::read(world.data().join("avow.db")).unwrap(), store);
    };
    check(&whole[..whole.len() - 1], "is damaged or not whole");
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 1;
    check(&flipped, "is damaged or not whole");
    let look = world.on_backup(&["audit", "--backup"]);
    assert_eq!(look.code, 1, "{}", look.out);
    assert!(look.out.contains("backup.digest"), "{}", look.out);
    check(b"avow backup 2\n\0\0 and more", "is a backup of a newer Avow");
    check(&store, "is not a backup of Avow");
    assert_eq!(world.on_backup(&["audit", "--backup"]).code, 2);
    fs::remove_file(world.backup()).unwrap();
    let ran = world.on_backup(&["restore", "--replace"]);
    assert!(ran.err.contains("there is no such file or directory"), "{}", ran.err);
    fs::write(world.backup(), &whole).unwrap();
    let other = World::new();
    other.up().stop();
    fs::write(other.backup(), &whole).unwrap();
    let ran = other.on_backup(&["restore", "--replace"]);
    assert!(ran.code == 2 && ran.err.contains("open nothing of"), "{}", ran.err);
    let look = other.on_backup(&["audit", "--backup"]);
    assert!(look.code == 0 && look.out.contains("0 of 1 part open"), "{}", look.out);
}

#[test]
fn a_published_version_that_a_backup_lacks_is_named() {
    let world = World::new();
    let service = world.up();
    world.back_up();
    assert_eq!(world.run(&["publish", "policy-docs/northgate/privacy.md"]).code, 0);
    assert_eq!(service.stop(), 0);
    let ran = world.on_backup(&["restore", "--replace"]);
    assert!(ran.out.contains("NOT IN THE BACKUP") && ran.out.contains("history/v1.md"), "{}{}", ran.out, ran.err);
}

#[test]
fn a_running_service_says_how_far_it_has_got_to_whoever_asks() {
    let world = World::new();
    let _service = world.up();
    let ask = |progress: &str| {
        let mut stream = UnixStream::connect(world.data().join("control.sock")).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        let (file, count) = (world.backup(), fs::read_dir(world.directory.path()).unwrap().count());
        let line = format!("{{\"avow\":1,{progress}\"do\":\"back_up\",\"file\":\"{}{count}\"}}\n", file.display());
        stream.write_all(line.as_bytes()).unwrap();
        let lines: Vec<String> = BufReader::new(stream).lines().map(Result::unwrap).collect();
        lines
    };
    let told = ask("\"progress\":true,");
    assert!(told[0].starts_with("{\"avow\":1,\"progress\":{\"doing\":"), "{told:?}");
    assert!(told.iter().any(|line| line.contains("writing the backup")), "{told:?}");
    assert!(told.last().unwrap().contains("\"done\":\"backed_up\""), "{told:?}");
    assert_eq!(ask("").len(), 1, "whoever did not ask hears the answer only");
}
