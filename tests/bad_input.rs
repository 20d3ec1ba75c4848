//! Bad input gets a clear error and loses nothing.

use std::{
    fs,
    net::{TcpListener, UdpSocket},
    os::unix::{fs::PermissionsExt, process::CommandExt},
};

use crate::world::{Ran, World, repository};

/// `avow check` of Northgate with one edit: ends with 1 and says all of these.
#[track_caller]
fn check(from: &str, to: &str, parts: &[&str]) {
    let world = World::new();
    let text = repository("policy-docs/northgate/privacy.md");
    assert!(text.contains(from), "`{from}` is not in the policy: the test edits nothing");
    let file = world.file("privacy.md", &text.replacen(from, to, 1));
    let ran = world.run(&["check", file.to_str().unwrap()]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    for part in parts {
        assert!(ran.err.contains(part), "`{part}` is missing:\n{}", ran.err);
    }
    let json = Ran::from(world.command(&["check", file.to_str().unwrap(), "--format", "json"]).output().unwrap());
    let problems: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert!(problems["problems"][0]["line"].is_null(), "a place is under `place`: {problems}");
    assert!(problems["problems"][0]["place"]["line"].is_u64(), "{problems}");
}

#[test]
fn a_broken_table() {
    check("| --- | --- | --- | --- | --- |", "| --- | --- | --- | --- |", &["privacy.md:", "error"]);
}

#[test]
fn an_unknown_code_with_the_one_that_was_meant() {
    check("`session.client_ip`", "`session.clent_ip`", &["privacy.md:", "`session.clent_ip`", "`session.client_ip`"]);
}

#[test]
fn an_unnumbered_paragraph() {
    check(
        "## What we keep\n",
        "## What we keep\n\nWe may also keep other things.\n",
        &["privacy.md:", "We may also keep"],
    );
}

#[test]
fn an_effective_time_without_a_minute() {
    check("effective: on publication", "effective: 10/02/2018", &["privacy.md:", "2026-12-01T09:30Z"]);
}

#[test]
fn a_file_that_is_not_text() {
    let world = World::new();
    let path = world.directory.path().join("privacy.md");
    fs::write(&path, b"---\npolicy: \xff\n").unwrap();
    let ran = world.run(&["check", path.to_str().unwrap()]);
    assert_eq!((ran.code, ran.err.contains("privacy.md:2:9")), (1, true), "{}", ran.err);
}

#[test]
fn a_file_that_is_not_there() {
    let ran = World::new().run(&["check", "nowhere.md"]);
    assert_eq!((ran.code, ran.err.contains("`nowhere.md`")), (2, true), "{}", ran.err);
}

#[test]
fn a_configuration_with_an_unknown_key() {
    let world = World::new();
    world.configure("[books]\nflush_secs = 5\n");
    let ran = world.run(&["up"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert!(ran.err.contains("unknown field `flush_secs`") && ran.err.contains("avow.toml:9:1"), "{}", ran.err);
    assert!(!world.data().join("avow.db").exists(), "nothing was begun");
}

#[test]
fn a_port_in_use() {
    let world = World::new();
    let _tcp = TcpListener::bind(("127.0.0.1", world.tunnel)).unwrap();
    let ran = world.run(&["up"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains(&world.tunnel.to_string()) && ran.err.contains("in use"), "{}", ran.err);
    let world = World::new();
    let _udp = UdpSocket::bind(("127.0.0.1", world.tunnel)).unwrap();
    assert_eq!(world.run(&["up"]).code, 2);
    let world = World::new();
    let _web = TcpListener::bind(("127.0.0.1", world.web)).unwrap();
    let ran = world.run(&["up"]);
    assert!(ran.code == 2 && ran.err.contains("--web"), "{}", ran.err);
}

#[test]
fn a_store_of_a_newer_schema_is_left_alone() {
    let world = World::new();
    assert_eq!(world.up().stop(), 0);
    let path = world.data().join("avow.db");
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let before = fs::read(&path).unwrap();
    let ran = world.run(&["up"]);
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("newer"), "{}", ran.err);
    assert_eq!(world.run(&["audit"]).code, 2);
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_second_service_on_the_same_directory() {
    let world = World::new();
    let _service = world.up();
    let mut other = world.command(&["up"]);
    let (tunnel, web) = (crate::world::free_port(), crate::world::free_port());
    other.args(["--listen", &format!("127.0.0.1:{tunnel}"), "--web", &format!("127.0.0.1:{web}")]);
    let ran = Ran::from(other.output().unwrap());
    assert_eq!((ran.code, ran.err.contains("already running")), (2, true), "{}", ran.err);
}

#[test]
fn a_directory_that_cannot_be_written() {
    let world = World::new();
    // An unprivileged user: the one that Linux keeps for nobody. Only root can become another user.
    let nobody = 65534;
    if fs::metadata("/proc/self").map(|me| std::os::unix::fs::MetadataExt::uid(&me)).unwrap_or(1) != 0 {
        fs::set_permissions(world.data(), fs::Permissions::from_mode(0o500)).unwrap();
        let ran = world.run(&["up"]);
        fs::set_permissions(world.data(), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!((ran.code, ran.err.contains("permission denied")), (2, true), "{}", ran.err);
        return;
    }
    let binary = world.directory.path().join("avow");
    fs::copy(crate::world::AVOW, &binary).unwrap();
    fs::set_permissions(world.directory.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = std::process::Command::new(binary);
    command.args(["up", "--data", "/avow-test-of-a-directory"]).uid(nobody).gid(nobody).current_dir("/");
    let ran = Ran::from(command.output().unwrap());
    assert_eq!(ran.code, 2, "{}", ran.err);
    assert!(ran.err.contains("/avow-test-of-a-directory") && ran.err.contains("permission denied"), "{}", ran.err);
    assert!(ran.err.contains("--data"), "{}", ran.err);
}

#[test]
fn a_relay_that_is_started_by_hand() {
    let ran = World::new().run(&["relay"]);
    assert_eq!((ran.code, ran.err.contains("avow up")), (2, true), "{}", ran.err);
}

#[test]
fn an_unknown_method() {
    let world = World::new();
    assert_eq!(world.up().stop(), 0);
    let ran = world.run(&["account", "add", "--method", "rc4-md5"]);
    assert_eq!((ran.code, ran.err.contains("2022-blake3-aes-256-gcm")), (2, true), "{}", ran.err);
}
