//! How long `avow check` takes as a process, from its start to its end, beside the limit it must keep.
//!
//! Everything is in it: the vocabulary, the text, Cedar, the self-check. Never part of CI; `just bench` runs it in release.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints what it measured")]

use std::{
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

const LIMIT: Duration = Duration::from_millis(150);
const POLICIES: [&str; 2] = ["policy-docs/northgate/privacy.md", "policy-docs/lantern/privacy.md"];

fn main() -> ExitCode {
    println!("| what | measured | limit | beside it |\n| --- | --- | --- | --- |");
    let start = median(|| run(&["--version"]));
    let mut over = false;
    for policy in POLICIES {
        let taken = median(|| run(&["check", policy]));
        over |= taken > LIMIT;
        let mark = if taken > LIMIT { " **over**" } else { "" };
        let (taken, limit, start) = (written(taken), written(LIMIT), written(start));
        println!("| `avow check {policy}`, the whole process | {taken}{mark} | {limit} | `avow --version`: {start} |");
    }
    if over { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn run(arguments: &[&str]) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_avow"));
    command.args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).stdout(Stdio::null());
    assert!(command.status().unwrap().success(), "{arguments:?}");
}

/// The median time of 41 calls.
fn median(one: impl Fn()) -> Duration {
    let mut times: Vec<Duration> = (0..41)
        .map(|_| {
            let start = Instant::now();
            one();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times.swap_remove(times.len() / 2)
}

fn written(duration: Duration) -> String {
    format!("{:.1} ms", duration.as_secs_f64() * 1e3)
}
