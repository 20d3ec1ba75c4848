//! A text as it was read so far, for the checks that look at more than one clause.

use super::{
    coverage::{Found, Numbers},
    kept::Kept,
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

/// What was found in a text, and what it was understood to promise.
pub(super) struct Text<'t> {
    pub(super) found: &'t [Found],
    /// Where among them each number stands.
    pub(super) numbers: &'t Numbers,
    /// What each clause points at, in the order of the clauses.
    pub(super) references: &'t [References],
    pub(super) terms: &'t [Term],
    /// What the rows say they keep, in the order of the clauses.
    pub(super) kept: &'t [Kept],
    /// The words that need no number and have none.
    pub(super) exempt: &'t [Passage],
    pub(super) vocabulary: &'t Vocabulary,
}

impl<'t> Text<'t> {
    /// The clause of a number.
    pub(super) fn clause(&self, id: ClauseId) -> Option<&Found> {
        self.numbers.get(&id).and_then(|at| self.found.get(*at))
    }

    /// The terms of a clause: they stand in the order of the clauses.
    pub(super) fn terms_of(&self, id: ClauseId) -> impl Iterator<Item = &'t Term> + use<'t> {
        let at = |id: ClauseId| self.numbers.get(&id).copied();
        let start = self.terms.partition_point(|term| at(term.clause) < at(id));
        self.terms.get(start..).unwrap_or_default().iter().take_while(move |term| term.clause == id)
    }

    /// The clauses that a clause points at.
    pub(super) fn pointed_at(&self, id: ClauseId) -> &[ClauseId] {
        let references = self.numbers.get(&id).and_then(|at| self.references.get(*at));
        references.map(|references| references.all.as_slice()).unwrap_or_default()
    }

    /// Where a clause names a code; its number, if it names none such.
    pub(super) fn place(&self, id: ClauseId, code: &str) -> Span {
        let Some(clause) = self.clause(id) else { return Span::default() };
        let named = clause.passages().find_map(|passage| {
            let is_code = |word: Option<&str>| word.is_some_and(|word| word.trim() == code);
            passage.codes().find(|piece| is_code(passage.text.get(piece.range.clone()))).map(|piece| piece.span)
        });
        named.unwrap_or(clause.place)
    }

    /// The measures of a name, each with its clause and the data it is about.
    pub(super) fn measures<'s>(&'s self, name: &'s str) -> impl Iterator<Item = (ClauseId, Vec<&'s Code>)> {
        self.terms.iter().filter_map(move |term| match &term.promise {
            Promise::Measure { measure, data, .. } if measure.as_str() == name => {
                Some((term.clause, data.iter().collect()))
            }
            _ => None,
        })
    }

    /// The clauses that call the table complete.
    pub(super) fn inventories(&self) -> Vec<ClauseId> {
        self.terms.iter().filter(|term| term.promise == Promise::Complete).map(|term| term.clause).collect()
    }

    /// Whether one of two codes is the other or descends from it.
    pub(super) fn meet(&self, one: &Code, other: &Code) -> bool {
        self.vocabulary.covers(one, other) || self.vocabulary.covers(other, one)
    }

    /// The codes that a row keeps.
    pub(super) fn kept_by(&self, id: ClauseId) -> impl Iterator<Item = &Kept> {
        let at = |id: ClauseId| self.numbers.get(&id).copied();
        let start = self.kept.partition_point(|kept| at(kept.clause) < at(id));
        self.kept.get(start..).unwrap_or_default().iter().take_while(move |kept| kept.clause == id)
    }
}
