//! Changes in what a clause says is never kept.
//!
//! A clause may name a parent, its children, or a parent with exceptions: what counts is which codes of the vocabulary
//! it covers in the end, each text with its own vocabulary.

use std::collections::BTreeSet;

use super::{Class, Finding, Side, listed};
use crate::{clause::ClauseId, code::Code, source::Span, term::Promise};

pub(super) fn compare(old: Side<'_>, new: Side<'_>, id: ClauseId) -> Vec<Finding> {
    let codes: BTreeSet<&Code> = old.data().chain(new.data()).collect();
    let covered = |side: Side<'_>, code: &Code| side.never(side.terms(id), code).is_some();
    let (mut lost, mut won) = (Vec::new(), Vec::new());
    for code in codes {
        match (covered(old, code), covered(new, code)) {
            (true, false) => lost.push(code),
            (false, true) => won.push(code),
            _ => {}
        }
    }
    let (before, after) = (said_at(old, id), said_at(new, id));
    let finding = |class, words: &str, codes: Vec<&Code>| {
        (!codes.is_empty()).then(|| Finding::new(class, format!("{words} {}", listed(codes)), before, after))
    };
    let lost = finding(Class::Widens, "no longer promises never to keep", lost);
    let won = finding(Class::Narrows, "now promises never to keep", won);
    lost.into_iter().chain(won).collect()
}

fn said_at(side: Side<'_>, id: ClauseId) -> Option<Span> {
    side.terms(id).find(|term| matches!(term.promise, Promise::Never { .. })).map(|term| term.said_at)
}
