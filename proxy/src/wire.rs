//! One system call on a stream's socket, and what the runtime has to know about it.
//!
//! By hand because tokio does not tell, of a vectored read, that the socket is empty now.

use std::{
    io::{self, IoSlice, IoSliceMut},
    os::fd::AsFd,
};

use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags, Shutdown};
use tokio::{io::Interest, net::TcpStream};

/// The most that is handed to a socket in one call, so that no more than this can be on its way to the counter when the
/// process is killed.
pub(crate) const PIECE: usize = 16 * 1024;

/// Reads once; `WouldBlock` when there is nothing.
pub(crate) fn read(from: &TcpStream, into: &mut [u8]) -> io::Result<usize> {
    let asked = into.len();
    once(from, Interest::READABLE, asked, || Ok(rustix::net::recv(from, into, RecvFlags::empty())?.1))
}

/// Reads once into several places; `WouldBlock` when there is nothing.
pub(crate) fn read_apart(from: &TcpStream, into: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    let asked = into.iter().map(|slot| slot.len()).sum();
    once(from, Interest::READABLE, asked, || Ok(rustix::io::readv(from, into)?))
}

/// Hands over one piece, and tells how much of it was taken; `None` when there is no room. That more follows is not
/// said: the far side works on one piece while the next is made, which was measured to be worth more than full packets.
pub(crate) fn send(to: &TcpStream, piece: &[IoSlice<'_>]) -> io::Result<Option<usize>> {
    let asked = piece.iter().map(|slice| slice.len()).sum();
    match once(to, Interest::WRITABLE, asked, || send_now(to, piece)) {
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Ok(0) => Err(io::ErrorKind::WriteZero.into()),
        taken => taken.map(Some),
    }
}

/// Says that nothing more follows.
pub(crate) fn end(to: &TcpStream) -> io::Result<()> {
    Ok(rustix::net::shutdown(to, Shutdown::Write)?)
}

fn send_now(to: impl AsFd, piece: &[IoSlice<'_>]) -> io::Result<usize> {
    match piece {
        [one] => Ok(rustix::net::send(to, one, SendFlags::NOSIGNAL)?),
        many => Ok(rustix::net::sendmsg(to, many, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL)?),
    }
}

/// Does it once. A socket that gave or took less than it was asked has no more for now: the runtime is told so in the
/// same breath, or else the next call would be made only to hear it.
fn once(
    stream: &TcpStream,
    interest: Interest,
    asked: usize,
    call: impl FnOnce() -> io::Result<usize>,
) -> io::Result<usize> {
    let mut done = None;
    let tried = stream.try_io(interest, || {
        let moved = call()?;
        done = Some(moved);
        if moved > 0 && moved < asked { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(moved) }
    });
    done.map_or(tried, Ok)
}
