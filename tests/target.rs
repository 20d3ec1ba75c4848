//! The far side of a tunnel: servers on loopback that know exactly what they received and sent.

use std::{
    io::{Read, Write},
    net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    thread,
    time::Duration,
};

use crate::world::PATIENCE;

/// A server that sends back every byte it receives, and counts both.
pub(crate) struct Echo {
    pub(crate) address: SocketAddr,
    seen: Arc<AtomicU64>,
}

impl Echo {
    /// Over TCP.
    pub(crate) fn tcp() -> Self {
        Self::tcp_on(Ipv4Addr::LOCALHOST.into())
    }

    /// Over TCP, at an address of this machine.
    pub(crate) fn tcp_on(host: IpAddr) -> Self {
        let listener = TcpListener::bind((host, 0)).unwrap();
        let (address, seen) = (listener.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
        let counter = seen.clone();
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counter = counter.clone();
                thread::spawn(move || echo(stream, &counter));
            }
        });
        Self { address, seen }
    }

    /// Over UDP.
    pub(crate) fn udp() -> Self {
        Self::udp_on(Ipv4Addr::LOCALHOST.into())
    }

    /// Over UDP, at an address of this machine.
    pub(crate) fn udp_on(host: IpAddr) -> Self {
        let socket = UdpSocket::bind((host, 0)).unwrap();
        let (address, seen) = (socket.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
        let counter = seen.clone();
        thread::spawn(move || {
            let mut packet = vec![0; 65536];
            while let Ok((length, from)) = socket.recv_from(&mut packet) {
                counter.fetch_add(length as u64, Ordering::SeqCst);
                if let Ok(sent) = socket.send_to(&packet[..length], from) {
                    counter.fetch_add(sent as u64, Ordering::SeqCst);
                }
            }
        });
        Self { address, seen }
    }

    /// Every byte received or sent so far.
    pub(crate) fn seen(&self) -> u64 {
        self.seen.load(Ordering::SeqCst)
    }
}

fn echo(mut stream: TcpStream, counter: &AtomicU64) {
    let mut piece = [0; 16384];
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    while let Ok(length @ 1..) = stream.read(&mut piece) {
        counter.fetch_add(length as u64, Ordering::SeqCst);
        if stream.write_all(&piece[..length]).is_err() {
            return;
        }
        counter.fetch_add(length as u64, Ordering::SeqCst);
    }
    let _ = stream.shutdown(Shutdown::Write);
}

/// A server that sends without end to whoever connects.
pub(crate) struct Source {
    pub(crate) address: SocketAddr,
}

impl Source {
    /// Pieces of a size, with a pause between them.
    pub(crate) fn new(piece: usize, pause: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                thread::spawn(move || {
                    while stream.write_all(&vec![0x5a; piece]).is_ok() {
                        thread::sleep(pause);
                    }
                });
            }
        });
        Self { address }
    }
}
