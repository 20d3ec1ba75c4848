//! What a text says in one place and takes back in another, where the letter and the codes alone do not show it: lists that
//! call themselves complete and are not, words that leave a list open, a purpose or a form of data that two clauses tell
//! differently.
//!
//! Every problem names both places. Nothing here makes or changes a term.

mod forms;
mod inventories;
mod open_lists;
mod purposes;
mod words;

use super::{
    coverage::Found,
    kept::{self, Kept},
    problems::Problems,
    references::References,
};
use crate::{
    clause::ClauseId,
    code::Code,
    markdown::Passage,
    source::Span,
    term::{Promise, Term},
    vocabulary::Vocabulary,
};

/// A text as it was read so far.
pub(super) struct Text<'t> {
    pub(super) found: &'t [Found],
    /// What each clause points at, in the order of the clauses.
    pub(super) references: &'t [References],
    pub(super) terms: &'t [Term],
    pub(super) vocabulary: &'t Vocabulary,
}

/// Reports them all.
pub(super) fn check(text: &Text<'_>, problems: &mut Problems<'_>) {
    let kept = kept::read(text.found, text.vocabulary);
    open_lists::check(text, problems);
    inventories::check(text, &kept, problems);
    purposes::check(text, &kept, problems);
    forms::check(text, problems);
    words::check(text, &kept, problems);
}

impl Text<'_> {
    fn clause(&self, id: ClauseId) -> Option<&Found> {
        self.found.iter().find(|clause| clause.id == id)
    }

    /// The clauses that a clause points at.
    fn pointed_at(&self, id: ClauseId) -> &[ClauseId] {
        let clauses = self.found.iter().zip(self.references);
        clauses.filter(|(clause, _)| clause.id == id).map(|(_, at)| at.all.as_slice()).next().unwrap_or_default()
    }

    /// Where a clause names a code; its number, if it names none such.
    fn place(&self, id: ClauseId, code: &str) -> Span {
        let Some(clause) = self.clause(id) else { return Span::default() };
        let named = clause.passages().find_map(|passage| {
            let is_code = |word: Option<&str>| word.is_some_and(|word| word.trim() == code);
            passage.codes().find(|piece| is_code(passage.text.get(piece.range.clone()))).map(|piece| piece.span)
        });
        named.unwrap_or(clause.place)
    }

    /// The measures of a name, each with its clause and the data it is about.
    fn measures<'s>(&'s self, name: &'s str) -> impl Iterator<Item = (ClauseId, Vec<&'s Code>)> {
        self.terms.iter().filter_map(move |term| match &term.promise {
            Promise::Measure { measure, data, .. } if measure.as_str() == name => {
                Some((term.clause, data.iter().collect()))
            }
            _ => None,
        })
    }

    /// The clauses that call the table complete.
    fn inventories(&self) -> Vec<ClauseId> {
        self.terms.iter().filter(|term| term.promise == Promise::Complete).map(|term| term.clause).collect()
    }

    /// Whether one of two codes is the other or descends from it.
    fn meet(&self, one: &Code, other: &Code) -> bool {
        self.vocabulary.covers(one, other) || self.vocabulary.covers(other, one)
    }
}

/// The codes that a row keeps.
fn of_row(kept: &[Kept], id: ClauseId) -> impl Iterator<Item = &Kept> {
    kept.iter().filter(move |kept| kept.clause == id)
}

/// The first of some phrases in the words of a passage, whole and outside backticks; a hyphen is a space.
fn phrase(passage: &Passage, phrases: &[&str]) -> Option<(Span, String)> {
    let plain = passage.plain();
    let lower = plain.to_ascii_lowercase().replace('-', " ");
    let is_whole = |at: usize, phrase: &str| {
        !lower.get(..at).unwrap_or("").ends_with(char::is_alphanumeric)
            && !lower.get(at + phrase.len()..).unwrap_or("").starts_with(char::is_alphanumeric)
    };
    let found = phrases.iter().flat_map(|phrase| lower.match_indices(phrase));
    let (at, said) = found.filter(|(at, said)| is_whole(*at, said)).min_by_key(|(at, _)| *at)?;
    let range = at..at + said.len();
    Some((passage.place(range.clone()), plain.get(range)?.to_owned()))
}
