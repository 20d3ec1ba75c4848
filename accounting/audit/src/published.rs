//! The texts the store keeps: the published versions and the text on trial, read with the shared grammar.
//!
//! Which of them governs, and which have governed since a row was recorded, is worked out here and nowhere else in the
//! audit, from the minutes the store keeps.

use avow_terms::{minute::Minute, policy::Policy, reading, source::Source, vocabulary::Vocabulary};
use jiff::Timestamp;
use rusqlite::{Connection, Row};

/// One text.
pub(crate) struct Edition {
    /// Its version; 0 is the text on trial.
    pub(crate) version: u32,
    /// From when it applies.
    pub(crate) from: Timestamp,
    /// The vocabulary it was published with, read.
    pub(crate) vocabulary: Vocabulary,
    /// What it promises; `None` if it cannot be read any more.
    pub(crate) policy: Option<Policy>,
}

/// What the store says about a published version.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) version: u32,
    pub(crate) policy: String,
    /// `privacy` or `terms`: each document has a chain of its own.
    pub(crate) document: String,
    /// Milliseconds since 1970, as the store keeps them.
    pub(crate) effective: i64,
    pub(crate) published_at: i64,
    pub(crate) text: String,
    pub(crate) vocabulary: String,
    pub(crate) previous: Option<Vec<u8>>,
    pub(crate) hash: Vec<u8>,
}

/// A published version: what the store says about it, and its text.
pub(crate) struct Link {
    pub(crate) entry: Entry,
    pub(crate) edition: Edition,
}

/// Every text of the store.
pub(crate) struct Published {
    /// The text on trial, if there is one.
    pub(crate) trial: Option<Edition>,
    /// The published versions of every document, each document's in their order.
    pub(crate) links: Vec<Link>,
}

impl Published {
    /// Reads the texts of a store. A table that is missing holds none; that it is missing, the schema says.
    pub(crate) fn read(store: &Connection) -> rusqlite::Result<Self> {
        let trial = rows(store, "trial", "SELECT text, vocabulary, since FROM trial", |row| {
            Ok(Edition::read("on trial", 0, &row.get::<_, String>(0)?, &row.get::<_, String>(1)?, row.get(2)?))
        })?;
        let columns = "version, policy, document, effective, published_at, text, vocabulary, previous, hash";
        let sql = format!("SELECT {columns} FROM revision ORDER BY document, version");
        let links = rows(store, "revision", &sql, |row| Entry::read(row).map(Link::read))?;
        Ok(Self { trial: trial.into_iter().next(), links })
    }

    /// The texts of a backup.
    pub(crate) fn of(trial: Option<(String, String, i64)>, entries: Vec<Entry>) -> Self {
        let trial = trial.map(|(text, vocabulary, since)| Edition::read("on trial", 0, &text, &vocabulary, since));
        Self { trial, links: entries.into_iter().map(Link::read).collect() }
    }

    /// The published versions of the privacy policy, in their order. What is stored is for them to say.
    pub(crate) fn editions(&self) -> impl DoubleEndedIterator<Item = &Edition> {
        self.links.iter().filter(|link| link.entry.document == "privacy").map(|link| &link.edition)
    }

    /// The text that governs at an instant: the last published whose minute has come, else the one on trial, else the
    /// first that will.
    pub(crate) fn governing(&self, now: Timestamp) -> Option<&Edition> {
        self.in_force(now).or(self.trial.as_ref()).or_else(|| self.editions().next())
    }

    /// The published version in force at an instant.
    pub(crate) fn in_force(&self, now: Timestamp) -> Option<&Edition> {
        self.editions().filter(|edition| edition.from <= now).max_by_key(|edition| (edition.from, edition.version))
    }

    /// The text of a version; 0 is the text on trial.
    pub(crate) fn version(&self, version: u32) -> Option<&Edition> {
        self.trial.iter().chain(self.editions()).find(|edition| edition.version == version)
    }

    /// The versions that have come into force since a row was recorded under one: all later ones whose minute has come.
    pub(crate) fn since(&self, version: u32, now: Timestamp) -> impl Iterator<Item = &Edition> {
        self.editions().filter(move |edition| edition.version > version && edition.from <= now)
    }
}

/// The rows of a table; none if it is not there.
fn rows<T>(
    store: &Connection,
    table: &str,
    sql: &str,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let there = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1)";
    if !store.query_row(there, [table], |row| row.get(0))? {
        return Ok(Vec::new());
    }
    store.prepare(sql)?.query_map([], read)?.collect()
}

impl Entry {
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

    /// The minute from which it applies, if the store keeps a whole one.
    pub(crate) fn minute(&self) -> Option<Minute> {
        Minute::exactly(Timestamp::from_millisecond(self.effective).ok()?)
    }
}

impl Link {
    fn read(entry: Entry) -> Self {
        let name = if entry.document == "terms" { "terms v" } else { "v" };
        let name = format!("{name}{}", entry.version);
        let edition = Edition::read(&name, entry.version, &entry.text, &entry.vocabulary, entry.effective);
        Self { entry, edition }
    }

    /// What a report calls it.
    pub(crate) fn place(&self) -> String {
        match self.entry.document.as_str() {
            "terms" => format!("revision terms v{}", self.entry.version),
            _ => format!("revision v{}", self.entry.version),
        }
    }
}

impl Edition {
    /// Reads a text; `name` is what a report calls it behind the name of the policy.
    fn read(name: &str, version: u32, text: &str, vocabulary: &str, from: i64) -> Self {
        let (vocabulary, _) = Vocabulary::read(Source::new("vocabulary", vocabulary));
        let mut policy = reading::read(Source::new("policy", text), &vocabulary).policy().ok();
        if let Some(policy) = &mut policy {
            policy.source.name = format!("{} {name}", policy.header.policy).into();
        }
        // A time outside of the calendar is never in force; the chain reports it.
        let from = Timestamp::from_millisecond(from).unwrap_or(Timestamp::MAX);
        Self { version, from, vocabulary, policy }
    }
}
