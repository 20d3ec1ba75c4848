//! Counts into the store, and out of it when they are due.

use avow_accounting::{Applied, Cursor, MonthTotal, SessionTotal, StoreError, Swept};
use avow_proxy::Frozen;
use avow_terms::{
    code::Code,
    permit::{Due, Events, Facts, Form, Permit, Record},
    rules::Rules,
};
use jiff::Timestamp;

use super::Desk;
use crate::{clock, failure::Failure};

/// The one node of a service that is not spread over several machines.
pub const HOME_NODE: u32 = 1;

/// What became of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flushed {
    /// It is stored, and due at this instant, or at an event.
    Stored(Due),
    /// The policy in force keeps no such data: the counts are dropped, in these words.
    Refused(String),
    /// They were due before they could be stored: their month is over, and they are dropped.
    Over,
}

impl Desk {
    /// Stores a batch, if the policy in force allows it. A batch that is refused is dropped: to hold it until some
    /// policy allows it would keep what the one in force says is not kept. One that was due before the store took it is
    /// dropped too: stored now, it would count for another month and be kept until that one ends.
    ///
    /// # Errors
    /// If the store does not take it now; it is to be tried again unchanged.
    pub fn flush(&mut self, frozen: &Frozen) -> Result<Flushed, Failure> {
        let now = clock::now();
        let rules = self.rules(now)?;
        self.flush_under(&rules, frozen, now).map_err(Failure::could_not)
    }

    fn flush_under(&mut self, rules: &Rules, frozen: &Frozen, now: Timestamp) -> Result<Flushed, StoreError> {
        let Frozen { batch, since } = frozen;
        let since = Timestamp::from_millisecond(*since).unwrap_or(now).min(now);
        let month = self.permit_counts::<MonthTotal>(rules, Form::Plain, since, now);
        let session = self.permit_counts::<SessionTotal>(rules, Form::Sealed, since, now).ok();
        let over = month.is_ok() && self.is_over(since, now);
        match (month, session) {
            (Err(refusal), None) => {
                self.store.advance(batch)?;
                Ok(Flushed::Refused(refusal))
            }
            (Ok(_), None) if over => {
                self.store.advance(batch)?;
                Ok(Flushed::Over)
            }
            (month, session) => {
                let month = month.ok().filter(|_| !over);
                let dues = [month.as_ref().map(Permit::due), session.as_ref().map(Permit::due)];
                let due = dues.into_iter().flatten().reduce(Due::or_earlier).unwrap_or(Due::At(now));
                let (Applied::Written | Applied::Duplicate) = self.store.add_counts(month, session, batch)?;
                self.store.tidy();
                Ok(Flushed::Stored(due))
            }
        }
    }

    /// The permission to store counts since then. What was counted under another version than the one in force must be
    /// allowed by both, and is kept no longer than the one under which it was counted promised; else it is dropped, in
    /// these words.
    fn permit_counts<R: Record>(
        &self,
        rules: &Rules,
        form: Form,
        since: Timestamp,
        now: Timestamp,
    ) -> Result<Permit<R>, String> {
        let permit = |rules: &Rules, at: Timestamp| {
            let events = Events { session_end: Some(at), ..Events::default() };
            let permit = rules.permit::<R>(&Facts { events, ..self.facts(at, form) });
            permit.map_err(|refusal| refusal.to_string())
        };
        let standing = self.standing.load();
        let granted = permit(rules, now)?;
        let Some(before) = standing.in_force(since).filter(|before| before.version() != rules.version()) else {
            return Ok(granted);
        };
        let earlier = permit(before, since)?;
        if is_no_later(granted.due(), earlier.due()) {
            return Ok(granted);
        }
        if earlier.version() < self.store.newest_version() {
            return Err(format!("{}: it was counted under a version that keeps it for less", R::NAME));
        }
        Ok(earlier)
    }

    /// Whether counts since then were due before now, under any version that was in force since.
    fn is_over(&self, since: Timestamp, now: Timestamp) -> bool {
        let standing = self.standing.load();
        let version = standing.in_force(since).or_else(|| standing.in_force(now)).map(|rules| rules.version());
        let due = |code: &&'static str| {
            let code = Code::literal(code);
            version.map(|version| standing.history().due(&code, version, since, &Events::default(), now))
        };
        MonthTotal::CODES.iter().filter_map(due).any(|due| due.has_come(now))
    }

    /// How far the store has got with this node's counts.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn cursor(&self) -> Result<Option<Cursor>, Failure> {
        self.store.cursor(HOME_NODE).map_err(Failure::could_not)
    }

    /// Starts a new life of this node's counters.
    ///
    /// # Errors
    /// If the store cannot be written.
    pub fn begin_epoch(&mut self) -> Result<Cursor, Failure> {
        self.store.begin_epoch(HOME_NODE).map_err(Failure::could_not)
    }

    /// Erases what is due.
    ///
    /// # Errors
    /// If the store does not take it now.
    pub fn sweep(&mut self) -> Result<Swept, Failure> {
        let (standing, now) = (self.standing.load_full(), clock::now());
        let swept = self.store.sweep_telling(standing.history(), now, &*self.telling()).map_err(Failure::could_not)?;
        self.note_sweep(now);
        Ok(swept)
    }

    /// The version in force; 0 is a text on trial.
    #[must_use]
    pub fn version_in_force(&self) -> Option<u32> {
        self.standing.load().in_force(clock::now()).map(|rules| rules.version())
    }

    /// When the next version comes into force.
    #[must_use]
    pub fn next_change(&self) -> Option<Timestamp> {
        self.standing.load().history().next_change(clock::now()).map(avow_terms::minute::Minute::instant)
    }
}

/// Whether one is certain to come no later than the other.
fn is_no_later(one: Due, other: Due) -> bool {
    match (one, other) {
        (Due::At(one), Due::At(other)) => one <= other,
        (Due::When(one), Due::When(other)) => one == other,
        _ => false,
    }
}
