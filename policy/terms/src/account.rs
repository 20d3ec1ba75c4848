//! The number of an account: random, meaningless elsewhere, and never a row id.

use std::{fmt, num::NonZeroU32, str::FromStr};

use serde::{Deserialize, Serialize};

/// The number of an account, between 1 and 2³¹ − 1.
///
/// It is drawn at random, so that it says nothing about when an account was opened or how many there are. It is
/// personal data (`account.number`): it may be shown to the operator who asks for it, and never goes into a log line or
/// a metric label. That is why it has no `Display`; [`AccountId::number`] is the one deliberate way out.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub struct AccountId(NonZeroU32);

impl AccountId {
    /// The largest number an account can have: 2³¹ − 1.
    pub const MAX: u32 = i32::MAX.unsigned_abs();

    /// An account number from any 32 random bits; `None` for the one value in 2³¹ that is no number.
    #[must_use]
    pub fn from_random(bits: u32) -> Option<Self> {
        NonZeroU32::new(bits & Self::MAX).map(Self)
    }

    /// The number itself.
    #[must_use]
    pub fn number(self) -> u32 {
        self.0.get()
    }
}

/// Says that there is an account, not which.
impl fmt::Debug for AccountId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccountId(..)")
    }
}

impl From<AccountId> for u32 {
    fn from(id: AccountId) -> Self {
        id.number()
    }
}

impl TryFrom<u32> for AccountId {
    type Error = NotAnAccount;

    fn try_from(number: u32) -> Result<Self, NotAnAccount> {
        match NonZeroU32::new(number) {
            Some(id) if number <= Self::MAX => Ok(Self(id)),
            _ => Err(NotAnAccount),
        }
    }
}

impl FromStr for AccountId {
    type Err = NotAnAccount;

    fn from_str(text: &str) -> Result<Self, NotAnAccount> {
        text.parse::<u32>().map_err(|_| NotAnAccount)?.try_into()
    }
}

/// The text or number is not an account number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an account number is a whole number from 1 to 2147483647")]
pub struct NotAnAccount;
