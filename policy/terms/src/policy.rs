//! A policy that was read without an error.

use serde::Serialize;

use crate::{
    clause::{Clause, ClauseId},
    language::Language,
    minute::Minute,
    source::{Source, Span},
    term::Term,
};

/// A policy: who promises, what, and in which words. Only reading a text without an error makes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The text it was read from.
    pub source: Source,
    /// The front matter.
    pub header: Header,
    /// The first heading.
    pub title: String,
    /// Every clause in the order of the text, withdrawn ones included.
    pub clauses: Vec<Clause>,
    /// Every term in the order of the text.
    pub terms: Vec<Term>,
}

impl Policy {
    /// The clause of this number.
    #[must_use]
    pub fn clause(&self, id: ClauseId) -> Option<&Clause> {
        self.clauses.iter().find(|clause| clause.id == id)
    }
}

/// The front matter of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Header {
    /// The name of the policy; stays the same for every version.
    pub policy: String,
    /// Which document it is.
    pub document: Document,
    /// The version.
    pub version: u32,
    /// From when it applies.
    pub effective: Effective,
    /// Who promises.
    pub controller: String,
    /// Where to ask.
    pub contact: String,
    /// The home country: an ISO 3166-1 alpha-2 code.
    pub home: String,
    /// How far the operator binds itself.
    pub guarantee: Guarantee,
    /// What changed, in plain words, for notices.
    pub summary: Option<String>,
    /// The IANA zone whose calendar months and years are meant; needed only where a phrase counts them.
    pub zone: Option<String>,
    /// The language it is written in.
    pub language: Language,
    /// Where each key stands in the text.
    #[serde(skip)]
    pub places: Vec<(&'static str, Span)>,
}

/// Which document of the operator a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Document {
    /// A privacy policy.
    Privacy,
    /// Terms of service.
    Terms,
}

/// From when a version applies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Effective {
    /// From this minute.
    At(Minute),
    /// `on publication`: from the first whole minute after it is published. Only a first version may say so.
    OnPublication,
}

/// How far the operator binds itself when it changes the policy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Guarantee {
    /// A new version may widen what is done with data recorded after it.
    Data,
    /// A new version may widen for accounts opened after it, or that accept it.
    Account,
    /// No version contradicts any published before it.
    Published,
}
