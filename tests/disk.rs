//! A disk that is full: a small file system of its own, in a mount namespace. Counts wait in memory, the service says so,
//! and when there is room again every byte is in the store.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use crate::{
    life::echo_through,
    target::Echo,
    trouble::{health_becomes, kill},
    world::{Ran, World, in_time},
};

/// Everything that the service writes beside the counter page, in KiB.
const ROOM: u32 = 2048;

/// A file system that is a few megabytes large; it goes with the process that holds its namespace.
struct Small {
    holder: Child,
    data: PathBuf,
}

impl Small {
    /// A world whose data directory is on one; `None`, with the reason, where no namespace may be made.
    fn under(world: &mut World) -> Option<Self> {
        let data = world.data();
        let script = format!(
            "cp -a '{0}' '{0}.seed' && mount -t tmpfs -o size={ROOM}k,mode=700 none '{0}' && cp -a '{0}.seed/.' '{0}' \
             && echo mounted && exec sleep 1000",
            data.display()
        );
        let ways: [(&[&str], &[&str]); 2] = [
            (&["--mount", "--propagation", "private"], &["--mount"]),
            (&["--user", "--map-root-user", "--mount"], &["--user", "--preserve-credentials", "--mount"]),
        ];
        for (make, enter) in ways {
            let mut unshare = Command::new("unshare");
            unshare.args(make).args(["sh", "-c", &script]).stdout(Stdio::piped()).stderr(Stdio::null());
            let Ok(mut holder) = unshare.spawn() else { continue };
            let mut line = String::new();
            BufReader::new(holder.stdout.take().unwrap()).read_line(&mut line).unwrap();
            if line.trim() != "mounted" {
                let _ = holder.wait();
                let _ = fs::remove_dir_all(data.with_extension("seed"));
                continue;
            }
            let target = holder.id().to_string();
            let through = [&["nsenter", "--target", &target], enter, &["--"]].concat();
            world.through = through.into_iter().map(str::to_owned).collect();
            let data = PathBuf::from(format!("/proc/{target}/root{}", data.display()));
            return Some(Self { holder, data });
        }
        assert!(std::env::var_os("AVOW_REQUIRE_CLIENTS").is_none(), "no mount namespace may be made here");
        eprintln!("skipped: no mount namespace may be made here");
        None
    }

    /// Leaves no byte free.
    fn fill(&self) {
        let mut filler = File::create(self.data.join("filler")).unwrap();
        for size in [4096, 1] {
            while filler.write_all(&vec![7; size]).is_ok() {}
        }
    }

    fn empty(&self) {
        fs::remove_file(self.data.join("filler")).unwrap();
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = self.holder.kill();
        let _ = self.holder.wait();
    }
}

#[test]
fn counts_wait_in_memory_while_the_disk_is_full_and_are_exact_after() {
    let mut world = World::new();
    let Some(small) = Small::under(&mut world) else { return };
    let service = world.up();
    let account = world.first_account();
    let (link, target) = (world.link(account), Echo::tcp());
    // The first batch needs a new table with a key of its own: both come to nothing on a full disk.
    small.fill();
    echo_through(&link, &target);
    health_becomes(&world, 503);
    let health = world.get("/healthz").1;
    assert!(health.contains("held in memory"), "{health}");
    let held: serde_json::Value = serde_json::from_str(&health).unwrap();
    assert_eq!((&held["held"]["accounts"], &held["held"]["most_accounts"]), (&1.into(), &65_536.into()), "{health}");
    let metrics = world.get("/metrics").1;
    for line in ["avow_counts_held 1", "avow_counts_held_accounts 1", "avow_counts_held_accounts_limit 65536"] {
        assert!(metrics.contains(line), "`{line}` is missing: {metrics}");
    }
    for _ in 0..3 {
        echo_through(&link, &target);
    }
    assert_eq!(world.stored(account), 0, "what is held is not stored");
    // What cannot be kept is refused in words, and changes nothing.
    let ran = world.run(&["account", "add"]);
    assert_eq!((ran.code, ran.err.contains("full")), (2, true), "{}", ran.err);
    small.empty();
    world.stored_becomes(account, || target.seen());
    health_becomes(&world, 200);
    assert!(world.get("/metrics").1.contains("avow_counts_held_accounts 0"));
    // The second time there is a table already.
    small.fill();
    echo_through(&link, &target);
    health_becomes(&world, 503);
    small.empty();
    world.stored_becomes(account, || target.seen());
    assert_eq!(world.json(&["account", "list"])["accounts"].as_array().unwrap().len(), 1);
    assert_eq!(service.stop(), 0);
    let audit = world.run(&["audit"]);
    assert_eq!(audit.code, 0, "{}", audit.out);
}

#[test]
fn a_service_that_is_killed_on_a_full_disk_stores_at_its_next_start_what_it_had_counted() {
    let mut world = World::new();
    let Some(small) = Small::under(&mut world) else { return };
    let service = world.up();
    let account = world.first_account();
    let (link, target) = (world.link(account), Echo::tcp());
    small.fill();
    echo_through(&link, &target);
    health_becomes(&world, 503);
    kill(service);
    let ran = Ran::from(in_time(world.command(&["up"])).output().unwrap());
    assert_eq!((ran.code, ran.err.contains("no storage space")), (2, true), "{}", ran.err);
    small.empty();
    let _service = world.up();
    world.stored_becomes(account, || target.seen());
}
