//! Whom the candidate would show something, against what an earlier version said about recipients.
//!
//! Recipients and occasions are words: they are the same only if they are written the same.

use std::collections::BTreeSet;

use super::{Breach, Earlier, Promised, narrow_or_separate};
use crate::{
    clause::Letter,
    code::Code,
    diff::{Side, normal},
    legal::Country,
    policy::Guarantee,
    problem::Place,
    term::{Promise, Term},
};

pub(super) fn breaches<'a>(candidate: Side<'a>, promised: Promised<'a>, level: Guarantee) -> Vec<Breach<'a>> {
    if level < Guarantee::Published {
        return Vec::new();
    }
    candidate.policy.terms.iter().filter_map(|term| breach(candidate, promised, term)).collect()
}

fn breach<'a>(candidate: Side<'a>, promised: Promised<'a>, term: &'a Term) -> Option<Breach<'a>> {
    let Promise::Share { recipient, data, .. } = &term.promise else { return None };
    let shown: Vec<&Code> = data.iter().filter(|code| !allowed(promised.side, term, code)).collect();
    if shown.is_empty() {
        return None;
    }
    Some(Breach {
        code: "shown-to-more",
        place: candidate.clause(term.clause),
        message: format!("{} shows {{}} to `{recipient}` in a way that was not promised before", term.clause),
        codes: shown.into_iter().collect(),
        promise: Earlier {
            published: promised.published,
            place: about_recipients(promised.side, term)?,
            words: String::new(),
            retention: None,
        },
        help: narrow_or_separate("put back who sees what, why and when"),
    })
}

/// Whether an earlier row names this recipient, purpose and occasion for the code.
fn allowed(side: Side<'_>, term: &Term, code: &Code) -> bool {
    let Promise::Share { recipient, purpose, when, transfer, .. } = &term.promise else { return true };
    side.policy.terms.iter().any(|earlier| match &earlier.promise {
        Promise::Share { recipient: who, data, purpose: why, when: occasion, transfer: places, .. } => {
            (normal(who), why, normal(occasion)) == (normal(recipient), purpose, normal(when))
                && side.any_covers(data, code)
                && goes_no_further(transfer.as_ref(), places.as_ref())
        }
        _ => false,
    })
}

/// Whether the data goes to no country that the earlier row kept it from. A row without a word on it kept it from none.
fn goes_no_further(now: Option<&BTreeSet<Country>>, before: Option<&BTreeSet<Country>>) -> bool {
    before.is_none_or(|before| now.is_some_and(|now| now.is_subset(before)))
}

/// What the earlier version said about recipients: its row of the same number, its `no-disclosure`, or its first
/// row. A version that said nothing about recipients promised nothing about them.
fn about_recipients(side: Side<'_>, term: &Term) -> Option<Place> {
    let terms = || side.policy.terms.iter().filter(|earlier| earlier.clause.letter == Letter::R);
    let same = terms().find(|earlier| earlier.clause == term.clause);
    let nobody = || {
        terms().find(|earlier| {
            matches!(&earlier.promise, Promise::Measure { measure, .. } if measure.as_str() == "no-disclosure")
        })
    };
    let found = same.or_else(nobody).or_else(|| terms().next())?;
    Some(side.clause(found.clause))
}
