//! One line per promise: the policy's own words, whether it is kept, and what shows it.
//!
//! A promise is kept only if a completed check bears on it and nothing was found against it. What nothing in a store can
//! show is the operator's own to keep, and the line says so.

use std::collections::BTreeSet;

use avow_terms::{
    clause::{Clause, ClauseId, Letter, State},
    code::Code,
    policy::Policy,
    problem::Place,
    retention::Anchor,
    term::{Promise, Term},
};
use jiff::Timestamp;

use crate::{
    bytes, chain,
    clauses::Clauses,
    files,
    published::Edition,
    report::{Finding, Line, Verdict},
    rows::{Held, Holding},
    schema::Schema,
    shapes::Shape,
    values::{self, counted},
};

/// What the checks saw; nothing where one did not complete.
pub(crate) struct Seen<'a> {
    pub(crate) schema: Option<Schema<'a>>,
    pub(crate) values: Option<values::Seen>,
    pub(crate) rows: Option<Held>,
    pub(crate) chain: chain::Seen,
    pub(crate) files: files::Seen,
    pub(crate) bytes: bytes::Seen,
    pub(crate) clauses: &'a Clauses<'a>,
    pub(crate) now: Timestamp,
}

/// Whether one thing that a clause promises is kept, and what shows it.
type Shown = (Verdict, String);

impl Seen<'_> {
    /// A line for every promise of a text.
    pub(crate) fn lines(&self, edition: &Edition, findings: &[Finding]) -> Vec<Line> {
        let Some(policy) = &edition.policy else { return Vec::new() };
        let promises =
            policy.clauses.iter().filter(|clause| clause.state == State::Active && clause.id.letter != Letter::G);
        promises.map(|clause| self.line(clause, policy, edition, findings)).collect()
    }

    fn line(&self, clause: &Clause, policy: &Policy, edition: &Edition, findings: &[Finding]) -> Line {
        let (mut verdict, mut evidence) = self.clause(clause.id, policy, edition);
        let broken: Vec<&Finding> = findings.iter().filter(|finding| finding.breaks(clause.id)).collect();
        if !broken.is_empty() {
            verdict = Verdict::Broken;
            let places: BTreeSet<&str> = broken.iter().map(|finding| finding.place.as_str()).collect();
            let places = places.into_iter().collect::<Vec<_>>().join(", ");
            evidence = format!("{}: {places}", counted(size(broken.len()), "finding"));
        }
        let place = Place { source: policy.source.clone(), span: clause.span };
        Line { clause: clause.id, words: clause.words.clone(), location: place.location(), verdict, evidence }
    }

    /// What a clause promises, all of it together.
    fn clause(&self, id: ClauseId, policy: &Policy, edition: &Edition) -> Shown {
        let terms = || policy.terms.iter().filter(|term| term.clause == id);
        let stored: BTreeSet<&Code> = terms().filter_map(data_of).collect();
        let stored = (!stored.is_empty()).then(|| self.stored(&stored, edition));
        let mut shown: Vec<Shown> = stored.into_iter().collect();
        for other in terms().filter_map(|term| self.other(term, edition)) {
            if !shown.contains(&other) {
                shown.push(other);
            }
        }
        // What cannot be shown weighs least: a completed check bears on the promise.
        let weight = |verdict| match verdict {
            Verdict::NotHere => 0,
            Verdict::Kept => 1,
            Verdict::Unchecked => 2,
            Verdict::Broken => 3,
        };
        let verdict = shown.iter().map(|(verdict, _)| *verdict).max_by_key(|verdict| weight(*verdict));
        let evidence: Vec<String> = shown.into_iter().map(|(_, evidence)| evidence).collect();
        (verdict.unwrap_or(Verdict::NotHere), evidence.join("; "))
    }

    fn other(&self, term: &Term, edition: &Edition) -> Option<Shown> {
        Some(match &term.promise {
            Promise::Stored { .. } => return None,
            Promise::Never { .. } => self.never(term.clause),
            Promise::Complete => self.complete(),
            Promise::Measure { measure, data, .. } => self.measure(measure.as_str(), data, edition),
            Promise::Share { .. } => not_here("who is told something is not written in a store"),
            Promise::Right { .. } => not_here("how soon a request is answered is not written in a store"),
        })
    }

    fn never(&self, clause: ClauseId) -> Shown {
        let (Some(schema), Some(values)) = (&self.schema, &self.values) else { return unchecked("the values") };
        let tables = counted(size(schema.tables.len()), "table");
        let shapes = Shape::ALL.into_iter().filter(|shape| self.clauses.of_shape(*shape).contains(&clause));
        let shapes: Vec<&str> = shapes.map(Shape::words).collect();
        let looks = match (shapes.is_empty(), values.values) {
            (true, _) => String::new(),
            (false, 0) => "; there are no texts".into(),
            (false, count) => format!("; no {} in {}", shapes.join(" or "), counted(count, "text")),
        };
        (Verdict::Kept, format!("no column of {tables} is for it{looks}"))
    }

    fn complete(&self) -> Shown {
        let (Some(schema), Some(values)) = (&self.schema, &self.values) else { return unchecked("the schema") };
        let columns: usize = schema.tables.iter().map(|table| table.columns.len()).sum();
        let rows = if values.rows == 0 { "no rows".into() } else { counted(values.rows, "row") };
        let files = counted(self.files.files, "file");
        let tables = counted(size(schema.tables.len()), "table");
        let columns = counted(size(columns), "column");
        let bytes = "every byte of the file belongs to a live declared row or is zero";
        let all =
            format!("{tables} and {columns}, each declared and allowed; {rows}; {bytes}; {files} beside the store");
        (Verdict::Kept, all)
    }

    fn stored(&self, data: &BTreeSet<&Code>, edition: &Edition) -> Shown {
        let Some(held) = &self.rows else { return unchecked("the rows") };
        let is_of = |data: &Code, code: &Code| edition.vocabulary.covers(data, code);
        let carried = held.iter().filter(|(code, _)| data.iter().any(|data| is_of(data, code)));
        let mut evidence: Vec<String> =
            carried.map(|(code, holding)| format!("`{code}`: {}", self.holding(holding))).collect();
        let verdict = if evidence.is_empty() { Verdict::NotHere } else { Verdict::Kept };
        let absent = data.iter().filter(|data| !held.keys().any(|code| is_of(data, code)));
        let absent: Vec<String> = absent.map(|data| format!("`{data}`")).collect();
        if !absent.is_empty() {
            evidence.push(format!("no column of this store is for {}", absent.join(", ")));
        }
        (verdict, evidence.join("; "))
    }

    /// `12 rows, the next due in 8 days`
    fn holding(&self, holding: &Holding) -> String {
        let rows = if holding.rows == 0 { "no rows".into() } else { counted(holding.rows, "row") };
        match (holding.next, holding.awaits) {
            (Some(next), _) => format!("{rows}, the next due {}", ahead(self.now, next)),
            (None, Some(anchor)) => format!("{rows}, kept until {}", event(anchor)),
            (None, None) => rows,
        }
    }

    fn measure(&self, measure: &str, data: &BTreeSet<Code>, edition: &Edition) -> Shown {
        match measure {
            "history" => (Verdict::Kept, self.chain.history()),
            "no-contradiction" => (Verdict::Kept, self.chain.contradictions()),
            "minute" => (Verdict::Kept, self.chain.minutes()),
            "notice" if self.chain.changes == 0 => (Verdict::Kept, "no change has been published".into()),
            "notice" => not_here(
                "every change was published early enough; whether the messages went out is not written in this store",
            ),
            "encrypt-at-rest" => self.sealed(data, edition),
            _ => not_here("nothing in a store can show it"),
        }
    }

    fn sealed(&self, data: &BTreeSet<Code>, edition: &Edition) -> Shown {
        let (Some(values), Some(held)) = (&self.values, &self.rows) else { return unchecked("the values") };
        let here = |code: &Code| data.iter().any(|data| edition.vocabulary.covers(data, code));
        if held.keys().any(here) {
            (Verdict::Kept, format!("{} of this store, each sealed", counted(values.sealed, "value")))
        } else {
            not_here("no column of this store is for it")
        }
    }
}

fn data_of(term: &Term) -> Option<&Code> {
    match &term.promise {
        Promise::Stored { data, .. } => Some(data),
        _ => None,
    }
}

fn unchecked(what: &str) -> Shown {
    (Verdict::Unchecked, format!("{what} could not be checked"))
}

fn not_here(why: &str) -> Shown {
    (Verdict::NotHere, why.into())
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

/// `in 8 days`, `in 3 hours`.
fn ahead(now: Timestamp, due: Timestamp) -> String {
    let minutes = u64::try_from(due.as_second().saturating_sub(now.as_second()) / 60).unwrap_or(0);
    match minutes {
        0 => "now".into(),
        1..120 => format!("in {}", counted(minutes, "minute")),
        120..2880 => format!("in {}", counted(minutes / 60, "hour")),
        _ => format!("in {}", counted(minutes / 1440, "day")),
    }
}

pub(crate) fn event(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Recorded => "it was recorded",
        Anchor::SessionEnd => "the session ends",
        Anchor::Payment => "the payment",
        Anchor::AccountClosed => "the account is closed",
        Anchor::AccountDeleted => "the account is deleted",
        Anchor::LoggedOut => "the user logs out",
        Anchor::SubscriptionEnd => "the subscription ends",
        Anchor::FinancialYearEnd => "the financial year ends",
    }
}
