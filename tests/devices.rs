//! A key for each device: a limit of devices without looking at an address.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{clients::InProcess, target::Echo, tunnel::block_on, world::World};

#[test]
fn a_device_is_added_rotated_and_removed_and_the_others_go_on() {
    let world = World::new();
    let _service = world.up();
    let target = Echo::tcp();
    let account = world.first_account().to_string();
    let first = world.json(&["account", "link", &account])["links"][0].as_str().unwrap().to_owned();
    let added = world.json(&["account", "device", "add", &account, "--method", "aes-128-gcm"]);
    assert_eq!((added["devices"][0].as_u64(), added["links"].as_array().unwrap().len()), (Some(2), 1), "{added}");
    let second = added["links"][0].as_str().unwrap().to_owned();
    assert!(second.ends_with("#avow%2D2") && first.ends_with("#avow"), "a client shows them apart");
    let listed = world.run(&["account", "device", "list", &account]).out;
    assert!(listed.contains("2022-blake3-aes-256-gcm") && listed.contains("aes-128-gcm"), "{listed}");
    let only = world.json(&["account", "link", &account, "--device", "2"]);
    assert_eq!((&only["links"][0], &only["links"][1]), (&second.as_str().into(), &serde_json::Value::Null));

    block_on(async {
        let mut streams = Vec::new();
        for link in [&first, &second] {
            let mut stream = InProcess::new(link).connect(target.address).await;
            stream.write_all(b"hello").await.unwrap();
            stream.read_exact(&mut [0; 5]).await.unwrap();
            streams.push(stream);
        }
        let [mut of_first, mut of_second] = <[_; 2]>::try_from(streams).unwrap_or_else(|_| panic!("two"));
        let rotated = world.json(&["account", "rotate", &account, "--device", "2"]);
        assert_eq!(rotated["devices"][0], 2);
        let ended = timeout(Duration::from_secs(20), of_second.read(&mut [0; 5])).await.unwrap();
        assert!(matches!(ended, Ok(0) | Err(_)), "the old key of the second device is void");
        let mut renewed = InProcess::new(rotated["links"][0].as_str().unwrap()).connect(target.address).await;
        renewed.write_all(b"hello").await.unwrap();
        renewed.read_exact(&mut [0; 5]).await.unwrap();

        assert_eq!(world.run(&["account", "device", "remove", &account, "2"]).code, 0);
        let ended = timeout(Duration::from_secs(20), renewed.read(&mut [0; 5])).await.unwrap();
        assert!(matches!(ended, Ok(0) | Err(_)), "the device was removed");
        of_first.write_all(b"again").await.unwrap();
        of_first.read_exact(&mut [0; 5]).await.unwrap();
    });
    world.stored_becomes(account.parse().unwrap(), || target.seen());
}

#[test]
fn what_is_wrong_with_a_device_is_said() {
    let world = World::new();
    let _service = world.up();
    let account = world.first_account().to_string();
    for (arguments, says) in [
        (["account", "device", "remove", &account, "1"], "the account's only device"),
        (["account", "device", "remove", &account, "9"], "no device of that number"),
        (["account", "link", &account, "--device", "9"], "no device of that number"),
        (["account", "rotate", &account, "--device", "9"], "no device of that number"),
        (["account", "device", "add", &account, "--method=rc4"], "a method is one of"),
    ] {
        let ran = world.run(&arguments);
        assert!(ran.code != 0 && ran.err.contains(says), "{arguments:?}: {} {}", ran.code, ran.err);
    }
}
