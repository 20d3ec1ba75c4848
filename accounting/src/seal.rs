//! Sealing: what is stored so that the file alone does not tell it (AES-256-GCM).
//!
//! A sealed value is `nonce ‖ ciphertext ‖ tag`. Its plain text is padded to a multiple of 256 bytes, so that its length
//! does not count what is in it, and it is bound to the column and the row it stands in, so that it opens nowhere else.
//! A value of an account in a bucket is sealed under a key that is made of both their keys: it can be opened by nobody
//! as soon as either is destroyed.

use avow_terms::private::Private;
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    error::Unspecified,
    hkdf::{HKDF_SHA256, Salt},
};

use crate::key_file::{KEY_LEN, KeyBytes};

const BLOCK: usize = 256;
const LENGTH_LEN: usize = size_of::<u32>();

/// A key that seals and opens.
pub(crate) struct SealingKey(RandomizedNonceKey);

/// A value cannot be sealed, or does not open with this key at this place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct CannotSeal;

impl SealingKey {
    pub(crate) fn new(key: &KeyBytes) -> Result<Self, CannotSeal> {
        Ok(Self(RandomizedNonceKey::new(&AES_256_GCM, key)?))
    }

    /// The key that is made of these two.
    pub(crate) fn of_both(one: &KeyBytes, other: &KeyBytes) -> Result<Self, CannotSeal> {
        Self::new(&derive(one, other, b"avow: a row of an account in a bucket")?)
    }

    /// Seals a value for one place.
    pub(crate) fn seal(&self, place: &[u8], value: &[u8]) -> Result<Vec<u8>, CannotSeal> {
        self.seal_exact(place, padded(value)?)
    }

    /// Opens what was sealed for that place.
    pub(crate) fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Private<Vec<u8>>, CannotSeal> {
        unpadded(self.open_exact(place, sealed)?.expose()).map(Private::new).ok_or(CannotSeal)
    }

    /// Seals a value as long as it is: for one that stands inside of another sealed value, or whose length tells nothing.
    pub(crate) fn seal_exact(&self, place: &[u8], mut value: Vec<u8>) -> Result<Vec<u8>, CannotSeal> {
        let nonce = self.0.seal_in_place_append_tag(Aad::from(place), &mut value)?;
        Ok([nonce.as_ref().as_slice(), &value].concat())
    }

    /// Opens what was sealed as long as it is.
    pub(crate) fn open_exact(&self, place: &[u8], sealed: &[u8]) -> Result<Private<Vec<u8>>, CannotSeal> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN).ok_or(CannotSeal)?;
        let mut text = text.to_vec();
        let plain = self.0.open_in_place(Nonce::try_assume_unique_for_key(nonce)?, Aad::from(place), &mut text)?;
        Ok(Private::new(plain.to_vec()))
    }
}

/// A key for one use, from two keys. It tells nothing about either of them.
pub(crate) fn derive(one: &KeyBytes, other: &KeyBytes, purpose: &[u8]) -> Result<KeyBytes, CannotSeal> {
    let mut key = [0; KEY_LEN];
    let extracted = Salt::new(HKDF_SHA256, one).extract(other);
    extracted.expand(&[purpose], HKDF_SHA256)?.fill(&mut key)?;
    Ok(key)
}

/// The length in front, zeros behind, a whole number of blocks.
fn padded(value: &[u8]) -> Result<Vec<u8>, CannotSeal> {
    let length = u32::try_from(value.len()).map_err(|_| CannotSeal)?;
    let mut text = [&length.to_be_bytes(), value].concat();
    text.resize(text.len().next_multiple_of(BLOCK), 0);
    Ok(text)
}

fn unpadded(text: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = text.split_first_chunk::<LENGTH_LEN>()?;
    rest.get(..usize::try_from(u32::from_be_bytes(*length)).ok()?).map(<[u8]>::to_vec)
}

impl From<Unspecified> for CannotSeal {
    fn from(_: Unspecified) -> Self {
        Self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealingKey {
        SealingKey::new(&[byte; KEY_LEN]).unwrap()
    }

    #[test]
    fn a_sealed_value_opens_with_its_key_at_its_place_only() {
        let sealed = key(1).seal(b"here", b"secret").unwrap();
        assert_eq!(key(1).open(b"here", &sealed).ok().unwrap().expose(), b"secret");
        assert_eq!(key(1).open(b"there", &sealed).err(), Some(CannotSeal));
        assert_eq!(key(2).open(b"here", &sealed).err(), Some(CannotSeal));
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            assert_eq!(key(1).open(b"here", &changed).err(), Some(CannotSeal));
            assert_eq!(key(1).open(b"here", &sealed[..at]).err(), Some(CannotSeal));
        }
    }

    #[test]
    fn the_length_of_a_sealed_value_counts_nothing() {
        let length = |value: usize| key(1).seal(b"", &vec![0; value]).unwrap().len();
        assert_eq!([length(0), length(1), length(252)], [284; 3]);
        assert_eq!([length(253), length(508)], [540; 2]);
    }

    #[test]
    fn a_key_of_two_needs_both() {
        let both = |one, other| SealingKey::of_both(&[one; KEY_LEN], &[other; KEY_LEN]).ok().unwrap();
        let sealed = both(1, 2).seal(b"", b"secret").unwrap();
        assert!(both(1, 2).open(b"", &sealed).is_ok());
        for other in [both(1, 0), both(0, 2), both(2, 1), key(1), key(2)] {
            assert!(other.open(b"", &sealed).is_err());
        }
    }

    #[test]
    fn sealing_twice_gives_two_texts() {
        assert_ne!(key(1).seal(b"", b"secret").unwrap(), key(1).seal(b"", b"secret").unwrap());
    }
}
