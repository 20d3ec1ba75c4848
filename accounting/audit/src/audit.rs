//! The audit: one private copy of the store, one check per question, one report.

use std::{collections::BTreeSet, path::Path};

use avow_terms::{inventory::Table, minute::Minute, retention::Anchor};
use jiff::Timestamp;

use crate::{
    bytes,
    chain::Chain,
    clauses::Clauses,
    copy::{Copy, CouldNotRun, damaged, reason},
    dates::Dates,
    files,
    found::Findings,
    keys::{self, KeysAt, Looked},
    limit::Limits,
    promises::{Seen, event},
    published::{Edition, Published},
    report::{LookedAt, NotChecked, Report, Standing},
    rows, schema, values,
};

/// What to audit, and against what.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The file of the store.
    pub store: &'a Path,
    /// The directory of the copies of the published texts: `v1.md`, `v2.md`. They are not compared without it.
    pub history_dir: Option<&'a Path>,
    /// The keys of its sealed values. They are not looked at without it.
    pub keys: Option<KeysAt<'a>>,
    /// Every table the store may have, and what its columns are for.
    pub inventory: &'a [Table],
    /// The instant to compare the deadlines with.
    pub now: Timestamp,
}

/// Audits a store.
///
/// # Errors
/// [`CouldNotRun`]: nothing is then known about any promise.
pub fn audit(question: &Question<'_>) -> Result<Report, CouldNotRun> {
    let (copy, keys) = keys::together(question.store, question.inventory, question.keys.as_ref())?;
    let Copy { connection: store, bytes, residue } = copy;
    let published = Published::read(&store).map_err(|error| damaged(&error))?;
    let edition = published.governing(question.now).ok_or(CouldNotRun::NoPolicy)?;
    let clauses = Clauses::new(&published, question.now);
    let mut findings = Findings::default();
    let mut not_checked = Vec::new();
    let (keys, dates) = match keys {
        Ok(Looked { seen, dates }) => (Some(seen), dates),
        Err(why) => {
            not_checked.push(why);
            (None, Dates::default())
        }
    };

    bytes::report(&residue, &clauses, &mut findings);
    let schema = schema::check(&store, question.inventory, &clauses, &mut findings);
    let schema = completed("the schema", schema, &mut not_checked);
    let values = schema.as_ref().map(|schema| values::check(&store, schema, &clauses, &mut findings));
    if let Some(keys) = &keys {
        keys.report(question.inventory, &published, &clauses, question.now, &mut findings);
        not_checked.extend(keys.not_checked());
    }
    let limits = Limits { published: &published, clauses: &clauses, dates: &dates, now: question.now };
    let rows = schema.as_ref().map(|schema| rows::check(&store, question.inventory, schema, &limits, &mut findings));
    let chain =
        Chain { published: &published, clauses: &clauses, history_dir: question.history_dir, now: question.now };
    let seen = Seen {
        values: values.and_then(|values| completed("the values", values, &mut not_checked)),
        rows: rows.and_then(|rows| completed("the rows", rows, &mut not_checked)),
        chain: chain.check(&mut findings),
        files: files::check(question, &clauses, &mut findings),
        schema,
        bytes: residue,
        clauses: &clauses,
        now: question.now,
    };
    beyond(&seen, question, &mut not_checked);
    let findings = findings.into_inner();
    Ok(Report {
        standing: standing(&published, question.now),
        policy: edition.policy.as_ref().map_or_else(String::new, |policy| policy.header.policy.clone()),
        now: question.now,
        promises: seen.lines(edition, &findings),
        looked_at: looked_at(&seen, &published, bytes),
        keys: keys.as_ref().map(keys::Seen::keys),
        findings,
        not_checked,
    })
}

/// The answer of a check, or a note that it did not complete.
fn completed<T>(what: &str, answer: rusqlite::Result<T>, not_checked: &mut Vec<NotChecked>) -> Option<T> {
    match answer {
        Ok(answer) => Some(answer),
        Err(error) => {
            not_checked.push(NotChecked { what: what.into(), why: reason(&error) });
            None
        }
    }
}

/// Whether the policy binds anybody yet.
fn standing(published: &Published, now: Timestamp) -> Standing {
    let minute = |edition: &Edition| Minute::at_or_after(edition.from).map(|effective| (edition.version, effective));
    match published.in_force(now).and_then(minute) {
        Some((version, effective)) => Standing::InForce { version, effective },
        None => Standing::Trial,
    }
}

fn looked_at(seen: &Seen<'_>, published: &Published, bytes: u64) -> LookedAt {
    let tables = seen.schema.as_ref().map_or([].as_slice(), |schema| schema.tables.as_slice());
    LookedAt {
        tables: tables.len(),
        columns: tables.iter().map(|table| table.columns.len()).sum(),
        rows: seen.values.map_or(0, |values| values.rows),
        bytes,
        versions: published.links.len(),
    }
}

/// What lies beyond this audit, always or this time.
fn beyond(seen: &Seen<'_>, question: &Question<'_>, not_checked: &mut Vec<NotChecked>) {
    let mut add = |what: &str, why: &str| not_checked.push(NotChecked { what: what.into(), why: why.into() });
    if question.history_dir.is_none() {
        add("the copies of the published texts", "no directory of copies was given");
    }
    if seen.files.unknown > 0 {
        add(
            &format!("{} beside the store", values::counted(seen.files.unknown, "other file")),
            "only databases, journals and memory dumps are recognised",
        );
    }
    if seen.files.closed > 0 {
        add(
            &format!("{} beside the store", values::counted(seen.files.closed, "place")),
            "it lies too deep, or may not be read",
        );
    }
    let awaited = seen.rows.iter().flatten().filter_map(|(_, holding)| holding.awaits).collect::<BTreeSet<_>>();
    for anchor in awaited.into_iter().filter(|anchor| matches!(anchor, Anchor::AccountClosed | Anchor::LoggedOut)) {
        add(&format!("what is kept until {}", event(anchor)), "nothing in the store says whether that has happened");
    }
    if seen.bytes.older > 0 {
        add(
            &format!("the unused parts of {}", values::counted(seen.bytes.older, "older page")),
            "the write-ahead log holds them until the next sweep empties it; every row in them still lives",
        );
    }
    add("values in disguise", "an address written as a number, compressed or encrypted looks like nothing");
    add("backups", "`avow audit --backup FILE` reads one");
    add(
        "logs, memory, other machines and freed blocks of the disk",
        "this audit reads one store and the directory it lies in",
    );
}
