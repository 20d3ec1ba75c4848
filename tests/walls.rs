//! The walls around the relay: each thing that it must not do is refused by a wall, and succeeds without.

use std::{fs, process::Command};

use serde_json::Value;

use crate::{
    life::echo_through,
    target::Echo,
    world::{World, signal},
};

/// The walls whose refusal is expected, by what is tried: the first is the one that the attempt is there for.
const HELD_BY: [(&str, &[&str]); 29] = [
    ("read_store", &["files"]),
    ("read_users", &["files"]),
    ("list_directory", &["files", "calls"]),
    ("make_file", &["files", "calls"]),
    ("write_file", &["files", "calls"]),
    ("write_handed_over", &["privileges"]),
    ("remove_file", &["files", "calls"]),
    ("start_program", &["files", "calls"]),
    ("become_program", &["files", "calls"]),
    ("fork", &["calls"]),
    ("take_port", &["files", "calls"]),
    ("take_datagram_port", &["calls"]),
    ("listen", &["calls"]),
    ("control_socket", &["calls"]),
    ("abstract_socket", &["files", "calls"]),
    ("raw_packets", &["calls"]),
    ("kernel_socket", &["calls"]),
    ("trace_parent", &["files", "calls"]),
    ("copy_parent", &["files", "calls"]),
    ("open_parent", &["files"]),
    ("signal_parent", &["files", "calls"]),
    ("memory_file", &["calls"]),
    ("run_memory", &["calls"]),
    ("queue", &["calls"]),
    ("kernel_keys", &["calls"]),
    ("namespace", &["calls"]),
    ("mount", &["calls"]),
    ("raise_limit", &["calls"]),
    ("dump_core", &["privileges", "files"]),
];

#[test]
fn what_a_relay_must_not_do_is_refused_by_a_wall_and_succeeds_without() {
    let world = World::new();
    let service = world.up();
    let found = world.json(&["walls"]);
    assert_eq!(found["hold"], true, "{found:#}");
    let trials = found["found"]["trials"].as_array().unwrap();
    assert_eq!(trials.len(), HELD_BY.len());
    for (attempt, walls) in HELD_BY {
        let trial = trials.iter().find(|trial| trial["attempt"] == attempt).unwrap();
        assert_ne!(trial["outcome"]["outcome"], "done", "{attempt}: {trial:#}");
        let alone = trial["alone"].as_array().unwrap();
        for wall in walls {
            let outcome = &alone.iter().find(|alone| alone[0] == *wall).unwrap()[1];
            assert!(held(outcome), "{attempt} is not refused by {wall} alone: {trial:#}");
        }
        // Some things this user, this kernel or this container refuses whatever stands around a process.
        if may_be_refused_anyway(attempt) && trial["without"]["outcome"] != "done" {
            continue;
        }
        assert_eq!(trial["without"]["outcome"], "done", "{attempt} fails without walls: it shows nothing: {trial:#}");
        let others = alone.iter().filter(|alone| !walls.iter().any(|wall| alone[0] == *wall));
        for other in others.filter(|_| !may_be_refused_anyway(attempt)) {
            let says = format!("{attempt}: {} refuses it too, and this table does not say so", other[0]);
            assert!(!held(&other[1]) || other[0] == "privileges", "{says}");
        }
    }
    assert_eq!(service.stop(), 0);
}

fn held(outcome: &Value) -> bool {
    ["refused", "ended"].iter().any(|held| outcome["outcome"] == *held)
}

fn may_be_refused_anyway(attempt: &str) -> bool {
    let by_user = ["raw_packets", "mount", "trace_parent", "copy_parent", "open_parent"];
    let by_machine = ["queue", "namespace", "kernel_keys", "dump_core"];
    by_user.contains(&attempt) || by_machine.contains(&attempt)
}

#[test]
fn the_relay_stands_behind_its_walls_while_it_serves() {
    let world = World::new();
    let service = world.up();
    let account = world.first_account();
    let target = Echo::tcp();
    echo_through(&world.link(account), &target);
    let relay = world.json(&["walls"])["found"]["relay"].clone();
    assert_eq!(relay["pid"], service.relay_pid());
    let looks = relay["looks"].as_array().unwrap();
    assert!(looks.len() >= 7 && looks.iter().all(|look| look["holds"] == true), "{looks:#?}");
    let log = world.log_text();
    assert!(service.first_screen.contains("walls    privileges, landlock, seccomp"), "{}", service.first_screen);
    assert!(!log.contains("wall around the relay is missing"), "{log}");
    assert_eq!(service.stop(), 0);
}

#[test]
fn a_relay_that_tries_the_unthinkable_is_ended_and_started_again() {
    let world = World::new();
    let service = world.up();
    let before = service.relay_pid();
    // The signal by which the kernel ends whoever makes a call that nobody could mean to make.
    signal(before, "SYS");
    let account = world.first_account();
    let target = Echo::tcp();
    world.stored_becomes(account, || 0);
    while service.relay_pid() == before {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    echo_through(&world.link(account), &target);
    assert_eq!(service.stop(), 0);
}

/// Becomes a program for which the kernel lacks these calls: a kernel without landlock, or without seccomp.
const LACKING: &str = r#"
import ctypes, os, struct, sys
calls = [int(number) for number in sys.argv[1].split(",")]
lines = [struct.pack("HBBI", 0x20, 0, 0, 0)]
for call in calls:
    lines += [struct.pack("HBBI", 0x15, 0, 1, call), struct.pack("HBBI", 0x06, 0, 0, 0x00050000 | 38)]
lines.append(struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000))
filter = ctypes.create_string_buffer(b"".join(lines))
program = ctypes.create_string_buffer(struct.pack("HxxxxxxP", len(lines), ctypes.addressof(filter)))
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program, 0, 0) == 0, ctypes.get_errno()
os.execv(sys.argv[2], sys.argv[2:])
"#;

/// `avow up` of a world on such a kernel.
fn up_where(world: &World, calls: &str) -> Command {
    let up = world.command(&["up"]);
    let mut command = Command::new("python3");
    command.args(["-c", LACKING, calls]).arg(up.get_program()).args(up.get_args());
    command.env_remove("AVOW_DATA").env("NO_COLOR", "1").stdin(std::process::Stdio::null());
    command
}

#[test]
fn a_kernel_without_a_wall_is_told_and_is_refused_where_walls_are_required() {
    if !crate::systemd::python_is_there() {
        return;
    }
    // landlock_create_ruleset has the same number everywhere, seccomp has not.
    let seccomp = if cfg!(target_arch = "x86_64") { "317" } else { "277" };
    for (calls, wall) in [("444", "landlock"), (seccomp, "seccomp")] {
        let world = World::new();
        let config = fs::read_to_string(world.data().join("avow.toml")).unwrap();
        fs::write(world.data().join("avow.toml"), config.replace("[relay]\n", "[relay]\nwalls = \"required\"\n"))
            .unwrap();
        let output = up_where(&world, calls).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{said}");
        for part in
            [&format!("the walls around the relay are not complete here: no {wall}"), "`avow walls`", "best-effort"]
        {
            assert!(said.contains(part), "`{part}` is missing: {said}");
        }
        assert!(!said.contains("no privileges"), "{said}");

        fs::write(world.data().join("avow.toml"), config).unwrap();
        let service = world.up_with(up_where(&world, calls));
        echo_through(&world.link(world.first_account()), &Echo::tcp());
        let log = world.log_text();
        assert!(log.contains("a wall around the relay is missing") && log.contains(wall), "{log}");
        assert!(service.first_screen.contains(&format!("missing on this kernel: {wall}")), "{}", service.first_screen);
        let audit = world.run(&["audit"]).out;
        assert!(audit.contains(&format!("{wall} is missing on this kernel")), "{audit}");
        assert_eq!(service.stop(), 0);
    }
}

#[test]
fn a_process_without_a_parent_makes_no_attempt() {
    let ran = Command::new(crate::world::AVOW).arg("attempt").stdin(std::process::Stdio::null()).output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
    let left = fs::read_dir(std::env::temp_dir()).unwrap().flatten();
    let ours = format!("avow-walls-{}", std::process::id());
    assert!(!left.into_iter().any(|entry| entry.file_name().to_string_lossy() == ours));
}
