//! What was recorded on the way is refused also after the relay, or the whole service, was killed.

use std::{
    io::{Read, Write},
    net::{TcpStream, UdpSocket},
    thread,
    time::{Duration, Instant},
};

use crate::{
    clients::InProcess,
    silence::record_a_connection,
    target::Echo,
    tunnel::{block_on, pattern},
    world::{PATIENCE, World, signal},
};

const METHODS: [&str; 2] = ["2022-blake3-aes-256-gcm", "chacha20-ietf-poly1305"];

/// Lets a client exchange one datagram through a wire that remembers what the client sent.
fn record_a_datagram(world: &World, link: &str, target: &Echo) -> Vec<u8> {
    let wire = UdpSocket::bind("127.0.0.1:0").unwrap();
    let through = link.replace(&format!(":{}", world.tunnel), &format!(":{}", wire.local_addr().unwrap().port()));
    let server = world.tunnel;
    let recording = thread::spawn(move || {
        let mut packet = [0; 2_000];
        let (length, client) = wire.recv_from(&mut packet).unwrap();
        let recorded = packet[..length].to_vec();
        let outside = UdpSocket::bind("127.0.0.1:0").unwrap();
        outside.set_read_timeout(Some(PATIENCE)).unwrap();
        outside.send_to(&recorded, ("127.0.0.1", server)).unwrap();
        let length = outside.recv(&mut packet).unwrap();
        wire.send_to(&packet[..length], client).unwrap();
        recorded
    });
    assert_eq!(block_on(InProcess::new(&through).exchange(target.address, &[pattern(100)])), [pattern(100)]);
    recording.join().unwrap()
}

fn refused(world: &World, stream: &[u8], datagram: &[u8]) {
    let mut wire = TcpStream::connect(("127.0.0.1", world.tunnel)).unwrap();
    wire.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    let _ = wire.write_all(stream);
    let answer = wire.read(&mut [0; 64]);
    assert!(answer.is_err(), "a recorded stream was answered or closed: {answer:?}");
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(400))).unwrap();
    socket.send_to(datagram, ("127.0.0.1", world.tunnel)).unwrap();
    assert!(socket.recv(&mut [0; 2_000]).is_err(), "a recorded datagram was answered");
}

#[test]
fn a_recording_is_refused_after_the_relay_and_after_the_service_were_killed() {
    let world = World::new();
    let mut service = world.up();
    let target = Echo::udp();
    let accounts = METHODS.map(|method| world.add_account(method));
    let recordings = accounts.map(|account| {
        let link = world.link(account);
        (record_a_connection(&world, &link), record_a_datagram(&world, &link, &target))
    });
    accounts.iter().for_each(|account| world.stored_becomes(*account, || 200_200));
    for killed in ["relay", "service", "both"] {
        let (pid, relay) = (service.pid(), service.relay_pid());
        if killed == "relay" {
            signal(relay, "KILL");
            let until = Instant::now() + PATIENCE;
            while service.relay_pid() == relay || !serves(&world) {
                assert!(Instant::now() < until, "no relay comes back");
                thread::sleep(Duration::from_millis(50));
            }
        } else {
            signal(pid, "KILL");
            drop(service);
            service = world.up();
        }
        for (stream, datagram) in &recordings {
            refused(&world, stream, datagram);
        }
        thread::sleep(Duration::from_millis(1_300));
        for account in accounts {
            assert_eq!(world.stored(account), 200_200, "after the {killed} was killed a recording was counted");
        }
    }
    assert_eq!(target.seen(), 400, "a recorded datagram reached its target");
    assert_eq!(service.stop(), 0);
}

/// Whether the relay has been told everything.
fn serves(world: &World) -> bool {
    world.get("/healthz").0 == 200
}
