//! The sockets that a service listens on, opened before anything else is begun.

use std::{
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
};

use crate::{config::Config, failure::Failure};

/// The sockets of a service.
pub(super) struct Sockets {
    /// Where clients connect.
    pub(super) tcp: TcpListener,
    /// Where clients send datagrams.
    pub(super) udp: UdpSocket,
    /// Where the policy page is.
    pub(super) web: TcpListener,
}

impl Sockets {
    /// Opens them all, or none.
    ///
    /// # Errors
    /// If an address is in use, or not this machine's.
    pub(super) fn open(config: &Config) -> Result<Self, Failure> {
        let (relay, web) = (config.relay.listen, config.web.listen);
        Ok(Self {
            tcp: TcpListener::bind(relay).map_err(|error| taken(relay, "TCP", "--listen", &error))?,
            udp: UdpSocket::bind(relay).map_err(|error| taken(relay, "UDP", "--listen", &error))?,
            web: TcpListener::bind(web).map_err(|error| taken(web, "TCP", "--web", &error))?,
        })
    }
}

fn taken(address: SocketAddr, over: &str, flag: &str, error: &io::Error) -> Failure {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use",
        io::ErrorKind::AddrNotAvailable => "it is not an address of this machine",
        io::ErrorKind::PermissionDenied => "ports below 1024 are for root",
        _ => "the system refused",
    };
    Failure::could_not(format!("cannot listen on {address} over {over}: {why}"))
        .help(format!("choose another address with `{flag} ADDRESS`, or in avow.toml"))
}
