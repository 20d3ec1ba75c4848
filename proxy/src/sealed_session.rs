//! What only the abuse desk can read: the address, the times and the server of a session, sealed to the desk's public key.
//!
//! Every sealed session is of one length and looks like noise. Who seals it cannot open it again; the private key is kept
//! where no service runs.

use std::{fmt, net::IpAddr, str::FromStr};

use avow_terms::{account::AccountId, private::Private};
use aws_lc_rs::{
    agreement::{PrivateKey, X25519},
    encoding::{AsBigEndian, Curve25519SeedBin},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::hpke::{self, OVERHEAD, PUBLIC};

/// What the seal is for, so that nothing else that is sealed to the key is taken for a session.
const INFO: &[u8] = b"avow sealed session 1";
/// An address of 16 bytes, two times of 8 and a server of 2.
const LENGTH: usize = 34;
/// The length of every sealed session.
pub const SEALED_LENGTH: usize = OVERHEAD + LENGTH;

/// The public key of the abuse desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct DeskPublicKey([u8; PUBLIC]);

/// The private key of the abuse desk.
pub struct DeskKey(PrivateKey);

/// Where a session came from, when it was, and the number of the server it used.
pub struct SessionRecord {
    /// The client's address.
    pub address: Private<IpAddr>,
    /// When it began, in seconds since 1970.
    pub start: u64,
    /// When it was used last.
    pub end: u64,
    /// The number of the server.
    pub server: u16,
}

/// A session as it leaves the relay: whose it was, the hour it ended in, and what only the desk can open.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealedSession {
    /// The account.
    pub account: AccountId,
    /// The hour in which it ended, counted since 1970.
    pub hour: u64,
    /// The sealed record, in base64.
    pub blob: String,
}

/// Says that there is a session, and not whose.
impl fmt::Debug for SealedSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealedSession(..)")
    }
}

impl SealedSession {
    /// A session that was sealed before.
    #[must_use]
    pub fn new(account: AccountId, hour: u64, sealed: &[u8]) -> Self {
        Self { account, hour, blob: STANDARD.encode(sealed) }
    }

    /// What only the desk can open; `None` when it is of another length than every sealed session.
    #[must_use]
    pub fn bytes(&self) -> Option<Vec<u8>> {
        STANDARD.decode(&self.blob).ok().filter(|sealed| sealed.len() == SEALED_LENGTH)
    }
}

impl SessionRecord {
    /// Seals it to the desk, in base64; `None` when the system gives no random bytes.
    #[must_use]
    pub fn seal(&self, to: &DeskPublicKey) -> Option<String> {
        let address = match self.address.expose() {
            IpAddr::V4(four) => four.to_ipv6_mapped(),
            IpAddr::V6(six) => *six,
        };
        let (start, end) = (self.start.to_be_bytes(), self.end.to_be_bytes());
        let plain = [address.octets().as_slice(), &start, &end, &self.server.to_be_bytes()].concat();
        hpke::seal(&to.0, INFO, &plain).map(|sealed| STANDARD.encode(sealed))
    }

    fn read(plain: &[u8]) -> Option<Self> {
        let (address, rest) = plain.split_first_chunk::<16>()?;
        let (start, rest) = rest.split_first_chunk()?;
        let (end, server) = rest.split_first_chunk()?;
        Some(Self {
            address: Private::new(IpAddr::from(*address).to_canonical()),
            start: u64::from_be_bytes(*start),
            end: u64::from_be_bytes(*end),
            server: u16::from_be_bytes(server.try_into().ok()?),
        })
    }
}

impl DeskKey {
    /// A new key; `None` when the system gives no random bytes.
    #[must_use]
    pub fn generate() -> Option<Self> {
        PrivateKey::generate(&X25519).ok().map(Self)
    }

    /// The key in its text.
    ///
    /// # Errors
    /// If it is no key.
    pub fn decode(text: &Private<String>) -> Result<Self, NotAKey> {
        let bytes = STANDARD.decode(text.expose().trim()).map_err(|_| NotAKey)?;
        PrivateKey::from_private_key(&X25519, &bytes).map(Self).map_err(|_| NotAKey)
    }

    /// Its text, to be kept where no service runs.
    #[must_use]
    pub fn encode(&self) -> Option<Private<String>> {
        let seed: Curve25519SeedBin<'_> = self.0.as_be_bytes().ok()?;
        Some(Private::new(STANDARD.encode(seed.as_ref())))
    }

    /// The key that the relay seals to.
    #[must_use]
    pub fn public(&self) -> Option<DeskPublicKey> {
        self.0.compute_public_key().ok()?.as_ref().try_into().ok().map(DeskPublicKey)
    }

    /// Opens a sealed session in base64; `None` when it was sealed to another key, or was changed.
    #[must_use]
    pub fn open(&self, blob: &str) -> Option<SessionRecord> {
        SessionRecord::read(&hpke::open(&self.0, INFO, &STANDARD.decode(blob.trim()).ok()?)?)
    }
}

/// The text is no key of a desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not a key of `avow desk keygen`: 32 bytes in base64")]
pub struct NotAKey;

impl FromStr for DeskPublicKey {
    type Err = NotAKey;

    fn from_str(text: &str) -> Result<Self, NotAKey> {
        let bytes = STANDARD.decode(text.trim()).map_err(|_| NotAKey)?;
        let key = bytes.as_slice().try_into().map(Self).map_err(|_| NotAKey)?;
        // A key that nothing can be sealed to is refused here, and not at the first session.
        hpke::seal(&key.0, INFO, &[]).map(|_| key).ok_or(NotAKey)
    }
}

impl TryFrom<String> for DeskPublicKey {
    type Error = NotAKey;

    fn try_from(text: String) -> Result<Self, NotAKey> {
        text.parse()
    }
}

impl From<DeskPublicKey> for String {
    fn from(key: DeskPublicKey) -> Self {
        key.to_string()
    }
}

impl fmt::Display for DeskPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&STANDARD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_desk_reads_what_was_sealed_to_it_and_nobody_else_does() {
        let (desk, other) = (DeskKey::generate().unwrap(), DeskKey::generate().unwrap());
        for address in ["127.0.0.1", "2001:db8::7"] {
            let address: IpAddr = address.parse().unwrap();
            let record =
                SessionRecord { address: Private::new(address), start: 1_700_000_000, end: 1_700_003_600, server: 7 };
            let blob = record.seal(&desk.public().unwrap()).unwrap();
            assert_eq!(STANDARD.decode(&blob).unwrap().len(), SEALED_LENGTH);
            let opened = desk.open(&blob).unwrap();
            assert_eq!(*opened.address.expose(), address);
            assert_eq!((opened.start, opened.end, opened.server), (record.start, record.end, record.server));
            assert!(other.open(&blob).is_none());
        }
    }

    #[test]
    fn keys_survive_their_text() {
        let desk = DeskKey::generate().unwrap();
        let again = DeskKey::decode(&desk.encode().unwrap()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(desk.public(), again.public());
        let public = desk.public().unwrap();
        assert_eq!(public.to_string().parse(), Ok(public));
        for wrong in ["", "x", "AAAA", &STANDARD.encode([0; 32])] {
            assert_eq!(wrong.parse::<DeskPublicKey>(), Err(NotAKey), "{wrong}");
        }
    }
}
