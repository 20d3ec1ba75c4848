//! A backup: what is in it, what of it still opens, and that every byte of it belongs to a declared part.
//!
//! The file is read by a parser of the audit's own, which knows no key. Which parts open is asked of whoever has the keys,
//! and handed in; when each is due is worked out here, by the audit's own arithmetic.

mod parse;

use std::{io, path::Path};

use avow_terms::{clause::ClauseId, code::Code, inventory::Table};
use jiff::Timestamp;
use serde::Serialize;

use crate::{
    clauses::{Clauses, stored},
    copy::{self, CouldNotRun, damaged},
    dates::Dates,
    found::{Findings, shown},
    limit::{Limit, Limits, codes_of},
    published::Published,
    report::{Finding, NotChecked},
    schema::declared,
    values::counted,
};
use parse::{Parsed, Span, parse};

/// What to audit, and against what.
#[derive(Debug, Clone, Copy)]
pub struct BackupQuestion<'a> {
    /// The backup.
    pub file: &'a Path,
    /// The store, whose policy governs by now; the policy of the backup does where there is none.
    pub store: Option<&'a Path>,
    /// Every table there may be, and what its columns are for.
    pub inventory: &'a [Table],
    /// The instant to compare the deadlines with.
    pub now: Timestamp,
    /// What the keys that are left open of it; nothing if no key could be asked.
    pub opens: Option<&'a [Opens]>,
}

/// What the keys that are left open of one part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opens {
    /// The name of its table.
    pub name: String,
    /// When its first row was recorded, of a bucket.
    pub recorded: Option<Timestamp>,
    /// The rows that open.
    pub rows: u64,
    /// The rows of accounts that are gone: they do not.
    pub erased: u64,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BackupReport {
    /// The name of the policy that governs; empty if no text of it can be read.
    pub policy: String,
    /// When the backup was made, by its own word.
    pub made: Timestamp,
    /// The instant the deadlines were compared with.
    pub now: Timestamp,
    /// How long the file is.
    pub bytes: u64,
    /// The versions of the policy in it, the text on trial not counted.
    pub versions: usize,
    /// Every table in it.
    pub parts: Vec<HeldPart>,
    /// Everything that breaks a promise, or is not as it should be.
    pub findings: Vec<Finding>,
    /// What was not looked at.
    pub not_checked: Vec<NotChecked>,
}

/// One table of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldPart {
    /// Its name.
    pub name: String,
    /// What its rows are: data codes.
    pub data: Vec<Code>,
    /// The clauses that allow it.
    pub clauses: Vec<ClauseId>,
    /// How many bytes it takes.
    pub bytes: u64,
    /// Whether anything of it opens: not where its key is destroyed. None if no key could be asked.
    pub opens: Option<bool>,
    /// The rows that open.
    pub rows: Option<u64>,
    /// The rows of accounts that are gone.
    pub erased: Option<u64>,
    /// When it must be gone: its key is destroyed then.
    pub due: Option<Timestamp>,
}

/// Audits a backup. It needs no service and no store.
///
/// # Errors
/// [`CouldNotRun`]: nothing is then known about it.
pub fn audit_backup(question: &BackupQuestion<'_>) -> Result<BackupReport, CouldNotRun> {
    let unreadable = |error: io::Error| CouldNotRun::Unreadable { path: question.file.into(), reason: error.kind() };
    let bytes = std::fs::read(question.file).map_err(unreadable)?;
    let parsed = parse(&bytes).ok_or_else(|| CouldNotRun::NotABackup(question.file.into()))?;
    let published = match question.store {
        Some(store) => Published::read(&copy::copy(store)?.connection).map_err(|error| damaged(&error))?,
        None => Published::of(parsed.trial.clone(), parsed.entries.clone()),
    };
    let clauses = Clauses::new(&published, question.now);
    // When each part is due is told from its entry: the days in its rows are sealed to this audit.
    let dates = Dates::default();
    let limits = Limits { published: &published, clauses: &clauses, dates: &dates, now: question.now };
    let mut findings = Findings::default();
    whole(&parsed, &clauses, &mut findings);
    let parts = parsed.parts.iter().map(|span| part(span, question, &limits, &mut findings)).collect();
    let governing = published.governing(question.now).and_then(|edition| edition.policy.as_ref());
    Ok(BackupReport {
        policy: governing.map_or_else(String::new, |policy| policy.header.policy.clone()),
        made: parsed.made,
        now: question.now,
        bytes: size(bytes.len()),
        versions: parsed.entries.len(),
        parts,
        findings: findings.into_inner(),
        not_checked: not_checked(question),
    })
}

/// Whether all of it is there, and nothing else.
fn whole(parsed: &Parsed, clauses: &Clauses<'_>, findings: &mut Findings) {
    let remedy = "make a new backup, and remove this one";
    if !parsed.digest {
        findings.add(
            "backup.digest",
            None,
            "the file is not as it was written, or not all of it is there",
            "the whole file",
            remedy,
        );
    }
    if let Some((from, count)) = parsed.unowned {
        let what = format!("{} that belong to no part of a backup", counted(count, "byte"));
        let place = format!("from byte {from} of the backup");
        findings.add("backup.bytes", clauses.complete(), &what, &place, remedy);
    }
}

fn part(span: &Span, question: &BackupQuestion<'_>, limits: &Limits<'_>, findings: &mut Findings) -> HeldPart {
    let name = shown(&span.name);
    let declared = declared(&span.name, question.inventory);
    let codes = declared.map_or_else(Vec::new, |(table, _)| codes_of(table));
    if declared.is_none() {
        let remedy = "remove the backup, and find out what wrote it";
        findings.add("backup.part", limits.clauses.complete(), "a part that is no declared table", &name, remedy);
    }
    let opens = question.opens.map(|all| all.iter().find(|one| one.name == span.name));
    let recorded = opens.flatten().and_then(|one| one.recorded);
    let version = declared.and_then(|(_, period)| period).map(|period| period.version);
    let limit = version.zip(recorded).and_then(|(version, recorded)| {
        codes.iter().map(|code| limits.of(code, version, recorded.into())).reduce(Limit::earlier)
    });
    let due = limit.as_ref().and_then(Limit::at);
    if let (Some(due), Some(limit)) = (due.filter(|due| *due <= question.now), &limit) {
        let what = format!("it was due at {}, and its key is still there", due.strftime("%Y-%m-%dT%H:%M:%SZ"));
        let remedy = "run `avow up`, which destroys the keys of what is due, and find out why it had not";
        findings.add("backup.overdue", limit.clauses.clone(), &what, &name, remedy);
    }
    let governing = limits.published.governing(limits.now);
    let mut clauses: Vec<ClauseId> = governing
        .iter()
        .flat_map(|edition| codes.iter().flat_map(|code| stored(edition, code)))
        .map(|one| one.0)
        .collect();
    clauses.sort_unstable();
    clauses.dedup();
    HeldPart {
        name,
        data: codes,
        clauses,
        bytes: span.bytes,
        opens: opens.map(|one| one.is_some()),
        rows: opens.flatten().map(|one| one.rows),
        erased: opens.flatten().map(|one| one.erased),
        due,
    }
}

fn not_checked(question: &BackupQuestion<'_>) -> Vec<NotChecked> {
    let note = |what: &str, why: &str| NotChecked { what: what.into(), why: why.into() };
    let mut all = vec![note(
        "copies of this backup, and copies of keys",
        "whoever copied a key before it was destroyed can still open what it sealed",
    )];
    if question.opens.is_none() {
        all.push(note("what of it still opens", "the keys of the store could not be read"));
    }
    all
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

impl BackupReport {
    /// 0: as it should be. 1: something is not. 3: no key could be asked what opens.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match (self.findings.is_empty(), self.parts.iter().any(|part| part.opens.is_none())) {
            (false, _) => 1,
            (true, true) => 3,
            (true, false) => 0,
        }
    }
}
