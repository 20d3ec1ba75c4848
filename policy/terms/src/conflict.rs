//! What a candidate may not say because a published version has said otherwise.
//!
//! The candidate is held against every version ever published, not against the last: 90 days, then 30, then 90 again
//! contradicts version 2. Each contradiction quotes the candidate's words and the strictest promise they break.
//!
//! Some promises bind whatever the date of the data (never, rights, notices, measures); how long, for what and for
//! whom something is kept binds a later version only as far as the `guarantee` says. Whoever says less than the last
//! version contradicts nobody.

mod share;
mod standing;
mod stored;

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use crate::{
    code::Code,
    diff::{Side, listed},
    minute::Minute,
    policy::{Guarantee, Policy},
    problem::{Place, Problem, Severity},
    retention::Retention,
    term::Promise,
    vocabulary::Vocabulary,
};

/// A version that was published. It binds from then on, whether or not it applies yet.
#[derive(Debug, Clone)]
pub struct Published {
    /// What it says.
    pub policy: Arc<Policy>,
    /// The vocabulary it was published with.
    pub vocabulary: Arc<Vocabulary>,
    /// From when it applies.
    pub effective: Minute,
    /// When it was published.
    pub published_at: Timestamp,
}

/// Everything in a candidate that contradicts an earlier version, in the order of the candidate's text.
///
/// `earlier` is every version of every document the operator has published. What the candidate leaves out is held
/// against the versions of its own document only: another document still says what it says.
#[must_use]
pub fn contradictions(candidate: &Policy, vocabulary: &Vocabulary, earlier: &[Published]) -> Vec<Problem> {
    let candidate = Side { policy: candidate, vocabulary };
    let said = earlier.iter().map(|published| published.policy.header.guarantee);
    let level = said.max().map_or(Guarantee::Data, |said| said.max(candidate.policy.header.guarantee));
    let mut breaches = Vec::new();
    for published in earlier {
        let promised =
            Promised { published, side: Side { policy: &published.policy, vocabulary: &published.vocabulary } };
        breaches.extend(stored::breaches(candidate, promised, level));
        breaches.extend(share::breaches(candidate, promised, level));
        if same_document(candidate.policy, &published.policy) {
            breaches.extend(standing::breaches(candidate, promised, level));
        }
    }
    floor(breaches).into_iter().map(Floor::problem).collect()
}

/// Whether two texts are versions of one document.
pub(crate) fn same_document(one: &Policy, other: &Policy) -> bool {
    one.header.policy == other.header.policy && one.header.document == other.header.document
}

/// An earlier version, as the candidate is held against it.
#[derive(Clone, Copy)]
struct Promised<'a> {
    published: &'a Published,
    side: Side<'a>,
}

impl Promised<'_> {
    /// Whether this version says that the code, as either vocabulary understands it, is never kept; and where.
    ///
    /// What is forbidden is forbidden under either vocabulary; what is excepted only under the earlier one, so that a
    /// later vocabulary can neither take a code out of a promise nor put one into an exception.
    fn never(&self, candidate: Side<'_>, code: &Code) -> Option<Place> {
        let found = self.side.policy.terms.iter().find(|term| match &term.promise {
            Promise::Never { data, except } => {
                (self.side.any_covers(data, code) || candidate.any_covers(data, code))
                    && !self.side.any_covers(except, code)
            }
            _ => false,
        })?;
        Some(self.side.place(found.said_at))
    }
}

/// One thing the candidate says, or leaves out, against one earlier version.
struct Breach<'a> {
    code: &'static str,
    place: Place,
    /// What is wrong; `{}` stands for the codes.
    message: String,
    codes: BTreeSet<&'a Code>,
    promise: Earlier<'a>,
    help: String,
}

/// The promise that is broken.
struct Earlier<'a> {
    published: &'a Published,
    place: Place,
    /// How it was put: `90 days after the session ends`. Empty where the words under `place` say it all.
    words: String,
    /// Where promises have a length, it: of two that are broken, the shorter is the one to keep.
    retention: Option<&'a Retention>,
}

/// The strictest promises that one thing in the candidate breaks.
struct Floor<'a> {
    breach: Breach<'a>,
    others: Vec<Earlier<'a>>,
}

/// Gathers what several versions have against the same words, and keeps the strictest promises.
fn floor(breaches: Vec<Breach<'_>>) -> Vec<Floor<'_>> {
    let mut floors: Vec<Floor<'_>> = Vec::new();
    for breach in breaches {
        let same = |floor: &&mut Floor<'_>| {
            let first = &floor.breach;
            (first.code, &first.place, &first.message) == (breach.code, &breach.place, &breach.message)
        };
        match floors.iter_mut().find(same) {
            Some(floor) => floor.add(breach),
            None => floors.push(Floor { breach, others: Vec::new() }),
        }
    }
    floors.sort_by_key(|floor| floor.breach.place.span);
    floors
}

impl<'a> Floor<'a> {
    fn add(&mut self, breach: Breach<'a>) {
        self.breach.codes.extend(breach.codes);
        let promise = breach.promise;
        if self.promises().any(|kept| kept.at_least_as_strict(&promise)) {
            return;
        }
        self.others.retain(|kept| !promise.at_least_as_strict(kept));
        if promise.at_least_as_strict(&self.breach.promise) {
            self.breach.promise = promise;
        } else {
            self.others.push(promise);
        }
    }

    fn promises(&self) -> impl Iterator<Item = &Earlier<'a>> {
        std::iter::once(&self.breach.promise).chain(&self.others)
    }

    fn problem(self) -> Problem {
        let related = self.promises().map(|promise| (promise.place.clone(), promise.remark())).collect();
        Problem {
            code: self.breach.code,
            severity: Severity::Error,
            message: self.breach.message.replace("{}", &listed(self.breach.codes)),
            place: self.breach.place,
            related,
            help: Some(self.breach.help),
        }
    }
}

impl Earlier<'_> {
    /// Whether whoever keeps this promise keeps the other too. Of two equal ones the one that was made first counts.
    fn at_least_as_strict(&self, other: &Self) -> bool {
        match (self.retention, other.retention) {
            (Some(one), Some(other)) => one.no_longer_than(other),
            _ => true,
        }
    }

    fn remark(&self) -> String {
        let header = &self.published.policy.header;
        let (name, version, since) = (&header.policy, header.version, self.published.effective);
        let words = if self.words.is_empty() { "this" } else { &self.words };
        format!("version {version} of `{name}`, in force since {since}, promised {words}")
    }
}

/// How to resolve what only a guarantee of `published` forbids.
fn narrow_or_separate(what: &str) -> String {
    format!(
        "{what}; `guarantee: published` lets a new version only narrow. To do more, publish a separate policy with a \
         name and a store of its own, which an account accepts by itself"
    )
}

#[cfg(test)]
mod tests;
