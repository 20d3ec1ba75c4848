//! What an account may use, and what strangers may cost.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use avow_proxy::{AccessKey, Admission, Event, Limits, Method};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::{sleep, timeout},
};

use crate::{
    client::{Datagrams, Ear, bytes, echo, fountain, open, recorded},
    world::{World, admission},
};

const LONG: Duration = Duration::from_secs(30);
/// How far beyond its limit an account may get.
const WITHIN: u64 = 64 * 1024;

/// Reads until the stream ends; how many bytes came.
async fn drink(mut stream: shadowsocks::ProxyClientStream<TcpStream>) -> u64 {
    let (mut all, mut read) = (0, vec![0; 65_536]);
    while let Ok(Ok(length @ 1..)) = timeout(LONG, stream.read(&mut read)).await {
        all += length as u64;
    }
    all
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_stops_every_stream_of_the_account_together_and_nobody_elses() {
    let mut world = World::new().await;
    let (source, _) = fountain().await;
    let (ear, quiet) = Ear::listen().await;
    let limited = world.account(Method::Blake3Aes256Gcm).await;
    let second = AccessKey::generate(2, Method::Chacha20IetfPoly1305);
    let first = AccessKey::generate(1, Method::Aes256Gcm);
    let slot = world.page.slot_for(limited.id).unwrap();
    world.supervisor.put(vec![admission(limited.id, slot, &[&first, &second])]).await.unwrap();
    let free = world.account(Method::Blake3Aes256Gcm).await;
    let mut other = open(&free.config, source).await;
    other.write_all(b"?").await.unwrap();

    // One of the account's streams says nothing more after its first bytes: it ends all the same.
    let mut idle = open(&world.config(&first, world.hosts[0]), quiet).await;
    idle.write_all(&[1; 100]).await.unwrap();
    world.until("the idle one is there", |_| ear.heard.load(Ordering::SeqCst) == 100).await;
    world.supervisor.stop_at(vec![(limited.id, Some(20_000_000))]).await.unwrap();
    let mut streams = vec![tokio::spawn(drink(idle))];
    for number in 0..12 {
        let key = if number % 2 == 0 { &first } else { &second };
        let mut stream = open(&world.config(key, world.hosts[0]), source).await;
        stream.write_all(b"?").await.unwrap();
        streams.push(tokio::spawn(drink(stream)));
    }
    let mut came = 0;
    for stream in streams {
        came += timeout(LONG, stream).await.expect("a stream goes on beyond the limit").unwrap();
    }
    let counted = world.page.counted(limited.id).0;
    assert!(counted <= 20_000_000 && counted > 20_000_000 - WITHIN, "{counted}");
    assert!(came <= 20_000_000 + WITHIN, "{came} came through");
    let mut read = vec![0; 65_536];
    for _ in 0..50 {
        other.read_exact(&mut read).await.unwrap();
    }

    // More is allowed, as when a month turns: it goes on at once, up to the new limit.
    world.supervisor.stop_at(vec![(limited.id, Some(25_000_000))]).await.unwrap();
    let mut stream = open(&world.config(&second, world.hosts[0]), source).await;
    stream.write_all(b"?").await.unwrap();
    drink(stream).await;
    let counted = world.page.counted(limited.id).0;
    assert!(counted <= 25_000_000 && counted > 25_000_000 - WITHIN, "{counted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_that_used_up_what_it_may_is_met_with_a_strangers_silence() {
    let mut world = World::new().await;
    let (ear, target) = Ear::listen().await;
    for method in Method::ALL {
        let account = world.account(method).await;
        world.supervisor.stop_at(vec![(account.id, Some(0))]).await.unwrap();
        let head = recorded(&account.config, target, b"hello").await;
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        let began = Instant::now();
        stream.write_all(&head).await.unwrap();
        let answer = timeout(LONG, stream.read(&mut [0; 64])).await.unwrap();
        assert!(matches!(answer, Ok(0) | Err(_)));
        assert!(began.elapsed() > Duration::from_millis(1_700), "{method}: the silence was {:?}", began.elapsed());

        // What it sent then is not served later, when it may use more.
        world.supervisor.stop_at(vec![(account.id, None)]).await.unwrap();
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        stream.write_all(&head).await.unwrap();
        let answer = timeout(LONG, stream.read(&mut [0; 64])).await.unwrap();
        assert!(matches!(answer, Ok(0) | Err(_)));
        world.counted(account.id, 0).await;
    }
    assert_eq!(ear.streams.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_stops_datagrams_both_ways() {
    let mut world = World::new().await;
    let target = echo("127.0.0.1:0".parse().unwrap()).await;
    for method in [Method::Blake3Aes256Gcm, Method::Chacha20IetfPoly1305] {
        let account = world.account(method).await;
        world.supervisor.stop_at(vec![(account.id, Some(50_000))]).await.unwrap();
        let mut client = Datagrams::new(&account.config).await;
        let mut answers = 0;
        for _ in 0..60 {
            client.send(target, &[1; 1_000]).await;
            let patience = if answers < 20 { LONG } else { Duration::from_millis(50) };
            answers += usize::from(client.receive(patience).await.is_some());
        }
        let counted = world.page.counted(account.id).0;
        assert!(answers == 25 && counted == 50_000, "{method}: {answers} answers, {counted} bytes");
        world.supervisor.stop_at(vec![(account.id, Some(52_000))]).await.unwrap();
        let mut client = Datagrams::new(&account.config).await;
        client.send(target, &[1; 1_000]).await;
        assert!(client.receive(LONG).await.is_some(), "{method}: it may go on");
        world.counted(account.id, 52_000).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_started_again_knows_the_limits() {
    let mut world = World::new().await;
    let (source, _) = fountain().await;
    let account = world.account(Method::Aes128Gcm).await;
    world.supervisor.stop_at(vec![(account.id, Some(3_000_000))]).await.unwrap();
    for _ in 0..2 {
        let starts = world.supervisor.starts();
        let pid = world.supervisor.pid().unwrap().to_string();
        assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
        world.until("it is back", |world| world.supervisor.starts() > starts && world.supervisor.is_ready()).await;
        let mut stream = open(&account.config, source).await;
        stream.write_all(b"?").await.unwrap();
        let _ = timeout(Duration::from_secs(5), drink(stream)).await;
    }
    let counted = world.page.counted(account.id).0;
    assert!(counted <= 3_000_000 && counted > 3_000_000 - WITHIN, "{counted}");
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_about_accounts_that_are_not_served_are_refused() {
    let world = World::new().await;
    let nobody = avow_terms::account::AccountId::try_from(77_777).unwrap();
    assert!(world.supervisor.stop_at(vec![(nobody, Some(1))]).await.is_err());
    let slot = world.page.slot_for(avow_terms::account::AccountId::try_from(2).unwrap()).unwrap();
    let key = AccessKey::generate(1, Method::Aes128Gcm);
    let admission = Admission { stop_at: Some(1), ..admission(nobody, slot, &[&key]) };
    assert!(world.supervisor.put(vec![admission]).await.is_err(), "the slot is another's");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_has_so_many_streams_and_associations_at_once_and_no_more() {
    let limits = Limits { account_streams: 3, account_associations: 2, ..Limits::default() };
    let mut world = World::with(limits).await;
    let (ear, target) = Ear::listen().await;
    let (account, other) = (world.account(Method::Blake3Aes128Gcm).await, world.account(Method::Blake3Aes128Gcm).await);
    let mut streams = Vec::new();
    for config in [&account.config, &account.config, &account.config, &other.config] {
        let mut stream = open(config, target).await;
        stream.write_all(b"hello").await.unwrap();
        streams.push(stream);
        world.until("it is served", |_| ear.heard.load(Ordering::SeqCst) == 5 * streams.len() as u64).await;
    }
    let mut fourth = open(&account.config, target).await;
    fourth.write_all(b"hello").await.unwrap();
    assert!(matches!(timeout(LONG, fourth.read(&mut [0; 64])).await.unwrap(), Ok(0) | Err(_)));
    world.until("it says so", |world| world.supervisor.events().of(Event::StreamRefused) == 1).await;
    drop(streams.remove(0));
    let end = Instant::now() + LONG;
    while ear.heard.load(Ordering::SeqCst) < 25 && Instant::now() < end {
        let mut again = open(&account.config, target).await;
        again.write_all(b"hello").await.unwrap();
        streams.push(again);
        sleep(Duration::from_millis(100)).await;
    }
    assert!(ear.heard.load(Ordering::SeqCst) >= 25, "a place that is left is taken again");

    let target = echo("127.0.0.1:0".parse().unwrap()).await;
    let mut answers = Vec::new();
    for config in [&account.config, &account.config, &account.config, &other.config] {
        let mut client = Datagrams::new(config).await;
        client.send(target, &[1; 10]).await;
        let patience = if answers.len() == 2 { Duration::from_millis(300) } else { LONG };
        answers.push(client.receive(patience).await.is_some());
    }
    assert_eq!(answers, [true, true, false, true]);
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_say_nothing_keep_nobody_out() {
    let limits = Limits { silence: LONG, silenced: 30, ..Limits::default() };
    let mut world = World::with(limits).await;
    let (ear, target) = Ear::listen().await;
    let (named, nameless) = (world.account(Method::Blake3Aes256Gcm).await, world.account(Method::Aes128Gcm).await);
    let mut flood = Vec::new();
    for number in 0..200 {
        let mut stream = TcpStream::connect(world.address()).await.unwrap();
        // Half-open, half a head, and a whole one that is nobody's.
        stream.write_all(&bytes(7, [0, 20, 60][number % 3])).await.unwrap();
        flood.push(stream);
    }
    let mut streams = Vec::new();
    for config in [&named.config, &nameless.config] {
        let mut stream = open(config, target).await;
        stream.write_all(b"hello").await.unwrap();
        streams.push(stream);
    }
    world.until("both are served", |_| ear.heard.load(Ordering::SeqCst) == 10).await;
    world.until("the flood was crowded out", |world| world.supervisor.events().of(Event::Crowded) >= 170).await;
    // Those who are served stand nowhere where they could be crowded out.
    for _ in 0..60 {
        flood.push(TcpStream::connect(world.address()).await.unwrap());
    }
    sleep(Duration::from_millis(200)).await;
    for stream in &mut streams {
        stream.write_all(b"again").await.unwrap();
    }
    world.until("both are served still", |_| ear.heard.load(Ordering::SeqCst) == 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn junk_datagrams_that_cost_a_search_do_not_stop_those_of_accounts() {
    let limits = Limits { trials: 2_000, ..Limits::default() };
    let mut world = World::with(limits).await;
    let target = echo("127.0.0.1:0".parse().unwrap()).await;
    let (named, nameless) = (world.account(Method::Blake3Aes256Gcm).await, world.account(Method::Aes128Gcm).await);
    let mut clients = [Datagrams::new(&named.config).await, Datagrams::new(&nameless.config).await];
    for client in &mut clients {
        client.send(target, &[1; 100]).await;
        assert!(client.receive(LONG).await.is_some());
    }
    // Far more than could be searched for in the time that this test has.
    let noise = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    for number in 0..2_000_usize {
        noise.send_to(&bytes(number as u8, 300), world.address()).await.unwrap();
        if number.is_multiple_of(100) {
            for client in &mut clients {
                client.send(target, &[2; 100]).await;
                assert!(client.receive(LONG).await.is_some());
            }
        }
    }
}
