//! Clauses that call a list complete: there is one, and everything that is kept or used is in it.

use super::Text;
use crate::{
    clause::{ClauseId, Letter},
    code::Code,
    reading::{
        columns::Column,
        coverage::{Body, Found},
        kept,
        problems::Problems,
    },
    source::Span,
    term::Promise,
    vocabulary::Kind,
};

/// Reports a second complete list, rows beyond a list that names its rows, and data that is used and in no list.
pub(super) fn check(text: &Text<'_>, problems: &mut Problems<'_>) {
    let inventories = text.inventories();
    let Some((first, others)) = inventories.split_first() else { return };
    for other in others {
        two(text, *first, *other, problems);
    }
    for complete in &inventories {
        beyond(text, *complete, problems);
    }
    let whole = inventories.iter().find(|complete| scope(text, **complete).is_empty()).unwrap_or(first);
    for (clause, code, place) in used(text) {
        if !text.kept.iter().any(|kept| text.meet(&kept.code, &code)) {
            let message = format!("{clause} uses `{code}`, and no row keeps it");
            let help = format!("add a row that keeps `{code}`, or say how {clause} does without it");
            let remark = format!("{whole} says that what is not in the table is not stored");
            let there = text.place(*whole, "complete");
            problems.clash(place, "used-not-kept", message, (there, &remark), help);
        }
    }
}

fn two(text: &Text<'_>, first: ClauseId, other: ClauseId, problems: &mut Problems<'_>) {
    let message = format!("{other} calls a list complete, and {first} has done so already");
    let help = format!("put everything into one table, and let {first} alone call it complete");
    let (here, there) = (text.place(other, "complete"), text.place(first, "complete"));
    let remark = format!("{first} calls its own list complete");
    problems.clash(here, "two-inventories", message, (there, &remark), help);
}

/// The rows that a complete list names; none if it is about the whole table.
fn scope(text: &Text<'_>, complete: ClauseId) -> Vec<ClauseId> {
    let rows = text.pointed_at(complete).iter().filter(|id| id.letter == Letter::S && **id != complete);
    rows.copied().collect()
}

/// "Only S1 is kept", and S2 keeps something.
fn beyond(text: &Text<'_>, complete: ClauseId, problems: &mut Problems<'_>) {
    let scope = scope(text, complete);
    let mut seen = Vec::new();
    for more in text.kept.iter().filter(|more| !scope.is_empty() && !scope.contains(&more.clause)) {
        if seen.contains(&more.clause) {
            continue;
        }
        seen.push(more.clause);
        let named = scope.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let message =
            format!("{} keeps `{}`, and {complete} says that {named} is all there is", more.clause, more.code);
        let help = format!("let {complete} speak of the whole table, or take {} out of it", more.clause);
        let remark = format!("{complete} calls {named} complete");
        let there = text.place(complete, "complete");
        problems.clash(more.place, "beyond-complete", message, (there, &remark), help);
    }
}

/// Data that a clause needs for what it says: named beside a purpose, by the abuse desk, or in an explanation.
fn used(text: &Text<'_>) -> Vec<(ClauseId, Code, Span)> {
    let mut used = Vec::new();
    for clause in text.found.iter().filter(|clause| clause.is_active()) {
        let codes = explained(text, clause);
        used.extend(codes.into_iter().map(|(code, place)| (clause.id, code, place)));
    }
    for (clause, data) in text.measures("desk-only") {
        used.extend(data.into_iter().map(|code| (clause, code.clone(), text.place(clause, code.as_str()))));
    }
    used
}

fn explained(text: &Text<'_>, clause: &Found) -> Vec<(Code, Span)> {
    match &clause.body {
        Body::Words(words) if clause.id.letter == Letter::G => {
            let mut codes = kept::codes(words, Kind::Data, text.vocabulary);
            codes.retain(|(code, _)| !is_never_kept(text, code));
            codes
        }
        // A row without any purpose names its data by mistake, and that is said where it is read.
        _ => kept::cell(clause, Column::Why)
            .filter(|why| !kept::codes(why, Kind::Purpose, text.vocabulary).is_empty())
            .map(|why| kept::codes(why, Kind::Data, text.vocabulary))
            .unwrap_or_default(),
    }
}

fn is_never_kept(text: &Text<'_>, code: &Code) -> bool {
    text.terms.iter().any(|term| match &term.promise {
        Promise::Never { data, .. } => data.iter().any(|never| text.meet(never, code)),
        _ => false,
    })
}
