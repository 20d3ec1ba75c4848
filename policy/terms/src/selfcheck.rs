//! What is wrong with the rules of one version by themselves: rows that allow nothing, and rules that can fail.
//!
//! The strict validator finds none of this: a row whose time is over at once, a row that another clause forbids whatever
//! the facts, a rule that Cedar would skip. Each rule is evaluated by Cedar itself, on every combination of facts that can
//! change its answer. That is finite: what is done, the purposes, places and forms, consent, each event present or absent,
//! and the instants next to every border. No row is called dead before all of them were tried.

mod failing;
mod findings;
mod grid;
mod row;

use std::collections::BTreeMap;

use crate::{code::Code, permit::Form, problem::Problem, rules::Rules};

/// Everything that is wrong with the rules of a version, in the order of the text.
///
/// `forms` are the items of data that the software writes in one form only: a clause that asks for another form of them
/// leaves nothing that could be written.
#[must_use]
pub fn check(rules: &Rules, forms: &BTreeMap<Code, Form>) -> Vec<Problem> {
    let mut problems = failing::problems(rules);
    if problems.is_empty() {
        problems = findings::problems(rules, forms, &row::dead(rules, forms));
    }
    problems.sort_by_key(|problem| problem.place.span);
    problems
}

#[cfg(test)]
mod tests;
