//! Every row against its deadline, by the audit's own arithmetic.
//!
//! Rows of buckets are looked at in `buckets`; here are the accounts, and what both have in common.

use std::collections::BTreeMap;

use avow_terms::{code::Code, inventory::Table, retention::Anchor};
use jiff::Timestamp;
use rusqlite::Connection;

use crate::{
    buckets,
    found::Findings,
    limit::{Limit, Limits, codes, codes_of},
    schema::{Live, Schema},
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

pub(crate) const SWEEP: &str = "run `avow up`, which erases what is due, and find out why it had not";
pub(crate) const CLOCK: &str = "set the clock right, and find out what wrote this";

/// Compares every row with its deadline.
pub(crate) fn check(
    store: &Connection,
    inventory: &[Table],
    schema: &Schema<'_>,
    limits: &Limits<'_>,
    findings: &mut Findings,
) -> rusqlite::Result<Held> {
    // A code that has a column and no row is held by nobody, and that is worth saying.
    let mut held: Held = inventory.iter().flat_map(codes_of).map(|code| (code, Holding::default())).collect();
    if let Some(table) = schema.tables.iter().find(|table| table.name == "account" && table.declared.is_some()) {
        accounts(store, table, limits, &mut held, findings)?;
    }
    buckets::check(store, schema, limits, &mut held, findings)?;
    trial(store, limits, findings)?;
    Ok(held)
}

fn accounts(
    store: &Connection,
    table: &Live<'_>,
    limits: &Limits<'_>,
    held: &mut Held,
    findings: &mut Findings,
) -> rusqlite::Result<()> {
    let sql = "SELECT version, recorded, count(*) FROM account GROUP BY version, recorded";
    let mut statement = store.prepare(sql)?;
    for group in statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))? {
        let (version, recorded, rows): (u32, i64, i64) = group?;
        let rows = rows.unsigned_abs();
        let recorded = Timestamp::from_millisecond(recorded).unwrap_or(Timestamp::MAX);
        if limits.ahead(recorded) {
            let what = format!("{} recorded in the future", counted(rows, "account"));
            findings.add("row.future", limits.clause(table), &what, &table.name, CLOCK);
        }
        for code in codes(table) {
            let limit = limits.of(&code, version, recorded.into());
            hold(held, code, rows, Some(&limit));
        }
        let limit = codes(table).iter().map(|code| limits.of(code, version, recorded.into())).reduce(Limit::earlier);
        overdue(table, rows, limit, limits, findings);
    }
    Ok(())
}

/// Counts rows that carry a code, and when they are due.
pub(crate) fn hold(held: &mut Held, code: Code, rows: u64, limit: Option<&Limit>) {
    let holding = held.entry(code).or_default();
    holding.rows += rows;
    let Some(limit) = limit.filter(|_| rows > 0) else { return };
    holding.next = holding.next.into_iter().chain(limit.at()).min();
    holding.awaits = holding.awaits.or(limit.awaits());
}

/// Rows that are still there after their deadline. A bucket is gone with its last row, so an empty one counts too.
pub(crate) fn overdue(table: &Live<'_>, rows: u64, limit: Option<Limit>, limits: &Limits<'_>, findings: &mut Findings) {
    if rows > 0 || table.period.is_some() {
        overdue_rows(table, rows, limit, limits, findings);
    }
}

/// Rows that are still there after the deadline they have, some of a table.
pub(crate) fn overdue_rows(
    table: &Live<'_>,
    rows: u64,
    limit: Option<Limit>,
    limits: &Limits<'_>,
    findings: &mut Findings,
) {
    let Some((due, limit)) = limit.and_then(|limit| Some((limit.at()?, limit))) else { return };
    if due <= limits.now {
        let what = format!("{} due since {}", counted(rows, "row"), due.strftime("%Y-%m-%dT%H:%M:%SZ"));
        findings.add("row.overdue", limit.clauses, &what, &table.name, SWEEP);
    }
}

/// Rows about accounts that are gone.
pub(crate) fn orphans(
    store: &Connection,
    table: &Live<'_>,
    limits: &Limits<'_>,
    findings: &mut Findings,
) -> rusqlite::Result<()> {
    let sql = format!("SELECT count(*) FROM \"{}\" WHERE account NOT IN (SELECT number FROM account)", table.name);
    let rows = store.query_row(&sql, [], |row| row.get(0)).map(i64::unsigned_abs)?;
    if rows > 0 {
        let what = format!("{} about accounts that are not there", counted(rows, "row"));
        let remedy = "erase them, and find out what deleted the accounts";
        findings.add("row.orphan", limits.clause(table), &what, &table.name, remedy);
    }
    Ok(())
}

/// Whether the text on trial was put there in the past.
fn trial(store: &Connection, limits: &Limits<'_>, findings: &mut Findings) -> rusqlite::Result<()> {
    let since: Option<i64> = store.query_row("SELECT max(since) FROM trial", [], |row| row.get(0))?;
    if since.is_some_and(|since| limits.ahead(Timestamp::from_millisecond(since).unwrap_or(Timestamp::MAX))) {
        findings.add("row.future", None, "the text on trial was put there in the future", "trial.since", CLOCK);
    }
    Ok(())
}
