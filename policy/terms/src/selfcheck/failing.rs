//! Rules that can fail: Cedar skips a rule that fails, and what it would have forbidden would be allowed.
//!
//! A rule fails where a fact it asks for is missing, or where a difference of instants is too large to count; so it is
//! tried with every event present and absent, at the ends of the calendar and in its middle. Facts that cannot be true are
//! among them: a rule is there to refuse them, not to fail on them.

use cedar_policy::PolicySet;
use jiff::Timestamp;

use super::grid::happened;
use crate::{
    compile::{
        schema::ANCHORS,
        statement::{Deed, Statement},
    },
    permit::{Events, Facts, Form, NodePlace, Service},
    problem::{Problem, problem},
    rules::{Asked, Instants, Rules},
    source::Span,
};

/// The first and the last day that can be written down, and a day in between.
const ENDS: [i64; 3] = [-62_135_596_800_000, 1_781_524_800_000, 253_370_764_800_000];

/// A problem for each rule that forbids and can fail.
pub(super) fn problems(rules: &Rules) -> Vec<Problem> {
    let forbids = |statement: &&Statement| {
        statement.rule.effect() == cedar_policy::Effect::Forbid && statement.action != Deed::Disclose
    };
    let instants = Instants::default();
    let failing = rules.statements().filter(forbids).filter(|statement| fails(rules, statement, &instants));
    failing.map(|one| told(rules, one)).collect()
}

fn fails(rules: &Rules, statement: &Statement, instants: &Instants) -> bool {
    let Ok(alone) = PolicySet::from_policies([statement.rule.clone()]) else { return true };
    let item = statement.data.as_ref().or_else(|| rules.items_of_data().next());
    let (Some(item), Some(purpose)) = (item, rules.purposes().next()) else { return false };
    let deed = if statement.action == Deed::Store { Deed::Store } else { Deed::Retain };
    facts(rules, statement).into_iter().any(|facts| {
        let asked = Asked { service: Service::Accounting, deed, purpose, facts: &facts };
        rules.fails(&alone, &asked, item, instants)
    })
}

fn facts(rules: &Rules, statement: &Statement) -> Vec<Facts> {
    let asked = rules.asked_by(statement);
    let ends: Vec<Timestamp> = ENDS.into_iter().filter_map(|at| Timestamp::from_millisecond(at).ok()).collect();
    let mut events = vec![Events::default()];
    for (anchor, _) in ANCHORS.into_iter().filter(|(_, name)| asked.contains(*name)) {
        events.extend(ends.iter().map(|at| happened(anchor, *at)));
    }
    // What it does not ask for is not varied. A date is counted from the instant of recording, or from an event.
    let is_event = |name: &String| ANCHORS.iter().any(|(_, event)| event == name);
    let vary = |varies: bool| if varies { ends.as_slice() } else { ends.get(..1).unwrap_or_default() };
    let (nows, recordings) =
        (vary(asked.contains("now")), vary(asked.iter().any(|name| name != "now" && !is_event(name))));
    let mut all = Vec::new();
    for events in events {
        for &now in nows {
            let facts = |&recorded| Facts { recorded, events: events.clone(), ..plain(now) };
            all.extend(recordings.iter().map(facts));
        }
    }
    all
}

fn plain(now: Timestamp) -> Facts {
    let (place, form) = (NodePlace::Home, Form::Plain);
    Facts { now, recorded: now, events: Events::default(), place, form, consent: true }
}

fn told(rules: &Rules, statement: &Statement) -> Problem {
    let policy = rules.policy();
    let span = statement.clause.and_then(|id| policy.clause(id)).map_or(Span::default(), |clause| clause.span);
    let message = format!("the rule `{}` fails on some facts, and what it forbids would be allowed", statement.id);
    problem(&policy.source, span, "rule-can-fail", message)
        .help("this is a fault of the software, not of the text: nothing is published under such a rule")
}
