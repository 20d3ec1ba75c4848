//! The controlled words of a policy, one table for each language: headers, phrases, lead-ins, and the words that a
//! reader looks out for.
//!
//! Whatever the software understands of a policy besides its numbers and codes stands in [`Words`], and nowhere else. A
//! policy says its language in the front matter (`language: de`); without that it is English. Messages are in English.

mod english;
mod german;

use std::fmt;

use serde::{Serialize, Serializer};

use crate::{
    clause::Letter,
    retention::{Anchor, Period},
    term::Origin,
};

/// A language that policies can be written in.
#[derive(Clone, Copy)]
pub struct Language(&'static Words);

/// A column of one of the three tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Column {
    Ref,
    Kept,
    Why,
    Origin,
    HowLong,
    Who,
    Sees,
    When,
    May,
    How,
    AnsweredWithin,
    LegalBasis,
    Transfer,
}

/// Every word of one language that means something to the software. Words are in small letters unless they are also
/// written out: then they stand as a policy would write them.
pub(crate) struct Words {
    /// The primary subtag of BCP 47.
    pub(crate) tag: &'static str,
    /// The name of each column.
    pub(crate) columns: [(Column, &'static str); 13],
    /// The lines that may stand unnumbered before a list or a table, and the letter of what follows them.
    pub(crate) lead_ins: &'static [(&'static str, Letter)],
    /// The line that says that the table is complete, without its number.
    pub(crate) complete: &'static str,
    /// Where kept data comes from.
    pub(crate) origins: [(Origin, &'static str); 4],
    /// What a withdrawn clause says before the number of the version.
    pub(crate) withdrawn: &'static str,
    /// What `effective` says for the minute of the publication.
    pub(crate) on_publication: &'static str,
    /// Begins an exception among codes.
    pub(crate) except: &'static str,
    /// Joins the last two members of a list.
    pub(crate) and: &'static str,
    /// Points at a clause.
    pub(crate) see: &'static str,
    /// Joins the ends of a range of clauses.
    pub(crate) to: &'static str,
    /// Words that may stand between a length of time and the clause that sets it: "the 90 days of S2".
    pub(crate) joints: &'static [&'static str],
    /// The transfer of nothing to nowhere.
    pub(crate) no_transfer: &'static str,
    /// The words around the article, paragraph and letter of a legal basis.
    pub(crate) law_words: &'static [&'static str],
    /// How the law of the legal bases is cited, around its letter.
    pub(crate) article_six: (&'static str, &'static str),
    /// How long something is kept, and how far ahead a notice is.
    pub(crate) retention: RetentionWords,
    /// Words that deny.
    pub(crate) negations: &'static [&'static str],
    /// Words that turn the meaning of a row round; a weaker one narrows it.
    pub(crate) strong_negations: &'static [&'static str],
    /// Words that except something in free text.
    pub(crate) exceptions: &'static [&'static str],
    /// Verbs that make a promise, in each of their forms.
    pub(crate) triggers: &'static [&'static str],
    /// What may be said about the numbers themselves although it has a trigger in it.
    pub(crate) about_numbers: &'static str,
    /// What a gap begins with, inside square brackets.
    pub(crate) gaps: &'static [&'static str],
    /// Words that soften a promise.
    pub(crate) softening: &'static [&'static str],
    /// Words that bind.
    pub(crate) binding: &'static [&'static str],
    /// Occasions that are none: somebody who sees data "always" sees it without a condition.
    pub(crate) unconditional: &'static [&'static str],
    /// Words for a period or an event that sets no limit.
    pub(crate) endless: &'static [&'static str],
}

/// The words of the "How long" column.
pub(crate) struct RetentionWords {
    /// One and several of each unit.
    pub(crate) units: [(Period, &'static str, &'static str); 6],
    /// What each event is called after [`after`](Self::after), and after [`until`](Self::until).
    pub(crate) events: [(Anchor, &'static str, &'static str); 8],
    pub(crate) not_stored: &'static str,
    pub(crate) in_memory: &'static str,
    pub(crate) for_at_most: &'static str,
    pub(crate) after: &'static str,
    pub(crate) until: &'static str,
    pub(crate) month_end: &'static str,
    pub(crate) or: &'static str,
    pub(crate) whichever: &'static str,
    pub(crate) as_long_as: &'static str,
    /// Between a law and its limit.
    pub(crate) requires_at_most: &'static str,
    /// What a law does, for words that name one without a limit.
    pub(crate) requires: &'static str,
    /// A law, for the example.
    pub(crate) a_law: &'static str,
    /// The month, for words that name one without a clock.
    pub(crate) month: &'static str,
    pub(crate) at_least: &'static str,
    pub(crate) ahead: &'static str,
}

impl Language {
    /// English: the language of a policy that names none.
    pub const ENGLISH: Self = Self(&english::WORDS);
    /// German.
    pub const GERMAN: Self = Self(&german::WORDS);
    /// Every language there is a table for.
    pub const ALL: [Self; 2] = [Self::ENGLISH, Self::GERMAN];

    /// The language of a BCP 47 tag: that of its longest beginning there is a table for, so that `de-AT` is German.
    #[must_use]
    pub fn of(tag: &str) -> Option<Self> {
        let well_formed = tag.split('-').all(|part| (1..=8).contains(&part.len()))
            && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        let primary = tag.split('-').next().filter(|_| well_formed)?;
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(primary))
    }

    /// Its tag: `en`.
    #[must_use]
    pub fn tag(self) -> &'static str {
        self.0.tag
    }

    /// Its words.
    pub(crate) fn words(self) -> &'static Words {
        self.0
    }
}

impl Words {
    /// The name of a column.
    pub(crate) fn column(&self, column: Column) -> &'static str {
        self.columns.iter().find(|(one, _)| *one == column).map_or("", |(_, name)| name)
    }

    /// The words for an origin.
    pub(crate) fn origin(&self, origin: Origin) -> &'static str {
        self.origins.iter().find(|(one, _)| *one == origin).map_or("", |(_, words)| words)
    }
}

impl Default for Language {
    fn default() -> Self {
        Self::ENGLISH
    }
}

impl PartialEq for Language {
    fn eq(&self, other: &Self) -> bool {
        self.tag() == other.tag()
    }
}

impl Eq for Language {}

impl fmt::Debug for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Language({})", self.tag())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.tag())
    }
}

impl Serialize for Language {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.tag())
    }
}

#[cfg(test)]
mod tests;
