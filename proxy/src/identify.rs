//! Whose key a connection begins with. Nothing is answered here, and nothing but the key is learned.

use std::{net::IpAddr, sync::Arc};

use avow_terms::private::Private;
use shadowsocks::crypto::v1::Cipher;

use crate::{
    block::{BlockCipher, xor},
    registry::{Access, Name, Named, Registry},
    relay::Relay,
};

/// So much of a connection is read before its key is looked for: the longest salt and the first sealed length. Every
/// client of every method sends at least this before it waits for an answer.
pub(crate) const HEAD: usize = 50;

/// What a sealed length takes: two bytes and a tag.
const SEALED_LENGTH: usize = 2 + 16;
/// What follows the salt of a client of 2022: the name of its key; and type, time and length, sealed.
pub(crate) const NAME: usize = 16;
pub(crate) const FIXED_HEADER: usize = 1 + 8 + 2 + 16;
/// What the protocol of 2022 derives the key from that hides names.
const IDENTITY_CONTEXT: &str = "shadowsocks 2022 identity subkey";

/// The key that a connection begins with, if it is one that is served.
pub(crate) async fn identify(relay: &Relay, peer: &Private<IpAddr>, head: &[u8]) -> Option<Arc<Access>> {
    let registry = relay.registry.load_full();
    if let Some(access) = by_name(&registry, head) {
        return Some(access);
    }
    let (hints, a_second) = (relay.hints.load_full(), relay.limits.load().trials);
    let opens = |access: &Access| opens(access, head).then_some(());
    let found = relay.trials.find(&registry.nameless, hints.line(peer), a_second, opens).await;
    found.map(|(access, ())| access)
}

/// How much of the connection must be here before the handshake begins: in the edition of 2022 the whole fixed header
/// must come in one piece.
pub(crate) fn whole_head(access: &Access) -> usize {
    if access.method.is_2022() { access.method.cipher().salt_len() + NAME + FIXED_HEADER } else { HEAD }
}

fn by_name(registry: &Registry, head: &[u8]) -> Option<Arc<Access>> {
    registry.named.iter().find_map(|named| named.find(&hidden_name(named, head)?))
}

fn hidden_name(named: &Named, head: &[u8]) -> Option<Name> {
    let (salt, rest) = head.split_at_checked(named.method.cipher().salt_len())?;
    let mut name = *rest.first_chunk::<NAME>()?;
    let subkey = blake3::derive_key(IDENTITY_CONTEXT, &[&named.identity, salt].concat());
    BlockCipher::new(subkey.get(..named.identity.len())?)?.decrypt(&mut name);
    Some(name)
}

fn opens(access: &Access, head: &[u8]) -> bool {
    let sealed = head.split_at_checked(access.method.cipher().salt_len());
    sealed.and_then(|(salt, rest)| Some((salt, *rest.first_chunk::<SEALED_LENGTH>()?))).is_some_and(
        |(salt, mut length)| Cipher::new(access.method.cipher(), &access.key, salt).decrypt_packet(&mut length),
    )
}

/// The key that a datagram of 2022 names, with its head (session and number) in the clear.
pub(crate) fn datagram_name(registry: &Registry, packet: &[u8]) -> Option<(Arc<Access>, [u8; 16])> {
    let hidden_head = packet.first_chunk::<16>()?;
    let hidden_name = packet.get(16..)?.first_chunk::<NAME>()?;
    registry.named.iter().find_map(|named| {
        let (mut head, mut name) = (*hidden_head, *hidden_name);
        named.block.decrypt(&mut head);
        named.block.decrypt(&mut name);
        named.find(&xor(name, &head)).map(|access| (access, head))
    })
}
