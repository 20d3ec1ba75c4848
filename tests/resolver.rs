//! The files that names are looked up with change while the service runs: what a name means follows, behind the walls too.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use shadowsocks::relay::Address;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{
    clients::InProcess,
    target::Echo,
    tunnel::block_on,
    world::{PATIENCE, World},
};

/// What a program needs of `/etc`.
const NEEDED: [&str; 5] = ["ld.so.cache", "passwd", "group", "nsswitch.conf", "resolv.conf"];

/// `avow up` where another directory stands in the place of `/etc`; `None` where nobody may do that.
fn up_with_etc(world: &World, etc: &Path) -> Option<Command> {
    let ways = [&["--mount"][..], &["--mount", "--map-root-user"]];
    let may =
        |way: &&&[&str]| Command::new("unshare").args(**way).arg("true").status().is_ok_and(|done| done.success());
    let way = ways.iter().find(may)?;
    let up = world.command(&["up"]);
    let mut command = Command::new("unshare");
    command.args(*way).args(["sh", "-c", "mount --bind \"$1\" /etc && shift && exec \"$@\"", "sh"]).arg(etc);
    command.arg(up.get_program()).args(up.get_args());
    command.env_remove("AVOW_DATA").env("NO_COLOR", "1").stdin(Stdio::null());
    Some(command)
}

/// Whether an exchange with a name comes back.
fn is_found(client: &InProcess, name: &str, target: &Echo) -> bool {
    block_on(async {
        let named = Address::DomainNameAddress(name.into(), target.address.port());
        let Ok(mut stream) = client.try_connect(named).await else { return false };
        let exchanged = timeout(Duration::from_secs(5), async {
            stream.write_all(b"hello").await.ok()?;
            stream.read_exact(&mut [0; 5]).await.ok()
        });
        matches!(exchanged.await, Ok(Some(_)))
    })
}

#[test]
fn a_name_is_found_after_the_files_of_the_resolver_were_replaced() {
    let world = World::new();
    let etc = world.directory.path().join("etc");
    fs::create_dir(&etc).unwrap();
    for file in NEEDED {
        let _ = fs::copy(Path::new("/etc").join(file), etc.join(file));
    }
    let hosts = etc.join("hosts");
    fs::write(&hosts, "127.0.0.1 first.avow.test\n").unwrap();
    let Some(command) = up_with_etc(&world, &etc) else {
        eprintln!("skipped: nobody may mount here");
        return;
    };
    let service = world.up_with(command);
    let (account, target) = (world.first_account(), Echo::tcp());
    let client = InProcess::new(&world.link(account));
    assert!(is_found(&client, "first.avow.test", &target));
    assert!(!is_found(&client, "second.avow.test", &target));

    // Written over in its place: the relay reads it, and nothing is started again.
    let relay = service.relay_pid();
    fs::write(&hosts, "127.0.0.1 second.avow.test\n").unwrap();
    assert!(is_found(&client, "second.avow.test", &target));
    thread::sleep(Duration::from_secs(2));
    assert_eq!(service.relay_pid(), relay);

    // Replaced, as whoever configures networks does it; and once more.
    for name in ["third.avow.test", "fourth.avow.test"] {
        let new = etc.join("hosts.new");
        fs::write(&new, format!("127.0.0.1 {name}\n")).unwrap();
        fs::rename(&new, &hosts).unwrap();
        let end = Instant::now() + PATIENCE;
        while !is_found(&client, name, &target) {
            assert!(Instant::now() < end, "it is not found: {}", world.log_text());
            thread::sleep(Duration::from_millis(200));
        }
    }
    assert_ne!(service.relay_pid(), relay);
    assert!(world.log_text().contains("the files of the system's resolver were replaced"), "{}", world.log_text());
    world.stored_becomes(account, || target.seen());
    assert_eq!(service.stop(), 0);
}
