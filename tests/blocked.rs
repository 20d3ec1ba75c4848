//! A blocked account: what it has open ends, and from then on it is a stranger, who gets no byte. Only where the policy lets a
//! block be known, and no longer.

use std::{
    io::{Read, Write},
    thread,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{
    clients::InProcess,
    life::echo_through,
    plan::{is_let_in, is_let_in_again},
    retention::{account_of_an_older_method, at, library},
    socks::SING_BOX,
    target::Echo,
    tunnel::{block_on, echoed},
    world::{PATIENCE, Ran, World, repository},
};

/// Opens a stream and sends something; what comes back before the other side is done with it.
async fn answer_to(link: &str, target: &Echo) -> Vec<u8> {
    let mut stream = InProcess::new(link).connect(target.address).await;
    let mut answer = Vec::new();
    let _ = stream.write_all(b"hello").await;
    let _ = timeout(Duration::from_secs(2), stream.read_buf(&mut answer)).await;
    answer
}

#[test]
fn a_blocked_account_is_a_stranger_until_it_is_unblocked() {
    let world = World::new();
    let service = world.up();
    let (account, other) = (world.first_account(), world.add_account("2022-blake3-aes-256-gcm"));
    let (link, link_of_other) = (world.link(account), world.link(other));
    let (number, target) = (account.to_string(), Echo::tcp());
    block_on(async {
        let mut cut = InProcess::new(&link).connect(target.address).await;
        let mut open = InProcess::new(&link_of_other).connect(target.address).await;
        for stream in [&mut cut, &mut open] {
            stream.write_all(b"hello").await.unwrap();
            stream.read_exact(&mut [0; 5]).await.unwrap();
        }
        let ran = world.run(&["account", "block", &number]);
        assert_eq!((ran.code, ran.out.contains("it is not let in")), (0, true), "{}{}", ran.out, ran.err);
        let ended = timeout(PATIENCE, cut.read(&mut [0; 16])).await;
        assert!(matches!(ended, Ok(Ok(0) | Err(_))), "the stream of a blocked account goes on");
        assert_eq!(answer_to(&link, &target).await, [0; 0], "a stranger gets no byte");
        open.write_all(b"again").await.unwrap();
        open.read_exact(&mut [0; 5]).await.unwrap();
    });
    let shown = world.run(&["account", "show", &number]).out;
    let line = shown.lines().find(|line| line.contains("account.blocked")).unwrap();
    assert!(line.contains("S7"), "{line}");
    assert!(world.run(&["account", "list"]).out.contains("blocked"));

    // A restart does not forget it, nor do other changes of the account.
    assert_eq!(service.stop(), 0);
    let _service = world.up();
    assert!(!is_let_in(&link, &target));
    let rotated = world.json(&["account", "rotate", &number])["links"][0].as_str().unwrap().to_owned();
    assert!(!is_let_in(&rotated, &target));
    assert_eq!(world.run(&["account", "plan", &number, "--limit", "1GB"]).code, 0);
    assert!(!is_let_in(&rotated, &target));
    assert!(is_let_in(&link_of_other, &target));
    assert_eq!(world.run(&["account", "unblock", &number]).code, 0);
    is_let_in_again(&rotated, &target);
    let shown = world.run(&["account", "show", &number]).out;
    assert!(!shown.contains("blocked"), "it is not blocked any more, and nothing says that it was: {shown}");
    assert_eq!(world.run(&["audit"]).code, 0);
}

#[test]
fn a_real_client_is_cut_off_by_the_step_of_a_complaint_and_let_in_by_the_next() {
    let world = World::new();
    let _service = world.up();
    let (account, target) = (world.first_account(), Echo::tcp());
    let number = account.to_string();
    let Some(client) = SING_BOX.client(&world.link(account)) else { return };
    let mut open = client.connect(target.address);
    assert_eq!(echoed(open.try_clone().unwrap(), b"hello"), b"hello");
    assert_eq!(world.run(&["record", &number, "case", "blocked"]).code, 0);
    open.set_read_timeout(Some(PATIENCE)).unwrap();
    let ended = open.read(&mut [0; 16]);
    assert!(matches!(ended, Ok(0)) || ended.is_err_and(|error| error.kind() != std::io::ErrorKind::WouldBlock));
    let mut refused = client.connect(target.address);
    refused.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let _ = refused.write_all(b"hello");
    assert!(!matches!(refused.read(&mut [0; 16]), Ok(1..)), "a blocked account is let in");
    drop(refused);
    assert_eq!(world.run(&["record", &number, "case", "unblocked"]).code, 0);
    let end = Instant::now() + PATIENCE;
    loop {
        let mut again = client.connect(target.address);
        again.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        if again.write_all(b"hello").is_ok() && matches!(again.read(&mut [0; 16]), Ok(1..)) {
            break;
        }
        assert!(Instant::now() < end, "it is not let in again");
        thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn a_policy_that_declares_no_block_blocks_nobody() {
    let world = World::new();
    let policy = world.file("lantern.md", &repository("policy-docs/lantern/privacy.md"));
    let mut up = world.command(&["up"]);
    up.arg("--policy").arg(policy);
    let _service = world.up_with(up);
    let (account, target) = (world.first_account(), Echo::tcp());
    let ran = world.run(&["account", "block", &account.to_string()]);
    assert_eq!((ran.code, ran.err.contains("`account.blocked`")), (1, true), "{}{}", ran.out, ran.err);
    echo_through(&world.link(account), &target);
}

#[test]
fn an_account_is_let_in_again_when_the_policy_lets_its_block_be_known_no_longer() {
    let Some(library) = library() else { return };
    let world = World::new();
    world.configure("[books]\nflush_seconds = 1\nsweep_seconds = 1\n");
    let mut command = world.command(&["up"]);
    at(&mut command, library, "2026-11-20 12:00:00");
    let service = world.up_with(command);
    let (link, target) = (account_of_an_older_method(&world), Echo::tcp());
    let list = world.json(&["account", "list"]);
    let number = |method: &str| {
        let accounts = list["accounts"].as_array().unwrap();
        accounts.iter().find(|account| account["methods"][0] == method).unwrap()["account"]
            .as_u64()
            .unwrap()
            .to_string()
    };
    assert_eq!(world.run(&["account", "block", &number("aes-256-gcm")]).code, 0);
    assert!(!is_let_in(&link, &target));
    assert_eq!(service.stop(), 0);
    // 90 days later.
    let mut command = world.command(&["up"]);
    at(&mut command, library, "2027-02-18 11:59:50");
    let _service = world.up_with(command);
    assert!(world.run(&["account", "list"]).out.contains("blocked"));
    assert!(!is_let_in(&link, &target), "a day has gone by too many");
    is_let_in_again(&link, &target);
    let mut audit = world.command(&["audit"]);
    let ran = Ran::from(at(&mut audit, library, "2027-02-18 12:01:00").output().unwrap());
    assert_eq!(ran.code, 0, "{}", ran.out);
}
