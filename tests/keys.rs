//! The keys of the store: where they lie, what that covers, and new ones for all accounts.

use std::fs;

use crate::world::{Ran, World};

/// Every account's link, which holds its access keys.
fn links(world: &World) -> Vec<String> {
    let accounts = world.json(&["account", "list"]);
    let numbers = accounts["accounts"].as_array().unwrap().iter().map(|one| one["account"].as_u64().unwrap());
    numbers.map(|account| world.link(account)).collect()
}

#[test]
fn keys_say_where_they_lie_and_what_that_covers_and_never_what_they_are() {
    let world = World::new();
    let _service = world.up();
    let ran = world.run(&["keys"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("on the same device as the store") || ran.out.contains("in memory"), "{}", ran.out);
    assert!(
        ran.out.contains("sealed    1 account") && ran.out.contains("totals of a month are not sealed"),
        "{}",
        ran.out
    );
    let json = world.json(&["keys"]);
    assert_eq!((json["accounts"].as_u64(), json["wrapped"].as_bool()), (Some(1), Some(false)));
    for file in fs::read_dir(world.data().join("keys")).unwrap() {
        let bytes = fs::read(file.unwrap().path()).unwrap();
        let shown = format!("{}{json}", ran.out).into_bytes();
        assert!(bytes.chunks(8).all(|part| part == [0; 8] || !shown.windows(8).any(|window| window == part)));
    }
}

#[test]
fn a_running_service_gives_every_account_a_new_key_and_no_client_notices() {
    let world = World::new();
    let service = world.up();
    world.add_account("aes-256-gcm");
    let (before, register) = (links(&world), world.data().join("keys/accounts.key"));
    let old = fs::read(&register).unwrap();
    let rotated = world.json(&["keys", "rotate"]);
    assert_eq!(rotated["accounts"], 2);
    assert_ne!(fs::read(&register).unwrap(), old);
    assert_eq!(links(&world), before);
    assert_eq!(service.stop(), 0);
    assert_eq!(links(&world), before);
}

#[test]
fn keys_in_a_directory_of_their_own_are_found_there_and_nowhere_else() {
    let world = World::new();
    let keys = world.directory.path().join("elsewhere");
    world.configure(&format!("[store]\nkeys = {keys:?}\n"));
    let service = world.up();
    assert!(keys.join("accounts.key").exists() && !world.data().join("keys").exists());
    assert_eq!(service.stop(), 0);
    let ran = world.run(&["account", "list", "--keys", "nowhere"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("`nowhere/accounts.key` is missing"), "{}", ran.err);
    assert_eq!(world.run(&["account", "list"]).code, 0);
}

#[test]
fn a_credential_wraps_the_keys_and_without_it_they_open_nothing() {
    let world = World::new();
    let credentials = world.directory.path().join("credentials");
    fs::create_dir(&credentials).unwrap();
    fs::write(credentials.join("avow-keys"), [7; 32]).unwrap();
    let with = |arguments: &[&str]| {
        Ran::from(world.command(arguments).env("CREDENTIALS_DIRECTORY", &credentials).output().unwrap())
    };
    let mut up = world.command(&["up"]);
    up.env("CREDENTIALS_DIRECTORY", &credentials);
    assert_eq!(world.up_with(up).stop(), 0);
    let ran = with(&["keys"]);
    assert!(ran.out.contains("whoever has the disk and not the credential opens nothing"), "{}{}", ran.out, ran.err);
    let ran = world.run(&["keys"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("is wrapped with a credential"), "{}", ran.err);
    fs::write(credentials.join("avow-keys"), "short").unwrap();
    let ran = with(&["keys"]);
    assert!(ran.err.contains("a credential that wraps the keys must be 32 random bytes"), "{}", ran.err);
}
