//! How a device and the relay seal what they send.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use shadowsocks::crypto::CipherKind;

use crate::keys::KeyError;

/// How a device and the relay seal what they send, by the names that every Shadowsocks client uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Method {
    /// `2022-blake3-aes-256-gcm`, the one to prefer.
    #[serde(rename = "2022-blake3-aes-256-gcm")]
    Blake3Aes256Gcm,
    /// `2022-blake3-aes-128-gcm`
    #[serde(rename = "2022-blake3-aes-128-gcm")]
    Blake3Aes128Gcm,
    /// `chacha20-ietf-poly1305`
    #[serde(rename = "chacha20-ietf-poly1305")]
    Chacha20IetfPoly1305,
    /// `aes-256-gcm`
    #[serde(rename = "aes-256-gcm")]
    Aes256Gcm,
    /// `aes-128-gcm`
    #[serde(rename = "aes-128-gcm")]
    Aes128Gcm,
}

impl Method {
    /// Every method, the one to prefer first.
    pub const ALL: [Self; 5] =
        [Self::Blake3Aes256Gcm, Self::Blake3Aes128Gcm, Self::Chacha20IetfPoly1305, Self::Aes256Gcm, Self::Aes128Gcm];

    /// The name of the method.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Blake3Aes256Gcm => "2022-blake3-aes-256-gcm",
            Self::Blake3Aes128Gcm => "2022-blake3-aes-128-gcm",
            Self::Chacha20IetfPoly1305 => "chacha20-ietf-poly1305",
            Self::Aes256Gcm => "aes-256-gcm",
            Self::Aes128Gcm => "aes-128-gcm",
        }
    }

    /// Whether it is of the edition of 2022, where a client names its key, so that it is found without trying.
    #[must_use]
    pub fn is_2022(self) -> bool {
        matches!(self, Self::Blake3Aes256Gcm | Self::Blake3Aes128Gcm)
    }

    pub(crate) fn cipher(self) -> CipherKind {
        match self {
            Self::Blake3Aes256Gcm => CipherKind::AEAD2022_BLAKE3_AES_256_GCM,
            Self::Blake3Aes128Gcm => CipherKind::AEAD2022_BLAKE3_AES_128_GCM,
            Self::Chacha20IetfPoly1305 => CipherKind::CHACHA20_POLY1305,
            Self::Aes256Gcm => CipherKind::AES_256_GCM,
            Self::Aes128Gcm => CipherKind::AES_128_GCM,
        }
    }

    /// What its secret is, for a message.
    pub(crate) fn takes(self) -> &'static str {
        match self {
            Self::Blake3Aes256Gcm => "base64 of 32 bytes",
            Self::Blake3Aes128Gcm => "base64 of 16 bytes",
            Self::Chacha20IetfPoly1305 | Self::Aes256Gcm | Self::Aes128Gcm => "a password",
        }
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Method {
    type Err = KeyError;

    fn from_str(name: &str) -> Result<Self, KeyError> {
        Self::ALL.into_iter().find(|method| method.name() == name).ok_or(KeyError::UnknownMethod)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_is_called_what_clients_call_it() {
        for method in Method::ALL {
            assert_eq!(method.to_string().parse(), Ok(method));
            assert_eq!(method.cipher().to_string(), method.name());
            assert_eq!(serde_json::to_value(method).unwrap(), method.name());
        }
        assert_eq!("none".parse::<Method>(), Err(KeyError::UnknownMethod));
    }
}
