//! The sockets that systemd opened and hands over: `tunnel`, streams and datagrams, and `web` (sd_listen_fds(3)).
//!
//! They come as open descriptors with numbers from 3 on. Each is taken once, before anything else is opened, and is closed
//! to programs that this one starts.

use std::{
    fs,
    net::{TcpListener, UdpSocket},
    os::fd::{FromRawFd, OwnedFd, RawFd},
};

use rustix::{
    io::{FdFlags, fcntl_setfd},
    net::{SocketType, sockopt::socket_type},
};

use crate::failure::Failure;

/// The number of the first descriptor.
const FIRST: RawFd = 3;
/// More than any unit hands over.
const MOST: usize = 64;

/// What was handed over.
#[derive(Default)]
pub(super) struct Handed {
    pub(super) tcp: Vec<TcpListener>,
    pub(super) udp: Vec<UdpSocket>,
    pub(super) web: Option<TcpListener>,
}

impl Handed {
    /// Takes what there is; nothing, when this process was started by hand.
    ///
    /// # Errors
    /// If a socket has a name that is not known, or half of the tunnel is missing.
    pub(super) fn take() -> Result<Self, Failure> {
        let number = |name| std::env::var(name).ok()?.parse::<usize>().ok();
        let ours = number("LISTEN_PID") == usize::try_from(std::process::id()).ok();
        let count = number("LISTEN_FDS").filter(|_| ours).unwrap_or(0).min(MOST);
        let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
        let mut handed = Self::default();
        let names = names.split(':').chain(std::iter::repeat(""));
        for (descriptor, name) in (FIRST..).zip(names).take(count) {
            handed.place(socket(descriptor)?, name)?;
        }
        match (handed.tcp.is_empty(), handed.udp.is_empty()) {
            (false, true) => Err(Failure::could_not("systemd handed over no datagram socket of the tunnel")
                .help("add a `ListenDatagram=` with the address of `ListenStream=` to the unit")),
            (true, false) => Err(Failure::could_not("systemd handed over no stream socket of the tunnel")
                .help("add a `ListenStream=` with the address of `ListenDatagram=` to the unit")),
            _ => Ok(handed),
        }
    }

    fn place(&mut self, socket: OwnedFd, name: &str) -> Result<(), Failure> {
        let kind = socket_type(&socket).map_err(Failure::could_not)?;
        match (name, kind) {
            ("tunnel", SocketType::STREAM) => self.tcp.push(socket.into()),
            ("tunnel", SocketType::DGRAM) => self.udp.push(socket.into()),
            ("web", SocketType::STREAM) if self.web.is_none() => self.web = Some(socket.into()),
            _ => {
                return Err(Failure::could_not(format!("systemd handed over a socket named `{name}`")).help(
                    "a socket is `tunnel` (streams and datagrams) or `web` (one, streams): \
                     set `FileDescriptorName=` in its unit",
                ));
            }
        }
        Ok(())
    }
}

/// Takes a descriptor over, if there is a socket under its number.
fn socket(number: RawFd) -> Result<OwnedFd, Failure> {
    let none = || Failure::could_not("systemd announced a socket that is not there");
    let open = fs::read_link(format!("/proc/self/fd/{number}")).map_err(|_| none())?;
    if !open.to_string_lossy().starts_with("socket:") {
        return Err(none());
    }
    #[expect(unsafe_code, reason = "a descriptor that was inherited is known by its number only")]
    // SAFETY: systemd opened it for this process, as `LISTEN_PID` says, and there is a socket under the number. Nothing
    // else of this process has it: this is called once for each number, before anything else is opened.
    let socket = unsafe { OwnedFd::from_raw_fd(number) };
    fcntl_setfd(&socket, FdFlags::CLOEXEC).map_err(Failure::could_not)?;
    Ok(socket)
}
