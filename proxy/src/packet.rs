//! Datagrams, sealed and opened: those of 2022, and those of the older methods.
//!
//! Written here and not taken from the shadowsocks crate, whose datagrams of 2022 read integers at addresses that need
//! not be aligned, look their cipher up in a list that grows with the sessions, and can be padded with memory that
//! was never cleared.

use std::{net::SocketAddr, ops::Range};

use avow_terms::private::Private;
use bytes::{Buf, BufMut};
use shadowsocks::{
    crypto::{CipherKind, v1::Cipher, v2::udp::UdpCipher},
    relay::Address,
};

use crate::{
    address::{self, Addressed},
    block::BlockCipher,
    keys::random,
    method::Method,
    registry::Access,
    replays::Replays,
};

const TAG: usize = 16;
/// The session and number of a datagram of 2022, and the name of the key after it.
const HEAD: usize = 16;
const NAME: usize = 16;
const FROM_CLIENT: u8 = 0;
const FROM_SERVER: u8 = 1;
/// How far apart the clocks of a client and this server may be, in seconds.
pub(crate) const CLOCKS_APART: u64 = 30;

/// What a client sends to a target.
pub(crate) struct Opened {
    pub(crate) target: Private<Address>,
    /// Where its payload lies in the room that it was opened in.
    payload: Range<usize>,
}

impl Opened {
    /// What is sent there, in the room that it was opened in.
    pub(crate) fn payload<'a>(&self, room: &'a [u8]) -> &'a [u8] {
        room.get(self.payload.clone()).unwrap_or_default()
    }
}

/// The session and the number in the head of a datagram of 2022.
pub(crate) fn session_and_number(head: &[u8; HEAD]) -> (u64, u64) {
    let mut head = head.as_slice();
    (head.get_u64(), head.get_u64())
}

/// Opens a datagram of 2022; `None` when it is not sealed with the session's key, or is not of this minute.
pub(crate) fn open_named(cipher: &UdpCipher, head: &[u8; HEAD], packet: &[u8], room: &mut Vec<u8>) -> Option<Opened> {
    room.clear();
    room.extend_from_slice(packet.get(HEAD + NAME..)?);
    let length = room.len().checked_sub(TAG)?;
    if !cipher.decrypt_packet(head.get(4..)?, room) {
        return None;
    }
    let mut body = room.get(..length)?;
    if body.try_get_u8().ok()? != FROM_CLIENT || body.try_get_u64().ok()?.abs_diff(now()) > CLOCKS_APART {
        return None;
    }
    let padding = usize::from(body.try_get_u16().ok()?);
    addressed(body.get(padding..)?, length)
}

/// Opens a datagram of an older method; `None` when it is not sealed with this key.
pub(crate) fn open_nameless(access: &Access, packet: &[u8], room: &mut Vec<u8>) -> Option<Opened> {
    let kind = access.method.cipher();
    let (salt, sealed) = packet.split_at_checked(kind.salt_len())?;
    let length = sealed.len().checked_sub(TAG)?;
    room.clear();
    room.extend_from_slice(sealed);
    let opened = Cipher::new(kind, &access.key, salt).decrypt_packet(room);
    opened.then(|| addressed(room.get(..length)?, length)).flatten()
}

/// What a body means that ends there in its room: its payload ends with it.
fn addressed(body: &[u8], end: usize) -> Option<Opened> {
    let Addressed::To(target, payload) = address::read(body) else { return None };
    Some(Opened { target, payload: end.checked_sub(payload.len())?..end })
}

/// Seals what comes back to a client.
pub(crate) enum Sealer {
    /// For a session of 2022, under a session of the server.
    Named {
        /// Seals the body.
        cipher: Box<UdpCipher>,
        /// Hides the head.
        block: BlockCipher,
        /// The server's session.
        session: u64,
        /// The number of the next datagram.
        next: u64,
        /// The client's session.
        client_session: u64,
    },
    /// For an older method.
    Nameless {
        /// The method.
        kind: CipherKind,
        /// The key.
        key: Box<[u8]>,
    },
}

impl Sealer {
    /// For a session of a client of 2022.
    pub(crate) fn named(access: &Access, client_session: u64) -> Option<Self> {
        let session = u64::from_be_bytes(random());
        let cipher = Box::new(UdpCipher::new(access.method.cipher(), &access.key, session));
        Some(Self::Named { cipher, block: BlockCipher::new(&access.key)?, session, next: 0, client_session })
    }

    /// For a client of an older method.
    pub(crate) fn nameless(access: &Access) -> Self {
        Self::Nameless { kind: access.method.cipher(), key: access.key.clone() }
    }

    /// The datagram that tells the client what came, and from where. Of an older method, it counts as seen: it looks like
    /// one that a client sent, and would be taken for one if somebody sent it back.
    pub(crate) fn seal(&mut self, seen: &Replays, from: SocketAddr, payload: &[u8]) -> Option<Vec<u8>> {
        let from = Address::SocketAddress(from);
        match self {
            Self::Named { cipher, block, session, next, client_session } => {
                let mut packet = Vec::with_capacity(HEAD + 19 + from.serialized_len() + payload.len() + TAG);
                packet.put_u64(*session);
                packet.put_u64(*next);
                *next = next.checked_add(1)?;
                packet.put_u8(FROM_SERVER);
                packet.put_u64(now());
                packet.put_u64(*client_session);
                packet.put_u16(0);
                from.write_to_buf(&mut packet);
                packet.put_slice(payload);
                packet.put_bytes(0, TAG);
                let (head, body) = packet.split_first_chunk_mut::<HEAD>()?;
                cipher.encrypt_packet(head.get(4..)?, body);
                block.encrypt(head);
                Some(packet)
            }
            Self::Nameless { kind, key } => {
                let mut packet = own_salt(kind.salt_len());
                if !seen.take_datagram(&packet) {
                    return None;
                }
                let mut cipher = Cipher::new(*kind, key, &packet);
                from.write_to_buf(&mut packet);
                packet.put_slice(payload);
                packet.put_bytes(0, TAG);
                cipher.encrypt_packet(packet.get_mut(kind.salt_len()..)?);
                Some(packet)
            }
        }
    }
}

/// The cipher that opens the datagrams of a client's session.
pub(crate) fn opener(access: &Access, session: u64) -> UdpCipher {
    UdpCipher::new(access.method.cipher(), &access.key, session)
}

/// The salt of a datagram of an older method.
pub(crate) fn salt(method: Method, packet: &[u8]) -> &[u8] {
    packet.get(..method.cipher().salt_len()).unwrap_or_default()
}

/// A salt for what the relay sends.
pub(crate) fn own_salt(length: usize) -> Vec<u8> {
    let mut salt = random::<32>().to_vec();
    salt.truncate(length);
    salt
}

/// The seconds that a datagram of 2022 carries.
#[expect(
    clippy::disallowed_types,
    reason = "the protocol puts the time of day into every datagram; it goes nowhere else"
)]
pub(crate) fn now() -> u64 {
    use std::time::SystemTime;
    SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs())
}
