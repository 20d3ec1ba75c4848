//! Processor time and system calls for each GiB that is carried, in paired rounds.

use std::{collections::BTreeMap, net::SocketAddr};

use tokio::runtime::Runtime;

use crate::{
    cipher,
    load::{self, Ask},
    process,
    servers::{self, PIECES, Server},
    table::{Limit, Ratio, Table, counted, median},
};

const GIB: u64 = 1 << 30;
const ROUNDS: usize = 9;
const WAYS: [(&str, Ask); 2] = [("down", Ask::Down), ("up", Ask::Up)];
/// What the cipher is called where the servers are named.
const CIPHER: &str = "cipher";

/// The figures of each round, by server and way.
type Figures = BTreeMap<(&'static str, &'static str), Vec<f64>>;

pub(crate) fn measure(table: &mut Table) {
    let runtime = load::runtime();
    let target = load::target(&runtime);
    let servers = servers(&runtime, target);
    let mut figures = Figures::new();
    for round in 0..ROUNDS {
        // Whoever is first in one round is last in another.
        for at in 0..servers.len() {
            let server = &servers[(at + round) % servers.len()];
            for (way, ask) in WAYS {
                if server.name == PIECES && way == "up" {
                    continue;
                }
                let spent = spent(&runtime, server, target, ask);
                figures.entry((server.name, way)).or_default().push(spent);
            }
        }
        let (sealed, opened) = cipher::per_gib();
        figures.entry((CIPHER, "down")).or_default().push(sealed);
        figures.entry((CIPHER, "up")).or_default().push(opened);
    }
    for (way, _) in WAYS {
        told(table, &figures, way);
    }
    for (way, ask) in WAYS {
        counts(table, &runtime, &servers, target, way, ask);
    }
}

fn servers(runtime: &Runtime, target: SocketAddr) -> Vec<Server> {
    let own = [servers::ours(runtime, 1), servers::plain("streams", target), servers::plain("pieces", target)];
    own.into_iter().chain(servers::ssserver(1)).chain(servers::sing_box(1)).collect()
}

fn spent(runtime: &Runtime, server: &Server, target: SocketAddr, ask: Ask) -> f64 {
    let before = process::cpu(server.pid);
    runtime.block_on(load::carry(server, target, ask, GIB));
    process::cpu(server.pid) - before
}

fn told(table: &mut Table, figures: &Figures, way: &'static str) {
    let of = |name| figures.get(&(name, way)).map(Vec::as_slice);
    let (Some(ours), Some(plain), Some(cipher)) = (of("avow"), of("plain relay"), of(CIPHER)) else { return };
    let seconds = |figures: &[f64]| format!("{:.3} s", median(figures));
    let spread = |figures: &[f64]| {
        let (low, high) = figures.iter().fold((f64::MAX, 0.0_f64), |(low, high), one| (low.min(*one), high.max(*one)));
        format!("{} ({low:.3} to {high:.3})", seconds(figures))
    };
    table.told(&format!("processor time per GiB {way}, median of {ROUNDS}"), spread(ours), String::new());
    for (peer, most) in [("ssserver", if way == "down" { 0.8 } else { 0.9 }), ("sing-box", 0.8)] {
        let what = format!("the same, over {peer}'s");
        match of(peer) {
            Some(theirs) => {
                let ratio = Ratio::of(ours, theirs);
                table.bounded(&what, ratio.mean, Limit::AtMost(most), ratio.written(), spread(theirs));
            }
            None => table.missing(&what, &format!("no {peer} here")),
        }
    }
    let floor: Vec<f64> = plain.iter().zip(cipher).map(|(plain, cipher)| plain + cipher).collect();
    let ratio = Ratio::of(ours, &floor);
    let beside = format!("plain relay, 512 KiB buffers: {}; cipher alone: {}", spread(plain), seconds(cipher));
    let what = "the same, over a plain relay and the cipher";
    table.bounded(what, ratio.mean, Limit::AtMost(1.1), ratio.written(), beside);
    if let Some(pieces) = of(PIECES) {
        let ratio = Ratio::of(ours, pieces);
        let what = "the same, over a plain relay that seals pieces of 16 KiB and hands each over";
        table.told(what, ratio.written(), spread(pieces));
    }
}

/// What is counted and does not drift: each server carries once.
fn counts(table: &mut Table, runtime: &Runtime, servers: &[Server], target: SocketAddr, way: &str, ask: Ask) {
    let carry = |server: &Server| {
        runtime.block_on(load::carry(server, target, ask, GIB));
    };
    let servers: Vec<_> = servers.iter().filter(|server| server.name != PIECES || way == "down").collect();
    let calls = servers.iter().map(|server| (server.name, process::system_calls(server.pid, || carry(server))));
    counted(table, &format!("system calls per GiB {way}"), &calls.collect::<Vec<_>>(), "no perf here");
}
