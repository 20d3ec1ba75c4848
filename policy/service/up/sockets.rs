//! The sockets that a service listens on, opened before anything else is begun.

use std::{
    io,
    net::{IpAddr, SocketAddr, TcpListener, UdpSocket},
    os::fd::OwnedFd,
};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, listen, socket_with, sockopt};

use super::handed::Handed;
use crate::{config::Config, failure::Failure};

/// How many connections wait to be accepted; the system cuts it to what it allows.
const WAITING: i32 = 4096;

/// The sockets of a service.
pub(super) struct Sockets {
    /// Where clients connect.
    pub(super) tcp: Vec<TcpListener>,
    /// Where clients send datagrams.
    pub(super) udp: Vec<UdpSocket>,
    /// Where the policy page is.
    pub(super) web: TcpListener,
}

impl Sockets {
    /// Opens them all, or none; what systemd hands over is open already.
    ///
    /// # Errors
    /// If an address is in use, or not this machine's.
    pub(super) fn open(config: &Config, handed: Handed) -> Result<Self, Failure> {
        let (relay, web) = (&config.relay.listen, config.web.listen);
        let Handed { mut tcp, mut udp, web: handed } = handed;
        let missing = tcp.is_empty().then(|| relay.iter()).into_iter().flatten();
        for address in missing {
            let six_only = relay.is_six_only(address);
            tcp.push(listener(address, six_only).map_err(|error| taken(address, "TCP", "--listen", &error))?);
            udp.push(datagrams(address, six_only).map_err(|error| taken(address, "UDP", "--listen", &error))?);
        }
        let bind = || TcpListener::bind(web).map_err(|error| taken(web, "TCP", "--web", &error));
        Ok(Self { tcp, udp, web: handed.map_or_else(bind, Ok)? })
    }
}

/// Where this server is reached besides the sockets of the tunnel: no account is led there.
pub(super) fn own(web: SocketAddr, config: &Config) -> Vec<SocketAddr> {
    // Behind a translation of addresses the tunnel has one that is none of this machine's.
    let host = config.relay.public_host.as_deref().and_then(|host| host.parse::<IpAddr>().ok());
    let outside = config.relay.listen.iter().filter_map(|own| Some((host?, own.port()).into()));
    [web].into_iter().chain(outside).collect()
}

fn listener(address: SocketAddr, six_only: bool) -> io::Result<TcpListener> {
    let socket = open(address, SocketType::STREAM, six_only)?;
    // A service that is started again need not wait for the connections of the last one to be forgotten.
    sockopt::set_socket_reuseaddr(&socket, true)?;
    bind(&socket, &address)?;
    listen(&socket, WAITING)?;
    Ok(socket.into())
}

fn datagrams(address: SocketAddr, six_only: bool) -> io::Result<UdpSocket> {
    let socket = open(address, SocketType::DGRAM, six_only)?;
    bind(&socket, &address)?;
    Ok(socket.into())
}

fn open(address: SocketAddr, kind: SocketType, six_only: bool) -> io::Result<OwnedFd> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, kind, SocketFlags::CLOEXEC, None)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, six_only)?;
    }
    Ok(socket)
}

fn taken(address: SocketAddr, over: &str, flag: &str, error: &io::Error) -> Failure {
    let why = match error.kind() {
        io::ErrorKind::AddrInUse => "the port is in use",
        io::ErrorKind::AddrNotAvailable => "it is not an address of this machine",
        io::ErrorKind::PermissionDenied => "ports below 1024 are for root",
        io::ErrorKind::Unsupported => "this machine has no IPv6",
        _ => "the system refused",
    };
    Failure::could_not(format!("cannot listen on {address} over {over}: {why}"))
        .help(format!("choose another address with `{flag} ADDRESS`, or in avow.toml"))
}
