//! The sockets of an association towards its targets, opened when they are needed.

use std::{future::pending, io, net::SocketAddr, sync::OnceLock};

use avow_terms::private::Private;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use tokio::net::UdpSocket;

/// One socket for each family. Only the association's task opens them; what is open is used by whoever sends.
#[derive(Default)]
pub(super) struct Outside {
    pub(super) four: OnceLock<UdpSocket>,
    pub(super) six: OnceLock<UdpSocket>,
}

impl Outside {
    /// The socket towards this address, if it is open.
    pub(super) fn open_towards(&self, to: &Private<SocketAddr>) -> Option<&UdpSocket> {
        self.of(to).0.get()
    }

    /// The socket towards this address.
    pub(super) fn towards(&self, to: &Private<SocketAddr>) -> io::Result<&UdpSocket> {
        let (place, family) = self.of(to);
        if let Some(socket) = place.get() {
            return Ok(socket);
        }
        let opened = outside(family)?;
        Ok(place.get_or_init(|| opened))
    }

    fn of(&self, to: &Private<SocketAddr>) -> (&OnceLock<UdpSocket>, AddressFamily) {
        match to.expose() {
            SocketAddr::V4(_) => (&self.four, AddressFamily::INET),
            SocketAddr::V6(_) => (&self.six, AddressFamily::INET6),
        }
    }
}

/// A socket that takes its port when it sends for the first time: behind the walls nothing can be bound.
fn outside(family: AddressFamily) -> io::Result<UdpSocket> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::DGRAM, flags, None)?;
    UdpSocket::from_std(socket.into())
}

/// Waits until something came; for ever where there is no socket.
pub(super) async fn readable(socket: Option<&UdpSocket>) {
    match socket {
        // An error is met again, and dealt with, when it is read.
        Some(socket) => drop(socket.readable().await),
        None => pending().await,
    }
}
