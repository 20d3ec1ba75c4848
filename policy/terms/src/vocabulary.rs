//! The vocabulary: which codes a policy and a store may use, and how they descend from each other.
//!
//! It is read from a Markdown file of tables, one for each kind of code; the name of the first column says the kind.
//! The file is the authority: nothing here adds a code to it.

mod family;
mod tables;

use std::collections::{BTreeMap, BTreeSet};

use sha2::{Digest, Sha256};

use crate::{
    code::Code,
    problem::Problem,
    source::{Source, Span},
};

/// Every code, what it means and what it descends from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Vocabulary {
    source: Source,
    entries: BTreeMap<Code, Entry>,
    /// For each code of data, itself and everything it descends from.
    lines: BTreeMap<Code, BTreeSet<Code>>,
    /// The codes of data that nothing descends from.
    leaves: BTreeSet<Code>,
}

/// What the vocabulary says about a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What the code names.
    pub kind: Kind,
    /// What it descends from; only data has parents.
    pub parents: BTreeSet<Code>,
    /// What it means, in a few words.
    pub meaning: String,
    /// The nearest word of fideslang, if there is one.
    pub fideslang: Option<String>,
    /// The nearest word of the W3C Data Privacy Vocabulary, if there is one.
    pub dpv: Option<String>,
    /// The row of the table.
    pub span: Span,
}

/// What a code names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Something that can be kept.
    Data,
    /// What something is kept or given for.
    Purpose,
    /// Something the operator does or never does.
    Measure,
    /// Something a user may ask for.
    Right,
}

impl Vocabulary {
    /// Reads a vocabulary. What cannot be used is left out and reported; nothing is guessed.
    #[must_use]
    pub fn read(source: Source) -> (Self, Vec<Problem>) {
        let (entries, mut problems) = tables::read(&source);
        let lines = family::lines(&entries, &source, &mut problems);
        problems.sort_by_key(|problem| problem.place.span);
        let parents: BTreeSet<&Code> = entries.values().flat_map(|entry| &entry.parents).collect();
        let data = entries.iter().filter(|(code, entry)| entry.kind == Kind::Data && !parents.contains(code));
        let leaves = data.map(|(code, _)| code.clone()).collect();
        (Self { source, entries, lines, leaves }, problems)
    }

    /// The text it was read from.
    #[must_use]
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// The SHA-256 of the exact text: a published policy pins its vocabulary by it.
    #[must_use]
    pub fn digest(&self) -> [u8; 32] {
        Sha256::digest(self.source.text.as_bytes()).into()
    }

    /// What it says about a code of any kind.
    #[must_use]
    pub fn entry(&self, code: &Code) -> Option<&Entry> {
        self.entries.get(code)
    }

    /// The code that is written so, with what it says about it.
    pub(crate) fn find(&self, written: &str) -> Option<(&Code, &Entry)> {
        self.entries.get_key_value(written)
    }

    /// What it says about a code of data.
    #[must_use]
    pub fn data(&self, code: &Code) -> Option<&Entry> {
        self.entry(code).filter(|entry| entry.kind == Kind::Data)
    }

    /// Whether the code names data.
    #[must_use]
    pub fn is_data(&self, code: &Code) -> bool {
        self.is(code, Kind::Data)
    }

    /// Whether the code names a purpose.
    #[must_use]
    pub fn is_purpose(&self, code: &Code) -> bool {
        self.is(code, Kind::Purpose)
    }

    /// Whether the code names a measure.
    #[must_use]
    pub fn is_measure(&self, code: &Code) -> bool {
        self.is(code, Kind::Measure)
    }

    /// Whether the code names a right.
    #[must_use]
    pub fn is_right(&self, code: &Code) -> bool {
        self.is(code, Kind::Right)
    }

    /// Whether the code is what the software needs for itself: about no account, and outside S0.
    #[must_use]
    pub fn is_system(&self, code: &Code) -> bool {
        code.as_str() == "system" || code.as_str().starts_with("system.")
    }

    /// Whether `code` is `ancestor` or descends from it.
    #[must_use]
    pub fn covers(&self, ancestor: &Code, code: &Code) -> bool {
        self.lines.get(code).is_some_and(|line| line.contains(ancestor))
    }

    /// The codes of a kind, in the order of the alphabet.
    pub fn codes(&self, kind: Kind) -> impl Iterator<Item = &Code> {
        self.entries.iter().filter(move |(_, entry)| entry.kind == kind).map(|(code, _)| code)
    }

    /// The codes of data that nothing descends from.
    pub fn leaves(&self) -> impl Iterator<Item = &Code> {
        self.leaves.iter()
    }

    /// The leaves that are `code` or descend from it.
    pub fn leaves_under<'v>(&'v self, code: &'v Code) -> impl Iterator<Item = &'v Code> {
        self.leaves().filter(move |leaf| self.covers(code, leaf))
    }

    fn is(&self, code: &Code, kind: Kind) -> bool {
        self.entry(code).is_some_and(|entry| entry.kind == kind)
    }
}

impl Kind {
    /// Every kind, in the order in which the tables stand.
    pub const ALL: [Self; 4] = [Self::Data, Self::Purpose, Self::Measure, Self::Right];

    /// The name of the first column of its table.
    #[must_use]
    pub fn column(self) -> &'static str {
        match self {
            Self::Data => "Data",
            Self::Purpose => "Purpose",
            Self::Measure => "Measure",
            Self::Right => "Right",
        }
    }

    /// What to call one code of the kind in a sentence.
    #[must_use]
    pub fn noun(self) -> &'static str {
        match self {
            Self::Data => "a data code",
            Self::Purpose => "a purpose",
            Self::Measure => "a measure",
            Self::Right => "a right",
        }
    }
}

#[cfg(test)]
mod tests;
