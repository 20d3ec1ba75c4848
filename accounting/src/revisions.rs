//! The texts of the policy: the one on trial, and the chain of published versions.

use std::sync::Arc;

use avow_terms::{minute::Minute, policy::Document, revision::Revision};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::{
    bucket::instant,
    error::{At, StoreError},
    inventory::REVISION,
    store::{Reader, Store},
};

const TABLE: &str = REVISION.name;

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
        put_on_trial(&transaction, text, vocabulary, now)?;
        transaction.commit().at("trial", "commit")
    }

    /// Adds a published version to the end of the chain of its document. A version that stands in it is never changed
    /// or removed.
    ///
    /// # Errors
    /// [`StoreError::Broken`] if it is not whole or does not follow the last one, [`StoreError::Database`]
    pub fn append_revision(&mut self, revision: &Revision) -> Result<(), StoreError> {
        let transaction = self.begin()?;
        append(&transaction, revision)?;
        transaction.commit().at(TABLE, "commit")
    }
}

/// Puts a text on trial, inside the transaction of the caller.
pub(crate) fn put_on_trial(
    connection: &Connection,
    text: &str,
    vocabulary: &str,
    since: Timestamp,
) -> Result<(), StoreError> {
    connection
        .execute(
            "INSERT INTO trial (version, text, vocabulary, since) VALUES (0, ?1, ?2, ?3)
             ON CONFLICT (version) DO UPDATE SET text = ?1, vocabulary = ?2, since = ?3",
            params![text, vocabulary, since.as_millisecond()],
        )
        .at("trial", "set")
        .map(|_| ())
}

/// Adds a version to its chain, inside the transaction of the caller.
pub(crate) fn append(connection: &Connection, revision: &Revision) -> Result<(), StoreError> {
    let stored = all(connection)?;
    revision.verify(stored.iter().rfind(|stored| stored.document == revision.document))?;
    connection
        .execute(
            "INSERT INTO revision
             (version, policy, document, effective, published_at, text, vocabulary, previous, hash)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            params![
                revision.version,
                revision.policy,
                document_name(revision.document),
                revision.effective.instant().as_millisecond(),
                revision.published_at.as_millisecond(),
                revision.text,
                revision.vocabulary,
                revision.previous,
                revision.hash,
            ],
        )
        .at(TABLE, "insert")
        .map(|_| ())
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

    /// The published versions of each document, oldest first, as they are stored: whether the chain holds is for the
    /// caller to verify.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn revisions(&self) -> Result<Vec<Revision>, StoreError> {
        all(&self.connection)
    }
}

fn all(connection: &Connection) -> Result<Vec<Revision>, StoreError> {
    let mut statement = connection
        .prepare(
            "SELECT version, policy, document, effective, published_at, text, vocabulary, previous, hash
             FROM revision ORDER BY document, version",
        )
        .at(TABLE, "read")?;
    let rows = statement.query_map([], Stored::read).at(TABLE, "read")?;
    rows.map(|row| row.at(TABLE, "read")?.revision()).collect()
}

/// A revision as its row holds it.
struct Stored {
    version: u32,
    policy: String,
    document: String,
    effective: i64,
    published_at: i64,
    text: Arc<str>,
    vocabulary: Arc<str>,
    previous: Option<[u8; 32]>,
    hash: [u8; 32],
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            version: row.get(0)?,
            policy: row.get(1)?,
            document: row.get(2)?,
            effective: row.get(3)?,
            published_at: row.get(4)?,
            text: row.get(5)?,
            vocabulary: row.get(6)?,
            previous: row.get(7)?,
            hash: row.get(8)?,
        })
    }

    fn revision(self) -> Result<Revision, StoreError> {
        let effective = Minute::exactly(instant(TABLE, self.effective)?);
        Ok(Revision {
            policy: self.policy,
            document: document(&self.document)?,
            version: self.version,
            effective: effective.ok_or(StoreError::Damaged { table: TABLE })?,
            published_at: instant(TABLE, self.published_at)?,
            text: self.text,
            vocabulary: self.vocabulary,
            previous: self.previous,
            hash: self.hash,
        })
    }
}

/// What a document is called in the store.
pub(crate) fn document_name(document: Document) -> &'static str {
    match document {
        Document::Privacy => "privacy",
        Document::Terms => "terms",
    }
}

/// The document of a name.
pub(crate) fn document(name: &str) -> Result<Document, StoreError> {
    match name {
        "privacy" => Ok(Document::Privacy),
        "terms" => Ok(Document::Terms),
        _ => Err(StoreError::Damaged { table: TABLE }),
    }
}
