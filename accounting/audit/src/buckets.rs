//! Buckets: their name, their entry and their rows agree, and none is there after it was due.
//!
//! A bucket stands for all its rows: it is due when its first row is. Where its name says another period than its entry,
//! each sets a deadline and the earlier counts, so that renaming a bucket gains nothing.

use avow_terms::{code::Code, retention::Anchor};
use jiff::{Timestamp, civil::Date, tz::TimeZone};
use rusqlite::{Connection, OptionalExtension};

use crate::{
    found::Findings,
    limit::{Limit, Limits, Moment, codes},
    period::Period,
    rows::{CLOCK, Held, SWEEP, hold, orphans, overdue, overdue_rows},
    schema::{Live, Schema},
};

/// A bucket of the store.
struct Bucket<'a> {
    table: &'a Live<'a>,
    period: Period,
    /// What the store says about it: when it was opened, and when it is due.
    entry: Option<(Timestamp, Option<i64>)>,
}

/// Compares every bucket with its entry and its deadline.
pub(crate) fn check(
    store: &Connection,
    schema: &Schema<'_>,
    limits: &Limits<'_>,
    held: &mut Held,
    findings: &mut Findings,
) -> rusqlite::Result<()> {
    for table in &schema.tables {
        let Some(period) = table.period else { continue };
        let bucket = Bucket { table, period, entry: entry(store, &table.name)? };
        bucket.agrees(limits, findings);
        bucket.promised(limits, findings);
        let rows = store.query_row(&format!("SELECT count(*) FROM \"{}\"", table.name), [], |row| row.get(0))?;
        for code in codes(table) {
            hold(held, code.clone(), i64::unsigned_abs(rows), bucket.limit(limits, &code).as_ref());
        }
        let limit = codes(table).iter().filter_map(|code| bucket.limit(limits, code)).reduce(Limit::earlier);
        overdue(table, i64::unsigned_abs(rows), limit, limits, findings);
        bucket.subscribers(store, limits, findings)?;
        if table.columns.iter().any(|column| column == "account") {
            orphans(store, table, limits, findings)?;
        }
    }
    entries(store, schema, findings)
}

impl Bucket<'_> {
    /// Whether its name and its entry say the same period, and one that has begun.
    fn agrees(&self, limits: &Limits<'_>, findings: &mut Findings) {
        let mut found =
            |check, what, remedy| findings.add(check, limits.clause(self.table), what, &self.table.name, remedy);
        let Some((opened, _)) = self.entry else {
            return found("row.bucket", "the bucket has no entry that says when it was opened and is due", SWEEP);
        };
        if limits.ahead(opened) {
            found("row.future", "the bucket was opened in the future", CLOCK);
        }
        if !self.is_of_its_period(limits) {
            found("row.bucket", "the name of the bucket says another period than its entry", SWEEP);
        }
    }

    fn is_of_its_period(&self, limits: &Limits<'_>) -> bool {
        let zone = limits.month_zone(self.table, self.period.version);
        let within = |(opened, _): (Timestamp, _)| {
            self.period.span(&zone).is_some_and(|(start, end)| start <= opened && opened < end)
        };
        self.entry.is_some_and(within)
    }

    /// Whether the store knew from the beginning when it is due. What a later version shortens is for the sweeper to
    /// find, and is overdue if it does not.
    fn promised(&self, limits: &Limits<'_>, findings: &mut Findings) {
        let Some((opened, due)) = self.entry else { return };
        let version = self.period.version;
        let moment = self.dated(opened, limits);
        let own = codes(self.table).into_iter().map(|code| limits.when_recorded(&code, version, moment));
        let Some(limit) = own.reduce(Limit::earlier) else { return };
        if limit.at().is_some_and(|own| due.is_none_or(|due| due > own.as_millisecond())) {
            let what = "the store would keep the bucket longer than the policy says";
            findings.add("row.deadline", limit.clauses, what, &self.table.name, SWEEP);
        }
    }

    fn limit(&self, limits: &Limits<'_>, code: &Code) -> Option<Limit> {
        let zone = limits.month_zone(self.table, self.period.version);
        let named = self.period.span(&zone).map(|(first, _)| first).filter(|_| !self.is_of_its_period(limits));
        let recorded = named.into_iter().chain(self.entry.map(|(opened, _)| opened));
        let limit = |recorded| limits.of(code, self.period.version, self.dated(recorded, limits));
        recorded.map(limit).reduce(Limit::earlier)
    }

    /// When its first row was recorded at the latest, by its entry or its name, and when what it tells of happened by the
    /// days in its rows, if the keys opened them. What has a day and no time may be of the last moment of that day.
    fn dated(&self, opened: Timestamp, limits: &Limits<'_>) -> Moment {
        let has_day = codes(self.table).iter().any(|code| code.as_str() == "session.date");
        // The day of a session is one of the policy's zone, that of a payment is as its processor says it: in UTC.
        let zone = if has_day { limits.zone(self.period.version) } else { TimeZone::UTC };
        let recorded = if has_day { end_of(opened.to_zoned(zone.clone()).date(), &zone) } else { opened };
        let first = limits.dates.first(&self.table.name).map(|day| end_of(day, &zone));
        Moment { recorded, event: first.map_or(recorded, |first| first.min(recorded)) }
    }

    /// Rows that go with the subscription of their account, which has ended.
    fn subscribers(&self, store: &Connection, limits: &Limits<'_>, findings: &mut Findings) -> rusqlite::Result<()> {
        let waits =
            |code: &Code| self.limit(limits, code).is_some_and(|limit| limit.awaits() == Some(Anchor::SubscriptionEnd));
        let codes: Vec<Code> = codes(self.table).into_iter().filter(waits).collect();
        let Some((opened, _)) = self.entry.filter(|_| !codes.is_empty()) else { return Ok(()) };
        if !self.table.columns.iter().any(|column| column == "account") {
            return Ok(());
        }
        let mut statement = store.prepare(&format!("SELECT account FROM \"{}\"", self.table.name))?;
        let (mut late, mut first) = (0, None);
        for account in statement.query_map([], |row| row.get::<_, u32>(0))? {
            let Some(ends) = limits.dates.ends(account?) else { continue };
            let limit = codes.iter().map(|code| limits.of_subscriber(code, self.period.version, opened, ends));
            let limit = limit.reduce(Limit::earlier).filter(|limit| limit.at().is_some_and(|due| due <= limits.now));
            if let Some(limit) = limit {
                late += 1;
                first = [first, Some(limit)].into_iter().flatten().reduce(Limit::earlier);
            }
        }
        overdue_rows(self.table, late, first, limits, findings);
        Ok(())
    }
}

/// The last moment of a day.
fn end_of(day: Date, zone: &TimeZone) -> Timestamp {
    let next = day.tomorrow().ok().and_then(|next| next.to_zoned(zone.clone()).ok());
    let last = next.and_then(|next| Timestamp::from_millisecond(next.timestamp().as_millisecond() - 1).ok());
    last.unwrap_or(Timestamp::MAX)
}

fn entry(store: &Connection, name: &str) -> rusqlite::Result<Option<(Timestamp, Option<i64>)>> {
    let entry: Option<(i64, Option<i64>)> = store
        .query_row("SELECT opened, due FROM bucket WHERE name = ?1", [name], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    Ok(entry.and_then(|(opened, due)| Some((Timestamp::from_millisecond(opened).ok()?, due))))
}

/// Entries of buckets that are not there.
fn entries(store: &Connection, schema: &Schema<'_>, findings: &mut Findings) -> rusqlite::Result<()> {
    let mut statement = store.prepare("SELECT name FROM bucket")?;
    for name in statement.query_map([], |row| row.get::<_, String>(0))? {
        let name = name?;
        if !schema.tables.iter().any(|table| table.period.is_some() && table.name == name) {
            findings.add("row.bucket", None, "an entry of a bucket that is not there", "bucket.name", SWEEP);
        }
    }
    Ok(())
}
