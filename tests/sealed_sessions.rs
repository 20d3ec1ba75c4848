//! Sealed sessions, from a client's connection to the abuse desk's screen: only where the policy declares them and the
//! operator turned them on, unreadable on the way, and readable with the desk's key alone.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    thread,
    time::{Duration, Instant},
};

use crate::{
    clients::InProcess,
    target::Echo,
    tunnel::{block_on, pattern},
    world::{PATIENCE, World},
};

const CLIENT: Ipv4Addr = Ipv4Addr::new(127, 84, 73, 92);

fn configured(world: &World, desk: &str) {
    world.configure(&format!("[books]\nflush_seconds = 1\n[desk]\n{desk}\n"));
}

fn keygen(world: &World, key: &Path) -> String {
    world.json(&["desk", "keygen", "--key", key.to_str().unwrap()])["public_key"].as_str().unwrap().to_owned()
}

fn use_it(world: &World, account: u64) {
    let target = Echo::udp();
    let client = InProcess::new(&world.link(account)).at(IpAddr::from(CLIENT));
    assert_eq!(block_on(client.exchange(target.address, &[pattern(64)])), [pattern(64)]);
}

#[test]
fn a_session_reaches_the_desk_and_nobody_on_the_way_can_read_it() {
    let world = World::new();
    let key = world.directory.path().join("desk.key");
    let public = keygen(&world, &key);
    configured(&world, &format!("sealed_sessions = true\npublic_key = \"{public}\"\nserver = 12\npause_seconds = 1"));
    let service = world.up();
    let account = world.first_account();
    use_it(&world, account);
    let until = Instant::now() + PATIENCE;
    let exported = loop {
        let exported = world.run(&["desk", "export"]).out;
        if !exported.trim().is_empty() {
            break exported;
        }
        assert!(Instant::now() < until, "no session was stored: {}", world.log_text());
        thread::sleep(Duration::from_millis(200));
    };
    assert_eq!(world.run(&["audit"]).code, 0, "{}", world.run(&["audit"]).out);
    let file = world.file("sealed", &exported);
    let opened = world.json(&["desk", "open", "--key", key.to_str().unwrap(), file.to_str().unwrap()]);
    let session = &opened["sessions"][0];
    assert_eq!(session["address"], CLIENT.to_string());
    assert_eq!((session["account"].as_u64(), session["server"].as_u64()), (Some(account), Some(12)));
    // What is in use when the service stops is stored too.
    use_it(&world, account);
    assert_eq!(service.stop(), 0);
    assert_eq!(world.run(&["desk", "export"]).out.lines().count(), 2);
    let packed = CLIENT.octets();
    for place in ["data", "runtime"] {
        for entry in fs::read_dir(world.directory.path().join(place)).unwrap().flatten() {
            let Ok(bytes) = fs::read(entry.path()) else { continue };
            for form in [packed.to_vec(), CLIENT.to_string().into_bytes()] {
                assert!(!bytes.windows(form.len()).any(|w| w == form), "the address is in {}", entry.path().display());
            }
        }
    }
}

#[test]
fn a_start_refuses_to_seal_what_the_policy_does_not_declare_or_without_a_key() {
    let world = World::new();
    let public = keygen(&world, &world.directory.path().join("desk.key"));
    configured(&world, "sealed_sessions = true");
    let ran = world.run(&["up"]);
    assert!(ran.code == 1 && ran.err.contains("there is no key to seal them to"), "{}", ran.err);
    // Another store, on trial under a policy that keeps no sessions.
    let world = World::new();
    let text = concat!(env!("CARGO_MANIFEST_DIR"), "/policy-docs/lantern/privacy.md");
    world
        .configure(&format!("[policy]\ntrial = {text:?}\n[desk]\nsealed_sessions = true\npublic_key = \"{public}\"\n"));
    let ran = world.run(&["up"]);
    assert!(ran.code == 1 && ran.err.contains("session"), "{} {}", ran.code, ran.err);
}

#[test]
fn nothing_is_sealed_where_nobody_turned_it_on() {
    let world = World::new();
    let service = world.up();
    let account = world.first_account();
    use_it(&world, account);
    assert_eq!(service.stop(), 0);
    assert_eq!(world.run(&["desk", "export"]).out.trim(), "");
}
