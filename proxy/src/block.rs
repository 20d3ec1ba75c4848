//! One block of AES, with which the edition of 2022 hides the name of a key and the head of a datagram.

use aes::{
    Aes128, Aes256,
    cipher::{BlockCipherDecrypt, BlockCipherEncrypt, KeyInit},
};

/// AES with a key of 16 or 32 bytes.
pub(crate) enum BlockCipher {
    Narrow(Box<Aes128>),
    Wide(Box<Aes256>),
}

impl BlockCipher {
    /// `None` when the key has another length.
    pub(crate) fn new(key: &[u8]) -> Option<Self> {
        let narrow = Aes128::new_from_slice(key).map(|aes| Self::Narrow(Box::new(aes)));
        narrow.or_else(|_| Aes256::new_from_slice(key).map(|aes| Self::Wide(Box::new(aes)))).ok()
    }

    pub(crate) fn encrypt(&self, block: &mut [u8; 16]) {
        match self {
            Self::Narrow(aes) => aes.encrypt_block(block.into()),
            Self::Wide(aes) => aes.encrypt_block(block.into()),
        }
    }

    pub(crate) fn decrypt(&self, block: &mut [u8; 16]) {
        match self {
            Self::Narrow(aes) => aes.decrypt_block(block.into()),
            Self::Wide(aes) => aes.decrypt_block(block.into()),
        }
    }
}

/// One block over another.
pub(crate) fn xor(mut block: [u8; 16], with: &[u8; 16]) -> [u8; 16] {
    for (byte, with) in block.iter_mut().zip(with) {
        *byte ^= with;
    }
    block
}
