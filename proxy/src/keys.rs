//! Access keys: what a device proves with that it belongs to an account, and what the server is known by.
//!
//! A key is never written down by this package: it goes into the store, over the relay's control socket and into a link
//! as a `Private` value, and has no Debug.

use std::borrow::Cow;

use avow_terms::private::Private;
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::{Deserialize, Serialize};
use shadowsocks::crypto::{utils::random_iv_or_salt, v1::openssl_bytes_to_key};

use crate::method::Method;

/// The key of one device of an account.
#[derive(Clone)]
pub struct AccessKey {
    device: u8,
    method: Method,
    secret: Private<String>,
}

impl AccessKey {
    /// A new key, drawn at random.
    #[must_use]
    pub fn generate(device: u8, method: Method) -> Self {
        let secret = match method {
            Method::Blake3Aes256Gcm => STANDARD.encode(random::<32>()),
            Method::Blake3Aes128Gcm => STANDARD.encode(random::<16>()),
            Method::Chacha20IetfPoly1305 | Method::Aes256Gcm | Method::Aes128Gcm => {
                URL_SAFE_NO_PAD.encode(random::<18>())
            }
        };
        Self { device, method, secret: Private::new(secret) }
    }

    /// A key that exists: for a method of 2022 the secret is base64 of a key of its length, for the others a password.
    pub fn new(device: u8, method: Method, secret: Private<String>) -> Result<Self, KeyError> {
        let fits = match method {
            Method::Blake3Aes256Gcm | Method::Blake3Aes128Gcm => {
                STANDARD.decode(secret.expose()).is_ok_and(|key| key.len() == method.cipher().key_len())
            }
            Method::Chacha20IetfPoly1305 | Method::Aes256Gcm | Method::Aes128Gcm => !secret.expose().is_empty(),
        };
        if fits { Ok(Self { device, method, secret }) } else { Err(KeyError::WrongSecret { method }) }
    }

    /// The slot of the account's device that it is for.
    #[must_use]
    pub fn device(&self) -> u8 {
        self.device
    }

    /// How it seals.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// What a client is told.
    #[must_use]
    pub fn secret(&self) -> &Private<String> {
        &self.secret
    }

    /// The key as the cipher takes it.
    pub(crate) fn key(&self) -> Box<[u8]> {
        if self.method.is_2022() {
            return STANDARD.decode(self.secret.expose()).unwrap_or_default().into();
        }
        let mut key = vec![0; self.method.cipher().key_len()];
        openssl_bytes_to_key(self.secret.expose().as_bytes(), &mut key);
        key.into()
    }
}

/// The keys of an account: one for each of its devices.
#[derive(Clone)]
pub struct AccountKeys(pub Vec<AccessKey>);

impl AccountKeys {
    /// As the store keeps them.
    #[must_use]
    pub fn encode(&self) -> Private<Vec<u8>> {
        let keys = self.0.iter();
        let keys = keys.map(|key| WrittenKey {
            device: key.device,
            method: key.method,
            secret: key.secret.expose().as_str().into(),
        });
        Private::new(written(&keys.collect::<Vec<_>>()))
    }

    /// About how long they are when they are written.
    pub(crate) fn length(&self) -> usize {
        self.0.iter().map(|key| key.secret.expose().len() + 64).sum()
    }

    /// From what the store kept.
    pub fn decode(kept: &Private<Vec<u8>>) -> Result<Self, KeyError> {
        let keys: Vec<WrittenKey<'_>> = serde_json::from_slice(kept.expose()).map_err(|_| KeyError::Unreadable)?;
        let keys = keys.into_iter();
        keys.map(|key| AccessKey::new(key.device, key.method, Private::new(key.secret.into_owned())))
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// What the server is known by to clients of the edition of 2022: one key for each of the two methods.
#[derive(Clone)]
pub struct ServerKeys {
    wide: Private<String>,
    narrow: Private<String>,
}

impl ServerKeys {
    /// New keys, drawn at random. Every link that was given out before is void with them.
    #[must_use]
    pub fn generate() -> Self {
        Self {
            wide: Private::new(STANDARD.encode(random::<32>())),
            narrow: Private::new(STANDARD.encode(random::<16>())),
        }
    }

    /// As the store keeps them.
    #[must_use]
    pub fn encode(&self) -> Private<Vec<u8>> {
        let keys = [(Method::Blake3Aes256Gcm, &self.wide), (Method::Blake3Aes128Gcm, &self.narrow)];
        let keys =
            keys.map(|(method, secret)| WrittenKey { device: 0, method, secret: secret.expose().as_str().into() });
        Private::new(written(&keys))
    }

    /// From what the store kept.
    pub fn decode(kept: &Private<Vec<u8>>) -> Result<Self, KeyError> {
        let AccountKeys(keys) = AccountKeys::decode(kept)?;
        let of = |method| {
            let key = keys.iter().find(|key| key.method == method);
            key.map(|key| key.secret.clone()).ok_or(KeyError::Unreadable)
        };
        Ok(Self { wide: of(Method::Blake3Aes256Gcm)?, narrow: of(Method::Blake3Aes128Gcm)? })
    }

    /// The same keys with another one for a method; `None` if it is that one already.
    ///
    /// # Errors
    /// If the method has no key of a server, or the secret does not fit it.
    pub fn known_by(&self, method: Method, secret: Private<String>) -> Result<Option<Self>, KeyError> {
        let secret = AccessKey::new(0, method, secret)?.secret;
        let known = self.secret(method).ok_or(KeyError::NoServerKey { method })?;
        if known.expose() == secret.expose() {
            return Ok(None);
        }
        Ok(Some(match method {
            Method::Blake3Aes256Gcm => Self { wide: secret, ..self.clone() },
            _ => Self { narrow: secret, ..self.clone() },
        }))
    }

    /// The key for a method; the methods before 2022 have none.
    pub(crate) fn secret(&self, method: Method) -> Option<&Private<String>> {
        match method {
            Method::Blake3Aes256Gcm => Some(&self.wide),
            Method::Blake3Aes128Gcm => Some(&self.narrow),
            Method::Chacha20IetfPoly1305 | Method::Aes256Gcm | Method::Aes128Gcm => None,
        }
    }
}

/// Why there is no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No such method.
    #[error(
        "a method is one of `2022-blake3-aes-256-gcm`, `2022-blake3-aes-128-gcm`, `chacha20-ietf-poly1305`, \
             `aes-256-gcm`, `aes-128-gcm`"
    )]
    UnknownMethod,
    /// The secret does not fit the method. It is not told: the message may be read by others.
    #[error("the secret does not fit `{method}`: it takes {}", .method.takes())]
    WrongSecret {
        /// The method.
        method: Method,
    },
    /// A server is known by a key of its own in the edition of 2022 only.
    #[error("clients of `{method}` know the server by no key")]
    NoServerKey {
        /// The method.
        method: Method,
    },
    /// What the store kept is not keys.
    #[error("the stored access keys cannot be read")]
    Unreadable,
}

/// A key on its way into a `Private` value, which is the only place that it is written to.
#[derive(Serialize, Deserialize)]
struct WrittenKey<'a> {
    device: u8,
    method: Method,
    secret: Cow<'a, str>,
}

fn written(keys: &[WrittenKey<'_>]) -> Vec<u8> {
    // Numbers, names and strings always have a JSON form.
    serde_json::to_vec(keys).unwrap_or_default()
}

/// Random bytes of the generator that the ciphers use.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    random_iv_or_salt(&mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_survive_the_store() {
        let keys = AccountKeys(Method::ALL.map(|method| AccessKey::generate(3, method)).to_vec());
        let again = AccountKeys::decode(&keys.encode()).unwrap();
        for (key, again) in keys.0.iter().zip(&again.0) {
            assert_eq!((key.device, key.method), (again.device, again.method));
            assert_eq!(key.secret.expose(), again.secret.expose());
            assert_eq!(key.key().len(), key.method.cipher().key_len());
        }
        let server = ServerKeys::generate();
        let again = ServerKeys::decode(&server.encode()).unwrap();
        assert_eq!(server.wide.expose(), again.wide.expose());
        assert_eq!(server.narrow.expose(), again.narrow.expose());
    }

    #[test]
    fn a_server_that_is_known_by_another_key_keeps_the_others() {
        let (old, new) = (ServerKeys::generate(), ServerKeys::generate());
        for method in [Method::Blake3Aes256Gcm, Method::Blake3Aes128Gcm] {
            let secret = |server: &ServerKeys, method| server.secret(method).unwrap().clone();
            let other =
                if method == Method::Blake3Aes256Gcm { Method::Blake3Aes128Gcm } else { Method::Blake3Aes256Gcm };
            let known = old.known_by(method, secret(&new, method)).unwrap().unwrap();
            assert_eq!(secret(&known, method).expose(), secret(&new, method).expose());
            assert_eq!(secret(&known, other).expose(), secret(&old, other).expose());
            assert!(known.known_by(method, secret(&new, method)).unwrap().is_none(), "it is known by that one already");
        }
        let password = || Private::new("correct horse".to_owned());
        assert!(old.known_by(Method::Aes256Gcm, password()).is_err());
        assert!(old.known_by(Method::Blake3Aes256Gcm, password()).is_err());
    }

    #[test]
    fn a_secret_that_does_not_fit_is_no_key() {
        let new = |method, secret: &str| AccessKey::new(1, method, Private::new(secret.to_owned())).map(|_| ());
        assert_eq!(new(Method::Aes128Gcm, "correct horse"), Ok(()));
        for (method, secret) in [
            (Method::Blake3Aes256Gcm, "correct horse"),
            (Method::Blake3Aes256Gcm, "AAAAAAAAAAAAAAAAAAAAAA=="),
            (Method::Chacha20IetfPoly1305, ""),
        ] {
            assert_eq!(new(method, secret), Err(KeyError::WrongSecret { method }));
        }
        assert!(AccountKeys::decode(&Private::new(b"{}".to_vec())).is_err());
    }
}
