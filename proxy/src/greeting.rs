//! What a client says first: that it has the key, and where it wants to go (SIP004, SIP022).
//!
//! Whatever is wrong with it, nothing is answered; a salt is remembered only when what came with it was sealed with the
//! key, so that strangers cannot fill the memory of what was seen.

use avow_terms::private::Private;
use shadowsocks::relay::Address;
use tokio::{io, net::TcpStream};

use crate::{
    address::{self, Addressed},
    identify::{FIXED_HEADER, NAME},
    packet::{CLOCKS_APART, now, own_salt},
    registry::Access,
    replays::Replays,
    room::Size,
    sealed::{Inflow, LENGTH, Opener, Sealer, StreamCipher, TAG},
    wire,
};

/// The type of what a client of 2022 sends.
const FROM_CLIENT: u8 = 0;

/// A client that is let in.
pub(crate) struct Greeting {
    pub(crate) target: Private<Address>,
    /// What it sent with the address already.
    pub(crate) inflow: Inflow,
    pub(crate) opener: Opener,
    pub(crate) sealer: Sealer,
}

/// Reads the rest of the greeting after its head; `None` when it is none.
pub(crate) async fn greeting(seen: &Replays, stream: &TcpStream, access: &Access, head: &[u8]) -> Option<Greeting> {
    let (salt, sealed) = head.split_at_checked(access.method.cipher().salt_len())?;
    let cipher = StreamCipher::new(access.method, &access.key, salt);
    let remember = || seen.take_stream(salt).then_some(());
    let (opener, inflow, target) = if access.method.is_2022() {
        let (mut opener, mut inflow) = opened_2022(access, cipher, sealed)?;
        remember()?;
        next_chunk(stream, &mut opener, &mut inflow).await?;
        let target = addressed_2022(&mut inflow)?;
        (opener, inflow, target)
    } else {
        let (mut opener, mut inflow) = (Opener::new(access.method, cipher), Inflow::new(sealed, 0, Size::Small));
        next_chunk(stream, &mut opener, &mut inflow).await?;
        remember()?;
        let target = addressed(stream, &mut opener, &mut inflow).await?;
        (opener, inflow, target)
    };
    let own = own_salt(salt.len());
    // An older client's own words look like the relay's: what the relay sends counts as seen, and cannot be sent back.
    if !access.method.is_2022() && !seen.take_stream(&own) {
        return None;
    }
    let sealer = Sealer::new(access.method, &access.key, own, salt);
    Some(Greeting { target, inflow, opener, sealer })
}

/// Opens the fixed header of 2022, which says how long the first chunk is.
fn opened_2022(access: &Access, mut cipher: StreamCipher, sealed: &[u8]) -> Option<(Opener, Inflow)> {
    let (mut fixed, rest) =
        sealed.get(NAME..)?.split_first_chunk::<FIXED_HEADER>().map(|(fixed, rest)| (*fixed, rest))?;
    if !cipher.open(&mut fixed) {
        return None;
    }
    let [kind, header @ ..] = fixed;
    let (time, header) = header.split_first_chunk()?;
    let length = usize::from(u16::from_be_bytes(*header.first_chunk()?));
    let this_minute = u64::from_be_bytes(*time).abs_diff(now()) <= CLOCKS_APART;
    let opener = Opener::within(access.method, cipher, length);
    (kind == FROM_CLIENT && this_minute).then(|| (opener, Inflow::new(rest, length + TAG + LENGTH, Size::Small)))
}

/// Takes the address and the padding of 2022 out of the first chunk. They must be whole, and there must be something
/// after the address, so that no two clients' first words are alike in length.
fn addressed_2022(inflow: &mut Inflow) -> Option<Private<Address>> {
    let first = inflow.first();
    let Addressed::To(target, rest) = address::read(first) else { return None };
    let (padding, rest) = rest.split_first_chunk()?;
    let payload = rest.get(usize::from(u16::from_be_bytes(*padding))..)?;
    if rest.is_empty() {
        return None;
    }
    let head = first.len() - payload.len();
    inflow.taken(head);
    Some(target)
}

/// Takes the address off an older client's stream, which may have cut it anywhere.
async fn addressed(stream: &TcpStream, opener: &mut Opener, inflow: &mut Inflow) -> Option<Private<Address>> {
    let mut cut = Vec::new();
    loop {
        let first = inflow.first();
        let before = cut.len();
        cut.extend_from_slice(first);
        match address::read(&cut) {
            Addressed::To(target, rest) => {
                let head = cut.len() - rest.len() - before;
                inflow.taken(head);
                return Some(target);
            }
            Addressed::No => return None,
            Addressed::Cut => {
                let all = first.len();
                inflow.taken(all);
                next_chunk(stream, opener, inflow).await?;
            }
        }
    }
}

/// Reads until the next chunk is whole, and opens it.
async fn next_chunk(stream: &TcpStream, opener: &mut Opener, inflow: &mut Inflow) -> Option<()> {
    while !opener.open_one(inflow).ok()? {
        inflow.make_room(opener, Size::Small);
        stream.readable().await.ok()?;
        match wire::read(stream, inflow.space()) {
            Ok(0) => return None,
            Ok(length) => inflow.read(length),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return None,
        }
    }
    Some(())
}
