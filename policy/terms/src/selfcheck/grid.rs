//! The facts to try: every combination that can change the answer of some rules.
//!
//! A rule compares an instant with others, and a fact with a word, and nothing else; so its answer can change only next to
//! the instants it compares, and with the words it names. What no rule asks for is not varied. Each condition of a "How
//! long" waits for one event, and is met once the event lies back far enough: that no event has happened, or one of them,
//! shows every case there is.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use crate::{
    compile::schema::ANCHORS,
    permit::{Due, Events, Facts, Form, NodePlace},
    retention::{Anchor, Retention},
    rules::Rules,
};

/// The middle of a month, the last millisecond of a year and a leap day.
const ORDINARY: [i64; 3] = [1_781_524_800_000, 1_798_761_599_999, 1_835_395_200_000];
/// What is varied.
pub(super) struct Grid<'a> {
    pub(super) rules: &'a Rules,
    /// The facts that the rules in question ask for.
    pub(super) asked: &'a BTreeSet<String>,
    /// The form it is always written in, if it has only one.
    pub(super) form: Option<Form>,
    /// The times that matter.
    pub(super) retentions: Vec<&'a Retention>,
}

impl Grid<'_> {
    /// The facts, those that allow most first.
    pub(super) fn facts(&self) -> impl Iterator<Item = Facts> {
        let recorded = ORDINARY.into_iter().filter_map(|at| Timestamp::from_millisecond(at).ok());
        let moments = recorded.flat_map(|recorded| self.moments(recorded));
        moments.flat_map(|(now, recorded, events)| self.plain(now, recorded, &events))
    }

    /// Every combination of what is no instant.
    fn plain(&self, now: Timestamp, recorded: Timestamp, events: &Events) -> Vec<Facts> {
        let mut all = Vec::new();
        for place in self.vary("place", &[NodePlace::Home, NodePlace::Abroad]) {
            for form in self.forms() {
                for consent in self.vary("consent", &[true, false]) {
                    all.push(Facts { now, recorded, events: events.clone(), place, form, consent });
                }
            }
        }
        all
    }

    fn forms(&self) -> Vec<Form> {
        match self.form {
            Some(form) => vec![form],
            None => self.vary("form", &[Form::Plain, Form::Sealed, Form::Digest]),
        }
    }

    /// All of these if a rule asks for the fact, else the first.
    fn vary<T: Copy>(&self, fact: &str, all: &[T]) -> Vec<T> {
        let number = if self.asked.contains(fact) { all.len() } else { 1 };
        all.iter().copied().take(number).collect()
    }

    /// Instants of deciding after one of recording, with the events that have happened.
    fn moments(&self, recorded: Timestamp) -> Vec<(Timestamp, Timestamp, Events)> {
        let mut moments = Vec::new();
        for events in self.events(recorded) {
            let mut instants = BTreeSet::from([recorded]);
            for border in self.borders(recorded, &events) {
                instants.extend([-1, 0, 1].into_iter().filter_map(|by| later(border, by)));
            }
            moments.extend(instants.into_iter().map(|now| (now, recorded, events.clone())));
        }
        moments
    }

    /// No event, and each event that matters a day before recording, with it, and a day after it.
    fn events(&self, recorded: Timestamp) -> Vec<Events> {
        const DAY: i64 = 24 * 3_600_000;
        let mut all = vec![Events::default()];
        for anchor in self.anchors() {
            let instants = [-DAY, 0, DAY].into_iter().filter_map(|by| later(recorded, by));
            all.extend(instants.map(|at| happened(anchor, at)));
        }
        all
    }

    fn anchors(&self) -> impl Iterator<Item = Anchor> {
        ANCHORS.into_iter().filter(|(_, name)| self.asked.contains(*name)).map(|(anchor, _)| anchor)
    }

    fn borders(&self, recorded: Timestamp, events: &Events) -> Vec<Timestamp> {
        let due = |retention: &&Retention| match retention.due(recorded, events, self.rules.zone()) {
            Due::At(due) => Some(due),
            Due::When(_) => None,
        };
        let events = ANCHORS.iter().filter_map(|(anchor, _)| events.of(*anchor));
        self.retentions.iter().filter_map(due).chain(events).collect()
    }
}

fn later(instant: Timestamp, milliseconds: i64) -> Option<Timestamp> {
    instant.checked_add(SignedDuration::from_millis(milliseconds)).ok()
}

/// That one event has happened, and no other.
pub(super) fn happened(anchor: Anchor, at: Timestamp) -> Events {
    let mut events = Events::default();
    match anchor {
        Anchor::Recorded => {}
        Anchor::SessionEnd => events.session_end = Some(at),
        Anchor::Payment => events.payment = Some(at),
        Anchor::AccountClosed => events.account_closed = Some(at),
        Anchor::AccountDeleted => events.account_deleted = Some(at),
        Anchor::LoggedOut => events.logged_out = Some(at),
        Anchor::SubscriptionEnd => events.subscription_end = Some(at),
        Anchor::FinancialYearEnd => events.financial_year_end = Some(at),
    }
    events
}
