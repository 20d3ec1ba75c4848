//! Rows that allow nothing: whether any facts meet a row, and whether any of them survive what is forbidden.

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::{Effect, PolicySet};

use super::grid::Grid;
use crate::{
    clause::ClauseId,
    code::Code,
    compile::{Kept, statement::Deed},
    permit::{Form, Service},
    retention::Retention,
    rules::{Asked, Instants, Rules},
};

/// A row that allows nothing, for one item of data.
pub(super) struct Dead<'a> {
    pub(super) item: &'a Code,
    pub(super) row: &'a Kept,
    pub(super) why: Why,
}

/// Why a row allows nothing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// No facts meet it.
    Never,
    /// Each of these clauses alone forbids whatever it would allow.
    Each(BTreeSet<ClauseId>),
    /// These clauses forbid it all between them, and none of them alone.
    Between(BTreeSet<ClauseId>),
}

/// Every row that allows nothing.
pub(super) fn dead<'a>(rules: &'a Rules, forms: &BTreeMap<Code, Form>) -> Vec<Dead<'a>> {
    let (mut dead, instants) = (Vec::new(), Instants::default());
    for (item, rows) in rules.rows() {
        let forbids = rules.part(item, |statement| statement.rule.effect() == Effect::Forbid);
        for row in rows.iter().filter(|row| row.is_stored()) {
            let why = forbids
                .as_ref()
                .and_then(|forbids| why(rules, item, row, forbids, forms.get(item).copied(), &instants));
            dead.extend(why.map(|why| Dead { item, row, why }));
        }
    }
    dead
}

/// What has been seen of a row so far.
#[derive(Default)]
struct Seen {
    /// The clauses that forbade it on all facts that met it; none before any did.
    always: Option<BTreeSet<ClauseId>>,
    ever: BTreeSet<ClauseId>,
}

/// Tries the facts until some are allowed; if none are, says why.
fn why(
    rules: &Rules,
    item: &Code,
    row: &Kept,
    forbids: &PolicySet,
    form: Option<Form>,
    instants: &Instants,
) -> Option<Why> {
    let id = row.statement(item);
    let permit = rules.part(item, |statement| statement.id == id)?;
    let asked = rules.asked_about(item);
    let grid = Grid { rules, asked: &asked, form, retentions: parts(&row.retention) };
    let mut seen = Seen::default();
    for facts in grid.facts() {
        for deed in [Deed::Store, Deed::Retain] {
            let asked = Asked { service: Service::Accounting, deed, purpose: &row.purpose, facts: &facts };
            if rules.applying(&permit, &asked, item, instants).is_empty() {
                continue;
            }
            let against = rules.applying(forbids, &asked, item, instants);
            if against.is_empty() {
                return None;
            }
            seen.add(&against.into_iter().map(|statement| statement.clause).collect::<Vec<_>>());
        }
    }
    Some(seen.why())
}

impl Seen {
    /// What forbade facts that met the row. Facts that cannot be true do not count: there are no such records.
    fn add(&mut self, against: &[Option<ClauseId>]) {
        let Some(clauses) = against.iter().copied().collect::<Option<BTreeSet<ClauseId>>>() else { return };
        self.ever.extend(&clauses);
        self.always = Some(match &self.always {
            Some(before) => before & &clauses,
            None => clauses,
        });
    }

    fn why(self) -> Why {
        match self.always {
            None => Why::Never,
            Some(always) if always.is_empty() => Why::Between(self.ever),
            Some(always) => Why::Each(always),
        }
    }
}

/// The times a retention is put together from.
fn parts(retention: &Retention) -> Vec<&Retention> {
    match retention {
        Retention::Earlier(one, other) => [parts(one), parts(other)].concat(),
        one => vec![one],
    }
}
