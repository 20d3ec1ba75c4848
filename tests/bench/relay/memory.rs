//! Memory of streams that are open and wait.

use std::{net::SocketAddr, time::Duration};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    runtime::Runtime,
    time::sleep,
};

use crate::{
    load::{self, Ask},
    process,
    servers::{self, Server},
    table::{Limit, Table},
};

const STREAMS: usize = 1_000;
const BURST: u64 = 1 << 20;

pub(crate) fn measure(table: &mut Table) {
    let runtime = load::runtime();
    let target = load::target(&runtime);
    let ours = per_stream(&runtime, &servers::ours(&runtime, 1), target);
    let written = |of: &(f64, f64)| format!("{:.1} kB", of.0 / 1e3);
    for (peer, server, most) in [("ss-server", servers::libev(), 1.0), ("ssserver", servers::ssserver(1), 0.3)] {
        let what = format!("resident memory per idle stream, over {peer}'s");
        let Some(server) = server else {
            table.missing(&what, &format!("no {peer} here"));
            continue;
        };
        let theirs = per_stream(&runtime, &server, target);
        let measured = format!("{:.2}: {}", ours.0 / theirs.0, written(&ours));
        table.bounded(&what, ours.0 / theirs.0, Limit::AtMost(most), measured, written(&theirs));
        let what = format!("the same after 1 MiB down, beside {peer}");
        table.told(&what, format!("{:.1} kB", ours.1 / 1e3), format!("{:.1} kB", theirs.1 / 1e3));
    }
}

/// Bytes for each stream: when it has carried a kilobyte both ways, and when it has carried much more.
fn per_stream(runtime: &Runtime, server: &Server, target: SocketAddr) -> (f64, f64) {
    runtime.block_on(async {
        load::carry(server, target, Ask::Down, BURST).await;
        settle().await;
        let before = process::resident(server.pid);
        let mut streams = Vec::new();
        for _ in 0..STREAMS {
            let mut stream = load::open(server, 0, target).await.unwrap();
            load::ask(&mut *stream, Ask::Echo, 0).await.unwrap();
            kilobyte(&mut *stream).await;
            streams.push(stream);
        }
        settle().await;
        let idle = process::resident(server.pid) - before;
        drop(streams);
        settle().await;
        let mut streams = Vec::new();
        for _ in 0..STREAMS {
            let mut stream = load::open(server, 0, target).await.unwrap();
            load::ask(&mut *stream, Ask::Burst, BURST).await.unwrap();
            load::receive(&mut stream, &mut vec![0; 1 << 16], BURST).await.unwrap();
            streams.push(stream);
        }
        settle().await;
        let used = process::resident(server.pid) - before;
        (idle / STREAMS as f64, used / STREAMS as f64)
    })
}

async fn kilobyte(stream: &mut dyn load::Stream) {
    stream.write_all(&[7; 1024]).await.unwrap();
    stream.read_exact(&mut [0; 1024]).await.unwrap();
}

async fn settle() {
    sleep(Duration::from_secs(1)).await;
}
