//! What may not be reached is not reached: nothing is sent there, and nothing is counted.

use std::{net::SocketAddr, sync::atomic::Ordering, time::Duration};

use avow_proxy::{Event, Method};
use shadowsocks::relay::Address;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UdpSocket},
    time::{sleep, timeout},
};

use crate::{
    client::{Datagrams, Ear, context, open},
    world::{World, inside},
};

/// Asks for a target over a stream; nothing may come back, and the stream ends.
async fn is_refused(world: &World, config: &shadowsocks::config::ServerConfig, target: Address) {
    let before = world.supervisor.events().of(Event::Refused);
    let stream = TcpStream::connect(world.address()).await.unwrap();
    let mut client = shadowsocks::ProxyClientStream::from_stream(context(), stream, config, target);
    client.write_all(b"hello").await.unwrap();
    let ended = timeout(Duration::from_secs(20), client.read(&mut [0; 64])).await.unwrap();
    assert!(matches!(ended, Ok(0) | Err(_)));
    world.until("the relay says that it refused", |world| world.supervisor.events().of(Event::Refused) > before).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inner_target_is_refused_by_number_and_by_name_until_its_network_is_named() {
    let mut world = World::new().await;
    let account = world.account(Method::Blake3Aes256Gcm).await;
    let (ear, target) = Ear::listen().await;
    world.supervisor.guard(Vec::new(), Vec::new()).await.unwrap();
    let mapped: SocketAddr = format!("[::ffff:127.0.0.1]:{}", target.port()).parse().unwrap();
    let named = |name: &str| Address::DomainNameAddress(name.to_owned(), target.port());
    for form in [target.into(), mapped.into(), named("localhost"), named("127.1"), named("0x7f000001")] {
        is_refused(&world, &account.config, form).await;
    }
    assert_eq!(ear.streams.load(Ordering::SeqCst), 0, "somebody was reached");
    assert!(world.page.totals().is_empty());

    world.supervisor.guard(inside(), Vec::new()).await.unwrap();
    let mut client = open(&account.config, mapped).await;
    client.write_all(b"hello").await.unwrap();
    world.counted(account.id, 5).await;
    assert_eq!(ear.streams.load(Ordering::SeqCst), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_datagram_to_an_inner_target_is_not_sent() {
    let mut world = World::new().await;
    let target = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = target.local_addr().unwrap();
    let mapped: SocketAddr = format!("[::ffff:127.0.0.1]:{}", address.port()).parse().unwrap();
    for method in [Method::Blake3Aes128Gcm, Method::Chacha20IetfPoly1305] {
        let account = world.account(method).await;
        let mut client = Datagrams::new(&account.config).await;
        world.supervisor.guard(Vec::new(), Vec::new()).await.unwrap();
        let before = world.supervisor.events().of(Event::Refused);
        for to in [address, mapped] {
            client.send(to, &[1; 100]).await;
        }
        world.until("both are refused", |world| world.supervisor.events().of(Event::Refused) == before + 2).await;
        assert!(target.try_recv(&mut [0; 200]).is_err(), "it was sent");
        world.counted(account.id, 0).await;

        world.supervisor.guard(inside(), Vec::new()).await.unwrap();
        client.send(address, &[1; 100]).await;
        assert_eq!(timeout(Duration::from_secs(20), target.recv(&mut [0; 200])).await.unwrap().unwrap(), 100);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_server_listens_on_is_refused_although_its_network_is_named() {
    let mut world = World::new().await;
    let account = world.account(Method::Aes256Gcm).await;
    let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = web.local_addr().unwrap();
    world.supervisor.guard(inside(), vec![address]).await.unwrap();
    is_refused(&world, &account.config, address.into()).await;
    is_refused(&world, &account.config, world.address().into()).await;
    sleep(Duration::from_millis(50)).await;
    assert!(timeout(Duration::ZERO, web.accept()).await.is_err(), "somebody came");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_started_again_refuses_what_the_one_before_did() {
    let mut world = World::new().await;
    let account = world.account(Method::Aes256Gcm).await;
    let (ear, target) = Ear::listen().await;
    let web = TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.supervisor.guard(inside(), vec![web.local_addr().unwrap()]).await.unwrap();
    let kill = format!("{}", world.supervisor.pid().unwrap());
    assert!(std::process::Command::new("kill").args(["-9", &kill]).status().unwrap().success());
    world.until("it is started again", |world| world.supervisor.starts() == 2 && world.supervisor.is_ready()).await;
    is_refused(&world, &account.config, web.local_addr().unwrap().into()).await;
    let mut client = open(&account.config, target).await;
    client.write_all(b"hello").await.unwrap();
    world.counted(account.id, 5).await;
    assert_eq!(ear.heard.load(Ordering::SeqCst), 5);
}
