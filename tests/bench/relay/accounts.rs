//! A hundred thousand accounts: what they take in memory, what finding one among them costs, what one change takes, what
//! strangers may cost where keys can only be tried, and what the parent's look at the counter page takes.

use std::time::{Duration, Instant};

use avow_proxy::{AccessKey, AccountKeys, Admission, Method};
use avow_terms::account::AccountId;
use tokio::{
    net::{TcpStream, UdpSocket},
    runtime::Runtime,
    time::sleep,
};

use crate::{
    load, process,
    servers::{self, Server},
    table::{Limit, Ratio, Table, median, quantile},
};

const MANY: u32 = 100_000;
const ROUNDS: usize = 7;
/// Datagrams of strangers in a round: each costs a look-up and nothing else.
const KNOCKS: usize = 20_000;
const CHANGES: u32 = 200;
/// Keys that can only be tried, and the strangers that have them tried.
const NAMELESS: u32 = 10_000;
const STRANGERS: usize = 3_000;

pub(crate) fn measure(table: &mut Table) {
    let runtime = load::runtime();
    let (few, began) = (servers::ours(&runtime, 1), Instant::now());
    let many = servers::ours(&runtime, MANY);
    let told = began.elapsed().as_secs_f64();
    let each = (process::resident(many.pid) - process::resident(few.pid)) / f64::from(MANY);
    let what = format!("memory of the relay for each of {MANY} accounts");
    table.bounded(&what, each, Limit::AtMost(1024.0), format!("{each:.0} bytes"), String::new());
    let beside = "the relay started included".to_owned();
    table.bounded(
        &format!("{MANY} accounts told to a relay"),
        told,
        Limit::AtMost(30.0),
        format!("{told:.1} s"),
        beside,
    );
    look_up(table, &runtime, &few, &many);
    changes(table, &runtime, &many);
    flush(table, &runtime, &many);
    drop((few, many));
    trials(table, &runtime);
}

/// Finding nobody takes as long as finding somebody, and is all that such a datagram costs.
fn look_up(table: &mut Table, runtime: &Runtime, few: &Server, many: &Server) {
    let spent = |server: &Server| {
        let before = process::cpu(server.pid);
        runtime.block_on(knock(server));
        1e6 * (process::cpu(server.pid) - before) / KNOCKS as f64
    };
    let (mut of_few, mut of_many) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        of_few.push(spent(few));
        of_many.push(spent(many));
    }
    let ratio = Ratio::of(&of_many, &of_few);
    let written = format!("{}: {:.2} µs", ratio.written(), median(&of_many));
    let what =
        format!("a stranger's datagram looked up among {MANY} accounts, over the same with one, received included");
    table.bounded(&what, ratio.mean, Limit::AtMost(1.25), written, format!("one account: {:.2} µs", median(&of_few)));
}

async fn knock(server: &Server) {
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let (mut packet, mut seed) = ([0_u8; 100], 0x9e37_79b9_7f4a_7c15_u64);
    for number in 0..KNOCKS {
        for byte in &mut packet {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            *byte = (seed >> 32) as u8;
        }
        socket.send_to(&packet, server.address).await.unwrap();
        // Few at once, so that none is lost in the system's queue.
        if number % 64 == 63 {
            sleep(Duration::from_millis(1)).await;
        }
    }
    sleep(Duration::from_millis(50)).await;
}

/// One account comes, gets another key, and goes, while the others stay.
fn changes(table: &mut Table, runtime: &Runtime, many: &Server) {
    let (supervisor, page) = many.own();
    let (account, mut times) = (AccountId::try_from(MANY + 1).unwrap(), [Vec::new(), Vec::new(), Vec::new()]);
    let before = process::cpu(many.pid);
    for _ in 0..CHANGES {
        let slot = page.slot_for(account).unwrap();
        for (at, times) in times.iter_mut().enumerate() {
            let began = Instant::now();
            if at < 2 {
                let keys = AccountKeys(vec![AccessKey::generate(1, servers::METHOD)]);
                runtime.block_on(supervisor.put(vec![Admission { account, slot, keys, stop_at: None }])).unwrap();
            } else {
                runtime.block_on(supervisor.remove(account)).unwrap();
            }
            times.push(1e3 * began.elapsed().as_secs_f64());
        }
    }
    let spent = 1e6 * (process::cpu(many.pid) - before) / f64::from(3 * CHANGES);
    for (what, times) in ["comes", "gets another key", "goes"].iter().zip(&times) {
        let (p50, p99) = (median(times), quantile(times, 0.99));
        let what = format!("one account among {MANY} {what}: until the relay has done it");
        let written = format!("p50 {p50:.2} ms, p99 {p99:.2} ms");
        table.bounded(&what, p50, Limit::AtMost(10.0), written, format!("{spent:.0} µs of the relay's processor time"));
    }
}

/// What a flush holds up: it looks at every account's count.
fn flush(table: &mut Table, runtime: &Runtime, many: &Server) {
    let (_, page) = many.own();
    let target = load::target(runtime);
    let (mut still, mut moved) = (Vec::new(), Vec::new());
    let took = |times: &mut Vec<f64>| {
        let began = Instant::now();
        let frozen = page.freeze(1, 1 + times.len() as i64);
        times.push(1e3 * began.elapsed().as_secs_f64());
        frozen.is_some()
    };
    for _ in 0..20 {
        took(&mut still);
        runtime.block_on(load::carry(many, target, load::Ask::Up, 1_000));
        assert!(took(&mut moved), "nothing was counted");
    }
    let beside = format!("nothing moved: {:.2} ms", median(&still));
    let what = format!("a flush of the counts of {MANY} accounts, without the store");
    table.bounded(&what, median(&moved), Limit::AtMost(50.0), format!("{:.2} ms", median(&moved)), beside);
}

/// Strangers have every key tried that can only be tried: within a budget, whatever they do.
fn trials(table: &mut Table, runtime: &Runtime) {
    let server = servers::ours_with(runtime, NAMELESS, Method::Chacha20IetfPoly1305);
    let (spent, took) = runtime.block_on(async {
        let (before, began) = (process::cpu(server.pid), Instant::now());
        let mut open = Vec::new();
        for number in 0..STRANGERS {
            let Ok(stream) = TcpStream::connect(server.address).await else { continue };
            let _ = stream.set_zero_linger();
            let _ = stream.try_write(&[number as u8; 80]);
            open.push(stream);
            sleep(Duration::from_millis(1)).await;
        }
        (process::cpu(server.pid) - before, began.elapsed().as_secs_f64())
    });
    let share = spent / took;
    let what =
        format!("{:.0} strangers a second before {NAMELESS} keys that can only be tried", STRANGERS as f64 / took);
    let written = format!("{share:.2} of a core");
    table.bounded(&what, share, Limit::AtMost(0.5), written, "bounded by `trials_per_second`".to_owned());
}
