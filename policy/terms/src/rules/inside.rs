//! The rules from within, for the self-check: single statements, and what each says on its own.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
};

use cedar_policy::{PolicySet, RestrictedExpression};
use jiff::{Timestamp, tz::TimeZone};

use super::{
    Rules,
    ask::{Asked, instant},
};
use crate::{
    code::Code,
    compile::{
        Kept,
        statement::{Deed, Statement},
    },
    vocabulary::Kind,
};

/// Instants as Cedar counts them, each made once: a self-check asks about the same few thousands of times, and to make one
/// costs more than to evaluate a rule.
#[derive(Default)]
pub(crate) struct Instants(RefCell<BTreeMap<Timestamp, RestrictedExpression>>);

impl Instants {
    fn of(&self, at: Timestamp) -> RestrictedExpression {
        self.0.borrow_mut().entry(at).or_insert_with(|| instant(at)).clone()
    }
}

impl Rules {
    /// Every statement, in the order of their names.
    pub(crate) fn statements(&self) -> impl Iterator<Item = &Statement> {
        self.statements.values().map(|(_, statement)| statement)
    }

    /// The rows of "What we keep", for each item of data.
    pub(crate) fn rows(&self) -> impl Iterator<Item = (&Code, &Vec<Kept>)> {
        self.kept.iter()
    }

    /// The items of data that rules are about.
    pub(crate) fn items_of_data(&self) -> impl Iterator<Item = &Code> {
        self.slices.keys()
    }

    /// The purposes there are.
    pub(crate) fn purposes(&self) -> impl Iterator<Item = &Code> {
        self.vocabulary.codes(Kind::Purpose)
    }

    /// The zone whose calendar the policy counts in.
    pub(crate) fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The facts that a statement asks for; of a date also the event it is counted from.
    pub(crate) fn asked_by(&self, statement: &Statement) -> BTreeSet<String> {
        let dates = self.dates.iter().filter(|date| statement.asks_for.contains(&date.name));
        let events = dates.filter_map(|date| date.event).map(ToOwned::to_owned);
        statement.asks_for.iter().cloned().chain(events).collect()
    }

    /// The facts that the clauses about an item ask for. What must be true of any facts asks for all of them, but only to
    /// refuse: it adds nothing to vary.
    pub(crate) fn asked_about(&self, item: &Code) -> BTreeSet<String> {
        let clauses = self.bearing(item).filter(|statement| statement.clause.is_some());
        clauses.flat_map(|statement| self.asked_by(statement)).collect()
    }

    /// Some of the statements about keeping an item.
    pub(crate) fn part(&self, item: &Code, of: impl Fn(&Statement) -> bool) -> Option<PolicySet> {
        let some = self.bearing(item).filter(|statement| of(statement));
        PolicySet::from_policies(some.map(|statement| statement.rule.clone())).ok()
    }

    /// The statements of a set, all of them allowing or all forbidding, that apply.
    pub(crate) fn applying(
        &self,
        set: &PolicySet,
        asked: &Asked<'_>,
        item: &Code,
        instants: &Instants,
    ) -> Vec<&Statement> {
        let Some(request) = self.request_at(asked, item, |at| instants.of(at)) else { return Vec::new() };
        let response = self.authorizer.is_authorized(&request, set, &self.entities);
        response.diagnostics().reason().filter_map(|id| self.statement(id)).map(|(_, statement)| statement).collect()
    }

    /// Whether one of some statements cannot be evaluated on some facts.
    pub(crate) fn fails(&self, set: &PolicySet, asked: &Asked<'_>, item: &Code, instants: &Instants) -> bool {
        let Some(request) = self.request_at(asked, item, |at| instants.of(at)) else { return false };
        let response = self.authorizer.is_authorized(&request, set, &self.entities);
        response.diagnostics().errors().next().is_some()
    }

    fn bearing<'a>(&'a self, item: &'a Code) -> impl Iterator<Item = &'a Statement> {
        let about = move |statement: &&Statement| {
            statement.action != Deed::Disclose && statement.data.as_ref().is_none_or(|data| data == item)
        };
        self.statements().filter(about)
    }
}
