//! Changes in a row of "Who else sees it".
//!
//! A recipient is known by its words only, so another name is another recipient: one removed and one added. Nor can
//! words be weighed: another "When" counts as a looser one.

use std::collections::BTreeSet;

use super::{Class, Finding, Side, grounds, listed, normal};
use crate::{
    clause::ClauseId,
    code::Code,
    legal::{Country, LegalBasis},
    source::Span,
    term::Promise,
};

/// The terms of a row together.
struct Row<'a> {
    said_at: Span,
    recipient: &'a str,
    when: &'a str,
    data: BTreeSet<&'a Code>,
    purposes: BTreeSet<&'a Code>,
    legal_basis: &'a BTreeSet<LegalBasis>,
    transfer: &'a Option<BTreeSet<Country>>,
}

pub(super) fn compare(old: Side<'_>, new: Side<'_>, id: ClauseId) -> Vec<Finding> {
    match (row(old, id), row(new, id)) {
        (None, None) => Vec::new(),
        (Some(before), None) => {
            let what = format!("no longer shown to `{}`: {}", before.recipient, listed(before.data.clone()));
            vec![Finding::new(Class::Narrows, what, Some(before.said_at), None)]
        }
        (None, Some(after)) => {
            let what = format!("now shown to `{}`: {}", after.recipient, listed(after.data.clone()));
            vec![Finding::new(Class::Widens, what, None, Some(after.said_at))]
        }
        (Some(before), Some(after)) => fields(old, &before, &after),
    }
}

fn row(side: Side<'_>, id: ClauseId) -> Option<Row<'_>> {
    let mut row: Option<Row<'_>> = None;
    for term in side.terms(id) {
        let Promise::Share { recipient, data, purpose, when, legal_basis, transfer } = &term.promise else { continue };
        let row = row.get_or_insert_with(|| Row {
            said_at: term.said_at,
            recipient,
            when,
            data: BTreeSet::new(),
            purposes: BTreeSet::new(),
            legal_basis,
            transfer,
        });
        row.data.extend(data);
        row.purposes.insert(purpose);
    }
    row
}

fn fields(old: Side<'_>, before: &Row<'_>, after: &Row<'_>) -> Vec<Finding> {
    let seen_anew = after.data.iter().filter(|code| !old.any_covers(before.data.iter().copied(), code));
    let mut changes = Vec::new();
    let mut set = |class, words: &str, codes: Vec<&Code>| {
        if !codes.is_empty() {
            changes.push((class, format!("{words} {}", listed(codes))));
        }
    };
    set(Class::Widens, "also sees", seen_anew.copied().collect());
    set(Class::Narrows, "no longer sees", before.data.difference(&after.data).copied().collect());
    set(Class::Widens, "also for", after.purposes.difference(&before.purposes).copied().collect());
    set(Class::Narrows, "no longer for", before.purposes.difference(&after.purposes).copied().collect());
    changes.extend(words("recipient", before.recipient, after.recipient));
    changes.extend(words("when", before.when, after.when));
    changes.extend(grounds::legal_basis(before.legal_basis, after.legal_basis));
    changes.extend(grounds::transfer(before.transfer.as_ref(), after.transfer.as_ref()));
    let at = |(class, what)| Finding::new(class, what, Some(before.said_at), Some(after.said_at));
    changes.into_iter().map(at).collect()
}

fn words(field: &str, before: &str, after: &str) -> Option<(Class, String)> {
    (normal(before) != normal(after)).then(|| (Class::Widens, format!("{field}: `{after}` instead of `{before}`")))
}
