//! How long a request of a kilobyte takes, there and back, through a stream that is open.

use std::{net::SocketAddr, time::Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{
    load::{self, Ask},
    servers::{self, Server},
    table::{Table, quantile},
};

const TURNS: usize = 40;
const REQUESTS: usize = 250;

pub(crate) fn measure(table: &mut Table) {
    let runtime = load::runtime();
    let target = load::target(&runtime);
    // The plain relay is what two connections instead of one cost anyway.
    let own = [servers::plain("streams", target), servers::ours(&runtime, 1)];
    let servers: Vec<_> = own.into_iter().chain(servers::ssserver(1)).chain(servers::sing_box(1)).collect();
    let times = runtime.block_on(requests(&servers, target));
    let added = |of: &[f64], part| 1e6 * (quantile(of, part) - quantile(&times[0], part));
    let written = |of: &[f64]| format!("p50 {:.0} µs, p99 {:.0} µs", added(of, 0.5), added(of, 0.99));
    let others =
        servers.iter().zip(&times).skip(2).map(|(server, times)| format!("{}: {}", server.name, written(times)));
    let beside = others.collect::<Vec<_>>().join("; ");
    table.told("latency of a 1 kB request, added to a plain relay's", written(&times[1]), beside);
    let absolute =
        |of: &[f64]| format!("p50 {:.0} µs, p99 {:.0} µs", 1e6 * quantile(of, 0.5), 1e6 * quantile(of, 0.99));
    table.told(
        "the same, from request to answer",
        absolute(&times[1]),
        format!("plain relay: {}", absolute(&times[0])),
    );
}

/// The time of each request, in turns, so that all meet the same machine.
async fn requests(servers: &[Server], target: SocketAddr) -> Vec<Vec<f64>> {
    let mut streams = Vec::new();
    for server in servers {
        let mut stream = load::open(server, 0, target).await.unwrap();
        load::ask(&mut *stream, Ask::Echo, 0).await.unwrap();
        streams.push(stream);
    }
    let mut times = vec![Vec::new(); servers.len()];
    let mut bytes = [7; 1024];
    for turn in 0..TURNS {
        for (stream, times) in streams.iter_mut().zip(&mut times) {
            for _ in 0..REQUESTS {
                let began = Instant::now();
                stream.write_all(&bytes).await.unwrap();
                stream.read_exact(&mut bytes).await.unwrap();
                // The first turn opens the streams and warms everything.
                if turn > 0 {
                    times.push(began.elapsed().as_secs_f64());
                }
            }
        }
    }
    times
}
