//! What a text uses and nowhere declares: a purpose, a recipient, data.

use std::collections::BTreeSet;

use super::problems::Problems;
use crate::{
    code::Code,
    term::{Origin, Promise, Term},
    vocabulary::Vocabulary,
};

/// Warns about each, once the text has no error: what is missing may stand in a row that could not be read.
pub(super) fn check(terms: &[Term], vocabulary: &Vocabulary, problems: &mut Problems<'_>) {
    if problems.any_error() {
        return;
    }
    notices(terms, problems);
    payments(terms, problems);
    measures(terms, vocabulary, problems);
}

/// Whoever promises notices needs something to send them with.
fn notices(terms: &[Term], problems: &mut Problems<'_>) {
    let stored = |term: &&Term| matches!(term.promise, Promise::Stored { .. });
    let notice = terms.iter().find(|term| is_measure(term, "notice"));
    let declared = terms.iter().any(|term| purpose_of(term).is_some_and(|purpose| purpose.as_str() == "notices"));
    let (Some(notice), false, Some(first)) = (notice, declared, terms.iter().find(stored)) else { return };
    let message =
        format!("{} promises notices, and no row keeps anything to send them with (`notices`)", notice.clause);
    let help = "add the purpose `notices` to the row that keeps the address, or say in that row why it is not needed";
    problems.second_look(notice.said_at, "undeclared-purpose", message, (first.said_at, "the rows begin here"), help);
}

/// Data that comes from a payment processor was seen by one.
fn payments(terms: &[Term], problems: &mut Problems<'_>) {
    let from = |term: &&Term| matches!(term.promise, Promise::Stored { origin: Origin::Processor, .. });
    let shows = |term: &Term| matches!(&term.promise, Promise::Share { purpose, .. } if purpose.as_str() == "billing");
    if let Some(term) = terms.iter().find(from).filter(|_| !terms.iter().any(shows)) {
        let message = format!("{} comes from a payment processor, whom no row of recipients names", term.clause);
        let help = "add a row that says who it is and what it sees, for the purpose `billing`";
        problems.warning(term.said_at, "undeclared-recipient", message, help);
    }
}

/// A measure about data that nothing keeps protects nothing, or uses what is not said to be there.
fn measures(terms: &[Term], vocabulary: &Vocabulary, problems: &mut Problems<'_>) {
    let kept: BTreeSet<&Code> = terms.iter().filter_map(data_of).collect();
    for term in terms {
        let Promise::Measure { measure, data, .. } = &term.promise else { continue };
        if !matches!(measure.as_str(), "desk-only" | "encrypt-at-rest") {
            continue;
        }
        let is_kept = |code: &Code| kept.iter().any(|kept| vocabulary.covers(code, kept));
        for code in data.iter().filter(|code| !is_kept(code)) {
            let message = format!("{} needs `{code}`, and no row keeps it", term.clause);
            let help = format!("add `{code}` to a row of what is kept, or take it out of {}", term.clause);
            problems.warning(term.said_at, "undeclared-data", message, help);
        }
    }
}

fn is_measure(term: &Term, name: &str) -> bool {
    matches!(&term.promise, Promise::Measure { measure, .. } if measure.as_str() == name)
}

fn purpose_of(term: &Term) -> Option<&Code> {
    match &term.promise {
        Promise::Stored { purpose, .. } => Some(purpose),
        _ => None,
    }
}

fn data_of(term: &Term) -> Option<&Code> {
    match &term.promise {
        Promise::Stored { data, .. } => Some(data),
        _ => None,
    }
}
