//! Amounts of traffic.

use std::{fmt, ops::Add};

use serde::{Deserialize, Serialize};

/// A count of payload bytes, as the far side accepted them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Bytes(pub u64);

impl Bytes {
    /// No bytes.
    pub const ZERO: Self = Self(0);
}

impl Add for Bytes {
    type Output = Self;

    /// Adds two amounts; stays at the largest amount rather than starting again at zero.
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }
}
