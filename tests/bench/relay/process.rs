//! What the system says about a process: its time on a processor, its memory, its system calls.

use std::{
    fs,
    process::{Command, Stdio},
    thread::sleep,
    time::Duration,
};

/// Seconds on a processor, of all its threads.
pub(crate) fn cpu(pid: u32) -> f64 {
    let threads = fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let times = threads.filter_map(|thread| {
        let times = fs::read_to_string(thread.path().join("schedstat")).ok()?;
        times.split(' ').next()?.parse::<f64>().ok()
    });
    times.sum::<f64>() / 1e9
}

/// Bytes of its memory that are in memory.
pub(crate) fn resident(pid: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() * 1024.0
}

/// How many system calls it makes meanwhile; `None` when this machine does not count them.
pub(crate) fn system_calls(pid: u32, meanwhile: impl FnOnce()) -> Option<f64> {
    let what = "raw_syscalls:sys_enter";
    let file = tempfile::NamedTempFile::new().unwrap();
    let mut command = Command::new("perf");
    command.args(["stat", "-x", ",", "-e", what, "-p", &pid.to_string(), "-o"]).arg(file.path());
    let perf = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    sleep(Duration::from_millis(400));
    meanwhile();
    let mut perf = perf.ok()?;
    Command::new("kill").args(["-INT", &perf.id().to_string()]).status().unwrap();
    perf.wait().unwrap();
    let said = fs::read_to_string(file.path()).unwrap();
    said.lines().find(|line| line.contains(what))?.split(',').next()?.parse().ok()
}
