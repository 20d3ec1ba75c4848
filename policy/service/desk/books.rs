//! Counts into the store, and out of it when they are due.

use avow_accounting::{Applied, Cursor, MonthTotal, SessionTotal, Swept};
use avow_proxy::Frozen;
use avow_terms::{
    code::Code,
    permit::{Due, Events, Facts, Form, Permit, Record},
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
    pub fn flush(&mut self, Frozen { batch, since }: &Frozen) -> Result<Flushed, Failure> {
        let now = clock::now();
        let rules = self.rules(now)?;
        let month = rules.permit::<MonthTotal>(&self.facts(now, Form::Plain));
        let ended = Events { session_end: Some(now), ..Events::default() };
        let session = rules.permit::<SessionTotal>(&Facts { events: ended, ..self.facts(now, Form::Sealed) }).ok();
        let over = month.is_ok() && self.is_over(*since, now);
        match (month, session) {
            (Err(refusal), None) => {
                self.store.advance(batch).map_err(Failure::could_not)?;
                Ok(Flushed::Refused(refusal.to_string()))
            }
            (Ok(_), None) if over => {
                self.store.advance(batch).map_err(Failure::could_not)?;
                Ok(Flushed::Over)
            }
            (month, session) => {
                let month = month.ok().filter(|_| !over);
                let dues = [month.as_ref().map(Permit::due), session.as_ref().map(Permit::due)];
                let due = dues.into_iter().flatten().reduce(Due::or_earlier).unwrap_or(Due::At(now));
                let (Applied::Written | Applied::Duplicate) =
                    self.store.add_counts(month, session, batch).map_err(Failure::could_not)?;
                self.store.tidy();
                Ok(Flushed::Stored(due))
            }
        }
    }

    /// Whether counts since then were due before now, under any version that was in force since.
    fn is_over(&self, since: i64, now: Timestamp) -> bool {
        let since = Timestamp::from_millisecond(since).unwrap_or(now).min(now);
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
        let standing = self.standing.load_full();
        self.store.sweep_telling(standing.history(), clock::now(), &*self.telling()).map_err(Failure::could_not)
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
