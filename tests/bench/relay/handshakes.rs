//! New streams, each with its handshake, its way to the target and one kilobyte there and back, with many accounts.

use std::{net::SocketAddr, time::Instant};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Runtime,
    task::JoinSet,
};

use crate::{
    load::{self, Ask},
    process,
    servers::{self, Server},
    table::{Limit, Ratio, Table, median},
};

const ACCOUNTS: u32 = 10_000;
const ROUNDS: usize = 7;
const AT_ONCE: usize = 16;
const EACH: usize = 60;

pub(crate) fn measure(table: &mut Table) {
    let runtime = load::runtime();
    let ours = (servers::ours(&runtime, ACCOUNTS), load::target(&runtime));
    let what = format!("handshakes per second of processor time, {ACCOUNTS} accounts, over ssserver's");
    let Some(theirs) = servers::ssserver(ACCOUNTS) else { return table.missing(&what, "no ssserver here") };
    let theirs = (theirs, load::target(&runtime));
    let (mut of_ours, mut of_theirs) = (Vec::new(), Vec::new());
    for round in 0..ROUNDS {
        for at in 0..2 {
            let (server, all) = if (at + round) % 2 == 0 { (&ours, &mut of_ours) } else { (&theirs, &mut of_theirs) };
            all.push(rates(&runtime, &server.0, server.1, round));
        }
    }
    let per_cpu = |all: &[(f64, f64)]| all.iter().map(|(_, cpu)| *cpu).collect::<Vec<_>>();
    let (ours, theirs) = (per_cpu(&of_ours), per_cpu(&of_theirs));
    let ratio = Ratio::of(&ours, &theirs);
    let measured = format!("{}: {:.0}", ratio.written(), median(&ours));
    table.bounded(&what, ratio.mean, Limit::AtLeast(1.0), measured, format!("{:.0}", median(&theirs)));
    let per_second =
        |all: &[(f64, f64)]| format!("{:.0}", median(&all.iter().map(|(wall, _)| *wall).collect::<Vec<_>>()));
    let beside = format!("ssserver: {}", per_second(&of_theirs));
    table.told("the same per second by the clock, client on the same cores", per_second(&of_ours), beside);
}

/// Handshakes per second by the clock, and per second of the server's processor time.
fn rates(runtime: &Runtime, server: &Server, target: SocketAddr, round: usize) -> (f64, f64) {
    let (before, began) = (process::cpu(server.pid), Instant::now());
    runtime.block_on(async {
        let mut clients = JoinSet::new();
        for client in 0..AT_ONCE {
            let accounts = (0..EACH).map(move |at| (round * AT_ONCE * EACH + client * EACH + at) * 13);
            // Scoped tasks would need the server to live for ever; each client takes what it needs with it.
            let ways: Vec<_> = accounts.map(|at| server.clients[at % server.clients.len()].clone()).collect();
            let address = server.address;
            clients.spawn(async move {
                for config in ways {
                    one(address, &config, target).await.unwrap();
                }
            });
        }
        while let Some(done) = clients.join_next().await {
            done.unwrap();
        }
    });
    let all = (AT_ONCE * EACH) as f64;
    (all / began.elapsed().as_secs_f64(), all / (process::cpu(server.pid) - before))
}

async fn one(address: SocketAddr, config: &shadowsocks::config::ServerConfig, target: SocketAddr) -> Option<()> {
    let stream = tokio::net::TcpStream::connect(address).await.ok()?;
    stream.set_nodelay(true).ok()?;
    let mut stream = load::sealed(stream, config, target);
    load::ask(&mut stream, Ask::Echo, 0).await?;
    stream.write_all(&[7; 1024]).await.ok()?;
    stream.read_exact(&mut [0; 1024]).await.ok().map(drop)
}
