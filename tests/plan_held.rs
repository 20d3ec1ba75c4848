//! A plan goes on to hold: a relay is killed, a version is published that keeps no totals, datagrams are sent, an account is
//! swept away. What cannot be held is refused or shut, and never lifted in silence.

use std::{
    fs::{self, File},
    path::PathBuf,
    thread,
    time::{Duration, Instant},
};

use avow_proxy::Page;
use rusqlite::Connection;

use crate::{
    clients::InProcess,
    life::echo_through,
    plan::{is_let_in, is_let_in_again, plan, until_it_ends},
    target::Echo,
    tunnel::block_on,
    world::{PATIENCE, World, repository, signal},
};

/// Longer than an answer takes on a machine that is busy.
const SILENCE: Duration = Duration::from_secs(3);

/// Northgate with these lines and words taken out, as a file of a world.
fn northgate(world: &World, edits: &[(&str, &str)]) -> PathBuf {
    let mut text = repository("policy-docs/northgate/privacy.md");
    for (from, to) in edits {
        assert!(text.contains(from), "`{from}` is not in the policy: the test edits nothing");
        text = text.replace(from, to);
    }
    world.file("edited.md", &text)
}

/// The row that keeps the total of the month, in words that no other row has.
const TOTALS: &str = "| **S3** | How much data you moved this month (`usage.month_total`) | To apply the limit of your plan \
                      (`service.limit`) | Collected automatically | Until the end of the calendar month (UTC) | Art. 6(1)(b) |\n";

#[test]
fn a_version_that_keeps_no_totals_is_not_published_over_a_limit_and_takes_none() {
    let world = World::new();
    let _service = world.up();
    let account = world.first_account();
    plan(&world, account, &["--limit", "3MB", "--until", "2099-01-01"]);
    let publish = |edits| {
        let file = northgate(&world, edits);
        world.run(&["publish", file.to_str().unwrap()])
    };
    for (edits, says) in [
        (&[(TOTALS, "")][..], "1 account has a limit of a month, and this version keeps nothing to measure it by"),
        (
            &[("Until the end of the calendar month (UTC)", "5 days after it was recorded")],
            "erases what it is measured by before the month ends",
        ),
        (&[(", `account.plan`)", ")")], "1 account has a plan, which this version would have erased"),
    ] {
        let ran = publish(edits);
        assert!(ran.code == 1 && ran.err.contains(says), "{says}: {} {}{}", ran.code, ran.out, ran.err);
    }
    assert!(world.run(&["account", "list"]).out.contains("3\u{202f}000\u{202f}000 bytes a month"));
    plan(&world, account, &["--limit", "none"]);
    let ran = publish(&[(TOTALS, "")]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    let ran = world.run(&["account", "plan", &account.to_string(), "--limit", "3MB"]);
    assert!(ran.code == 1 && ran.err.contains("nothing that a limit of a month is measured by"), "{}", ran.err);
    plan(&world, account, &["--until", "2098-01-01"]);
    assert!(is_let_in(&world.link(account), &Echo::tcp()), "it has no limit of a month");
}

#[test]
fn an_account_whose_limit_nothing_measures_is_not_let_in() {
    let world = World::new();
    let service = world.up();
    let (limited, other) = (world.first_account(), world.add_account("aes-256-gcm"));
    plan(&world, limited, &["--limit", "3MB"]);
    assert_eq!(service.stop(), 0);
    // No command leads here: the text on trial is another one.
    let text = repository("policy-docs/northgate/privacy.md").replace(TOTALS, "");
    let store = Connection::open(world.data().join("avow.db")).unwrap();
    assert_eq!(store.execute("UPDATE trial SET text = ?1", [text]).unwrap(), 1);
    drop(store);
    let _service = world.up();
    let (link, target) = (world.link(limited), Echo::tcp());
    assert!(!is_let_in(&link, &target), "the limit was lifted in silence");
    assert!(is_let_in(&world.link(other), &target));
    let listed = world.run(&["account", "list"]).out;
    assert!(listed.contains("nothing measures them: not let in"), "{listed}");
    let log = world.log_text();
    assert!(log.contains("accounts with a limit of a month are not let in"), "{log}");
    plan(&world, limited, &["--limit", "none"]);
    is_let_in_again(&link, &target);
}

#[test]
fn a_killed_relay_does_not_lift_a_limit() {
    let world = World::new();
    let service = world.up();
    let account = world.first_account();
    let (link, target) = (world.link(account), Echo::tcp());
    plan(&world, account, &["--limit", "400kB"]);
    // Half of it before, in a stream that ends with the relay; what was counted then counts afterwards.
    echo_through(&link, &target);
    block_on(InProcess::new(&link).exchange(Echo::udp().address, &vec![vec![7; 1000]; 100]));
    let before = service.relay_pid();
    signal(before, "KILL");
    let end = Instant::now() + PATIENCE;
    while service.relay_pid() == before {
        assert!(Instant::now() < end, "it is not started again");
        thread::sleep(Duration::from_millis(20));
    }
    is_let_in_again(&link, &target);
    let back = block_on(until_it_ends(&link, &target));
    let moved = 2 * back + 200_000;
    assert!(moved <= 400_000 && moved + (64 << 10) > 400_000, "{back}");
    signal(service.relay_pid(), "KILL");
    thread::sleep(Duration::from_millis(500));
    // What was left was less than a piece of that stream.
    let more = block_on(until_it_ends(&link, &target));
    assert!(moved + 2 * more <= 400_000, "the next relay forgot it: {more}");
}

#[test]
fn a_limit_and_an_end_stop_datagrams_and_nobody_else_s() {
    let world = World::new();
    let _service = world.up();
    for method in ["2022-blake3-aes-256-gcm", "chacha20-ietf-poly1305"] {
        let (limited, other) = (world.add_account(method), world.add_account(method));
        let (link, link_of_other) = (world.link(limited), world.link(other));
        let (target, target_of_other) = (Echo::udp(), Echo::udp());
        plan(&world, limited, &["--limit", "300kB"]);
        let client = InProcess::new(&link);
        block_on(client.exchange_until_silence(target.address, &[7; 1000], SILENCE));
        let seen = target.seen();
        assert!(seen <= 301_000 && seen + (64 << 10) > 300_000, "{method}: {seen}");
        world.stored_becomes(limited, || 300_000.min(target.seen()));
        let packets = vec![vec![7; 1000]; 20];
        let others = InProcess::new(&link_of_other);
        assert_eq!(block_on(others.exchange(target_of_other.address, &packets)), packets);
        world.stored_becomes(other, || target_of_other.seen());

        // An association that is open ends with the plan.
        plan(&world, limited, &["--limit", "none"]);
        let seen = target.seen();
        let open = thread::scope(|both| {
            let open = both.spawn(|| block_on(client.exchange_until_silence(target.address, &[7; 100], SILENCE)));
            while target.seen() == seen {
                thread::sleep(Duration::from_millis(20));
            }
            plan(&world, limited, &["--until", "2020-01-01"]);
            open.join().unwrap()
        });
        assert!(open > 0);
        assert_eq!(block_on(client.exchange_until_silence(target.address, &[7; 100], SILENCE)), 0, "{method}");
        assert_eq!(block_on(others.exchange(target_of_other.address, &packets)), packets, "{method}");
    }
}

#[test]
fn a_plan_is_refused_where_the_policy_declares_none_and_for_what_is_none() {
    let world = World::new();
    let policy = northgate(&world, &[(", `account.plan`)", ")")]);
    let mut command = world.command(&["up"]);
    command.arg("--policy").arg(&policy);
    let _service = world.up_with(command);
    let account = world.first_account().to_string();
    for (arguments, code, says) in [
        (["account", "plan", &account, "--devices=3"], 1, "`account.plan`"),
        (["account", "plan", &account, "--until=2099-01-01"], 1, "`account.plan`"),
        (["account", "plan", &account, "--limit=1GB"], 1, "`account.plan`"),
        (["account", "plan", "1", "--limit=1GB"], 1, "there is no account of that number"),
        (["account", "plan", &account, "--limit=99999999999TB"], 2, "not a size"),
        (["account", "plan", &account, "--limit=-5GB"], 2, "not a size"),
        (["account", "plan", &account, "--limit=5XB"], 2, "not a size"),
        (["account", "plan", &account, "--devices=0"], 2, "not a number of devices"),
        (["account", "plan", &account, "--devices=256"], 2, "not a number of devices"),
        (["account", "plan", &account, "--until=2027-02-30"], 2, "not a date"),
    ] {
        let ran = world.run(&arguments);
        assert!(ran.code == code && ran.err.contains(says), "{arguments:?}: {} {}", ran.code, ran.err);
    }
    assert!(world.run(&["account", "list"]).out.contains("no limit"));
}

#[test]
fn an_account_that_was_not_let_in_and_is_swept_gives_its_slot_back() {
    let world = World::new();
    let _service = world.up();
    let account = world.first_account();
    plan(&world, account, &["--until", "2020-01-01"]);
    let pages = || {
        let files = fs::read_dir(world.directory.path().join("runtime")).unwrap().flatten();
        let page = files.map(|file| file.path()).find(|path| path.to_string_lossy().contains("counters-")).unwrap();
        Page::open(File::options().read(true).write(true).open(page).unwrap()).unwrap().accounts().len()
    };
    assert_eq!(pages(), 1);
    // A version that keeps no access keys: accounts are due at once.
    let policy = northgate(&world, &[("`account.number`, `account.access_keys`,", "`account.number`,")]);
    let ran = world.run(&["publish", policy.to_str().unwrap()]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    // It is in force at the next whole minute.
    let end = Instant::now() + Duration::from_secs(60) + 2 * PATIENCE;
    while pages() > 0 {
        assert!(Instant::now() < end, "the slot is kept: {}", world.log_text());
        thread::sleep(Duration::from_millis(100));
    }
    assert!(world.run(&["account", "list"]).out.contains("no accounts"));
}
