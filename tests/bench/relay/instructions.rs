//! Instructions for each GiB, counted one by one: what neither a busy machine nor a slow one changes.
//!
//! Valgrind's cachegrind runs each server and tells how many instructions it carried out outside the kernel. Each server runs
//! twice, with little and with much to carry; what the second does more is the price of the bytes. Valgrind shows programs a
//! processor without AVX-512, so that the ciphers take the ways they have without it, all of them alike.

use std::{
    io::Read,
    net::TcpListener,
    process::{Command, Stdio},
};

use avow_proxy::SpawnRelay;

use crate::{
    load::{self, Ask},
    servers::{self, METHOD, PIECES, Server},
    table::{Table, counted},
};

const MIB: u64 = 1 << 20;
const LITTLE: u64 = 2 * MIB;
const MUCH: u64 = 34 * MIB;
/// How often what is carried more goes into a GiB.
const TIMES: f64 = 1024.0 / 32.0;

pub(crate) fn measure(table: &mut Table) {
    for (way, ask) in [("down", Ask::Down), ("up", Ask::Up)] {
        let what = format!("instructions outside the kernel per GiB {way}");
        if Command::new("valgrind").arg("--version").stdout(Stdio::null()).status().is_err() {
            table.missing(&what, "no valgrind here");
            continue;
        }
        let names = ["avow", PIECES, "ssserver"];
        let names = names.into_iter().filter(|name| *name != PIECES || way == "down");
        let counts: Vec<_> = names.map(|name| (name, per_gib(name, ask))).collect();
        counted(table, &what, &counts, "valgrind told no sum");
    }
}

/// `None` where the server is not on this machine, or its instructions were not told.
fn per_gib(name: &str, ask: Ask) -> Option<f64> {
    Some((spent(name, ask, MUCH)? - spent(name, ask, LITTLE)?) * TIMES)
}

fn spent(name: &str, ask: Ask, length: u64) -> Option<f64> {
    let runtime = load::runtime();
    let target = load::target(&runtime);
    let sum = TcpListener::bind("127.0.0.1:0").unwrap();
    let valgrind = [
        "--tool=cachegrind".to_owned(),
        "--cache-sim=no".to_owned(),
        // Behind its walls our relay could write no file, and none is needed: the sum goes to a socket.
        "--cachegrind-out-file=/dev/null".to_owned(),
        format!("--log-socket={}", sum.local_addr().unwrap()),
    ];
    let under = |command: Command| {
        let mut whole = Command::new("valgrind");
        whole.args(&valgrind).arg(command.get_program()).args(command.get_args());
        whole
    };
    eprintln!("  {name}, {} MiB", length / MIB);
    let server: Server = match name {
        "avow" => {
            let mut arguments = valgrind.to_vec();
            arguments.extend([env!("CARGO_BIN_EXE_avow").to_owned(), "relay".to_owned()]);
            let arguments = arguments.into_iter().map(Into::into).collect();
            servers::started_by(SpawnRelay { program: "valgrind".into(), arguments }, &runtime, 1, METHOD)
        }
        "ssserver" => servers::ssserver_by(1, under)?,
        _ => servers::plain_by("pieces", target, under),
    };
    runtime.block_on(load::carry(&server, target, ask, length));
    // Our relay leaves the usual signals to its parent; this one ends every program, and valgrind then tells the sum.
    Command::new("kill").args(["-QUIT", &server.pid.to_string()]).status().unwrap();
    let (mut told, mut said) = (sum.accept().unwrap().0, String::new());
    told.read_to_string(&mut said).unwrap();
    let line = said.lines().find(|line| line.contains("I ") && line.contains("refs:"))?;
    line.rsplit(' ').next()?.replace(',', "").parse().ok()
}
