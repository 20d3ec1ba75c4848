//! The abuse desk's own machine: it makes the key, and opens what was sealed to it.

use std::{fs, net::IpAddr, os::unix::fs::PermissionsExt, path::Path};

use avow_proxy::SessionRecord;
use avow_terms::private::Private;

use crate::world::World;

fn sealed(public: &str, address: &str) -> String {
    let address = Private::new(address.parse::<IpAddr>().unwrap());
    let record = SessionRecord { address, start: 1_764_000_000, end: 1_764_003_600, server: 12 };
    record.seal(&public.parse().unwrap()).unwrap()
}

fn keygen(world: &World, key: &Path) -> String {
    let made = world.json(&["desk", "keygen", "--key", key.to_str().unwrap()]);
    made["public_key"].as_str().unwrap().to_owned()
}

#[test]
fn the_desk_makes_a_key_that_only_it_can_read_and_never_replaces_one() {
    let world = World::new();
    let key = world.directory.path().join("desk.key");
    let public = keygen(&world, &key);
    assert_eq!(fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
    assert!(!fs::read_to_string(&key).unwrap().contains(&public));
    let before = fs::read(&key).unwrap();
    let again = world.run(&["desk", "keygen", "--key", key.to_str().unwrap()]);
    assert_eq!((again.code, fs::read(&key).unwrap()), (2, before), "{}", again.err);
}

#[test]
fn the_desk_opens_what_was_sealed_to_it_and_says_which_lines_it_cannot() {
    let world = World::new();
    let [key, other] = ["desk.key", "other.key"].map(|name| world.directory.path().join(name));
    let (public, others) = (keygen(&world, &key), keygen(&world, &other));
    let exported = format!(r#"{{"account":77,"hour":490001,"blob":"{}"}}"#, sealed(&public, "2001:db8::7"));
    let file = world.file("sealed", &format!("{exported}\n{}\n", sealed(&public, "192.0.2.44")));
    let arguments = ["desk", "open", "--key", key.to_str().unwrap(), file.to_str().unwrap()];
    let opened = world.json(&arguments);
    let expected = r#"[{"account":77,"address":"2001:db8::7","start":"2025-11-24 16:00:00 UTC","end":"2025-11-24 17:00:00 UTC","server":12},{"account":null,"address":"192.0.2.44","start":"2025-11-24 16:00:00 UTC","end":"2025-11-24 17:00:00 UTC","server":12}]"#;
    assert_eq!(opened["sessions"], serde_json::from_str::<serde_json::Value>(expected).unwrap());
    let table = world.run(&arguments).out;
    assert!(table.contains("77       2001:db8::7"), "{table}");

    let mixed = world.file("mixed", &format!("{exported}\n{}\nnonsense\n", sealed(&others, "192.0.2.45")));
    let ran = world.run(&["desk", "open", "--key", key.to_str().unwrap(), mixed.to_str().unwrap()]);
    assert_eq!(ran.code, 1);
    assert!(ran.out.contains("2 lines cannot be opened with this key, the first is line 2"), "{}", ran.out);
    assert!(!ran.out.contains("192.0.2.45"));
    let wrong = world.file("wrong.key", "not a key");
    assert_eq!(world.run(&["desk", "open", "--key", wrong.to_str().unwrap(), file.to_str().unwrap()]).code, 2);
}
