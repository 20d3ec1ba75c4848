//! Attempts to connect, of accounts that agreed to tell of them. Off by default.

use std::str::FromStr;

use avow_terms::{account::AccountId, permit::Permit};
use jiff::Timestamp;

use crate::{
    error::StoreError,
    family::Family,
    record::Diagnostics,
    store::{Reader, Store},
};

/// An attempt to connect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// When, to the second.
    pub at: Timestamp,
    /// The type of connection: `tcp`.
    pub connection: Word,
    /// The type of encryption: `aes-256-gcm`.
    pub encryption: Word,
    /// The type of device: `phone`.
    pub device: Word,
}

/// A type of something: 1 to 40 lower-case letters, digits and `-`, that begin with a letter. No address and no name of a
/// person has this form and a dot or a space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word(String);

/// The text is no type of anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a type is 1 to 40 lower-case letters, digits and `-`, and begins with a letter")]
pub struct NotAWord;

impl Word {
    /// The word.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Word {
    type Err = NotAWord;

    fn from_str(text: &str) -> Result<Self, NotAWord> {
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let good = (1..=40).contains(&text.len()) && text.chars().all(plain);
        if good && text.starts_with(|c: char| c.is_ascii_lowercase()) { Ok(Self(text.into())) } else { Err(NotAWord) }
    }
}

impl Store {
    /// Adds an attempt of an account that agreed to it.
    ///
    /// # Errors
    /// [`StoreError::NoConsent`], [`StoreError::NoSuchAccount`], [`StoreError::OldPermit`], [`StoreError::Seal`],
    /// [`StoreError::Database`]
    pub fn add_attempt(
        &mut self,
        permit: Permit<Diagnostics>,
        account: AccountId,
        attempt: &Attempt,
    ) -> Result<(), StoreError> {
        if !self.choices(account)?.diagnostics {
            return Err(StoreError::NoConsent);
        }
        let Attempt { at, connection, encryption, device } = attempt;
        let words = [connection, encryption, device].map(Word::as_str).join(" ");
        let value = [&at.as_second().to_be_bytes(), words.as_bytes()].concat();
        self.append(permit, Family::Diagnostics, &[(account, &value)])
    }
}

impl Reader {
    /// The attempts of an account, the oldest first.
    ///
    /// # Errors
    /// [`StoreError::Seal`], [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn attempts(&self, account: AccountId) -> Result<Vec<Attempt>, StoreError> {
        let values = self.values(Family::Diagnostics, account)?;
        let read = |value: &[u8]| attempt(value).ok_or(StoreError::Damaged { table: Family::Diagnostics.name() });
        values.iter().map(|value| read(value.expose())).collect()
    }
}

fn attempt(value: &[u8]) -> Option<Attempt> {
    let (seconds, words) = value.split_first_chunk()?;
    let mut words = std::str::from_utf8(words).ok()?.split(' ').map(|word| word.parse().ok());
    Some(Attempt {
        at: Timestamp::from_second(i64::from_be_bytes(*seconds)).ok()?,
        connection: words.next()??,
        encryption: words.next()??,
        device: words.next()??,
    })
}
