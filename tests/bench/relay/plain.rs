//! Relays without a cipher, in a process of their own: what carrying bytes costs at the least, with large buffers.

use std::{
    collections::HashMap,
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use shadowsocks::crypto::{CipherKind, v2::tcp::TcpCipher};
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
const TAG: usize = 16;

/// The most that may be handed over in one call for the counts to stand after a kill.
const PIECE: usize = 16 * 1024;

/// Serves until it is killed: `streams`, `pieces` or `datagrams`, the port, the target. With `pieces` what comes from the
/// target is sealed and handed over in pieces of 16 KiB, and not counted: the floor for whoever keeps that promise.
pub(crate) fn serve(arguments: &[String]) {
    let [kind, port, target] = arguments else { panic!("no such relay") };
    let (port, target): (u16, SocketAddr) = (port.parse().unwrap(), target.parse().unwrap());
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    match kind.as_str() {
        "datagrams" => runtime.block_on(datagrams(port, target)),
        kind => runtime.block_on(streams(port, target, kind == "pieces")),
    }
}

async fn streams(port: u16, target: SocketAddr, pieces: bool) {
    let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    loop {
        let (client, _) = listener.accept().await.unwrap();
        tokio::spawn(async move {
            let target = TcpStream::connect(target).await.ok()?;
            client.set_nodelay(true).ok()?;
            target.set_nodelay(true).ok()?;
            let ((from_client, to_client), (from_target, to_target)) = (client.into_split(), target.into_split());
            if pieces {
                tokio::join!(one_way(from_client, to_target), in_pieces(from_target, to_client));
            } else {
                tokio::join!(one_way(from_client, to_target), one_way(from_target, to_client));
            }
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

/// As a relay that keeps the promise must at the least: each piece is sealed and then handed over.
async fn in_pieces(from: OwnedReadHalf, to: OwnedWriteHalf) -> Option<()> {
    let mut bytes = vec![0; LARGE];
    let mut cipher = TcpCipher::new(CipherKind::AEAD2022_BLAKE3_AES_256_GCM, &[7; 32], &[9; 32]);
    loop {
        from.readable().await.ok()?;
        let Ok(length) = from.try_read(&mut bytes) else { continue };
        if length == 0 {
            return None;
        }
        for piece in bytes[..length].chunks_mut(PIECE) {
            if piece.len() > TAG {
                cipher.encrypt_packet(piece);
            }
            let mut rest = &*piece;
            while !rest.is_empty() {
                match to.try_write(rest) {
                    Ok(written) => rest = &rest[written..],
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => to.writable().await.ok()?,
                    Err(_) => return None,
                }
            }
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
