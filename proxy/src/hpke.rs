//! Sealing to a public key: HPKE (RFC 9180), base mode, X25519 with HKDF-SHA256 and AES-GCM, one message a key.
//!
//! Whoever seals needs the public key only and keeps nothing to open with: the key of the message is forgotten at once.
//! Every length that is derived here is one block of the hash at most, so the expansion is a single step.

use aws_lc_rs::{
    aead::{self, Aad, LessSafeKey, Nonce, UnboundKey},
    agreement::{self, PrivateKey, UnparsedPublicKey, X25519},
    hmac,
};

/// The length of a public key, and of what it is agreed on with.
pub(crate) const PUBLIC: usize = 32;
const TAG: usize = 16;
/// The numbers of X25519 with HKDF-SHA256, and of HKDF-SHA256.
const KEM: [u8; 2] = [0x00, 0x20];
const KDF: [u8; 2] = [0x00, 0x01];
const BASE_MODE: u8 = 0;
const NONCE: usize = 12;

/// A suite: what a message is sealed with.
struct Suite {
    number: [u8; 2],
    cipher: &'static aead::Algorithm,
}

static AES_256: Suite = Suite { number: [0x00, 0x02], cipher: &aead::AES_256_GCM };

/// How much longer a sealed message is.
pub(crate) const OVERHEAD: usize = PUBLIC + TAG;

/// Seals a message to a public key; `None` when it is no key.
pub(crate) fn seal(to: &[u8; PUBLIC], info: &[u8], message: &[u8]) -> Option<Vec<u8>> {
    AES_256.seal(&PrivateKey::generate(&X25519).ok()?, to, info, &[], message)
}

/// Opens a sealed message; `None` when it was not sealed to this key.
pub(crate) fn open(key: &PrivateKey, info: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    AES_256.open(key, info, &[], sealed)
}

impl Suite {
    fn seal(&self, own: &PrivateKey, to: &[u8; PUBLIC], info: &[u8], aad: &[u8], message: &[u8]) -> Option<Vec<u8>> {
        let sent = own.compute_public_key().ok()?;
        let (key, nonce) = self.schedule(&agreed(own, to, &[sent.as_ref(), to].concat())?, info)?;
        let mut sealed = message.to_vec();
        key.seal_in_place_append_tag(nonce, Aad::from(aad), &mut sealed).ok()?;
        Some([sent.as_ref(), &sealed].concat())
    }

    fn open(&self, key: &PrivateKey, info: &[u8], aad: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (sent, sealed) = sealed.split_first_chunk::<PUBLIC>()?;
        let own = key.compute_public_key().ok()?;
        let (key, nonce) = self.schedule(&agreed(key, sent, &[sent, own.as_ref()].concat())?, info)?;
        let mut message = sealed.to_vec();
        let length = key.open_in_place(nonce, Aad::from(aad), &mut message).ok()?.len();
        message.truncate(length);
        Some(message)
    }

    /// The key and the nonce of the one message under a shared secret.
    fn schedule(&self, shared: &[u8], info: &[u8]) -> Option<(LessSafeKey, Nonce)> {
        let suite = [b"HPKE".as_slice(), &KEM, &KDF, &self.number].concat();
        let extract = |salt: &[u8], label, what: &[u8]| extract(salt, &suite, label, what);
        let (no_name, info) = (extract(&[], "psk_id_hash", &[]), extract(&[], "info_hash", info));
        let context = [&[BASE_MODE], no_name.as_ref(), info.as_ref()].concat();
        let secret = extract(shared, "secret", &[]);
        let key = expand(secret.as_ref(), &suite, "key", &context, self.cipher.key_len())?;
        let nonce = expand(secret.as_ref(), &suite, "base_nonce", &context, NONCE)?;
        let key = UnboundKey::new(self.cipher, &key).ok()?;
        Some((LessSafeKey::new(key), Nonce::try_assume_unique_for_key(&nonce).ok()?))
    }
}

/// The secret that two keys share, bound to both of them.
fn agreed(own: &PrivateKey, other: &[u8; PUBLIC], both: &[u8]) -> Option<Vec<u8>> {
    let suite = [b"KEM".as_slice(), &KEM].concat();
    let other = UnparsedPublicKey::new(&X25519, other);
    let agreed = agreement::agree(own, other, (), |secret| Ok(extract(&[], &suite, "eae_prk", secret))).ok()?;
    expand(agreed.as_ref(), &suite, "shared_secret", both, 32)
}

fn extract(salt: &[u8], suite: &[u8], label: &str, what: &[u8]) -> hmac::Tag {
    let labelled = [b"HPKE-v1".as_slice(), suite, label.as_bytes(), what].concat();
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, salt), &labelled)
}

fn expand(key: &[u8], suite: &[u8], label: &str, info: &[u8], length: usize) -> Option<Vec<u8>> {
    let long = u16::try_from(length).ok()?.to_be_bytes();
    let labelled = [&long, b"HPKE-v1".as_slice(), suite, label.as_bytes(), info, &[1]].concat();
    let block = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), &labelled);
    block.as_ref().get(..length).map(<[u8]>::to_vec)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        hex.as_bytes().chunks(2).map(|two| u8::from_str_radix(str::from_utf8(two).unwrap(), 16).unwrap()).collect()
    }

    fn private(hex: &str) -> PrivateKey {
        PrivateKey::from_private_key(&X25519, &bytes(hex)).unwrap()
    }

    const RECEIVER: &str = "4612c550263fc8ad58375df3f557aac531d26850903e55a9f23f21d8534e8ac8";

    /// RFC 9180, A.1.1: base mode, the first message. The RFC prints this suite with AES-128.
    #[test]
    fn the_vectors_of_the_rfc_come_out() {
        let suite = Suite { number: [0x00, 0x01], cipher: &aead::AES_128_GCM };
        let (receiver, info) = (private(RECEIVER), bytes("4f6465206f6e2061204772656369616e2055726e"));
        let own = private("52c4a758a802cd8b936eceea314432798d5baf2d7e9235dc084ab1b9cfa2f736");
        let to = bytes("3948cfe0ad1ddb695d780e59077195da6c56506b027329794ab02bca80815c4d");
        let (aad, message) = (b"Count-0", b"Beauty is truth, truth beauty");
        let sealed = suite.seal(&own, to.as_slice().try_into().unwrap(), &info, aad, message).unwrap();
        let (sent, ciphertext) = sealed.split_at(PUBLIC);
        assert_eq!(sent, bytes("37fda3567bdbd628e88668c3c8d7e97d1d1253b6d4ea6d44c150f741f1bf4431"));
        let expected = "f938558b5d72f1a23810b4be2ab4f84331acc02fc97babc53a52ae8218a355a96d8770ac83d07bea87e13c512a";
        assert_eq!(ciphertext, bytes(expected));
        assert_eq!(suite.open(&receiver, &info, aad, &sealed).unwrap(), message);
    }

    /// Sealed with AES-256 by another implementation (pyhpke, which stands on OpenSSL).
    const OTHER: &str = "ff6b52ed9e404b32b66cd6b8f620073c547b16557862b10b330afbd5bd7a2e20\
                         1b665eb6e7d43e0d291ce6e6a076924e29b2a219503bd7a1831ea21ea2f0c829494a1deb3d0cfaa01719b37578";

    #[test]
    fn what_another_implementation_sealed_is_opened() {
        let sealed = bytes(OTHER);
        let opened = open(&private(RECEIVER), b"avow sealed session 1", &sealed).unwrap();
        assert_eq!(opened, b"Beauty is truth, truth beauty");
    }

    #[test]
    fn only_the_key_it_was_sealed_to_opens_a_message_and_only_unchanged() {
        let key = PrivateKey::generate(&X25519).unwrap();
        let public = key.compute_public_key().unwrap().as_ref().try_into().unwrap();
        let sealed = seal(&public, b"info", b"message").unwrap();
        assert_eq!(sealed.len(), OVERHEAD + 7);
        assert_eq!(open(&key, b"info", &sealed).unwrap(), b"message");
        assert!(open(&key, b"another", &sealed).is_none() && open(&private(RECEIVER), b"info", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            // The highest bit of a public key does not count.
            assert!(at == PUBLIC - 1 || open(&key, b"info", &changed).is_none(), "{at}");
        }
        assert!(seal(&[0; 32], b"info", b"message").is_none(), "a key that shares the same secret with everybody");
        assert_ne!(seal(&public, b"info", b"message").unwrap(), sealed);
    }
}
