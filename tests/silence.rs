//! Strangers get silence and move no counter; nobody's address or destination is in anything the service prints.

use std::{
    fs,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    path::Path,
    thread,
    time::Duration,
};

use crate::{
    clients::InProcess,
    life::echo_through,
    socks::SING_BOX,
    target::Echo,
    tunnel::{block_on, pattern},
    world::World,
};

#[test]
fn strangers_get_silence_and_move_no_counter() {
    let world = World::new();
    let _service = world.up();
    let account = world.first_account();
    let recorded = record_a_connection(&world, &world.link(account));
    let settled = 200_000;
    world.stored_becomes(account, || settled);
    let mut flipped = recorded.clone();
    flipped[40] ^= 1;
    let attempts = [
        pattern(1),
        pattern(32),
        pattern(50),
        pattern(75),
        pattern(1000),
        recorded[..20].to_vec(),
        recorded[..recorded.len() / 2].to_vec(),
        recorded.clone(),
        flipped,
    ];
    for (place, attempt) in attempts.iter().enumerate() {
        let mut stream = TcpStream::connect(("127.0.0.1", world.tunnel)).unwrap();
        stream.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
        let _ = stream.write_all(attempt);
        let answer = stream.read(&mut [0; 64]);
        assert!(answer.is_err(), "attempt {place} was answered or closed: {answer:?}");
    }
    thread::sleep(Duration::from_millis(2500));
    assert_eq!(world.stored(account), settled, "a stranger moved a counter");
}

/// Lets a client exchange 100,000 bytes each way through a wire that remembers what the client sent.
pub(crate) fn record_a_connection(world: &World, link: &str) -> Vec<u8> {
    let wire = TcpListener::bind("127.0.0.1:0").unwrap();
    let through = link.replace(&format!(":{}", world.tunnel), &format!(":{}", wire.local_addr().unwrap().port()));
    let server = world.tunnel;
    let recording = thread::spawn(move || {
        let (mut client, _) = wire.accept().unwrap();
        let mut server = TcpStream::connect(("127.0.0.1", server)).unwrap();
        let (mut back, mut to_client) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || std::io::copy(&mut back, &mut to_client));
        let (mut recorded, mut piece) = (Vec::new(), [0; 4096]);
        while let Ok(length @ 1..) = client.read(&mut piece) {
            recorded.extend_from_slice(&piece[..length]);
            server.write_all(&piece[..length]).unwrap();
        }
        recorded
    });
    let target = Echo::tcp();
    block_on(async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let mut stream = InProcess::new(&through).connect(target.address).await;
        for piece in pattern(100_000).chunks(10_000) {
            stream.write_all(piece).await.unwrap();
        }
        stream.read_exact(&mut vec![0; 100_000]).await.unwrap();
    });
    recording.join().unwrap()
}

#[test]
fn no_address_or_destination_is_in_anything_that_is_printed_or_kept() {
    let world = World::new();
    let service = world.up_with({
        let mut command = world.command(&["up"]);
        command.env("RUST_LOG", "trace").env("RUST_BACKTRACE", "full");
        command
    });
    let account = world.first_account();
    let (tcp, udp) = (Echo::tcp(), Echo::udp());
    echo_through(&world.link(account), &tcp);
    block_on(InProcess::new(&world.link(account)).exchange(udp.address, &[pattern(100)]));
    if let Some(client) = SING_BOX.client(&world.link(account)) {
        client.connect(tcp.address).write_all(b"ping").unwrap();
        // Somewhere nobody listens, and a client that breaks off: what makes peers log an address.
        drop(client.connect(([127, 0, 0, 1], 9).into()));
    }
    let mut stranger = TcpStream::connect(("127.0.0.1", world.tunnel)).unwrap();
    stranger.write_all(&pattern(400)).unwrap();
    drop(stranger);
    thread::sleep(Duration::from_millis(1500));
    let screen = service.first_screen.clone();
    assert_eq!(service.stop(), 0);

    let log = world.log_text();
    assert!(log.contains("ready"), "there is a log to look at: {log}");
    let secrets = [tcp.address.port().to_string(), udp.address.port().to_string()];
    for (name, text) in [("the log", log.clone()), ("the screen", screen)] {
        for secret in &secrets {
            assert!(!text.contains(secret.as_str()), "a destination is in {name}: {text}");
        }
    }
    assert!(!log.contains("127.0.0.1") && !log.contains(&account.to_string()), "the log names somebody: {log}");
    for path in files_below(world.directory.path()) {
        let bytes = fs::read(&path).unwrap();
        for secret in [&tcp, &udp].map(|target| target.address.to_string()) {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "a destination is in {}", path.display());
        }
    }
}

fn files_below(directory: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        match entry.file_type().unwrap() {
            kind if kind.is_dir() => files.extend(files_below(&entry.path())),
            kind if kind.is_file() => files.push(entry.path()),
            _ => (),
        }
    }
    files
}
