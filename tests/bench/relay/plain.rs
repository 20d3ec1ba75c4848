//! Relays without a cipher, in a process of their own: what carrying bytes costs at the least, with large buffers.

use std::{
    collections::HashMap,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use tokio::{
    net::{
        TcpListener, TcpStream, UdpSocket,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    runtime::Builder,
};

/// The first argument with which this program is such a relay.
pub(crate) const HIDDEN: &str = "plain-relay";
/// As large as the relay's own.
const LARGE: usize = 512 * 1024;

/// Serves until it is killed: `streams` or `datagrams`, the port, the target.
pub(crate) fn serve(arguments: &[String]) {
    let [kind, port, target] = arguments else { panic!("no such relay") };
    let (port, target): (u16, SocketAddr) = (port.parse().unwrap(), target.parse().unwrap());
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    if kind == "streams" { runtime.block_on(streams(port, target)) } else { runtime.block_on(datagrams(port, target)) }
}

async fn streams(port: u16, target: SocketAddr) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let target = TcpStream::connect(target).await.ok()?;
            client.set_nodelay(true).ok()?;
            target.set_nodelay(true).ok()?;
            let ((from_client, to_client), (from_target, to_target)) = (client.into_split(), target.into_split());
            tokio::join!(one_way(from_client, to_target), one_way(from_target, to_client));
            Some(())
        });
    }
}

async fn one_way(from: OwnedReadHalf, to: OwnedWriteHalf) -> Option<()> {
    let mut bytes = vec![0; LARGE];
    loop {
        from.readable().await.ok()?;
        let Ok(length) = from.try_read(&mut bytes) else { continue };
        if length == 0 {
            return None;
        }
        let mut rest = &bytes[..length];
        while !rest.is_empty() {
            to.writable().await.ok()?;
            let Ok(written) = to.try_write(rest) else { continue };
            rest = &rest[written..];
        }
    }
}

/// Passes datagrams on, each from a socket that belongs to its first eight bytes, and the answers back.
async fn datagrams(port: u16, target: SocketAddr) {
    let socket = Arc::new(UdpSocket::bind(("127.0.0.1", port)).await.unwrap());
    // Whoever waits for this relay looks for a listener.
    let _listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let known: Mutex<HashMap<[u8; 8], Arc<UdpSocket>>> = Mutex::default();
    let mut packet = vec![0; 65_536];
    loop {
        let (length, from) = socket.recv_from(&mut packet).await.unwrap();
        let name = *packet.first_chunk().unwrap();
        let outside = known.lock().unwrap().get(&name).cloned();
        let outside = match outside {
            Some(outside) => outside,
            None => {
                let outside = Arc::new(UdpSocket::bind("0.0.0.0:0").await.unwrap());
                known.lock().unwrap().insert(name, Arc::clone(&outside));
                tokio::spawn(back(Arc::clone(&outside), Arc::clone(&socket), from));
                outside
            }
        };
        let _ = outside.send_to(&packet[..length], target).await;
    }
}

async fn back(outside: Arc<UdpSocket>, socket: Arc<UdpSocket>, to: SocketAddr) {
    thread_local! {
        static ROOM: std::cell::RefCell<Vec<u8>> = std::cell::RefCell::new(vec![0; 65_536]);
    }
    loop {
        let _ = outside.readable().await;
        ROOM.with_borrow_mut(|room| {
            while let Ok((length, _)) = outside.try_recv_from(room) {
                let _ = socket.try_send_to(&room[..length], to);
            }
        });
    }
}
