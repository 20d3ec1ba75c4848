//! Changes around the clauses: the front matter, the vocabulary, the order, and words outside every clause.
//!
//! The version, its minute and its summary differ in every version and are no change.

use super::{Change, Class, Side, spaced};
use crate::{
    clause::ClauseId,
    redline::{Piece, redline},
    retention::{Anchor, Period, Retention},
    term::Promise,
};

pub(super) fn changes(old: Side<'_>, new: Side<'_>) -> Vec<Change> {
    let (before, after) = (&old.policy.header, &new.policy.header);
    let guarantee = if after.guarantee < before.guarantee { Class::Widens } else { Class::Narrows };
    let zone = if counts_calendar(old) || counts_calendar(new) { Class::Widens } else { Class::Neutral };
    let text = |word: &str| word.to_owned();
    let zone_name = |zone: &Option<String>| zone.clone().unwrap_or_else(|| "UTC".into());
    let fields = [
        ("policy", Class::Neutral, text(&before.policy), text(&after.policy)),
        ("document", Class::Neutral, shown(before.document), shown(after.document)),
        ("controller", Class::Neutral, text(&before.controller), text(&after.controller)),
        ("contact", Class::Neutral, text(&before.contact), text(&after.contact)),
        ("home", Class::Widens, text(&before.home), text(&after.home)),
        ("guarantee", guarantee, shown(before.guarantee), shown(after.guarantee)),
        ("zone", zone, zone_name(&before.zone), zone_name(&after.zone)),
    ];
    let fields = fields.into_iter().filter(|(_, _, before, after)| before != after);
    let mut changes: Vec<Change> = fields.map(|field| field_change(old, new, field)).collect();
    changes.extend(vocabulary(old, new));
    changes.extend(outside(old, new));
    changes
}

fn field_change(old: Side<'_>, new: Side<'_>, field: (&'static str, Class, String, String)) -> Change {
    let (key, class, before, after) = field;
    let what = format!("`{key}: {after}` instead of `{before}`");
    around(old, new, key, class, what, redline(&before, &after))
}

fn around(old: Side<'_>, new: Side<'_>, key: &str, class: Class, what: String, redline: Vec<Piece>) -> Change {
    let (before, after) = (Some(old.header(key)), Some(new.header(key)));
    Change { clause: None, class, what, before, after, redline, hedges: Vec::new() }
}

/// The word the front matter has for it.
fn shown(word: impl std::fmt::Debug) -> String {
    format!("{word:?}").to_lowercase()
}

/// Whether some period is counted in calendar months, so that the zone moves its end.
pub(crate) fn counts_calendar(side: Side<'_>) -> bool {
    fn calendar(retention: &Retention) -> bool {
        match retention {
            Retention::NotStored | Retention::MonthEnd { .. } => false,
            Retention::Memory { at_most } => matches!(at_most, Some(Period::Months(_))),
            Retention::After { period, anchor } => by_calendar(*period, *anchor),
            Retention::Until { anchor } => *anchor == Anchor::FinancialYearEnd,
            Retention::Earlier(one, other) => calendar(one) || calendar(other),
            Retention::Law { at_most, anchor, .. } => by_calendar(*at_most, *anchor),
        }
    }
    fn by_calendar(period: Period, anchor: Anchor) -> bool {
        matches!(period, Period::Months(_)) || anchor == Anchor::FinancialYearEnd
    }
    side.policy.terms.iter().any(|term| match &term.promise {
        Promise::Stored { retention, .. } => calendar(retention),
        _ => false,
    })
}

fn vocabulary(old: Side<'_>, new: Side<'_>) -> Option<Change> {
    let changed = old.vocabulary.digest() != new.vocabulary.digest();
    let what = "another vocabulary: the codes are explained in other words, or there are others".to_owned();
    changed.then(|| around(old, new, "version", Class::Neutral, what, Vec::new()))
}

/// The order of the clauses both texts have, and the words that stand in none of them.
fn outside(old: Side<'_>, new: Side<'_>) -> Vec<Change> {
    let order = |side: Side<'_>, other: Side<'_>| -> Vec<ClauseId> {
        let ids = side.policy.clauses.iter().map(|clause| clause.id);
        ids.filter(|id| other.policy.clause(*id).is_some()).collect()
    };
    let mut changes = Vec::new();
    if order(old, new) != order(new, old) {
        changes.push(around(
            old,
            new,
            "version",
            Class::Neutral,
            "the clauses stand in another order".into(),
            Vec::new(),
        ));
    }
    let (before, after) = (unnumbered(old), unnumbered(new));
    if words(&before) != words(&after) && changes.is_empty() {
        let pieces = redline(&before, &after);
        changes.push(around(old, new, "version", Class::Editorial, "words outside the clauses".into(), pieces));
    }
    changes
}

/// What stands after the front matter and in no clause, on one line.
fn unnumbered(side: Side<'_>) -> String {
    let text = &side.policy.source.text;
    let mut spans: Vec<_> = side.policy.clauses.iter().map(|clause| clause.span).collect();
    spans.sort();
    let mut at = side.policy.header.places.iter().map(|(_, span)| span.end).max().unwrap_or(0);
    let mut outside = String::new();
    for span in spans {
        outside.push_str(text.get(at..span.start).unwrap_or(""));
        outside.push(' ');
        at = at.max(span.end);
    }
    outside.push_str(text.get(at..).unwrap_or(""));
    spaced(&outside)
}

/// Only the words: marks of Markdown and the pipes of a table are none.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}
