//! Changes in the promises that hold as they stand: measures with their data and their lead, rights with the time they
//! are answered in, and the statement that a table is complete.

use std::collections::{BTreeMap, BTreeSet};

use super::{Class, Finding, Side, listed};
use crate::{clause::ClauseId, code::Code, retention::Period, source::Span, term::Promise};

/// What is promised, under the name it goes by.
#[derive(Clone, Copy)]
enum Standing<'a> {
    Complete,
    Measure { data: &'a BTreeSet<Code>, lead: Option<Period> },
    Right { answer_within: Period },
}

pub(super) fn compare(old: Side<'_>, new: Side<'_>, id: ClauseId) -> Vec<Finding> {
    let (before, after) = (standing(old, id), standing(new, id));
    let names: BTreeSet<&str> = before.keys().chain(after.keys()).copied().collect();
    names.into_iter().flat_map(|name| one(new, name, before.get(name), after.get(name))).collect()
}

fn standing(side: Side<'_>, id: ClauseId) -> BTreeMap<&str, (Span, Standing<'_>)> {
    let promised = side.terms(id).filter_map(|term| {
        let (name, standing) = match &term.promise {
            Promise::Complete => ("complete", Standing::Complete),
            Promise::Measure { measure, data, lead } => (measure.as_str(), Standing::Measure { data, lead: *lead }),
            Promise::Right { right, answer_within } => {
                (right.as_str(), Standing::Right { answer_within: *answer_within })
            }
            _ => return None,
        };
        Some((name, (term.said_at, standing)))
    });
    promised.collect()
}

fn one(
    new: Side<'_>,
    name: &str,
    before: Option<&(Span, Standing<'_>)>,
    after: Option<&(Span, Standing<'_>)>,
) -> Vec<Finding> {
    let changes = match (before, after) {
        (Some((_, before)), Some((_, after))) => fields(new, name, *before, *after),
        (Some(_), None) => vec![(Class::Widens, format!("no longer promises `{name}`"))],
        (None, Some(_)) => vec![(Class::Narrows, format!("now promises `{name}`"))],
        (None, None) => Vec::new(),
    };
    let span = |said: Option<&(Span, Standing<'_>)>| said.map(|(span, _)| *span);
    changes.into_iter().map(|(class, what)| Finding::new(class, what, span(before), span(after))).collect()
}

fn fields(new: Side<'_>, name: &str, before: Standing<'_>, after: Standing<'_>) -> Vec<(Class, String)> {
    match (before, after) {
        (Standing::Complete, Standing::Complete) => Vec::new(),
        (Standing::Measure { data, lead }, Standing::Measure { data: new_data, lead: new_lead }) => {
            about(new, name, data, new_data).into_iter().chain(ahead(name, lead, new_lead)).collect()
        }
        (Standing::Right { answer_within }, Standing::Right { answer_within: new_within }) => {
            let what =
                format!("`{name}` answered within {} instead of {}", new_within.phrase(), answer_within.phrase());
            longer(answer_within, new_within).map(|longer| (widens(longer), what)).into_iter().collect()
        }
        _ => vec![(Class::Widens, format!("`{name}` is promised as something else"))],
    }
}

/// A measure that names no data is about all of it.
fn about(new: Side<'_>, name: &str, before: &BTreeSet<Code>, after: &BTreeSet<Code>) -> Vec<(Class, String)> {
    let lost: Vec<&Code> = before.iter().filter(|code| !after.is_empty() && !new.any_covers(after, code)).collect();
    let won: Vec<&Code> = after.iter().filter(|code| !before.contains(*code)).collect();
    let mut changes = Vec::new();
    if before.is_empty() && !after.is_empty() {
        return vec![(Class::Widens, format!("`{name}` only for {}", listed(won)))];
    }
    if !lost.is_empty() {
        changes.push((Class::Widens, format!("`{name}` no longer for {}", listed(lost))));
    }
    if after.is_empty() && !before.is_empty() {
        changes.push((Class::Narrows, format!("`{name}` for everything, not only for {}", listed(before))));
    } else if !won.is_empty() {
        changes.push((Class::Narrows, format!("`{name}` also for {}", listed(won))));
    }
    changes
}

/// A longer lead is more for the reader.
fn ahead(name: &str, before: Option<Period>, after: Option<Period>) -> Option<(Class, String)> {
    match (before, after) {
        (Some(before), Some(after)) => {
            let longer = longer(before, after)?;
            Some((
                widens(!longer),
                format!("`{name}` at least {} ahead instead of {}", after.phrase(), before.phrase()),
            ))
        }
        (Some(before), None) => Some((Class::Widens, format!("`{name}` no longer at least {} ahead", before.phrase()))),
        (None, Some(after)) => Some((Class::Narrows, format!("`{name}` at least {} ahead", after.phrase()))),
        (None, None) => None,
    }
}

/// Whether a period became longer; none where it is as long as before.
fn longer(before: Period, after: Period) -> Option<bool> {
    match (after.no_longer_than(before), before.no_longer_than(after)) {
        (true, true) => None,
        (shorter, _) => Some(!shorter),
    }
}

fn widens(yes: bool) -> Class {
    if yes { Class::Widens } else { Class::Narrows }
}
