//! How long `avow check` takes as a process, from its start to its end, and how long after a save `avow check --watch` says
//! what it thinks, beside the limits they must keep.
//!
//! Everything is in it: the vocabulary, the text, Cedar, the self-check. Never part of CI; `just bench` runs it in release.

#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a bench prints what it measured")]

use std::{
    fs,
    io::{BufRead, BufReader},
    process::{Command, ExitCode, Stdio},
    time::{Duration, Instant},
};

const LIMIT: Duration = Duration::from_millis(150);
const AFTER_A_SAVE: Duration = Duration::from_millis(100);
const POLICIES: [&str; 2] = ["policy-docs/northgate/privacy.md", "policy-docs/lantern/privacy.md"];

fn main() -> ExitCode {
    println!("| what | measured | limit | beside it |\n| --- | --- | --- | --- |");
    let start = median(|| run(&["--version"]));
    let mut over = false;
    for policy in POLICIES {
        let taken = median(|| run(&["check", policy]));
        let what = format!("`avow check {policy}`, the whole process");
        over |= line(&what, taken, LIMIT, &format!("`avow --version`: {}", written(start)));
    }
    for (what, words) in [("a save without an error", "no errors"), ("a save with an error", "error[from-when]")] {
        let taken = after_a_save(words);
        over |=
            line(&format!("`avow check --watch`, {what}"), taken, AFTER_A_SAVE, "looks every 5 ms, settles for 5 ms");
    }
    if over { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// One line of the table; whether it is over its limit.
fn line(what: &str, taken: Duration, limit: Duration, beside: &str) -> bool {
    let mark = if taken > limit { " **over**" } else { "" };
    println!("| {what} | {}{mark} | {} | {beside} |", written(taken), written(limit));
    taken > limit
}

/// The median time from a save to the line with these words, over 21 saves.
fn after_a_save(words: &str) -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("privacy.md");
    let good = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/policy-docs/northgate/privacy.md")).unwrap();
    let bad = good.replace("90 days after the session ends", "90 days");
    let texts = [(&good, "no errors"), (&bad, "error[from-when]")];
    fs::write(&file, &good).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_avow"));
    let mut watch = command.args(["check", "--watch"]).arg(&file).stdout(Stdio::piped()).spawn().unwrap();
    let mut screen = BufReader::new(watch.stdout.take().unwrap());
    let mut says = |words: &str| {
        let mut line = String::new();
        while !line.contains(words) {
            line.clear();
            assert!(screen.read_line(&mut line).unwrap() > 0, "the watch ended");
        }
    };
    says("no errors");
    let mut times = Vec::new();
    for (text, verdict) in texts.into_iter().rev().cycle().take(42) {
        std::thread::sleep(Duration::from_millis(30));
        fs::write(&file, text).unwrap();
        let saved = Instant::now();
        says(verdict);
        if verdict == words {
            times.push(saved.elapsed());
        }
    }
    watch.kill().unwrap();
    watch.wait().unwrap();
    times.sort_unstable();
    times.swap_remove(times.len() / 2)
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
