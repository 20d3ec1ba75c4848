//! What changed between two versions of a policy, clause by clause, and whether it takes something from the reader.
//!
//! Clauses are matched by their numbers only, never by likeness. What a clause promises is compared field by field;
//! the words around it only where the promise is the same. Nothing here says whether a change may be published: that
//! is for [`crate::conflict`], which looks at every version and not only at the last.

mod grounds;
mod header;
mod hedge;
mod measure;
mod never;
mod share;
mod side;
mod stored;

use std::collections::BTreeSet;

use serde::Serialize;

pub(crate) use header::counts_calendar;
pub(crate) use side::{Side, listed, normal};

use crate::{
    clause::{Clause, ClauseId, Letter, State},
    policy::Policy,
    problem::Place,
    redline::{Piece, redline},
    source::Span,
    vocabulary::Vocabulary,
};

/// What a change does to what was promised, by weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// Nothing.
    Same,
    /// Other words for the same promise.
    Editorial,
    /// Something that promises nothing: a contact, an explanation, the order of the clauses.
    Neutral,
    /// The operator may do less, or the user may do more.
    Narrows,
    /// The operator may do more, or the user may do less.
    Widens,
}

/// What changed in one clause, or in the text around the clauses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The clause; none for the front matter and for words outside every clause.
    pub clause: Option<ClauseId>,
    /// The heaviest of what changed in it.
    pub class: Class,
    /// What changed, in plain words, the heaviest first: `kept 30 days after the session ends instead of 90 days ...`.
    pub what: String,
    /// Where the old text says it, if it does.
    pub before: Option<Place>,
    /// Where the new text says it, if it does.
    pub after: Option<Place>,
    /// The words with their changes marked.
    pub redline: Vec<Piece>,
    /// Words that soften and were put in, or that bind and were taken out: `softening word added: may`.
    pub hedges: Vec<String>,
}

/// Everything that changed between two versions, in the order of the clauses' numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diff {
    /// What changed; a clause that did not is not listed.
    pub changes: Vec<Change>,
}

impl Diff {
    /// The heaviest change.
    #[must_use]
    pub fn class(&self) -> Class {
        self.changes.iter().map(|change| change.class).max().unwrap_or(Class::Same)
    }
}

/// Compares two versions of a policy, each read with its own vocabulary.
#[must_use]
pub fn diff(old: &Policy, old_vocabulary: &Vocabulary, new: &Policy, new_vocabulary: &Vocabulary) -> Diff {
    let old = Side { policy: old, vocabulary: old_vocabulary };
    let new = Side { policy: new, vocabulary: new_vocabulary };
    let numbers: BTreeSet<ClauseId> = old.clauses().chain(new.clauses()).map(|clause| clause.id).collect();
    let mut changes = header::changes(old, new);
    changes.extend(numbers.into_iter().filter_map(|id| change(old, new, id)));
    Diff { changes }
}

/// One thing that changed in a clause, and the words that say so on both sides.
struct Finding {
    class: Class,
    what: String,
    before: Option<Span>,
    after: Option<Span>,
}

impl Finding {
    fn new(class: Class, what: impl Into<String>, before: Option<Span>, after: Option<Span>) -> Self {
        Self { class, what: what.into(), before, after }
    }
}

fn change(old: Side<'_>, new: Side<'_>, id: ClauseId) -> Option<Change> {
    let (before, after) = (old.policy.clause(id), new.policy.clause(id));
    let words = |clause: Option<&Clause>| clause.map(|clause| clause.words.clone()).unwrap_or_default();
    let (old_words, new_words) = (words(before), words(after));
    let mut findings = findings(old, new, id);
    if findings.is_empty() {
        findings.push(wording(id, before, after)?);
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.class));
    let heaviest = findings.first()?;
    let place = |side: Side<'_>, clause: Option<&Clause>, said: Option<Span>| {
        clause.map(|clause| side.place(said.unwrap_or(clause.span)))
    };
    Some(Change {
        clause: Some(id),
        class: heaviest.class,
        before: place(old, before, heaviest.before),
        after: place(new, after, heaviest.after),
        what: findings.iter().map(|finding| finding.what.as_str()).collect::<Vec<_>>().join("; "),
        redline: redline(&old_words, &new_words),
        hedges: if speaks(before) && speaks(after) {
            hedge::hedges(new.policy.header.language, &old_words, &new_words)
        } else {
            Vec::new()
        },
    })
}

/// What changed in the promises of a clause.
fn findings(old: Side<'_>, new: Side<'_>, id: ClauseId) -> Vec<Finding> {
    let compared = [
        never::compare(old, new, id),
        stored::compare(old, new, id),
        share::compare(old, new, id),
        measure::compare(old, new, id),
    ];
    compared.into_iter().flatten().collect()
}

/// What changed in a clause that promises the same as before.
fn wording(id: ClauseId, before: Option<&Clause>, after: Option<&Clause>) -> Option<Finding> {
    let state = |clause: Option<&Clause>| clause.map(|clause| matches!(clause.state, State::Active));
    let what = match (state(before), state(after)) {
        (None, _) => "new",
        (_, None) => "gone, without a line that says it was withdrawn",
        (Some(true), Some(false)) => "withdrawn",
        (Some(false), Some(true)) => "said again after it was withdrawn",
        _ if before.map(|clause| spaced(&clause.words)) == after.map(|clause| spaced(&clause.words)) => return None,
        _ => "said in other words",
    };
    let same_state = state(before) == state(after) && id.letter != Letter::G;
    Some(Finding::new(if same_state { Class::Editorial } else { Class::Neutral }, what, None, None))
}

/// Whether a clause is there, active, and of a kind that promises something.
fn speaks(clause: Option<&Clause>) -> bool {
    clause.is_some_and(|clause| clause.state == State::Active && clause.id.letter != Letter::G)
}

/// A text with every run of white space as one space: a line broken elsewhere is no change.
fn spaced(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) mod texts;
