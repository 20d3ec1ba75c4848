//! The users of another server, taken over in one step: the links they have go on to work, and all come or none.

use std::fs;

use serde_json::{Value, json};

use crate::{
    clients::InProcess,
    life::echo_through,
    socks::{SING_BOX, SS_LOCAL},
    target::Echo,
    tunnel::{block_on, digest, echoed, packets, pattern},
    world::{Service, World, free_port},
};

const OWN: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const ANN: &str = "IAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const BEN: &str = "correct horse battery staple";

/// What an operator of ssserver has: two users of 2022 and one of an older method, on the port of this world.
fn ssserver(world: &World) -> String {
    let (port, narrow, narrow_ann) = (world.tunnel, "AAECAwQFBgcICQoLDA0ODw==", "IAECAwQFBgcICQoLDA0ODw==");
    format!(
        "{{
  // who we serve
  \"servers\": [
    {{ \"address\": \"0.0.0.0\", \"port\": {port}, \"method\": \"2022-blake3-aes-256-gcm\", \"password\": \"{OWN}\",
      \"users\": [ {{ \"name\": \"ann@example.org\", \"password\": \"{ANN}\" }} ] }},
    {{ \"address\": \"0.0.0.0\", \"port\": {port}, \"method\": \"2022-blake3-aes-128-gcm\", \"password\": \"{narrow}\",
      \"users\": [ {{ \"name\": \"ann@example.org\", \"password\": \"{narrow_ann}\" }} ] }},
    {{ \"address\": \"0.0.0.0\", \"port\": {port}, \"method\": \"chacha20-ietf-poly1305\", \"password\": \"{BEN}\" }},
  ],
  \"timeout\": 300,
}}"
    )
}

/// The links that were given out by the old server, in the order of its users.
fn old_links(world: &World) -> Vec<String> {
    let escaped = |text: &str| text.replace('+', "%2B").replace('/', "%2F").replace('=', "%3D").replace(':', "%3A");
    let to = format!("127.0.0.1:{}", world.tunnel);
    vec![
        format!("ss://2022-blake3-aes-256-gcm:{}@{to}", escaped(&format!("{OWN}:{ANN}"))),
        format!("ss://2022-blake3-aes-128-gcm:{}@{to}", escaped("AAECAwQFBgcICQoLDA0ODw==:IAECAwQFBgcICQoLDA0ODw==")),
        // As SIP002 writes it: base64url of `chacha20-ietf-poly1305:correct horse battery staple`.
        format!("ss://Y2hhY2hhMjAtaWV0Zi1wb2x5MTMwNTpjb3JyZWN0IGhvcnNlIGJhdHRlcnkgc3RhcGxl@{to}"),
    ]
}

fn import(world: &World, from: &str, file: &str, more: &[&str]) -> Value {
    world.json(&[&["import", from, file][..], more].concat())
}

fn accounts(world: &World) -> usize {
    world.json(&["account", "list"])["accounts"].as_array().unwrap().len()
}

/// A service with the one account that a first start opens removed: a server that is moved to a new machine.
fn new_machine() -> (World, Service) {
    let world = World::new();
    let service = world.up();
    let first = world.first_account();
    assert_eq!(world.run(&["account", "remove", &first.to_string()]).code, 0);
    (world, service)
}

#[test]
fn links_of_ssserver_go_on_to_work_and_are_counted() {
    let (world, service) = new_machine();
    let file = world.file("config.json", &ssserver(&world));
    let file = file.to_str().unwrap();

    let dry = import(&world, "ssserver", file, &["--dry-run"]);
    assert_eq!((dry["users"].as_array().unwrap().len(), accounts(&world)), (3, 0), "a dry run changed something");
    let done = import(&world, "ssserver", file, &[]);
    assert_eq!(done["server_key_replaced"], json!(["2022-blake3-aes-256-gcm", "2022-blake3-aes-128-gcm"]));
    let told = done.to_string() + &world.run(&["account", "list"]).out + &world.log_text();
    for secret in [OWN, ANN, BEN, "ann@example.org"] {
        assert!(!told.contains(secret), "a secret or a name is told");
    }

    let (links, numbers) = (old_links(&world), taken_over(&done));
    let clients = [SING_BOX.client(&links[0]), SING_BOX.client(&links[1]), SS_LOCAL.client(&links[2])];
    for ((link, account), client) in links.iter().zip(&numbers).zip(clients) {
        let (tcp, udp) = (Echo::tcp(), Echo::udp());
        block_on(InProcess::new(link).exchange(udp.address, &packets()));
        if let Some(client) = client {
            let received = echoed(client.connect(tcp.address), &pattern(300_000));
            assert_eq!(digest(&received), digest(&pattern(300_000)));
        }
        world.stored_becomes(*account, || tcp.seen() + udp.seen());
    }

    // After a restart too: the key that clients know the server by was taken for good.
    assert_eq!(service.stop(), 0);
    let _service = world.up();
    let target = Echo::tcp();
    echo_through(&links[0], &target);
    let again = world.run(&["import", "ssserver", file]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("3 of the 3 users to be taken over are here already"), "{}", again.err);
    assert_eq!(accounts(&world), 3);
}

fn taken_over(done: &Value) -> Vec<u64> {
    done["users"].as_array().unwrap().iter().map(|user| user["account"].as_u64().unwrap()).collect()
}

#[test]
fn links_of_outline_go_on_to_work_on_the_port_they_name() {
    let (world, service) = new_machine();
    let port = free_port();
    let keys = format!(
        r#"{{"accessKeys":[
{{"id":"0","metricsId":"m-0","name":"Ann's phone","password":"K3yOfAnnK3yOfAnn","port":{port},"encryptionMethod":"chacha20-ietf-poly1305","dataLimit":{{"bytes":50000000000}}}},
{{"id":"1","metricsId":"m-1","name":"Ben","password":"K3yOfBenK3yOfBen","port":{port},"encryptionMethod":"chacha20-ietf-poly1305"}}
],"nextId":2}}"#
    );
    let file = world.file("shadowbox_config.json", &keys);
    let dry = world.run(&["import", "outline", file.to_str().unwrap(), "--dry-run"]);
    assert!(dry.code == 0 && dry.out.contains("2 users would be taken over; nothing was changed"), "{}", dry.err);
    for part in [
        &format!("2 users connect to port {port}, where the tunnel does not listen"),
        &format!("`listen = [\"[::]:{port}\"]`"),
        "2 names of users: an account is a random number",
        "2 ids of users in reports",
        "50\u{202f}000\u{202f}000\u{202f}000 bytes",
    ] {
        assert!(dry.out.contains(part), "`{part}` is missing:\n{}", dry.out);
    }
    assert!(!dry.out.contains("Ann") && !dry.out.contains("K3y"), "a name or a key is told:\n{}", dry.out);

    let accounts = taken_over(&import(&world, "outline", file.to_str().unwrap(), &[]));
    let limits = accounts.iter().map(|account| world.json(&["account", "show", &account.to_string()])["plan"].clone());
    let limits: Vec<_> = limits.map(|plan| plan["month_bytes"].as_u64()).collect();
    assert_eq!(limits, [Some(50_000_000_000), None], "the limits that they had are applied");
    assert_eq!(service.stop(), 0);
    let config = fs::read_to_string(world.data().join("avow.toml")).unwrap();
    let config = config.replace("listen = [", &format!("listen = [\"127.0.0.1:{port}\", "));
    fs::write(world.data().join("avow.toml"), config).unwrap();
    let _service = world.up();
    // As Outline gave it out: base64 of `chacha20-ietf-poly1305:K3yOfAnnK3yOfAnn`.
    let link = format!("ss://Y2hhY2hhMjAtaWV0Zi1wb2x5MTMwNTpLM3lPZkFubkszeU9mQW5u@127.0.0.1:{port}/?outline=1");
    let target = Echo::tcp();
    match SS_LOCAL.client(&link.replace("/?outline=1", "")) {
        Some(client) => drop(echoed(client.connect(target.address), &pattern(100_000))),
        None => echo_through(&link, &target),
    }
    assert!(target.seen() > 0);
    world.stored_becomes(accounts[0], || target.seen());
    assert_eq!(world.stored(accounts[1]), 0);
}

#[test]
fn all_users_come_or_none() {
    let (world, service) = new_machine();
    let bad = ssserver(&world).replace("chacha20-ietf-poly1305", "aes-256-cfb");
    let file = world.file("config.json", &bad);
    let refused = world.run(&["import", "ssserver", file.to_str().unwrap()]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("config.json:8:") && refused.err.contains("`aes-256-cfb` is a stream cipher"));
    assert!(!refused.err.contains(BEN) && !refused.err.contains(ANN), "a secret is told: {}", refused.err);
    assert_eq!(accounts(&world), 0);

    // Nothing runs, and the keys of the relay cannot be written: then no user is there either.
    assert_eq!(service.stop(), 0);
    let file = world.file("config.json", &ssserver(&world));
    let before = fs::read_dir(world.data().join("keys")).unwrap().count();
    fs::create_dir(world.data().join("keys/relay.new")).unwrap();
    assert_eq!(world.run(&["import", "ssserver", file.to_str().unwrap()]).code, 2);
    assert_eq!(accounts(&world), 0);
    fs::remove_dir(world.data().join("keys/relay.new")).unwrap();
    assert_eq!(fs::read_dir(world.data().join("keys")).unwrap().count(), before);
    assert_eq!(world.run(&["import", "ssserver", file.to_str().unwrap()]).code, 0);
    assert_eq!(accounts(&world), 3);
}

#[test]
fn links_that_were_given_out_here_are_not_voided_unasked() {
    let world = World::new();
    let _service = world.up();
    let (first, target) = (world.first_account(), Echo::tcp());
    let link = world.link(first);
    let file = world.file("config.json", &ssserver(&world));
    let refused = world.run(&["import", "ssserver", file.to_str().unwrap()]);
    assert_eq!(refused.code, 1);
    assert!(refused.err.contains("the links of 1 account that is here already would be void"), "{}", refused.err);
    echo_through(&link, &target);
    assert_eq!(accounts(&world), 1);

    import(&world, "ssserver", file.to_str().unwrap(), &["--void-links"]);
    assert_eq!(accounts(&world), 4);
    assert_ne!(world.link(first), link, "its link names the key that the server is known by now");
    echo_through(&world.link(first), &target);
}
