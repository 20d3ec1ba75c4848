//! What the relay gets from its parent: a control socket as its standard input, and over it the open listeners, the
//! counter page, the memory of what was seen, and a lock to hold.
//!
//! Descriptors travel as a message of the socket (`SCM_RIGHTS`), not by being left open over an exec: no other process
//! that the parent happens to start at the same time can come by them.

use std::{
    fs::File,
    io::{self, IoSlice, IoSliceMut},
    mem::MaybeUninit,
    net::{TcpListener, UdpSocket},
    os::{
        fd::{AsFd, BorrowedFd, OwnedFd},
        unix::net::UnixStream,
    },
};

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags,
    recvmsg, sendmsg,
};

/// The most descriptors that travel: more than any set of listeners needs, fewer than the kernel's 253.
const MOST: usize = 64;

/// All that the relay has.
pub struct Inherited {
    pub(crate) control: UnixStream,
    pub(crate) tcp: Vec<TcpListener>,
    pub(crate) udp: Vec<UdpSocket>,
    pub(crate) page: File,
    pub(crate) replays: File,
    /// Held open until the relay is gone; the relay does nothing with it.
    pub(crate) _lock: Option<OwnedFd>,
}

impl Inherited {
    /// Takes what the parent hands over. Fails when this process was not started by a supervisor.
    ///
    /// To be called first of all: every descriptor but the standard ones is closed, since whoever started the service may
    /// have left some open, and the service would pass them on.
    pub fn from_parent() -> Result<Self, HandoverError> {
        close_what_was_left_open();
        let control = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
        Self::receive(control)
    }

    fn receive(control: UnixStream) -> Result<Self, HandoverError> {
        let mut counts = [0_u8; 3];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut messages = RecvAncillaryBuffer::new(&mut space);
        let parts = &mut [IoSliceMut::new(&mut counts)];
        let received = recvmsg(&control, parts, &mut messages, RecvFlags::CMSG_CLOEXEC).map_err(io::Error::from)?;
        let rights = messages.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        let mut descriptors = rights.flatten().collect::<Vec<_>>().into_iter();
        let [tcp, udp, lock] = counts.map(usize::from);
        if received.bytes != counts.len() || descriptors.len() != tcp + udp + 2 + lock {
            return Err(HandoverError::NotAHandover);
        }
        Ok(Self {
            control,
            tcp: descriptors.by_ref().take(tcp).map(TcpListener::from).collect(),
            udp: descriptors.by_ref().take(udp).map(UdpSocket::from).collect(),
            page: descriptors.next().map(File::from).ok_or(HandoverError::NotAHandover)?,
            replays: descriptors.next().map(File::from).ok_or(HandoverError::NotAHandover)?,
            _lock: descriptors.next(),
        })
    }
}

fn close_what_was_left_open() {
    #[expect(unsafe_code, reason = "no library offers it safely")]
    // SAFETY: it takes no pointer. Nothing in this process owns a descriptor above the standard three yet: this is the
    // first thing that a relay does.
    unsafe {
        // A kernel before 5.9 does not know the call: what was left open stays open, and `avow walls` shows it.
        libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0);
    }
}

/// What the parent keeps, to hand it to one relay after another.
pub(crate) struct Estate {
    pub(crate) tcp: Vec<TcpListener>,
    pub(crate) udp: Vec<UdpSocket>,
    pub(crate) page: OwnedFd,
    pub(crate) replays: OwnedFd,
    pub(crate) lock: Option<OwnedFd>,
}

impl Estate {
    /// Hands over copies of everything.
    pub(crate) fn send(&self, control: &UnixStream) -> Result<(), HandoverError> {
        let tcp = self.tcp.iter().map(AsFd::as_fd);
        let udp = self.udp.iter().map(AsFd::as_fd);
        let rest = [Some(self.page.as_fd()), Some(self.replays.as_fd()), self.lock.as_ref().map(AsFd::as_fd)];
        let descriptors: Vec<BorrowedFd<'_>> = tcp.chain(udp).chain(rest.into_iter().flatten()).collect();
        let counts = [self.tcp.len(), self.udp.len(), usize::from(self.lock.is_some())];
        let counts = counts.map(|count| u8::try_from(count).unwrap_or(u8::MAX));
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
        let mut messages = SendAncillaryBuffer::new(&mut space);
        if descriptors.len() > MOST || !messages.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(HandoverError::TooMany);
        }
        sendmsg(control, &[IoSlice::new(&counts)], &mut messages, SendFlags::NOSIGNAL).map_err(io::Error::from)?;
        Ok(())
    }
}

/// Why nothing was handed over.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// The standard input is not the socket of a parent.
    #[error("the relay is started by `avow up`, not by hand")]
    NotAHandover,
    /// More listeners than can be passed on at once.
    #[error("a relay serves at most {} sockets", MOST - 3)]
    TooMany,
    /// The system refused.
    #[error("the relay's sockets cannot be handed over: {0}")]
    Io(#[from] io::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_handed_over_arrives() {
        let (parent, child) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let page = tempfile::tempfile().unwrap();
        page.set_len(77).unwrap();
        let at = (listener.local_addr().unwrap(), socket.local_addr().unwrap());
        let lock = Some(tempfile::tempfile().unwrap().into());
        let replays = tempfile::tempfile().unwrap().into();
        Estate { tcp: vec![listener], udp: vec![socket], page: page.into(), replays, lock }.send(&parent).unwrap();
        let inherited = Inherited::receive(child).unwrap();
        assert_eq!(inherited.tcp[0].local_addr().unwrap(), at.0);
        assert_eq!(inherited.udp[0].local_addr().unwrap(), at.1);
        assert_eq!(inherited.page.metadata().unwrap().len(), 77);
        assert!(inherited._lock.is_some());
    }

    #[test]
    fn a_relay_without_a_parent_does_not_start() {
        let (parent, child) = UnixStream::pair().unwrap();
        drop(parent);
        assert!(matches!(Inherited::receive(child), Err(HandoverError::NotAHandover)));
    }
}
