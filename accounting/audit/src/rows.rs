//! Every row against its deadline, by the audit's own arithmetic.
//!
//! A row is due at the earliest of what the version it was recorded under says and what every version that has come into
//! force since says; what a version no longer keeps is due at its minute. A bucket of months stands for all its rows: it
//! is due when its first row is, and its name, its entry and its rows must agree about what it is.

use std::collections::BTreeMap;

use avow_terms::{clause::ClauseId, code::Code, permit::Events, retention::Anchor};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rusqlite::{Connection, OptionalExtension};

use crate::{
    clauses::{Clauses, stored},
    due::{Deadline, deadline, month_end},
    found::Findings,
    published::{Edition, Published},
    schema::{Live, Period, Schema, is_system},
    values::counted,
};

/// What is held of each code.
pub(crate) type Held = BTreeMap<Code, Holding>;

/// How many rows carry a code, and when the next of them is due.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Holding {
    /// The rows.
    pub(crate) rows: u64,
    /// The next deadline that is known.
    pub(crate) next: Option<Timestamp>,
    /// An event that some of them wait for.
    pub(crate) awaits: Option<Anchor>,
}

/// How far a recorded time may lie ahead: the service writes while the audit begins.
const AHEAD_SECONDS: i64 = 60;

/// What the rows are compared with.
pub(crate) struct Rows<'a> {
    pub(crate) store: &'a Connection,
    pub(crate) published: &'a Published,
    pub(crate) clauses: &'a Clauses<'a>,
    pub(crate) now: Timestamp,
}

/// A deadline, and the clauses that set it.
struct Limit {
    deadline: Deadline,
    clauses: Vec<ClauseId>,
}

impl Rows<'_> {
    /// Compares every row with its deadline.
    pub(crate) fn check(&self, schema: &Schema<'_>, findings: &mut Findings) -> rusqlite::Result<Held> {
        let mut held = Held::new();
        for table in schema.tables.iter().filter(|table| table.declared.is_some()) {
            match table.period {
                Some(period) => self.bucket(table, period, &mut held, findings)?,
                None if table.name == "account" => self.accounts(table, &mut held, findings)?,
                None => {}
            }
        }
        self.entries(schema, findings)?;
        self.trial(findings)?;
        Ok(held)
    }

    fn bucket(
        &self,
        table: &Live<'_>,
        period: Period,
        held: &mut Held,
        findings: &mut Findings,
    ) -> rusqlite::Result<()> {
        let rows = self.count(&format!("SELECT count(*) FROM \"{}\"", table.name))?;
        let entry = self
            .store
            .query_row("SELECT opened, due FROM bucket WHERE name = ?1", [&table.name], |row| {
                Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
            })
            .optional()?;
        let opened = match entry.map(|(opened, due)| (Timestamp::from_millisecond(opened), due)) {
            Some((Ok(opened), due)) => {
                self.opened(table, period, opened, findings);
                self.kept_too_long(table, period, opened, due, findings);
                Some(opened)
            }
            _ => {
                let what = "the bucket has no entry that says when it was opened and when it is due";
                findings.add(
                    "row.bucket",
                    self.codes(table).next().and_then(|code| self.clause(&code)),
                    what,
                    &table.name,
                    SWEEP,
                );
                None
            }
        };
        self.orphans(table, findings)?;
        for code in self.codes(table) {
            let limit = self.bucket_limit(&code, period, opened);
            self.hold(held, code, rows, limit.as_ref());
        }
        self.overdue(table, rows, self.limit_of(table, |code| self.bucket_limit(code, period, opened)), findings);
        Ok(())
    }

    /// A bucket's own month and its entry each set a deadline; the earlier counts, so that renaming one gains nothing.
    fn bucket_limit(&self, code: &Code, period: Period, opened: Option<Timestamp>) -> Option<Limit> {
        let named = first_instant(period, &self.zone(period.version));
        let times = [named, opened];
        times
            .into_iter()
            .flatten()
            .filter_map(|recorded| self.limit(code, period.version, recorded))
            .reduce(Limit::earlier)
    }

    /// Whether the entry of a bucket says the month that its name says.
    fn opened(&self, table: &Live<'_>, period: Period, opened: Timestamp, findings: &mut Findings) {
        let clause = self.codes(table).filter_map(|code| self.clause(&code)).last();
        if self.ahead(opened) {
            findings.add("row.future", clause, "the bucket was opened in the future", &table.name, CLOCK);
        }
        let zone = self.zone(period.version);
        let start = first_instant(period, &zone);
        let within = start.is_some_and(|start| start <= opened && opened < month_end(start, &zone));
        if !within {
            let what = "the name of the bucket says another month than its entry";
            findings.add("row.bucket", clause, what, &table.name, SWEEP);
        }
    }

    /// Whether the store would keep a bucket longer than the policy says.
    fn kept_too_long(
        &self,
        table: &Live<'_>,
        period: Period,
        opened: Timestamp,
        due: Option<i64>,
        findings: &mut Findings,
    ) {
        let Some(Limit { deadline: Deadline::At(own), clauses }) =
            self.limit_of(table, |code| self.limit(code, period.version, opened))
        else {
            return;
        };
        if due.is_none_or(|due| due > own.as_millisecond()) {
            let what = "the store would keep the bucket longer than the policy says";
            findings.add("row.deadline", clauses, what, &table.name, SWEEP);
        }
    }

    /// Rows about accounts that are gone.
    fn orphans(&self, table: &Live<'_>, findings: &mut Findings) -> rusqlite::Result<()> {
        let sql = format!("SELECT count(*) FROM \"{}\" WHERE account NOT IN (SELECT number FROM account)", table.name);
        let rows = self.count(&sql)?;
        if rows > 0 {
            let broken = self.codes(table).filter_map(|code| self.clause(&code));
            let what = format!("{} about accounts that are not there", counted(rows, "row"));
            findings.add(
                "row.orphan",
                broken,
                &what,
                &table.name,
                "erase them, and find out what deleted the accounts",
            );
        }
        Ok(())
    }

    fn accounts(&self, table: &Live<'_>, held: &mut Held, findings: &mut Findings) -> rusqlite::Result<()> {
        let mut statement =
            self.store.prepare("SELECT version, recorded, count(*) FROM account GROUP BY version, recorded")?;
        let groups = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?)))?;
        for group in groups {
            let (version, recorded, rows): (u32, i64, i64) = group?;
            let rows = rows.unsigned_abs();
            let recorded = Timestamp::from_millisecond(recorded).unwrap_or(Timestamp::MAX);
            if self.ahead(recorded) {
                findings.add(
                    "row.future",
                    self.clause_of(table),
                    "an account was recorded in the future",
                    &table.name,
                    CLOCK,
                );
            }
            for code in self.codes(table) {
                let limit = self.limit(&code, version, recorded);
                self.hold(held, code, rows, limit.as_ref());
            }
            self.overdue(table, rows, self.limit_of(table, |code| self.limit(code, version, recorded)), findings);
        }
        for code in self.codes(table) {
            held.entry(code).or_default();
        }
        Ok(())
    }

    /// Entries of buckets that are not there.
    fn entries(&self, schema: &Schema<'_>, findings: &mut Findings) -> rusqlite::Result<()> {
        let mut statement = self.store.prepare("SELECT name FROM bucket")?;
        for name in statement.query_map([], |row| row.get::<_, String>(0))? {
            let name = name?;
            if !schema.tables.iter().any(|table| table.period.is_some() && table.name == name) {
                findings.add("row.bucket", None, "an entry of a bucket that is not there", "bucket", SWEEP);
            }
        }
        Ok(())
    }

    fn trial(&self, findings: &mut Findings) -> rusqlite::Result<()> {
        let since: Option<i64> = self.store.query_row("SELECT max(since) FROM trial", [], |row| row.get(0))?;
        let since = since.map(|since| Timestamp::from_millisecond(since).unwrap_or(Timestamp::MAX));
        if since.is_some_and(|since| self.ahead(since)) {
            findings.add("row.future", None, "the text on trial was put there in the future", "trial.since", CLOCK);
        }
        Ok(())
    }

    fn overdue(&self, table: &Live<'_>, rows: u64, limit: Option<Limit>, findings: &mut Findings) {
        if let Some(Limit { deadline: Deadline::At(due), clauses }) =
            limit.filter(|_| rows > 0 || table.period.is_some())
        {
            if due <= self.now {
                let what = format!("{} due since {}", counted(rows, "row"), due.strftime("%Y-%m-%dT%H:%M:%SZ"));
                findings.add("row.overdue", clauses, &what, &table.name, SWEEP);
            }
        }
    }

    /// The earliest deadline of what a table carries.
    fn limit_of(&self, table: &Live<'_>, limit: impl Fn(&Code) -> Option<Limit>) -> Option<Limit> {
        self.codes(table).filter_map(|code| limit(&code)).reduce(Limit::earlier)
    }

    /// When a code is due that was recorded under a version at an instant; `None` if nobody knows that version.
    fn limit(&self, code: &Code, version: u32, recorded: Timestamp) -> Option<Limit> {
        let first = self.published.version(version).map_or(
            // Nobody allowed what was recorded under a version that is not there.
            Limit { deadline: Deadline::At(recorded), clauses: self.clauses.complete().into_iter().collect() },
            |edition| self.under(edition, code, recorded, recorded),
        );
        let later = self
            .published
            .since(version, self.now)
            .map(|edition| self.under(edition, code, recorded, edition.from.max(recorded)));
        Some(later.fold(first, Limit::earlier))
    }

    /// What one version says. Of several clauses that allow a code the longest counts; one that has none ends it.
    fn under(&self, edition: &Edition, code: &Code, recorded: Timestamp, ended: Timestamp) -> Limit {
        let zone = self.zone(edition.version);
        let events = Events::default();
        let limits = stored(edition, code).filter_map(|(clause, keep)| {
            Some(Limit { deadline: deadline(keep, recorded, &events, &zone)?, clauses: vec![clause] })
        });
        let none = || Limit { deadline: Deadline::At(ended), clauses: self.clauses.complete().into_iter().collect() };
        limits.reduce(Limit::longer).unwrap_or_else(none)
    }

    fn hold(&self, held: &mut Held, code: Code, rows: u64, limit: Option<&Limit>) {
        let holding = held.entry(code).or_default();
        holding.rows += rows;
        match limit.map(|limit| limit.deadline).filter(|_| rows > 0) {
            Some(Deadline::At(due)) => holding.next = Some(holding.next.map_or(due, |next| next.min(due))),
            Some(Deadline::Awaits(anchor)) => holding.awaits = Some(anchor),
            None => {}
        }
    }

    /// The codes a table carries about accounts, each once.
    fn codes(&self, table: &Live<'_>) -> impl Iterator<Item = Code> + use<> {
        let columns = table.declared.map_or([].as_slice(), |declared| declared.columns);
        let codes: std::collections::BTreeSet<Code> = columns
            .iter()
            .filter(|column| !is_system(column))
            .filter_map(|column| Code::new(column.code).ok())
            .collect();
        codes.into_iter()
    }

    fn clause(&self, code: &Code) -> Option<ClauseId> {
        let allowing = self.published.governing(self.now).and_then(|edition| stored(edition, code).next());
        allowing.map(|(clause, _)| clause).or_else(|| self.clauses.complete())
    }

    fn clause_of(&self, table: &Live<'_>) -> Option<ClauseId> {
        self.codes(table).find_map(|code| self.clause(&code))
    }

    /// The zone whose months a version counts.
    fn zone(&self, version: u32) -> TimeZone {
        let policy = self.published.version(version).and_then(|edition| edition.policy.as_ref());
        let name = policy.and_then(|policy| policy.header.zone.as_deref());
        name.and_then(|name| TimeZone::get(name).ok()).unwrap_or(TimeZone::UTC)
    }

    fn ahead(&self, instant: Timestamp) -> bool {
        instant.as_second() > self.now.as_second().saturating_add(AHEAD_SECONDS)
    }

    fn count(&self, sql: &str) -> rusqlite::Result<u64> {
        self.store.query_row(sql, [], |row| row.get(0)).map(i64::unsigned_abs)
    }
}

const SWEEP: &str = "run the sweeper, and find out why it left this";
const CLOCK: &str = "set the clock right, and find out what wrote this";

impl Limit {
    fn earlier(self, other: Self) -> Self {
        if self.deadline.earlier(other.deadline) == self.deadline { self } else { other }
    }

    fn longer(self, other: Self) -> Self {
        match (self.deadline, other.deadline) {
            (Deadline::At(a), Deadline::At(b)) if a < b => other,
            (Deadline::At(_), Deadline::Awaits(_)) => other,
            _ => self,
        }
    }
}

/// The first instant of a bucket's month.
fn first_instant(period: Period, zone: &TimeZone) -> Option<Timestamp> {
    Date::new(period.year, period.month, 1).ok()?.to_zoned(zone.clone()).ok().map(|first| first.timestamp())
}
