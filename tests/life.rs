//! A service from its first start on: accounts come and go, and nothing is lost between two lives.

use std::{
    thread,
    time::{Duration, Instant},
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    clients::InProcess,
    target::{Echo, Source},
    tunnel::block_on,
    world::{World, repository},
};

#[test]
fn the_first_start_needs_nothing_and_says_how_to_connect() {
    let world = World::new();
    let service = world.up();
    let screen = &service.first_screen;
    let account = world.first_account();
    let link = world.link(account);
    for part in [
        link.as_str(),
        &format!("http://127.0.0.1:{}/privacy", world.web),
        &format!("127.0.0.1:{} (TCP and UDP)", world.tunnel),
        "on trial",
        "binds nobody until `avow publish`",
        "usage.month_total",
        "account.access_keys",
        "the account is deleted",
        "\u{2588}",
    ] {
        assert!(screen.contains(part), "`{part}` is missing:\n{screen}");
    }
    assert!(service.ready_after < Duration::from_secs(10), "ready after {:?}", service.ready_after);
    assert_eq!(service.stop(), 0);
}

#[test]
fn the_second_start_continues() {
    let world = World::new();
    let service = world.up();
    let account = world.first_account();
    let target = Echo::tcp();
    echo_through(&world.link(account), &target);
    assert_eq!(service.stop(), 0);
    let link = world.link(account);

    let service = world.up();
    assert_eq!(world.first_account(), account);
    assert_eq!(world.json(&["account", "list"])["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(world.link(account), link);
    assert_eq!(world.stored(account), target.seen());
    echo_through(&link, &target);
    world.stored_becomes(account, || target.seen());
    assert!(!service.first_screen.contains("A first account is open"));
}

#[test]
fn a_removed_account_is_cut_off_within_a_second_and_others_go_on() {
    let world = World::new();
    let _service = world.up();
    let (leaving, staying) = (world.first_account(), world.add_account("aes-256-gcm"));
    let links = (world.link(leaving), world.link(staying));
    let target = Echo::tcp();
    block_on(async {
        let mut cut = InProcess::new(&links.0).connect(target.address).await;
        let mut open = InProcess::new(&links.1).connect(target.address).await;
        ping(&mut cut).await;
        ping(&mut open).await;
        assert_eq!(world.run(&["account", "remove", &leaving.to_string()]).code, 0);
        let ended = tokio::time::timeout(Duration::from_secs(1), cut.read(&mut [0; 16])).await;
        assert!(matches!(ended.expect("within a second"), Ok(0) | Err(_)), "the stream goes on");
        ping(&mut open).await;
    });
    let again = world.run(&["account", "show", &leaving.to_string()]);
    assert_eq!((again.code, again.err.contains("there is no account of that number")), (1, true), "{}", again.err);
}

#[test]
fn a_rotated_key_cuts_off_whoever_used_the_old_one() {
    let world = World::new();
    let _service = world.up();
    let account = world.first_account();
    let (old, target) = (world.link(account), Echo::tcp());
    echo_through(&old, &target);
    assert_eq!(world.run(&["account", "rotate", &account.to_string()]).code, 0);
    let new = world.link(account);
    assert_ne!(old, new);
    echo_through(&new, &target);
    block_on(async {
        let mut stream = InProcess::new(&old).connect(target.address).await;
        stream.write_all(b"ping").await.unwrap();
        let answer = tokio::time::timeout(Duration::from_secs(1), stream.read(&mut [0; 16])).await;
        assert!(!matches!(answer, Ok(Ok(1..))), "the old key still works");
    });
}

#[test]
fn accounts_can_be_changed_while_nothing_runs() {
    let world = World::new();
    assert_eq!(world.up().stop(), 0);
    let account = world.add_account("chacha20-ietf-poly1305");
    let _service = world.up();
    let target = Echo::tcp();
    echo_through(&world.link(account), &target);
    world.stored_becomes(account, || target.seen());
}

#[test]
fn a_long_download_is_counted_while_it_lasts() {
    let world = World::new();
    let _service = world.up();
    let account = world.first_account();
    let (source, link) = (Source::new(1000, Duration::from_millis(5)), world.link(account));
    let download = thread::spawn(move || {
        block_on(async {
            let mut stream = InProcess::new(&link).connect(source.address).await;
            stream.write_all(b"go").await.unwrap();
            let end = Instant::now() + Duration::from_secs(6);
            while Instant::now() < end {
                assert!(stream.read(&mut [0; 4096]).await.unwrap() > 0);
            }
        });
    });
    thread::sleep(Duration::from_secs(4));
    assert!(world.stored(account) > 10_000, "nothing is stored while the stream is open");
    download.join().unwrap();
}

#[test]
fn a_policy_without_totals_means_nothing_is_written() {
    let world = World::new();
    // Lantern, but for the totals of sessions: it keeps none of what the relay counts.
    let lantern = repository("policy-docs/lantern/privacy.md");
    let less: Vec<&str> = lantern.lines().filter(|line| !line.starts_with("| **S4**")).collect();
    let less = less.join("\n").replace("`traffic`, except `session.bytes`, `session.date`", "`traffic`");
    let policy = world.file("less.md", &(less + "\n"));
    let service = world.up_with({
        let mut command = world.command(&["up"]);
        command.arg("--policy").arg(&policy);
        command.env("RUST_LOG", "trace");
        command
    });
    let account = world.first_account();
    echo_through(&world.link(account), &Echo::tcp());
    thread::sleep(Duration::from_millis(2500));
    let shown = world.json(&["account", "show", &account.to_string()]);
    assert!(shown["month_bytes"].is_null(), "{shown}");
    let (_, health) = world.get("/healthz");
    assert!(health.contains("keeps no month totals"), "{health}");
    let question = r#"{"service":"accounting","data":["usage.month_total"],"purpose":"service.limit"}"#;
    let (_, answer) = world.post("/decide", question);
    assert!(answer.contains("no clause of lantern version 1 keeps `usage.month_total`"), "{answer}");
    assert_eq!(service.stop(), 0);
    assert_eq!(world.run(&["audit"]).code, 0, "{}", world.run(&["audit"]).out);
}

#[test]
fn the_pages_answer() {
    let world = World::new();
    let _service = world.up();
    let (status, page) = world.get("/privacy");
    assert_eq!(status, 200);
    for part in ["<h1>", "On trial.", "id=\"S3\"", "Until the end of the calendar month (UTC)", "lang=\"en\""] {
        assert!(page.contains(part), "`{part}` is missing from the policy page");
    }
    assert_eq!(world.get("/privacy/v1").0, 404, "nothing is published yet");
    assert_eq!(world.get("/healthz").0, 200);
    assert_eq!(world.get("/nowhere").0, 404);
    let (status, metrics) = world.get("/metrics");
    assert_eq!(status, 200);
    assert!(metrics.contains("avow_relay_bytes_total"), "{metrics}");
    assert!(!metrics.contains(&world.first_account().to_string()) && !metrics.contains("127.0.0.1"), "{metrics}");
    let question = r#"{"service":"relay","data":["traffic.destination"],"purpose":"security"}"#;
    let (status, answer) = world.post("/decide", question);
    let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
    assert_eq!((status, &answer["allowed"], &answer["answers"][0]["clause"]), (200, &false.into(), &"N2".into()));
    let (status, fault) = world.post("/decide", "not json");
    assert_eq!(status, 400);
    assert_eq!(serde_json::from_str::<serde_json::Value>(&fault).unwrap()["status"], 400);
}

async fn ping<S: AsyncReadExt + AsyncWriteExt + Unpin>(stream: &mut S) {
    stream.write_all(b"ping").await.unwrap();
    let mut answer = [0; 4];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"ping");
}

/// One exchange with an echo, through a new client.
pub(crate) fn echo_through(link: &str, target: &Echo) {
    block_on(async {
        let mut stream = InProcess::new(link).connect(target.address).await;
        ping(&mut stream).await;
        stream.shutdown().await.unwrap();
    });
}
