//! A configuration that changes while the service runs: what is good changes at once, what is bad changes nothing, and no
//! stream is touched.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    clients::InProcess,
    target::Echo,
    tunnel::{block_on, pattern},
    world::{PATIENCE, World, signal},
};

/// Whether a new stream gets through to the target.
async fn gets_through(client: &InProcess, target: &Echo) -> bool {
    let mut stream = client.connect(target.address).await;
    let asked = stream.write_all(b"hello").await.is_ok();
    asked && stream.read_exact(&mut [0; 5]).await.is_ok()
}

#[test]
fn a_reload_changes_the_guard_and_touches_no_stream() {
    let world = World::new();
    let service = world.up();
    let (client, target) = (InProcess::new(&world.link(world.first_account())), Echo::tcp());
    block_on(async {
        let mut open = client.connect(target.address).await;
        let mut talk = async || {
            open.write_all(&pattern(5000)).await.unwrap();
            let mut answer = vec![0; 5000];
            open.read_exact(&mut answer).await.unwrap();
            assert!(answer == pattern(5000));
        };
        talk().await;
        let file = world.data().join("avow.toml");
        let text = fs::read_to_string(&file).unwrap();
        let closed = text.replace("allow_private = [\"127.0.0.0/8\", \"::1\"]", "allow_private = []");
        assert_ne!(text, closed);
        fs::write(&file, closed.replace("flush_seconds = 1", "flush_seconds = 2")).unwrap();
        let ran = world.run(&["reload"]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        assert!(ran.out.contains("`[books]`") && !ran.out.contains("`[relay]`"), "{}", ran.out);
        assert!(!gets_through(&client, &target).await, "it is private now");
        talk().await;

        // As a service manager does it.
        fs::write(&file, &text).unwrap();
        signal(service.pid(), "HUP");
        let end = Instant::now() + PATIENCE;
        while !gets_through(&client, &target).await {
            assert!(Instant::now() < end, "it was not read again");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        talk().await;
    });
    assert_eq!(service.stop(), 0);
}

#[test]
fn a_bad_configuration_is_told_where_it_stands_and_changes_nothing() {
    let world = World::new();
    let service = world.up();
    let (client, target) = (InProcess::new(&world.link(world.first_account())), Echo::tcp());
    let file = world.data().join("avow.toml");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{text}\n[web]\nlisten = 5\n")).unwrap();
    let ran = world.run(&["reload"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    fs::write(&file, text.replace("allow_private", "allow_privat")).unwrap();
    let ran = world.run(&["reload"]);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.err.contains("unknown field `allow_privat`") && ran.err.contains("avow.toml:3:1"), "{}", ran.err);
    let json: serde_json::Value = {
        let output = world.command(&["reload", "--format", "json"]).output().unwrap();
        serde_json::from_slice(&output.stdout).unwrap()
    };
    assert_eq!(json["problems"].as_array().unwrap().len(), 1, "{json}");
    signal(service.pid(), "HUP");
    let end = Instant::now() + PATIENCE;
    while !(world.log_text().contains("the one before stays") && world.log_text().contains("avow.toml:3:1")) {
        assert!(Instant::now() < end, "{}", world.log_text());
        thread::sleep(Duration::from_millis(50));
    }
    block_on(async { assert!(gets_through(&client, &target).await, "the one before allows it") });
    assert_eq!(service.stop(), 0);
}

#[test]
fn without_a_service_there_is_nothing_to_reload() {
    let world = World::new();
    world.up().stop();
    let ran = world.run(&["reload"]);
    assert_eq!((ran.code, ran.err.contains("no service runs here")), (2, true), "{}", ran.err);
}
