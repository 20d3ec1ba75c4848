//! Which clause speaks of something: of a code, of a value that looks like something, of a measure.

use avow_terms::{
    clause::ClauseId,
    code::Code,
    retention::Retention,
    term::{Promise, Term},
};
use jiff::Timestamp;

use crate::{
    published::{Edition, Published},
    shapes::Shape,
};

/// The clauses of the text that governs, and of the others that still allow something.
pub(crate) struct Clauses<'a> {
    governing: Option<&'a Edition>,
    published: &'a Published,
    now: Timestamp,
}

impl<'a> Clauses<'a> {
    /// The clauses at an instant.
    pub(crate) fn new(published: &'a Published, now: Timestamp) -> Self {
        Self { governing: published.governing(now), published, now }
    }

    /// The clause that calls the table complete.
    pub(crate) fn complete(&self) -> Option<ClauseId> {
        self.terms().find(|term| matches!(term.promise, Promise::Complete)).map(|term| term.clause)
    }

    /// The clause of a measure: `history`, `minute`, `no-contradiction`.
    pub(crate) fn measure(&self, name: &str) -> Option<ClauseId> {
        let is = |term: &&Term| matches!(&term.promise, Promise::Measure { measure, .. } if measure.as_str() == name);
        self.terms().find(is).map(|term| term.clause)
    }

    /// The clauses under which a code is never kept.
    pub(crate) fn forbidding(&self, code: &Code) -> impl Iterator<Item = ClauseId> {
        let covered = move |edition: &Edition, codes: &mut dyn Iterator<Item = &Code>| {
            codes.any(|data| edition.vocabulary.covers(data, code))
        };
        self.nevers().filter_map(move |(edition, clause, data, except)| {
            let forbids = covered(edition, &mut data.iter()) && !covered(edition, &mut except.iter());
            forbids.then_some(clause)
        })
    }

    /// The clauses that a value of this look breaks, whichever of its codes it was: those under which one of them, or
    /// something that descends from it, is never kept; then the one that calls the table complete.
    pub(crate) fn of_shape(&self, shape: Shape) -> Vec<ClauseId> {
        let codes: Vec<Code> = shape.codes().iter().filter_map(|code| Code::new(code).ok()).collect();
        let never = self.nevers().filter(|(edition, _, data, except)| {
            let related = |code: &Code| data.iter().any(|of| edition.vocabulary.covers(of, code) || edition.vocabulary.covers(code, of));
            let excepted = |code: &Code| except.iter().any(|of| edition.vocabulary.covers(of, code));
            codes.iter().any(|code| related(code) && !excepted(code))
        });
        never.map(|(_, clause, _, _)| clause).chain(self.complete()).collect()
    }

    /// Whether a clause allows to store a code: one of the text that governs, or of a version before it, whose rows may
    /// still be there.
    pub(crate) fn allowed(&self, code: &Code) -> bool {
        let trial = self.published.trial.iter();
        let come = self.published.editions.iter().filter(|edition| edition.from <= self.now);
        trial.chain(come).chain(self.governing).any(|edition| stored(edition, code).next().is_some())
    }

    fn nevers(&self) -> impl Iterator<Item = (&'a Edition, ClauseId, &'a std::collections::BTreeSet<Code>, &'a std::collections::BTreeSet<Code>)> {
        self.governing.into_iter().flat_map(|edition| {
            terms(edition).filter_map(move |term| match &term.promise {
                Promise::Never { data, except } => Some((edition, term.clause, data, except)),
                _ => None,
            })
        })
    }

    fn terms(&self) -> impl Iterator<Item = &'a Term> {
        self.governing.into_iter().flat_map(terms)
    }
}

/// The clauses of a text that allow to store a code, and how long.
pub(crate) fn stored<'a>(edition: &'a Edition, code: &Code) -> impl Iterator<Item = (ClauseId, &'a Retention)> {
    let code = code.clone();
    terms(edition).filter_map(move |term| match &term.promise {
        Promise::Stored { data, retention, .. } if edition.vocabulary.covers(data, &code) => Some((term.clause, retention)),
        _ => None,
    })
}

fn terms(edition: &Edition) -> impl Iterator<Item = &Term> {
    edition.policy.iter().flat_map(|policy| &policy.terms)
}
