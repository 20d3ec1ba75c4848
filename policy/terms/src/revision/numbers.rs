//! A clause number belongs to its subject for ever: it does not vanish, and is given to nothing else.

use std::collections::BTreeSet;

use super::gate::refused;
use crate::{
    clause::{Clause, State},
    code::Code,
    conflict::Published,
    diff::Side,
    problem::Problem,
    term::{Promise, Term},
};

pub(super) fn problems(side: Side<'_>, own: &[&Published]) -> Vec<Problem> {
    let Some(last) = own.last().map(|published| &published.policy) else { return Vec::new() };
    if side.policy.clauses.len() * 2 < last.clauses.len() {
        let (now, then) = (side.policy.clauses.len(), last.clauses.len());
        let message = format!("it has {now} clauses, and the last version has {then}");
        let help = "a clause that is dropped stays as a line that says so; was the text cut off?";
        return vec![refused(side, "version", "half-gone", message, help)];
    }
    let earlier = own.iter().rev().flat_map(|published| {
        let earlier = Side { policy: &published.policy, vocabulary: &published.vocabulary };
        earlier.clauses().map(move |clause| (*published, earlier, clause))
    });
    let mut seen = BTreeSet::new();
    let mut problems = Vec::new();
    for (published, earlier, clause) in earlier {
        // The last text that gave the number a subject counts; the ones before it were held against each other.
        if clause.state == State::Active && seen.insert(clause.id) {
            problems.extend(problem(side, published, earlier, clause));
        }
    }
    problems.sort_by_key(|problem| problem.place.span);
    problems
}

fn problem(side: Side<'_>, published: &Published, earlier: Side<'_>, clause: &Clause) -> Option<Problem> {
    let (id, version) = (clause.id, published.policy.header.version);
    let found = match side.policy.clause(id) {
        None => {
            let next = side.policy.header.version;
            let help = format!("keep the number with a line `**{id}.** *Withdrawn in version {next}.*`");
            Some(refused(side, "version", "number-gone", format!("clause {id} is gone"), help))
        }
        Some(now) if moved(side, earlier, clause) => {
            let message = format!("{id} speaks of something else than it did in version {version}");
            let help = "a number belongs to its subject for ever; give the new subject the next free one";
            let place = side.place(now.span);
            Some(Problem { place, ..refused(side, "version", "number-moved", message, help) })
        }
        Some(_) => None,
    };
    let mut problem = found?;
    problem.related.push((earlier.place(clause.span), format!("version {version} has it here")));
    Some(problem)
}

/// Whether a number now stands for codes that have nothing to do with the ones it stood for.
fn moved(side: Side<'_>, earlier: Side<'_>, clause: &Clause) -> bool {
    let codes = |side: Side<'_>| -> BTreeSet<Code> { side.terms(clause.id).flat_map(codes_of).cloned().collect() };
    let (then, now) = (codes(earlier), codes(side));
    let related = |one: &Code, other: &Code| {
        [side, earlier].iter().any(|side| side.covers(one, other) || side.covers(other, one))
    };
    !then.is_empty() && !now.is_empty() && !then.iter().any(|one| now.iter().any(|other| related(one, other)))
}

/// The codes a term is about.
fn codes_of(term: &Term) -> Vec<&Code> {
    match &term.promise {
        Promise::Never { data, .. } | Promise::Share { data, .. } => data.iter().collect(),
        Promise::Stored { data, .. } => vec![data],
        Promise::Measure { measure, .. } => vec![measure],
        Promise::Right { right, .. } => vec![right],
        Promise::Complete => Vec::new(),
    }
}
