//! `[desk]`: whether sessions are sealed to the abuse desk, and to which key.

use avow_proxy::{DeskPublicKey, SealTo};
use serde::Deserialize;

use super::Seconds;
use crate::failure::Failure;

/// The abuse desk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AbuseDesk {
    /// Whether sessions are sealed to it.
    pub sealed_sessions: bool,
    /// Its public key.
    pub public_key: Option<DeskPublicKey>,
    /// The number of this server.
    pub server: u16,
    /// How long a pause ends a session.
    pub pause_seconds: Seconds,
}

impl Default for AbuseDesk {
    fn default() -> Self {
        Self { sealed_sessions: false, public_key: None, server: 1, pause_seconds: Seconds(900) }
    }
}

impl AbuseDesk {
    /// To whom sessions are sealed, if they are.
    ///
    /// # Errors
    /// If they are to be sealed, and there is no key.
    pub fn seal_to(&self) -> Result<Option<SealTo>, Failure> {
        let Self { sealed_sessions, public_key, server, pause_seconds } = *self;
        match (sealed_sessions, public_key) {
            (false, _) => Ok(None),
            (true, Some(key)) => Ok(Some(SealTo { key, server, pause: pause_seconds.duration() })),
            (true, None) => Err(Failure::refused("sessions are to be sealed, and there is no key to seal them to")
                .help("`avow desk keygen` makes one; its public half is `public_key` under `[desk]`")),
        }
    }
}
