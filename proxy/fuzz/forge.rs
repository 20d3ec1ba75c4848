//! What only a holder of a key can send, and no client does: words sealed as they should be that say what they should not.
//!
//! Shared by the tests against the real relay and by what must hold under the fuzzer; written apart from the relay.

use std::net::SocketAddr;

use aes::{
    Aes128, Aes256,
    cipher::{BlockCipherEncrypt, KeyInit},
};
use shadowsocks::{
    config::ServerConfig,
    crypto::{
        v1::Cipher,
        v2::{tcp::TcpCipher, udp::UdpCipher},
    },
    relay::Address,
};

const TAG: [u8; 16] = [0; 16];
const FROM_CLIENT: u8 = 0;

/// What a client says of itself and wants; each part may be wrong.
#[derive(Clone)]
pub(crate) struct Words {
    pub(crate) kind: u8,
    /// How far its clock is from the true one, in seconds.
    pub(crate) clock: i64,
    /// The length of the padding, as it is said to be.
    pub(crate) padding: u16,
    /// What comes after that: the padding, the target and the payload.
    pub(crate) body: Vec<u8>,
}

impl Words {
    /// What an honest client says: no padding, the target, the payload.
    pub(crate) fn honest(target: SocketAddr, payload: &[u8]) -> Self {
        let mut body = Vec::new();
        Address::from(target).write_to_buf(&mut body);
        body.extend_from_slice(payload);
        Self { kind: FROM_CLIENT, clock: 0, padding: 0, body }
    }

    /// Somebody whose body is this.
    pub(crate) fn with_body(body: &[u8]) -> Self {
        Self { kind: FROM_CLIENT, clock: 0, padding: 0, body: body.to_vec() }
    }

    #[expect(clippy::disallowed_types, reason = "a client says what time it is, or lies about it")]
    fn time(&self) -> [u8; 8] {
        use std::time::SystemTime;
        let now = SystemTime::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs());
        now.saturating_add_signed(self.clock).to_be_bytes()
    }
}

/// The beginning of a stream that says so; a salt is made from the seed. The older methods have no clock, no type and no
/// padding.
pub(crate) fn stream(config: &ServerConfig, seed: u64, words: &Words) -> Vec<u8> {
    let (key, salt) = (config.key(), salt(config, seed));
    let mut cipher = Either::new(config, &salt);
    let Some(identity) = config.identity_keys().first() else {
        let length = u16::try_from(words.body.len()).unwrap().to_be_bytes();
        return [salt, cipher.seal(&length), cipher.seal(&words.body)].concat();
    };
    let variable = variable(words);
    let subkey = blake3::derive_key("shadowsocks 2022 identity subkey", &[identity, &salt[..]].concat());
    let name = block(&subkey[..key.len()], name_of(key));
    let length = u16::try_from(variable.len()).unwrap().to_be_bytes();
    let fixed = [&[words.kind][..], &words.time(), &length].concat();
    [salt, name.to_vec(), cipher.seal(&fixed), cipher.seal(&variable)].concat()
}

/// What a client of 2022 says where it may say as much as it likes: the length of the padding stands behind the target.
pub(crate) fn variable(words: &Words) -> Vec<u8> {
    let (target, rest) = words.body.split_at(target_length(&words.body));
    [target, &words.padding.to_be_bytes(), rest].concat()
}

/// A datagram that says so, with a session and a number for the methods that have them, and a salt for those that do not.
pub(crate) fn datagram(config: &ServerConfig, session: u64, number: u64, words: &Words) -> Vec<u8> {
    let (kind, key) = (config.method(), config.key());
    let Some(identity) = config.identity_keys().first() else {
        let salt = salt(config, session ^ number);
        let mut cipher = Either::new(config, &salt);
        return [salt, cipher.seal(&words.body)].concat();
    };
    let mut head = [0; 16];
    head[..8].copy_from_slice(&session.to_be_bytes());
    head[8..].copy_from_slice(&number.to_be_bytes());
    let mut name = name_of(key);
    name.iter_mut().zip(head).for_each(|(byte, with)| *byte ^= with);
    let padding = words.padding.to_be_bytes();
    let mut body = [&[words.kind][..], &words.time(), &padding, &words.body, &TAG].concat();
    UdpCipher::new(kind, key, session).encrypt_packet(&head[4..], &mut body);
    [&block(identity, head)[..], &block(identity, name), &body].concat()
}

fn salt(config: &ServerConfig, seed: u64) -> Vec<u8> {
    // Of the key as well, so that no two accounts send the same salt.
    blake3::hash(&[config.key(), &seed.to_be_bytes()].concat()).as_bytes()[..config.method().salt_len()].to_vec()
}

/// How much of it is an address, as far as it is one.
fn target_length(body: &[u8]) -> usize {
    let length = match body {
        [1, ..] => 7,
        [4, ..] => 19,
        [3, length, ..] => 4 + usize::from(*length),
        _ => 0,
    };
    length.min(body.len())
}

fn name_of(key: &[u8]) -> [u8; 16] {
    blake3::hash(key).as_bytes()[..16].try_into().unwrap()
}

fn block(key: &[u8], mut block: [u8; 16]) -> [u8; 16] {
    match key.len() {
        16 => Aes128::new_from_slice(key).unwrap().encrypt_block((&mut block).into()),
        _ => Aes256::new_from_slice(key).unwrap().encrypt_block((&mut block).into()),
    }
    block
}

enum Either {
    Old(Box<Cipher>),
    New(Box<TcpCipher>),
}

impl Either {
    fn new(config: &ServerConfig, salt: &[u8]) -> Self {
        let (kind, key) = (config.method(), config.key());
        if config.identity_keys().is_empty() {
            Self::Old(Box::new(Cipher::new(kind, key, salt)))
        } else {
            Self::New(Box::new(TcpCipher::new(kind, key, salt)))
        }
    }

    fn seal(&mut self, plain: &[u8]) -> Vec<u8> {
        let mut sealed = [plain, &TAG].concat();
        match self {
            Self::Old(cipher) => cipher.encrypt_packet(&mut sealed),
            Self::New(cipher) => cipher.encrypt_packet(&mut sealed),
        }
        sealed
    }
}
