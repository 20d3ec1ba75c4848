//! No address anywhere: not in a file, a page of memory that outlives the relay, a log, a metric or an answer, in any form
//! that a program could leave it in; and the relay writes to nothing but its sockets.

use std::{
    fs,
    io::{BufRead, BufReader},
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
    time::Duration,
};

use shadowsocks::relay::Address;

use crate::{
    clients::InProcess,
    target::Echo,
    tunnel::{block_on, pattern},
    world::{World, signal, wait},
};

/// Addresses that nothing else uses, so that finding one means something.
const CLIENT: Ipv4Addr = Ipv4Addr::new(127, 84, 73, 91);
const TARGET: Ipv4Addr = Ipv4Addr::new(127, 93, 61, 47);
const NOBODY: Ipv4Addr = Ipv4Addr::new(127, 93, 61, 48);
/// A name that is resolved, in letters that nothing else uses.
const NAME: &str = "LoCaLhOsT";

const METHODS: [&str; 2] = ["2022-blake3-aes-128-gcm", "aes-256-gcm"];

/// Everything a relay meets: streams and datagrams to addresses and to names, targets that refuse, strangers.
fn traffic(world: &World) {
    let addressed = [Echo::tcp_on(TARGET.into()), Echo::udp_on(TARGET.into())];
    let named = [Echo::tcp(), Echo::udp()].map(|echo| Address::from((NAME.to_owned(), echo.address.port())));
    for account in METHODS.map(|method| world.add_account(method)) {
        let client = InProcess::new(&world.link(account)).at(CLIENT.into());
        block_on(async {
            for target in [Address::from(addressed[0].address), named[0].clone()] {
                stream(&client, target).await;
            }
            for target in [Address::from(addressed[1].address), named[1].clone()] {
                assert_eq!(client.exchange(target, &[pattern(300)]).await, [pattern(300)]);
            }
            let refused = client.try_connect(SocketAddr::from((NOBODY, 9))).await;
            drop(
                refused.map(|mut refused| async move { tokio::io::AsyncWriteExt::write_all(&mut refused, b"?").await }),
            );
            stranger(world).await;
        });
    }
    thread::sleep(Duration::from_millis(1_500));
}

async fn stream(client: &InProcess, target: Address) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = client.try_connect(target).await.unwrap();
    for piece in pattern(50_000).chunks(5_000) {
        stream.write_all(piece).await.unwrap();
    }
    let mut back = vec![0; 50_000];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(back, pattern(50_000));
}

async fn stranger(world: &World) {
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind((CLIENT, 0).into()).unwrap();
    let mut stream = socket.connect(([127, 0, 0, 1], world.tunnel).into()).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &pattern(400)).await.unwrap();
}

/// Every form that a program could leave an address or a name in, with its name.
fn forms() -> Vec<(String, Vec<u8>)> {
    let mut forms = Vec::new();
    for address in [CLIENT, TARGET, NOBODY] {
        let (packed, mut reversed) = (address.octets().to_vec(), address.octets().to_vec());
        reversed.reverse();
        let text = address.to_string();
        let backwards = Ipv4Addr::from(<[u8; 4]>::try_from(reversed.clone()).unwrap()).to_string();
        let hex: String = packed.iter().map(|byte| format!("{byte:02x}")).collect();
        let number = u32::from(address).to_string();
        let texts =
            [("text", text), ("arpa", backwards), ("HEX", hex.to_uppercase()), ("hex", hex), ("number", number)];
        forms.extend(texts.map(|(form, text)| (format!("{address} as {form}"), text.into_bytes())));
        forms.extend(
            [("packed", packed), ("swapped", reversed)].map(|(form, bytes)| (format!("{address} {form}"), bytes)),
        );
    }
    let name = NAME.as_bytes();
    forms.push((NAME.into(), name.to_vec()));
    forms.push((format!("{NAME} backwards"), name.iter().rev().copied().collect()));
    forms.push((
        format!("{NAME} as hex"),
        name.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into_bytes(),
    ));
    forms
}

/// The form that is in there, if one is.
fn found(bytes: &[u8]) -> Option<String> {
    // No form has a zero in it, and pages of memory are made of them.
    let pieces: Vec<&[u8]> = bytes.split(|byte| *byte == 0).filter(|piece| piece.len() >= 4).collect();
    let is_in = |form: &[u8]| pieces.iter().any(|piece| piece.windows(form.len()).any(|window| window == form));
    forms().into_iter().find(|(_, form)| is_in(form)).map(|(name, _)| name)
}

#[test]
fn every_form_of_an_address_is_found_where_it_is() {
    for (name, form) in forms() {
        let around = [b"before ".as_slice(), &form, b" after"].concat();
        assert!(found(&around).is_some(), "{name}");
    }
    assert_eq!(found(&pattern(100_000)), None);
}

#[test]
fn no_address_and_no_name_is_in_any_file_log_answer_or_page_of_memory() {
    let world = World::new();
    let service = world.up();
    traffic(&world);
    let answers = [
        ("the metrics", world.get("/metrics").1),
        ("the health", world.get("/healthz").1),
        ("the accounts", world.run(&["account", "list"]).out),
        ("the walls", world.run(&["walls", "--format", "json"]).out),
        ("the audit", world.run(&["audit", "--format", "json"]).out),
        ("the first screen", service.first_screen.clone()),
    ];
    for (place, answer) in answers {
        assert_eq!(found(answer.as_bytes()), None, "in {place}");
    }
    // Once while everything is open, with its journal and the pages of memory; and once at rest.
    let running = files_below(world.directory.path());
    let names: String = running.iter().map(|path| path.display().to_string() + "\n").collect();
    for kind in ["avow.db", "avow.db-wal", "counters-", "replays-", "keys"] {
        assert!(names.contains(kind), "there is no {kind} to look at: {names}");
    }
    nowhere(&running);
    assert_eq!(service.stop(), 0);
    nowhere(&files_below(world.directory.path()));
}

#[track_caller]
fn nowhere(files: &[PathBuf]) {
    for path in files {
        // A file that was removed meanwhile is not kept.
        let Ok(bytes) = fs::read(path) else { continue };
        assert_eq!(found(&bytes), None, "in {}", path.display());
    }
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap().flatten() {
        match entry.file_type() {
            Ok(kind) if kind.is_dir() => files.extend(files_below(&entry.path())),
            Ok(kind) if kind.is_file() => files.push(entry.path()),
            _ => (),
        }
    }
    files
}

/// What may take bytes from the relay, as strace shows descriptors.
const SINKS: [&str; 6] = ["TCP", "UDP", "UNIX", "NETLINK", "socket:[", "anon_inode:[eventfd]"];
/// What the resolver reads.
const RESOLVER: [&str; 5] = ["/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/gai.conf", "/etc/host.conf"];
const WRITING: &str = "write,writev,pwrite64,pwritev,pwritev2,sendto,sendmsg,sendmmsg,sendfile,splice,tee,vmsplice,\
                       copy_file_range,ftruncate,fallocate,mkdirat,unlinkat,renameat2,linkat,symlinkat";

#[test]
fn the_relay_writes_to_nothing_but_its_sockets_and_reads_nothing_but_the_resolvers_files() {
    let world = World::new();
    let service = world.up();
    let directory = tempfile::tempdir().unwrap();
    let trace = directory.path().join("trace");
    let Some(mut strace) = follow(service.relay_pid(), &trace) else { return };
    traffic(&world);
    signal(strace.id(), "INT");
    wait(&mut strace);
    let text = fs::read_to_string(&trace).unwrap();
    let calls = text.lines().filter_map(call).collect::<Vec<_>>();
    let mut sinks = [0; SINKS.len()];
    for (name, arguments) in calls {
        if WRITING.split(',').any(|writing| writing == name) {
            let descriptor = arguments.split_once('<').map_or("", |(_, rest)| rest);
            let sink = SINKS.iter().position(|sink| descriptor.starts_with(sink));
            let sink = sink.unwrap_or_else(|| panic!("the relay wrote to something else: {name}({arguments}"));
            sinks[sink] += 1;
            // What goes to the parent is the only thing that could be kept.
            assert!(SINKS[sink] != "UNIX" || found(arguments.as_bytes()).is_none(), "{name}({arguments}");
        } else {
            let stat = ["newfstatat", "statx"].contains(&name);
            let allowed = stat || name == "openat" && RESOLVER.iter().any(|file| arguments.contains(file));
            assert!(allowed || arguments.contains("= -1 E"), "the relay used a path: {name}({arguments}");
        }
    }
    assert!(sinks[0] > 10 && sinks[1] > 4 && sinks[5] > 0, "little was traced: the test shows nothing: {sinks:?}");
    assert_eq!(service.stop(), 0);
}

/// Follows every thread of a process with strace, once it has got hold of it.
fn follow(pid: u32, trace: &Path) -> Option<Child> {
    let calls = format!("trace=%file,{}", WRITING.split(',').map(|call| format!("?{call},")).collect::<String>());
    let pid = pid.to_string();
    let arguments = ["-f", "-yy", "-s", "4096", "-e", calls.trim_end_matches(','), "-p", &pid, "-o"];
    let started = Command::new("strace").args(arguments).arg(trace).stderr(Stdio::piped()).spawn();
    let Ok(mut strace) = started else {
        eprintln!("skipped: strace is not installed (apt-get install strace)");
        return None;
    };
    let mut says = BufReader::new(strace.stderr.take().unwrap());
    let mut line = String::new();
    says.read_line(&mut line).unwrap();
    if !line.contains("attached") {
        eprintln!("skipped: strace may not look at the relay here: {line}");
        let _ = strace.wait();
        return None;
    }
    // It says more as threads come; its output must have a reader.
    thread::spawn(move || std::io::copy(&mut says, &mut std::io::sink()));
    Some(strace)
}

/// The name of the call in a line of a trace, and the rest.
fn call(line: &str) -> Option<(&str, &str)> {
    let (_, call) = line.split_once(' ')?;
    let (name, arguments) = call.trim_start().split_once('(')?;
    name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_').then_some((name, arguments))
}

/// Counts every record that comes through the `log` crate, of whatever level.
struct Spy(AtomicUsize);

impl log::Log for Spy {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &log::Record<'_>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn flush(&self) {}
}

#[test]
fn a_spy_on_the_log_of_every_dependency_sees_nothing() {
    static SPY: Spy = Spy(AtomicUsize::new(0));
    log::set_logger(&SPY).unwrap();
    log::set_max_level(log::LevelFilter::Trace);
    let world = World::new();
    let service = world.up();
    // The protocol's library runs in this process too, as the client: it logs targets and keys wherever it is let.
    traffic(&world);
    assert_eq!(SPY.0.load(Ordering::SeqCst), 0, "a dependency wrote a log record");
    // The spy is one that would have seen it.
    log::Log::log(&SPY, &log::Record::builder().build());
    assert_eq!(SPY.0.load(Ordering::SeqCst), 1);
    assert_eq!(service.stop(), 0);
}
