//! Numbered clauses: where a promise stands and what it is called.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::source::Span;

/// The letter of a clause: what kind of promise it makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Letter {
    /// Never kept.
    N,
    /// Stored.
    S,
    /// Recipients.
    R,
    /// Location.
    L,
    /// Rights of the user.
    U,
    /// Technical protection.
    T,
    /// Changes and notices.
    C,
    /// General: nothing to enforce.
    G,
}

/// The number of a clause: `S2`, `S5a`. It belongs to its subject for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ClauseId {
    /// The kind of promise.
    pub letter: Letter,
    /// The number within the kind.
    pub number: u16,
    /// A small letter for a clause that was put between two others.
    pub suffix: Option<char>,
}

/// One numbered clause as it stands in the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Clause {
    /// Its number.
    pub id: ClauseId,
    /// The whole clause: the paragraph, list item or table row, with its number.
    pub span: Span,
    /// What it says, on one line: without its number, without Markdown marks, the cells of a row joined by ` · `.
    pub words: String,
    /// The clauses it points to.
    pub references: Vec<ClauseId>,
    /// Whether it still says anything.
    pub state: State,
}

/// Whether a clause still says anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It does.
    Active,
    /// `**S3.** *Withdrawn in version 4.*`
    Withdrawn {
        /// The version that withdrew it.
        version: u32,
    },
}

impl fmt::Display for ClauseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}{}", self.letter, self.number)?;
        self.suffix.map_or(Ok(()), |suffix| write!(f, "{suffix}"))
    }
}

impl FromStr for ClauseId {
    type Err = NotAClause;

    fn from_str(text: &str) -> Result<Self, NotAClause> {
        let mut rest = text.chars();
        let letter = match rest.next() {
            Some('N') => Letter::N,
            Some('S') => Letter::S,
            Some('R') => Letter::R,
            Some('L') => Letter::L,
            Some('U') => Letter::U,
            Some('T') => Letter::T,
            Some('C') => Letter::C,
            Some('G') => Letter::G,
            _ => return Err(NotAClause),
        };
        let rest = rest.as_str();
        let suffix = rest.chars().last().filter(char::is_ascii_lowercase);
        let digits = rest.strip_suffix(|c: char| c.is_ascii_lowercase()).unwrap_or(rest);
        let plain = digits == "0" || digits.starts_with(|c: char| ('1'..='9').contains(&c));
        match digits.parse() {
            Ok(number) if plain => Ok(Self { letter, number, suffix }),
            _ => Err(NotAClause),
        }
    }
}

impl TryFrom<String> for ClauseId {
    type Error = NotAClause;

    fn try_from(text: String) -> Result<Self, NotAClause> {
        text.parse()
    }
}

impl From<ClauseId> for String {
    fn from(id: ClauseId) -> Self {
        id.to_string()
    }
}

/// The text is not the number of a clause.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a clause number is one of the letters N S R L U T C G, a number, and at most one small letter: `S2`, `S5a`")]
pub struct NotAClause;
