//! What must be true of any facts, as statements that forbid what cannot be.
//!
//! They hold for every policy. At run time facts that cannot be true are refused; when versions are compared, records
//! that cannot exist do not count. Bounds come before differences, so that no difference can overflow: a statement that
//! fails while it is evaluated would not forbid anything.

use cedar_policy::pst::{Expr, PstConstructionError};

use super::{
    calendar::Dated,
    expression::{and, at_most, before, duration, either, equal, fact, has, instant, not, or, reached, since},
    schema::ANCHORS,
    statement::{Deed, Draft, Statement},
};

const FIRST: &str = "2000-01-01";
const LAST_RECORDED: &str = "2200-01-01";
const LAST: &str = "2300-01-01";
/// A period is a century at most, counted from an event before [`LAST`].
const LAST_DUE: &str = "2401-01-01";
/// The longest month, in the zones whose clocks go back furthest in it.
const LONGEST_MONTH: &str = "31d2h";

/// The axioms for a policy that counts these dates.
pub(crate) fn axioms(dates: &[Dated]) -> Result<Vec<Statement>, PstConstructionError> {
    let mut drafts = vec![in_order(), new()];
    drafts.extend(within_bounds());
    drafts.extend(dates.iter().map(follows));
    drafts.into_iter().map(Draft::build).collect()
}

/// Recording comes before the decision, and both in the centuries the rules are made for.
fn in_order() -> Draft {
    let recorded = and(reached(fact("recorded"), instant(FIRST)), before(fact("recorded"), instant(LAST_RECORDED)));
    let decided = and(reached(fact("now"), fact("recorded")), before(fact("now"), instant(LAST)));
    let says = "nothing is decided before it was recorded";
    Draft { unless: vec![and(recorded, decided)], ..Draft::forbid("axiom/time".into(), says) }
}

/// What is written is new.
fn new() -> Draft {
    let new = equal(fact("now"), fact("recorded"));
    let says = "what is written is recorded at the instant of writing";
    Draft { action: Deed::Store, unless: vec![new], ..Draft::forbid("axiom/new".into(), says) }
}

/// One statement for all events: each statement costs every decision.
fn within_bounds() -> Option<Draft> {
    let outside = |event: &str| {
        let outside = or(before(fact(event), instant(FIRST)), reached(fact(event), instant(LAST)));
        and(has(event), outside)
    };
    let any = ANCHORS.iter().map(|(_, event)| outside(event)).reduce(or)?;
    let says = "events happen in the centuries the rules are made for";
    Some(Draft { when: vec![any], ..Draft::forbid("axiom/events".into(), says) })
}

/// A date of the calendar is given when the event it is counted from has happened, only then, and lies after it.
fn follows(date: &Dated) -> Draft {
    let name = &date.name;
    let after = |event: &str| and(reached(fact(name), fact(event)), before(fact(name), instant(LAST_DUE)));
    let given: Expr = match date.event {
        Some(event) => either(has(event), and(has(name), after(event)), not(has(name))),
        None if date.is_month_end => {
            and(after("recorded"), at_most(since(fact(name), fact("recorded")), duration(LONGEST_MONTH)))
        }
        None => after("recorded"),
    };
    let says = "a date is given when what it is counted from has happened, and lies after it";
    Draft { unless: vec![given], ..Draft::forbid(format!("axiom/{name}"), says) }
}
