//! What real users keep while ten thousand strangers a second knock.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    io::AsyncReadExt,
    net::TcpStream,
    task::JoinSet,
    time::{MissedTickBehavior, interval, sleep},
};

use crate::{
    load::{self, Ask},
    process,
    servers::{self, Server},
    table::{Limit, Table},
};

const ACCOUNTS: u32 = 10_000;
const USERS: usize = 8;
const STRANGERS: u64 = 10_000;
const FLOODS: u64 = 20;
const TIME: Duration = Duration::from_secs(5);

pub(crate) fn measure(table: &mut Table) {
    let runtime = load::runtime();
    let (server, target) = (servers::ours(&runtime, ACCOUNTS), load::target(&runtime));
    let (alone, together, knocks, spent) = runtime.block_on(async {
        let moved = Arc::new(AtomicU64::new(0));
        let mut users = JoinSet::new();
        for user in 0..USERS {
            let mut stream = load::open(&server, user * 7, target).await.unwrap();
            load::ask(&mut *stream, Ask::Paced, 0).await.unwrap();
            let moved = Arc::clone(&moved);
            users.spawn(async move {
                let mut bytes = vec![0; 1 << 16];
                while let Ok(read @ 1..) = stream.read(&mut bytes).await {
                    moved.fetch_add(read as u64, Ordering::Relaxed);
                }
            });
        }
        sleep(Duration::from_secs(1)).await;
        let alone = rate(&moved).await;
        let knocks = Arc::new(AtomicU64::new(0));
        let mut flood = JoinSet::new();
        for number in 0..FLOODS {
            flood.spawn(knock(server.address, number, Arc::clone(&knocks)));
        }
        sleep(Duration::from_secs(1)).await;
        let (before, knocked, began) = (process::cpu(server.pid), knocks.load(Ordering::Relaxed), Instant::now());
        let together = rate(&moved).await;
        let knocks = (knocks.load(Ordering::Relaxed) - knocked) as f64 / began.elapsed().as_secs_f64();
        (alone, together, knocks, process::cpu(server.pid) - before)
    });
    let kept = together / alone;
    let what = format!("what {USERS} users at 6.5 MB/s each keep while strangers knock, {ACCOUNTS} accounts");
    let beside = format!("{:.0} MB/s alone, {:.0} MB/s then", alone / 1e6, together / 1e6);
    table.bounded(&what, kept, Limit::AtLeast(0.8), format!("{:.0} %", 100.0 * kept), beside);
    let spent = format!("the relay was {:.2} of a core busy", spent / TIME.as_secs_f64());
    let least = 0.95 * STRANGERS as f64;
    table.bounded("strangers a second meanwhile", knocks, Limit::AtLeast(least), format!("{knocks:.0}"), spent);
    drop::<Server>(server);
}

async fn rate(moved: &AtomicU64) -> f64 {
    let (before, began) = (moved.load(Ordering::Relaxed), Instant::now());
    sleep(TIME).await;
    (moved.load(Ordering::Relaxed) - before) as f64 / began.elapsed().as_secs_f64()
}

/// Knocks with bytes that no key sealed, and stays for a while.
async fn knock(relay: SocketAddr, number: u64, knocks: Arc<AtomicU64>) {
    let (mut open, mut seed) = (VecDeque::new(), number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut pace = interval(Duration::from_millis(2));
    pace.set_missed_tick_behavior(MissedTickBehavior::Burst);
    loop {
        pace.tick().await;
        for _ in 0..STRANGERS / FLOODS / 500 {
            let Ok(stream) = TcpStream::connect(relay).await else { continue };
            let words: Vec<u8> = std::iter::repeat_with(|| random(&mut seed)).take(80).collect();
            // It is gone without a farewell later, so that the system forgets it at once.
            if stream.set_zero_linger().is_ok() && stream.try_write(&words).is_ok() {
                knocks.fetch_add(1, Ordering::Relaxed);
            }
            open.push_back(stream);
            if open.len() > 20 {
                open.pop_front();
            }
        }
    }
}

fn random(seed: &mut u64) -> u8 {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    (*seed >> 32) as u8
}
