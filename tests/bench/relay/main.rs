//! The relay beside its peers: processor time, system calls, instructions, memory, latency, handshakes, datagrams, strangers.
//!
//! Everything stays on the loopback and is bounded; what it starts it ends. Peers are found on PATH or by
//! `AVOW_SSSERVER`, `AVOW_SING_BOX`, `AVOW_SS_SERVER`; one that is missing is said to be. `--only NAME` runs one part.
//! Prints a table for `docs/bench-relay.md`; exits with 1 when a limit is missed.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a bench prints what it measured, and ends when it cannot"
)]

mod accounts;
mod cipher;
mod cpu;
mod datagrams;
mod handshakes;
mod instructions;
mod latency;
mod load;
mod memory;
mod plain;
mod process;
mod servers;
mod strangers;
mod table;

use std::{env, process::ExitCode};

use table::Table;

/// A part of the bench, and what it is called.
type Part = (&'static str, fn(&mut Table));

const PARTS: [Part; 8] = [
    ("cpu", cpu::measure),
    ("instructions", instructions::measure),
    ("memory", memory::measure),
    ("latency", latency::measure),
    ("handshakes", handshakes::measure),
    ("datagrams", datagrams::measure),
    ("strangers", strangers::measure),
    ("accounts", accounts::measure),
];

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    if arguments.first().is_some_and(|first| first == plain::HIDDEN) {
        plain::serve(&arguments[1..]);
        return ExitCode::SUCCESS;
    }
    let only = arguments.iter().position(|argument| argument == "--only").map(|at| arguments[at + 1].as_str());
    let mut table = Table::default();
    for (name, part) in PARTS.iter().filter(|(name, _)| only.is_none_or(|only| only == *name)) {
        eprintln!("measuring: {name}");
        part(&mut table);
    }
    table.print();
    if table.is_over() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
