//! Changes in a row of "What we keep".

use std::collections::BTreeSet;

use super::{Class, Finding, Side, grounds, listed};
use crate::{
    clause::ClauseId,
    code::Code,
    legal::{Country, LegalBasis},
    retention::Retention,
    source::Span,
    term::{Origin, Promise},
};

/// The terms of a row together: all share where the data comes from and how long it is kept.
struct Row<'a> {
    said_at: Span,
    codes: BTreeSet<&'a Code>,
    purposes: BTreeSet<&'a Code>,
    agreed: BTreeSet<&'a Code>,
    origin: Origin,
    retention: &'a Retention,
    legal_basis: &'a BTreeSet<LegalBasis>,
    transfer: &'a Option<BTreeSet<Country>>,
}

pub(super) fn compare(old: Side<'_>, new: Side<'_>, id: ClauseId) -> Vec<Finding> {
    match (row(old, id), row(new, id)) {
        (None, None) => Vec::new(),
        (Some(before), None) => {
            let what = format!("no longer keeps {}", listed(before.codes));
            vec![Finding::new(Class::Narrows, what, Some(before.said_at), None)]
        }
        (None, Some(after)) => {
            let what = format!("now keeps {}: {}", listed(after.codes.clone()), after.retention.phrase());
            vec![Finding::new(Class::Widens, what, None, Some(after.said_at))]
        }
        (Some(before), Some(after)) => fields(old, &before, &after),
    }
}

fn row(side: Side<'_>, id: ClauseId) -> Option<Row<'_>> {
    let mut row: Option<Row<'_>> = None;
    for term in side.terms(id) {
        let Promise::Stored { data, purpose, origin, retention, consent, legal_basis, transfer } = &term.promise else {
            continue;
        };
        let row = row.get_or_insert_with(|| Row {
            said_at: term.said_at,
            codes: BTreeSet::new(),
            purposes: BTreeSet::new(),
            agreed: BTreeSet::new(),
            origin: *origin,
            retention,
            legal_basis,
            transfer,
        });
        row.codes.insert(data);
        row.purposes.insert(purpose);
        row.agreed.extend(consent.then_some(data));
    }
    row
}

fn fields(old: Side<'_>, before: &Row<'_>, after: &Row<'_>) -> Vec<Finding> {
    let kept_anew = after.codes.iter().filter(|code| !old.any_covers(before.codes.iter().copied(), code));
    let kept_both: BTreeSet<&Code> = after.codes.intersection(&before.codes).copied().collect();
    let mut changes = Vec::new();
    let mut set = |class, words: &str, codes: Vec<&Code>| {
        if !codes.is_empty() {
            changes.push((class, format!("{words} {}", listed(codes))));
        }
    };
    set(Class::Widens, "also keeps", kept_anew.copied().collect());
    set(Class::Narrows, "no longer keeps", before.codes.difference(&after.codes).copied().collect());
    set(Class::Widens, "also for", after.purposes.difference(&before.purposes).copied().collect());
    set(Class::Narrows, "no longer for", before.purposes.difference(&after.purposes).copied().collect());
    let (agreed, still_agreed) = (&before.agreed, &after.agreed);
    let agreement_lost = agreed.difference(still_agreed).filter(|code| kept_both.contains(*code));
    set(Class::Widens, "no longer only after you agree:", agreement_lost.copied().collect());
    let agreement_won = still_agreed.difference(agreed).filter(|code| kept_both.contains(*code));
    set(Class::Narrows, "only after you agree:", agreement_won.copied().collect());
    changes.extend(origin(before.origin, after.origin));
    changes.extend(retention(before.retention, after.retention));
    changes.extend(grounds::legal_basis(before.legal_basis, after.legal_basis));
    changes.extend(grounds::transfer(before.transfer.as_ref(), after.transfer.as_ref()));
    let at = |(class, what)| Finding::new(class, what, Some(before.said_at), Some(after.said_at));
    changes.into_iter().map(at).collect()
}

/// What you give yourself is known to you; anything else is more than that.
fn origin(before: Origin, after: Origin) -> Option<(Class, String)> {
    let says = |origin| match origin {
        Origin::User => "given by you",
        Origin::Automatic => "collected automatically",
        Origin::Processor => "from the payment processor",
        Origin::Derived => "derived",
    };
    let class = if after == Origin::User { Class::Narrows } else { Class::Widens };
    (before != after).then(|| (class, format!("{} instead of {}", says(after), says(before))))
}

/// Two phrases for the same length are no change in what is promised.
fn retention(before: &Retention, after: &Retention) -> Option<(Class, String)> {
    let what = || format!("kept {} instead of {}", after.phrase(), before.phrase());
    match (after.no_longer_than(before), before.no_longer_than(after)) {
        _ if before == after => None,
        (true, true) => None,
        (true, false) => Some((Class::Narrows, what())),
        (false, _) => Some((Class::Widens, what())),
    }
}
