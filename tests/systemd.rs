//! The service as systemd starts it: with open sockets, and told what goes on.

use std::{
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    clients::InProcess,
    target::Echo,
    tunnel::block_on,
    world::{AVOW, PATIENCE, World, signal},
};

/// Opens the sockets of a unit, hands them over from number 3 on, and becomes the service: what systemd does.
const UNIT: &str = r#"
import os, socket, sys
tunnel, web, names = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
sockets = []
for kind, port in [(socket.SOCK_STREAM, tunnel), (socket.SOCK_DGRAM, tunnel), (socket.SOCK_STREAM, web)]:
    one = socket.socket(socket.AF_INET, kind)
    one.bind(("127.0.0.1", port))
    if kind == socket.SOCK_STREAM:
        one.listen(64)
    sockets.append(os.dup(one.fileno()))
high = [os.dup2(number, 50 + place) for place, number in enumerate(sockets)]
for place, number in enumerate(high):
    os.dup2(number, 3 + place)
    os.set_inheritable(3 + place, True)
os.closerange(6, 100)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="3", LISTEN_FDNAMES=names)
os.execv(sys.argv[4], sys.argv[4:])
"#;

fn started_by_the_unit(world: &World, tunnel: u16, web: u16, names: &str) -> Command {
    let mut command = Command::new("python3");
    command.args(["-c", UNIT, &tunnel.to_string(), &web.to_string(), names, AVOW, "up", "--data"]).arg(world.data());
    command.env_remove("AVOW_DATA").env("NO_COLOR", "1").stdin(Stdio::null());
    command
}

pub(crate) fn python_is_there() -> bool {
    let there = Command::new("python3").arg("--version").output().is_ok_and(|output| output.status.success());
    assert!(there || std::env::var_os("AVOW_REQUIRE_CLIENTS").is_none(), "python3 is missing");
    there
}

/// Waits for a datagram of the service that begins so.
fn hears(socket: &UnixDatagram, wanted: &str) {
    let end = Instant::now() + PATIENCE;
    while Instant::now() < end {
        let mut state = [0; 256];
        if let Ok(length) = socket.recv(&mut state)
            && state[..length].starts_with(wanted.as_bytes())
        {
            return;
        }
    }
    panic!("{wanted} was not told");
}

#[test]
fn the_sockets_of_a_unit_are_served() {
    if !python_is_there() {
        return;
    }
    // The configuration names ports that are in use: what is handed over needs no others.
    let (world, ports) = (World::new(), World::new());
    let _tunnel = std::net::TcpListener::bind(("127.0.0.1", world.tunnel)).unwrap();
    let _web = std::net::TcpListener::bind(("127.0.0.1", world.web)).unwrap();
    let service = world.up_with(started_by_the_unit(&world, ports.tunnel, ports.web, "tunnel:tunnel:web"));
    let link = world.link(world.first_account());
    let client = InProcess::new(&link.replace(&format!(":{}", world.tunnel), &format!(":{}", ports.tunnel)));
    let (tcp, udp) = (Echo::tcp(), Echo::udp());
    block_on(async {
        let mut stream = client.connect(tcp.address).await;
        stream.write_all(b"hello").await.unwrap();
        stream.read_exact(&mut [0; 5]).await.unwrap();
        let packets = vec![vec![7; 100]];
        assert_eq!(client.exchange(udp.address, &packets).await, packets);
    });
    assert_eq!(ports.get("/privacy").0, 200, "the page is there");
    let relay = std::fs::read_dir(format!("/proc/{}/fd", service.relay_pid())).unwrap();
    let sockets = relay.flatten().filter(|entry| {
        std::fs::read_link(entry.path()).is_ok_and(|open| open.to_string_lossy().starts_with("socket:"))
    });
    assert!(sockets.count() < 10, "the relay has what was handed to it, and no copies");
    assert_eq!(service.stop(), 0);
}

/// Whether a program of systemd is here; tests that need one are skipped without it, but not in CI.
fn is_here(program: &str) -> bool {
    let here = Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success());
    if !here {
        assert!(std::env::var_os("AVOW_REQUIRE_CLIENTS").is_none(), "{program} is missing");
        eprintln!("skipped: {program} is not installed (apt-get install systemd)");
    }
    here
}

#[test]
fn systemd_s_own_program_hands_the_sockets_over_when_somebody_comes() {
    if !is_here("systemd-socket-activate") {
        return;
    }
    let world = World::new();
    let (tunnel, web) = (format!("127.0.0.1:{}", world.tunnel), format!("127.0.0.1:{}", world.web));
    // It opens streams or datagrams, and passes on what it was handed itself: one for each.
    let activate = "systemd-socket-activate";
    let mut command = Command::new(activate);
    command.args(["--datagram", "--listen", &tunnel, "--fdname=tunnel", activate, "--listen", &tunnel]);
    command.args(["--listen", &web, "--fdname=tunnel:tunnel:web", "--setenv=NO_COLOR=1", AVOW, "up", "--data"]);
    command.arg(world.data()).stdin(Stdio::null());
    let comes = std::thread::spawn(move || {
        let (socket, end) = (std::net::UdpSocket::bind("127.0.0.1:0").unwrap(), Instant::now() + PATIENCE);
        while std::net::TcpStream::connect(&web).is_err() && Instant::now() < end {
            let _ = socket.send_to(b"somebody", &tunnel);
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    let service = world.up_with(command);
    comes.join().unwrap();
    let client = InProcess::new(&world.link(world.first_account()));
    let (tcp, udp) = (Echo::tcp(), Echo::udp());
    block_on(async {
        let mut stream = client.connect(tcp.address).await;
        stream.write_all(b"hello").await.unwrap();
        stream.read_exact(&mut [0; 5]).await.unwrap();
        let packets = vec![vec![7; 100]];
        assert_eq!(client.exchange(udp.address, &packets).await, packets);
    });
    assert_eq!(world.get("/privacy").0, 200);
    assert_eq!(service.stop(), 0);
}

#[test]
fn systemd_understands_every_line_of_the_units() {
    if !is_here("systemd-analyze") {
        return;
    }
    let world = World::new();
    let units = ["avow.service", "avow.socket"].map(|unit| {
        let text = crate::world::repository(&format!("docs/{unit}")).replace("/usr/local/bin/avow", AVOW);
        world.file(unit, &text)
    });
    let output = Command::new("systemd-analyze").arg("verify").args(&units).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    let about_us: Vec<_> = said.lines().filter(|line| line.contains("avow")).collect();
    assert!(output.status.success() && about_us.is_empty(), "{said}");
}

#[test]
fn a_socket_of_another_name_is_refused() {
    if !python_is_there() {
        return;
    }
    let (world, ports) = (World::new(), World::new());
    for (names, says) in [("tunnel:tunnel:pages", "a socket named `pages`"), ("tunnel:web:web", "named `web`")] {
        let output = started_by_the_unit(&world, ports.tunnel, ports.web, names).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.code() == Some(2) && error.contains(says), "{names}: {error}");
    }
    assert!(!world.data().join("avow.db").exists(), "nothing was begun");
}

#[test]
fn a_service_tells_that_it_is_ready_lives_reloads_and_stops() {
    let world = World::new();
    let place = world.directory.path().join("notify");
    let told = UnixDatagram::bind(&place).unwrap();
    told.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let mut command = world.command(&["up"]);
    command.env("NOTIFY_SOCKET", &place).env("WATCHDOG_USEC", "600000");
    let service = world.up_with(command);
    hears(&told, "READY=1");
    hears(&told, "WATCHDOG=1");
    hears(&told, "WATCHDOG=1");
    signal(service.pid(), "HUP");
    hears(&told, "RELOADING=1\nMONOTONIC_USEC=");
    hears(&told, "READY=1");
    signal(service.pid(), "TERM");
    hears(&told, "STOPPING=1");
    assert_eq!(service.stop(), 0);
}

#[test]
fn a_watchdog_of_another_process_is_not_answered() {
    let world = World::new();
    let place = world.directory.path().join("notify");
    let told = UnixDatagram::bind(&place).unwrap();
    told.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
    let mut command = world.command(&["up"]);
    command.env("NOTIFY_SOCKET", &place).env("WATCHDOG_USEC", "100000").env("WATCHDOG_PID", "1");
    let _service = world.up_with(command);
    hears(&told, "READY=1");
    assert!(told.recv(&mut [0; 64]).is_err(), "nobody asked it");
}
