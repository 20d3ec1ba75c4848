//! The texts of the policy: the one on trial, and the chain of published versions.

use std::sync::Arc;

use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

use crate::{
    bucket::instant,
    error::{At, StoreError},
    store::{Reader, Store},
};

/// A text that is enforced before anything is published: version 0. It binds nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrialText {
    /// The text.
    pub text: Arc<str>,
    /// The vocabulary it is read with.
    pub vocabulary: Arc<str>,
    /// Since when it is on trial.
    pub since: Timestamp,
}

impl Store {
    /// Puts a text on trial, in the place of the one before it.
    ///
    /// # Errors
    /// [`StoreError::Database`]
    pub fn set_trial(&mut self, text: &str, vocabulary: &str, now: Timestamp) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        transaction
            .execute(
                "INSERT INTO trial (version, text, vocabulary, since) VALUES (0, ?1, ?2, ?3)
                 ON CONFLICT (version) DO UPDATE SET text = ?1, vocabulary = ?2, since = ?3",
                params![text, vocabulary, now.as_millisecond()],
            )
            .at("trial", "set")?;
        transaction.commit().at("trial", "commit")
    }
}

impl Reader {
    /// The text on trial, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn trial(&self) -> Result<Option<TrialText>, StoreError> {
        let row = self
            .connection
            .query_row("SELECT text, vocabulary, since FROM trial", [], |row| {
                Ok((row.get::<_, Arc<str>>(0)?, row.get::<_, Arc<str>>(1)?, row.get::<_, i64>(2)?))
            })
            .optional()
            .at("trial", "read")?;
        row.map(|(text, vocabulary, since)| Ok(TrialText { text, vocabulary, since: instant("trial", since)? }))
            .transpose()
    }
}
