//! What an earlier version promised whatever the date of the data, and the candidate no longer does: never-clauses, the
//! complete table, measures, rights, the home country of a place promise, the zone whose months are counted, and the
//! guarantee itself.
//!
//! It does not matter in which clause the candidate keeps such a promise.

use std::collections::BTreeSet;

use super::{Breach, Earlier, Promised};
use crate::{
    code::Code,
    diff::{Side, counts_calendar},
    policy::Guarantee,
    problem::Place,
    retention::Period,
    term::{Promise, Term},
};

pub(super) fn breaches<'a>(candidate: Side<'a>, promised: Promised<'a>, level: Guarantee) -> Vec<Breach<'a>> {
    let terms = promised.side.policy.terms.iter();
    let mut breaches: Vec<Breach<'a>> = terms.filter_map(|term| breach(candidate, promised, level, term)).collect();
    breaches.extend(guarantee(candidate, promised));
    breaches.extend(home(candidate, promised));
    breaches.extend((level == Guarantee::Published).then(|| zone(candidate, promised)).flatten());
    breaches
}

fn breach<'a>(candidate: Side<'a>, promised: Promised<'a>, level: Guarantee, term: &'a Term) -> Option<Breach<'a>> {
    let clause = term.clause;
    let (code, message, codes) = match &term.promise {
        Promise::Never { .. } => {
            let lost = lost(candidate, promised.side, level, term);
            let message = format!("{clause} no longer promises never to keep {{}}");
            (!lost.is_empty()).then_some(("never-shrinks", message, lost))
        }
        Promise::Complete => (!candidate.policy.terms.iter().any(|term| term.promise == Promise::Complete))
            .then(|| ("promise-gone", format!("{clause} no longer says that the table is complete"), BTreeSet::new())),
        Promise::Measure { measure, data, lead } => measure_kept(candidate, measure, data, *lead)
            .err()
            .map(|what| ("promise-weaker", format!("{clause} no longer promises `{measure}`{what}"), BTreeSet::new())),
        Promise::Right { right, answer_within } => right_kept(candidate, right, *answer_within).err().map(|what| {
            ("promise-weaker", format!("{clause} no longer promises the right `{right}`{what}"), BTreeSet::new())
        }),
        Promise::Stored { .. } | Promise::Share { .. } => None,
    }?;
    let place = candidate.clause(clause);
    Some(told(code, place, message, codes, promised, promised.side.clause(clause)))
}

/// The codes an earlier never-clause covers and no never-clause of the candidate does.
///
/// A code that only the new vocabulary has moved away is a broken promise where nothing may contradict anything
/// published; under a weaker guarantee it widens.
fn lost<'a>(candidate: Side<'a>, earlier: Side<'a>, level: Guarantee, term: &'a Term) -> BTreeSet<&'a Code> {
    let as_read_then = Side { vocabulary: earlier.vocabulary, ..candidate };
    let kept = |side: Side<'a>, code: &Code| side.never(&candidate.policy.terms, code).is_some();
    let codes = earlier.data().filter(|code| earlier.never([term], code).is_some());
    codes
        .filter(|code| !kept(as_read_then, code) || (level == Guarantee::Published && !kept(candidate, code)))
        .collect()
}

/// Whether some clause of the candidate promises the measure, for all the data and as far ahead.
fn measure_kept(
    candidate: Side<'_>,
    measure: &Code,
    data: &BTreeSet<Code>,
    lead: Option<Period>,
) -> Result<(), String> {
    let offered: Vec<_> = candidate
        .policy
        .terms
        .iter()
        .filter_map(|term| match &term.promise {
            Promise::Measure { measure: offered, data, lead } if offered == measure => Some((data, *lead)),
            _ => None,
        })
        .collect();
    let soon = |offered: Option<Period>| match (lead, offered) {
        (Some(lead), Some(offered)) => lead.no_longer_than(offered),
        (lead, _) => lead.is_none(),
    };
    let wide = |about: &BTreeSet<Code>, code: &Code| about.is_empty() || candidate.any_covers(about, code);
    if offered.is_empty() {
        return Err(String::new());
    }
    if !offered.iter().any(|(_, lead)| soon(*lead)) {
        return Err(lead.map(|lead| format!(" at least {} ahead", lead.phrase())).unwrap_or_default());
    }
    let in_time = || offered.iter().filter(|(_, lead)| soon(*lead));
    if data.is_empty() && !in_time().any(|(about, _)| about.is_empty()) {
        return Err(" for everything".into());
    }
    match data.iter().find(|code| !in_time().any(|(about, _)| wide(about, code))) {
        Some(code) => Err(format!(" for `{code}`")),
        None => Ok(()),
    }
}

fn right_kept(candidate: Side<'_>, right: &Code, within: Period) -> Result<(), String> {
    let mut offered = candidate.policy.terms.iter().filter_map(|term| match &term.promise {
        Promise::Right { right: offered, answer_within } if offered == right => Some(*answer_within),
        _ => None,
    });
    let Some(first) = offered.next() else { return Err(String::new()) };
    let quick = std::iter::once(first).chain(offered).any(|offered| offered.no_longer_than(within));
    if quick { Ok(()) } else { Err(format!(", answered within {}", within.phrase())) }
}

fn guarantee<'a>(candidate: Side<'a>, promised: Promised<'a>) -> Option<Breach<'a>> {
    let lowered = candidate.policy.header.guarantee < promised.side.policy.header.guarantee;
    let message = "the guarantee is lower than the one that was given".to_owned();
    let place = || candidate.header("guarantee");
    lowered.then(|| {
        let earlier = promised.side.header("guarantee");
        told("guarantee-lowered", place(), message, BTreeSet::new(), promised, earlier)
    })
}

/// A promise about servers outside the home country means the country that was home when it was made.
fn home<'a>(candidate: Side<'a>, promised: Promised<'a>) -> Option<Breach<'a>> {
    let (now, then) = (&candidate.policy.header.home, &promised.side.policy.header.home);
    let about_place = promised.side.policy.terms.iter().any(
        |term| matches!(&term.promise, Promise::Measure { measure, .. } if measure.as_str() == "store-nothing-abroad"),
    );
    (now != then && about_place).then(|| {
        let message = format!("the home country is `{now}`, and nothing was to be stored outside `{then}`");
        let (place, earlier) = (candidate.header("home"), promised.side.header("home"));
        told("home-moved", place, message, BTreeSet::new(), promised, earlier)
    })
}

/// A calendar month ends at another instant in another zone, so another zone can keep something for longer.
fn zone<'a>(candidate: Side<'a>, promised: Promised<'a>) -> Option<Breach<'a>> {
    let name = |side: Side<'a>| side.policy.header.zone.as_deref().unwrap_or("UTC");
    let (now, then) = (name(candidate), name(promised.side));
    (now != then && counts_calendar(promised.side)).then(|| {
        let message = format!("months and years are counted in `{now}`, and were in `{then}`");
        let (place, earlier) = (candidate.header("zone"), promised.side.header("zone"));
        told("zone-moved", place, message, BTreeSet::new(), promised, earlier)
    })
}

fn told<'a>(
    code: &'static str,
    place: Place,
    message: String,
    codes: BTreeSet<&'a Code>,
    promised: Promised<'a>,
    earlier: Place,
) -> Breach<'a> {
    let promise = Earlier { published: promised.published, place: earlier, words: String::new(), retention: None };
    let help = "put the promise back: it binds whatever the date of the data, and a later version cannot take it back";
    Breach { code, place, message, codes, promise, help: help.into() }
}
