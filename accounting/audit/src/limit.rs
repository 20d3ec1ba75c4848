//! How long a row may stay: the earliest of what every version says that has governed it.
//!
//! What the version it was recorded under says comes first; every version that has come into force since can only
//! shorten it, and one that no longer keeps such data ends it at its minute. Nobody knows what an unknown version
//! allowed, so what was recorded under one is due at once.

use std::collections::BTreeSet;

use avow_terms::{
    clause::ClauseId,
    code::Code,
    inventory::{Column, Table},
    permit::Events,
    retention::{Anchor, Period, Retention},
};
use jiff::{Timestamp, tz::TimeZone};

use crate::{
    clauses::{Clauses, stored},
    columns::is_system,
    dates::Dates,
    due::{Deadline, deadline, later},
    published::{Edition, Published},
    schema::Live,
};

/// A deadline, and the clauses that set it.
#[derive(Debug, Clone)]
pub(crate) struct Limit {
    /// The deadline.
    pub(crate) deadline: Deadline,
    /// The clauses, the strictest first.
    pub(crate) clauses: Vec<ClauseId>,
}

/// When something was recorded, and when what it tells of happened: the end of a session, a payment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    pub(crate) recorded: Timestamp,
    pub(crate) event: Timestamp,
}

/// It happened when it was recorded.
impl From<Timestamp> for Moment {
    fn from(recorded: Timestamp) -> Self {
        Self { recorded, event: recorded }
    }
}

/// The texts that set limits, at one instant.
#[derive(Clone, Copy)]
pub(crate) struct Limits<'a> {
    pub(crate) published: &'a Published,
    pub(crate) clauses: &'a Clauses<'a>,
    /// What the values that the keys opened say of time.
    pub(crate) dates: &'a Dates,
    pub(crate) now: Timestamp,
}

impl Limits<'_> {
    /// How long a code may stay that was recorded under a version at an instant.
    pub(crate) fn of(&self, code: &Code, version: u32, moment: Moment) -> Limit {
        let Moment { recorded, .. } = moment;
        // Which month a financial year ends in is said nowhere; within twelve months it does.
        let year_end = Some(later(recorded, Period::Months(12), &self.zone(version)));
        self.after(code, version, recorded, &Events { financial_year_end: year_end, ..events(code, moment) })
    }

    /// The same, where the subscription of its account ends at an instant.
    pub(crate) fn of_subscriber(&self, code: &Code, version: u32, recorded: Timestamp, ends: Timestamp) -> Limit {
        self.after(code, version, recorded, &Events { subscription_end: Some(ends), ..events(code, recorded.into()) })
    }

    /// How long the version it was recorded under lets it stay, as far as whoever records it knows.
    pub(crate) fn when_recorded(&self, code: &Code, version: u32, moment: Moment) -> Limit {
        self.at_first(code, version, moment.recorded, &events(code, moment))
    }

    /// The earliest under the version it was recorded under, and every one since.
    fn after(&self, code: &Code, version: u32, recorded: Timestamp, events: &Events) -> Limit {
        let since = self.published.since(version, self.now);
        let since = since.map(|edition| self.under(edition, code, recorded, events, edition.from.max(recorded)));
        since.fold(self.at_first(code, version, recorded, events), Limit::earlier)
    }

    fn at_first(&self, code: &Code, version: u32, recorded: Timestamp, events: &Events) -> Limit {
        let unknown = || self.at_once(recorded);
        let edition = self.published.version(version);
        edition.map_or_else(unknown, |edition| self.under(edition, code, recorded, events, recorded))
    }

    /// What one version says. Of several clauses that allow a code the longest counts; one that has none ends it.
    fn under(&self, edition: &Edition, code: &Code, recorded: Timestamp, events: &Events, ended: Timestamp) -> Limit {
        let zone = self.zone(edition.version);
        let limits = stored(edition, code).filter_map(|(clause, keep)| {
            let deadline = deadline(keep, recorded, events, &zone)?;
            Some(Limit { deadline, clauses: vec![clause] })
        });
        limits.reduce(Limit::longer).unwrap_or_else(|| self.at_once(ended))
    }

    fn at_once(&self, instant: Timestamp) -> Limit {
        Limit { deadline: Deadline::At(instant), clauses: self.clauses.complete().into_iter().collect() }
    }

    /// The clause that speaks of what a table carries: the last of its codes is what the table is for.
    pub(crate) fn clause(&self, table: &Live<'_>) -> Option<ClauseId> {
        let governing = self.published.governing(self.now)?;
        let codes = codes(table);
        stored(governing, codes.last()?).next().map(|(clause, _)| clause).or_else(|| self.clauses.complete())
    }

    /// The zone whose months name the buckets of a version: the one that the clause of what they carry says.
    pub(crate) fn month_zone(&self, table: &Live<'_>, version: u32) -> TimeZone {
        let said = |edition: &Edition, code: &Code| stored(edition, code).find_map(|(_, keep)| zone_said(keep));
        let edition = self.published.version(version);
        let said = edition.and_then(|edition| codes(table).into_iter().find_map(|code| said(edition, &code)));
        said.unwrap_or_else(|| self.zone(version))
    }

    /// The zone whose months a version counts.
    pub(crate) fn zone(&self, version: u32) -> TimeZone {
        let policy = self.published.version(version).and_then(|edition| edition.policy.as_ref());
        let name = policy.and_then(|policy| policy.header.zone.as_deref());
        name.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
    }

    /// Whether an instant lies ahead. The service writes while the audit begins, so a minute is no lie.
    pub(crate) fn ahead(&self, instant: Timestamp) -> bool {
        instant.as_second() > self.now.as_second().saturating_add(60)
    }
}

impl Limit {
    /// The stricter of two.
    pub(crate) fn earlier(self, other: Self) -> Self {
        if self.deadline.earlier(other.deadline) == self.deadline { self } else { other }
    }

    fn longer(self, other: Self) -> Self {
        match (self.deadline, other.deadline) {
            (Deadline::At(a), Deadline::At(b)) if a < b => other,
            (Deadline::At(_), Deadline::Awaits(_)) => other,
            _ => self,
        }
    }

    /// The event it waits for.
    pub(crate) fn awaits(&self) -> Option<Anchor> {
        match self.deadline {
            Deadline::Awaits(anchor) => Some(anchor),
            Deadline::At(_) => None,
        }
    }

    /// The instant from which it is passed.
    pub(crate) fn at(&self) -> Option<Timestamp> {
        match self.deadline {
            Deadline::At(due) => Some(due),
            Deadline::Awaits(_) => None,
        }
    }
}

/// What has happened, at the latest, when something of a code was recorded: a session has ended when its total or its
/// sealed record is there, and a payment was made.
fn events(code: &Code, moment: Moment) -> Events {
    match code.as_str().split('.').next() {
        Some("session") => Events { session_end: Some(moment.event), ..Events::default() },
        Some("payment") => Events { payment: Some(moment.event), ..Events::default() },
        _ => Events::default(),
    }
}

/// The codes a live table carries about accounts.
pub(crate) fn codes(table: &Live<'_>) -> Vec<Code> {
    table.declared.map_or_else(Vec::new, codes_of)
}

/// The codes a declared table carries about accounts, each once, in the order of the columns.
pub(crate) fn codes_of(table: &Table) -> Vec<Code> {
    let mut seen = BTreeSet::new();
    let columns = table.columns.iter().filter(|column| !is_system(column));
    columns
        .flat_map(Column::codes)
        .filter_map(|code| Code::new(code).ok())
        .filter(|code| seen.insert(code.clone()))
        .collect()
}

/// The zone of the month that a phrase names.
fn zone_said(keep: &Retention) -> Option<TimeZone> {
    match keep {
        Retention::MonthEnd { zone } => TimeZone::get(zone).ok(),
        Retention::Earlier(a, b) => zone_said(a).or_else(|| zone_said(b)),
        _ => None,
    }
}
