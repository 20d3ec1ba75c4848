//! Which clause speaks of something: of a code, of a value that looks like something, of a measure.

use std::collections::BTreeSet;

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
        // A text that cannot be read names no clause; the next best that can still says which numbers mean what.
        let readable = |edition: &&Edition| edition.policy.is_some();
        let others = || published.editions().rev().chain(&published.trial).find(readable);
        let governing = published.governing(now).filter(readable).or_else(others);
        Self { governing, published, now }
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
        self.nevers().filter(|never| never.covers(code)).map(|never| never.clause)
    }

    /// The clauses that a value of this look breaks, whichever of its codes it was: those under which one of them, or
    /// something that descends from it, is never kept; then the one that calls the table complete.
    pub(crate) fn of_shape(&self, shape: Shape) -> Vec<ClauseId> {
        let codes: Vec<Code> = shape.codes().iter().filter_map(|code| Code::new(code).ok()).collect();
        let never = self.nevers().filter(|never| codes.iter().any(|code| never.touches(code)));
        never.map(|never| never.clause).chain(self.complete()).collect()
    }

    /// Whether a clause allows to store a code: one of the text that governs, or of a version before it, whose rows may
    /// still be there.
    pub(crate) fn allowed(&self, code: &Code) -> bool {
        let trial = self.published.trial.iter();
        let come = self.published.editions().filter(|edition| edition.from <= self.now);
        trial.chain(come).chain(self.governing).any(|edition| stored(edition, code).next().is_some())
    }

    fn nevers(&self) -> impl Iterator<Item = Never<'a>> + use<'a> {
        self.governing.into_iter().flat_map(|edition| {
            terms(edition).filter_map(move |term| match &term.promise {
                Promise::Never { data, except } => Some(Never { edition, clause: term.clause, data, except }),
                _ => None,
            })
        })
    }

    fn terms(&self) -> impl Iterator<Item = &'a Term> {
        self.governing.into_iter().flat_map(terms)
    }
}

/// A promise never to keep something.
struct Never<'a> {
    edition: &'a Edition,
    clause: ClauseId,
    data: &'a BTreeSet<Code>,
    except: &'a BTreeSet<Code>,
}

impl Never<'_> {
    /// Whether it forbids a code.
    fn covers(&self, code: &Code) -> bool {
        let among = |codes: &BTreeSet<Code>| codes.iter().any(|of| self.edition.vocabulary.covers(of, code));
        among(self.data) && !among(self.except)
    }

    /// Whether it forbids a code, or something that descends from it.
    fn touches(&self, code: &Code) -> bool {
        let below = self.data.iter().any(|data| self.edition.vocabulary.covers(code, data));
        self.covers(code) || below
    }
}

/// The clauses of a text that allow to store a code, and how long.
pub(crate) fn stored<'a>(edition: &'a Edition, code: &Code) -> impl Iterator<Item = (ClauseId, &'a Retention)> {
    let code = code.clone();
    terms(edition).filter_map(move |term| match &term.promise {
        Promise::Stored { data, retention, .. } if edition.vocabulary.covers(data, &code) => {
            Some((term.clause, retention))
        }
        _ => None,
    })
}

/// Every term of a text.
pub(crate) fn terms(edition: &Edition) -> impl Iterator<Item = &Term> {
    edition.policy.iter().flat_map(|policy| &policy.terms)
}
