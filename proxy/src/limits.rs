//! How long the relay waits, and how much it holds at once. Every one of them is finite.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The bounds of a relay. The defaults serve a small server well.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// How long a connection that showed no key is met with silence, counted from its first moment: whatever was wrong
    /// with it, it ends at the same time.
    pub silence: Duration,
    /// How many connections that showed no key are open at once, those included that may still show one; for the next
    /// one, the one that is open longest is closed.
    pub silenced: usize,
    /// How long the target of a connection may take to answer, its name to be found included.
    pub connect: Duration,
    /// How long a stream may be open without a byte.
    pub idle: Duration,
    /// How long an association of datagrams lives without one. Never less than a minute, since it is also what
    /// remembers which datagrams were seen.
    pub idle_datagrams: Duration,
    /// How many associations there may be at once.
    pub associations: usize,
    /// How many streams an account may have open at once, with all its devices.
    pub account_streams: u32,
    /// How many associations of datagrams.
    pub account_associations: u32,
    /// How many keys of the older methods are tried in a second, for clients that are not known by where they come from.
    pub trials: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            silence: Duration::from_secs(60),
            silenced: 1024,
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(4 * 3600),
            idle_datagrams: Duration::from_secs(5 * 60),
            associations: 4096,
            account_streams: 1024,
            account_associations: 1024,
            trials: 50_000,
        }
    }
}

impl Limits {
    /// The life of an idle association, with the least that the memory of seen datagrams asks for.
    pub(crate) fn association_life(&self) -> Duration {
        self.idle_datagrams.max(Duration::from_secs(60))
    }
}
