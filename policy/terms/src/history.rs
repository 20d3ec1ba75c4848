//! Which version of the policy holds when, and when a row is due under all that have held since it was recorded.
//!
//! A deadline may move earlier, never later: every version that has come into force since is asked, and the earliest wins.

use std::{fmt, sync::Arc};

use jiff::Timestamp;

use crate::{
    code::Code,
    minute::Minute,
    permit::{Due, Events},
    rules::Rules,
};

/// Every version that was published, from its minute on, and before the first of them perhaps a text on trial.
///
/// It never changes; a new version makes a new history, which an `Arc` puts in the place of the old one.
pub struct History {
    trial: Option<Arc<Rules>>,
    published: Vec<(Minute, Arc<Rules>)>,
}

impl History {
    /// A history of a text on trial, if there was one, and the published versions, in any order.
    #[must_use]
    pub fn new(trial: Option<Arc<Rules>>, mut published: Vec<(Minute, Arc<Rules>)>) -> Self {
        published.sort_by_key(|(minute, rules)| (*minute, rules.version()));
        Self { trial, published }
    }

    /// The rules in force at an instant: the last published whose minute has come, else the text on trial.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> Option<&Arc<Rules>> {
        self.come(at).last().map(|(_, rules)| rules).or(self.trial.as_ref())
    }

    /// The next minute at which other rules come into force.
    #[must_use]
    pub fn next_change(&self, after: Timestamp) -> Option<Minute> {
        self.published.iter().map(|(minute, _)| *minute).find(|minute| minute.instant() > after)
    }

    /// The rules of a version; 0 is the text on trial.
    #[must_use]
    pub fn version(&self, version: u32) -> Option<&Arc<Rules>> {
        self.trial.iter().chain(self.published.iter().map(|(_, rules)| rules)).find(|rules| rules.version() == version)
    }

    /// When data of a code is due that was recorded under a version: the earliest under that version and every later one
    /// that has come into force by `now`.
    ///
    /// Fails closed: what was recorded under a version that nobody knows, or that does not keep it, is due at the instant
    /// it was recorded; what a later version no longer keeps is due when that version came into force.
    #[must_use]
    pub fn due(&self, code: &Code, version: u32, recorded: Timestamp, events: &Events, now: Timestamp) -> Due {
        let first = self.version(version).and_then(|rules| rules.due(code, recorded, events));
        let later = self.come(now).filter(|(_, rules)| rules.version() > version);
        later.fold(first.unwrap_or(Due::At(recorded)), |due, (minute, rules)| {
            let dropped = Due::At(minute.instant().max(recorded));
            due.or_earlier(rules.due(code, recorded, events).unwrap_or(dropped))
        })
    }

    /// The published versions whose minute has come, in the order in which they came into force.
    fn come(&self, at: Timestamp) -> impl Iterator<Item = &(Minute, Arc<Rules>)> {
        self.published.iter().take_while(move |(minute, _)| minute.instant() <= at)
    }
}

/// Says which versions it knows.
impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let published = self.published.iter().map(|(minute, rules)| (minute.to_string(), rules.version()));
        f.debug_struct("History")
            .field("trial", &self.trial.is_some())
            .field("published", &published.collect::<Vec<_>>())
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        retention::{Anchor, Period, Retention},
        rules::sample::{at, code, rules, stored},
    };

    fn days_after_the_session(days: u32) -> Retention {
        Retention::After { period: Period::Minutes(days * 24 * 60), anchor: Anchor::SessionEnd }
    }

    fn keeps_for(version: u32, days: u32) -> Arc<Rules> {
        Arc::new(
            rules(version, &[("S2", stored("session.client_ip", "security", days_after_the_session(days)))]).unwrap(),
        )
    }

    fn keeps_nothing(version: u32) -> Arc<Rules> {
        Arc::new(rules(version, &[]).unwrap())
    }

    fn minute(text: &str) -> Minute {
        text.parse().unwrap()
    }

    /// When an address is due that was recorded on 1 December, at the end of its session.
    fn due(history: &History, version: u32, now: &str) -> Due {
        let recorded = at("2026-12-01T00:00Z");
        let events = Events { session_end: Some(recorded), ..Events::default() };
        history.due(&code("session.client_ip"), version, recorded, &events, at(now))
    }

    const SECOND: &str = "2027-01-10T09:30Z";

    fn first_then(second: Arc<Rules>, days: u32) -> History {
        History::new(None, vec![(minute(SECOND), second), (minute("2026-11-01T00:00Z"), keeps_for(1, days))])
    }

    #[test]
    fn a_version_that_keeps_for_less_moves_a_deadline_earlier_from_its_minute_on() {
        let history = first_then(keeps_for(2, 30), 90);
        assert_eq!(due(&history, 1, "2027-01-10T09:29:59Z"), Due::At(at("2027-03-01T00:00Z")));
        assert_eq!(due(&history, 1, SECOND), Due::At(at("2026-12-31T00:00Z")));
    }

    #[test]
    fn a_version_that_keeps_for_longer_never_moves_a_deadline_later() {
        let history = first_then(keeps_for(2, 90), 30);
        for now in ["2026-12-02T00:00Z", SECOND, "2028-01-01T00:00Z"] {
            assert_eq!(due(&history, 1, now), Due::At(at("2026-12-31T00:00Z")), "{now}");
        }
        // What is recorded under the longer version has its own deadline.
        assert_eq!(due(&history, 2, "2028-01-01T00:00Z"), Due::At(at("2027-03-01T00:00Z")));
    }

    #[test]
    fn a_shorter_deadline_stays_when_a_later_version_lengthens_it_again() {
        let mut versions = vec![(minute("2026-11-01T00:00Z"), keeps_for(1, 90)), (minute(SECOND), keeps_for(2, 30))];
        versions.push((minute("2027-01-20T00:00Z"), keeps_for(3, 90)));
        let history = History::new(None, versions);
        assert_eq!(due(&history, 1, "2027-02-01T00:00Z"), Due::At(at("2026-12-31T00:00Z")));
    }

    #[test]
    fn what_a_later_version_no_longer_keeps_is_due_at_its_minute() {
        let history = first_then(keeps_nothing(2), 90);
        assert_eq!(due(&history, 1, "2027-01-10T09:29:59Z"), Due::At(at("2027-03-01T00:00Z")));
        assert_eq!(due(&history, 1, SECOND), Due::At(at(SECOND)));
    }

    #[test]
    fn what_no_version_keeps_is_due_at_once() {
        let nothing = History::new(Some(keeps_nothing(0)), Vec::new());
        for (history, version) in [(&nothing, 0), (&nothing, 7), (&first_then(keeps_for(2, 30), 90), 7)] {
            assert_eq!(due(history, version, "2026-12-01T00:00Z"), Due::At(at("2026-12-01T00:00Z")));
        }
    }

    #[test]
    fn a_text_on_trial_holds_until_the_first_minute() {
        let published = vec![(minute("2026-12-20T00:00Z"), keeps_for(1, 30))];
        let history = History::new(Some(keeps_for(0, 90)), published);
        let version = |now: &str| history.in_force(at(now)).map(|rules| rules.version());
        assert_eq!(version("2026-12-19T23:59:59.999Z"), Some(0));
        assert_eq!(version("2026-12-20T00:00Z"), Some(1));
        // A row of the trial follows the published text as soon as it holds.
        assert_eq!(due(&history, 0, "2026-12-19T00:00Z"), Due::At(at("2027-03-01T00:00Z")));
        assert_eq!(due(&history, 0, "2026-12-20T00:00Z"), Due::At(at("2026-12-31T00:00Z")));
    }

    #[test]
    fn the_next_change_is_the_first_minute_after_an_instant() {
        let history = first_then(keeps_for(2, 30), 90);
        assert_eq!(history.next_change(at("2026-10-01T00:00Z")), Some(minute("2026-11-01T00:00Z")));
        assert_eq!(history.next_change(at("2026-11-01T00:00Z")), Some(minute(SECOND)));
        assert_eq!(history.next_change(at(SECOND)), None);
        assert!(history.in_force(at("2026-10-01T00:00Z")).is_none());
        assert_eq!(history.version(2).map(|rules| rules.version()), Some(2));
        assert!(history.version(3).is_none());
        assert_eq!(
            format!("{history:?}"),
            "History { trial: false, published: [(\"2026-11-01T00:00Z\", 1), (\"2027-01-10T09:30Z\", 2)] }"
        );
    }
}
