//! The plan of an account: a limit of a month, an end, a number of devices; nobody else notices.

use std::{
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
    retention::{at, library},
    target::Echo,
    tunnel::block_on,
    world::{PATIENCE, World},
};

/// A chunk goes there and back until the stream ends; says how much came back. It is ended by the limit, not by the test.
pub(crate) async fn until_it_ends(link: &str, target: &Echo) -> u64 {
    let Ok(mut stream) = InProcess::new(link).try_connect(target.address).await else { return 0 };
    let (piece, mut back) = ([7; 4096], 0);
    let ended = timeout(PATIENCE, async {
        loop {
            let mut read = [0; 4096];
            if stream.write_all(&piece).await.is_err() || stream.read_exact(&mut read).await.is_err() {
                return;
            }
            back += 4096;
        }
    });
    ended.await.expect("the stream goes on beyond the limit");
    back
}

/// Whether one exchange comes back.
pub(crate) fn is_let_in(link: &str, target: &Echo) -> bool {
    block_on(async {
        let Ok(mut stream) = InProcess::new(link).try_connect(target.address).await else { return false };
        let exchanged = timeout(Duration::from_secs(3), async {
            stream.write_all(b"hello").await.ok()?;
            stream.read_exact(&mut [0; 5]).await.ok()
        });
        matches!(exchanged.await, Ok(Some(_)))
    })
}

#[track_caller]
pub(crate) fn is_let_in_again(link: &str, target: &Echo) {
    let end = Instant::now() + 3 * PATIENCE;
    while !is_let_in(link, target) {
        assert!(Instant::now() < end, "it is not let in again");
        thread::sleep(Duration::from_millis(100));
    }
}

pub(crate) fn plan(world: &World, account: u64, change: &[&str]) {
    let account = account.to_string();
    let ran = world.run(&[&["account", "plan", &account][..], change].concat());
    assert_eq!(ran.code, 0, "{}", ran.err);
}

#[test]
fn a_limit_stops_open_streams_within_64_kib_and_nobody_else() {
    let world = World::new();
    let service = world.up();
    let (limited, other) = (world.first_account(), world.add_account("2022-blake3-aes-256-gcm"));
    let (link, link_of_other) = (world.link(limited), world.link(other));
    let (target, target_of_other) = (Echo::tcp(), Echo::tcp());
    // What is stored already is part of the month.
    echo_through(&link, &target);
    world.stored_becomes(limited, || target.seen());
    let before = world.stored(limited);
    plan(&world, limited, &["--limit", "3MB"]);
    block_on(async {
        let mut open = InProcess::new(&link_of_other).connect(target_of_other.address).await;
        open.write_all(b"hello").await.unwrap();
        open.read_exact(&mut [0; 5]).await.unwrap();
        let back = until_it_ends(&link, &target).await;
        assert!(before + 2 * back <= 3_000_000 && before + 2 * back + (64 << 10) > 3_000_000, "{before} {back}");
        open.write_all(b"again").await.unwrap();
        open.read_exact(&mut [0; 5]).await.unwrap();
    });
    assert!(!is_let_in(&link, &target), "nothing is left");
    assert!(is_let_in(&link_of_other, &target_of_other));
    world.stored_becomes(limited, || target.seen());
    assert!(world.stored(limited) <= 3_000_000);

    // A restart does not forget it.
    assert_eq!(service.stop(), 0);
    let _service = world.up();
    assert!(block_on(until_it_ends(&link, &target)) < 64 << 10);
    plan(&world, limited, &["--limit", "4MB"]);
    let back = block_on(until_it_ends(&link, &target));
    assert!((900_000..=1_100_000).contains(&(2 * back)), "{back}");
    plan(&world, limited, &["--limit", "none"]);
    assert!(is_let_in(&link, &target));
}

#[test]
#[expect(clippy::disallowed_methods, reason = "the plan ends by the clock of the machine")]
fn nobody_is_let_in_when_the_plan_has_ended_until_it_is_extended() {
    let world = World::new();
    let service = world.up();
    let account = world.first_account();
    let (link, target) = (world.link(account), Echo::tcp());
    let ends = jiff::Timestamp::now() + Duration::from_secs(2);
    plan(&world, account, &["--until", &ends.to_string()]);
    block_on(until_it_ends(&link, &target));
    assert!(jiff::Timestamp::now() >= ends, "it ended too early");
    assert!(!is_let_in(&link, &target));
    // What moved until then is stored; a chunk that was under way when the stream ended may not be counted.
    let (end, seen) = (Instant::now() + PATIENCE, target.seen());
    while world.stored(account) + (64 << 10) < seen {
        assert!(Instant::now() < end, "{} of {seen} bytes are stored", world.stored(account));
        thread::sleep(Duration::from_millis(100));
    }
    assert!(world.stored(account) <= seen);
    assert_eq!(service.stop(), 0);
    let _service = world.up();
    assert!(!is_let_in(&link, &target), "it is let in by a restart");
    plan(&world, account, &["--until", "none"]);
    assert!(is_let_in(&link, &target));
}

#[test]
fn a_limit_is_lifted_when_the_month_turns() {
    let Some(library) = library() else { return };
    let world = World::new();
    let mut command = world.command(&["up"]);
    at(&mut command, library, "2026-11-30 23:59:40");
    let _service = world.up_with(command);
    // An older method: the client's clock is not moved.
    let account = world.add_account("chacha20-ietf-poly1305");
    let (link, target) = (world.link(account), Echo::tcp());
    plan(&world, account, &["--limit", "100kB"]);
    block_on(until_it_ends(&link, &target));
    is_let_in_again(&link, &target);
    let moved = 2 * block_on(until_it_ends(&link, &target));
    assert!((30_000..=100_000).contains(&moved), "the new month has the whole limit: {moved}");
}

#[test]
fn the_parts_of_a_plan_are_kept_shown_and_refused_in_plain_words() {
    let world = World::new();
    let _service = world.up();
    let account = world.first_account().to_string();
    let set = ["account", "plan", &account, "--limit=50GB", "--until=2099-01-01", "--devices=1"];
    let plan = &world.json(&set)["plan"];
    assert_eq!((plan["month_bytes"].as_u64(), plan["devices"].as_u64()), (Some(50_000_000_000), Some(1)), "{plan}");
    let listed = world.run(&["account", "list"]).out;
    assert!(listed.contains("bytes a month") && listed.contains("1 device"), "{listed}");
    assert!(world.run(&["account", "plan", &account]).out.contains("account.plan"), "by which clause it is kept");
    for (arguments, says) in [
        (["account", "device", "add", &account].as_slice(), "the plan of the account allows 1 device"),
        (&["account", "plan", &account, "--limit=much"], "50GB"),
        (&["account", "plan", &account, "--until=soon"], "2027-01-01"),
    ] {
        let ran = world.run(arguments);
        assert!(ran.code != 0 && ran.err.contains(says), "{arguments:?}: {} {}", ran.code, ran.err);
    }
}
