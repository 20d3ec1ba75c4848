//! From terms to rules: what Cedar evaluates, and what is kept for how long.
//!
//! A clause makes one statement for each item of data it covers. Categories are taken apart here, so that a statement
//! never depends on a hierarchy: what it is about stands in it. What is not stated is denied; that is S0.

pub(crate) mod axioms;
pub(crate) mod calendar;
mod check;
pub(crate) mod expression;
mod promise;
pub(crate) mod schema;
pub(crate) mod statement;

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::pst::PstConstructionError;
use jiff::tz::TimeZone;

use self::{
    calendar::Dated,
    statement::{Draft, Statement},
};
use crate::{
    clause::ClauseId,
    code::Code,
    policy::Policy,
    problem::{Problem, problem},
    retention::Retention,
    source::Span,
    term::{Promise, Term},
    vocabulary::Vocabulary,
};

/// A compiled policy.
pub(crate) struct Compiled {
    /// Every statement, in the order of the text; what must be true of any facts comes first.
    pub(crate) statements: Vec<Statement>,
    /// The rows of "What we keep", for each item of data.
    pub(crate) kept: BTreeMap<Code, Vec<Kept>>,
    /// The items of data that are never kept, whatever a row says.
    pub(crate) never: BTreeMap<Code, ClauseId>,
    /// The dates the host hands in with the facts.
    pub(crate) dates: Vec<Dated>,
    /// The zone whose calendar months and years are counted in.
    pub(crate) zone: TimeZone,
}

/// A row of "What we keep", for one item of data and one purpose.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub(crate) clause: ClauseId,
    pub(crate) said_at: Span,
    pub(crate) purpose: Code,
    pub(crate) retention: Retention,
    pub(crate) consent: bool,
}

impl Kept {
    /// The name of the statement that allows it.
    pub(crate) fn statement(&self, item: &Code) -> String {
        format!("{}/{item}/{}", self.clause, self.purpose)
    }

    /// Whether anything is stored at all: what is only held in memory is not.
    pub(crate) fn is_stored(&self) -> bool {
        calendar::over(&self.retention).is_some()
    }
}

/// Compiles a policy, or says what stands in the way.
pub(crate) fn compile(policy: &Policy, vocabulary: &Vocabulary) -> Result<Compiled, Vec<Problem>> {
    let mut work = Work::new(policy, vocabulary);
    for term in &policy.terms {
        if let Err(error) = work.term(term) {
            work.unbuildable(term, &error);
        }
    }
    work.finish()
}

/// A policy on its way to rules.
struct Work<'a> {
    policy: &'a Policy,
    vocabulary: &'a Vocabulary,
    problems: Vec<Problem>,
    compiled: Compiled,
}

impl<'a> Work<'a> {
    fn new(policy: &'a Policy, vocabulary: &'a Vocabulary) -> Self {
        let mut problems = Vec::new();
        let named = policy.header.zone.as_deref().unwrap_or("UTC");
        let zone = TimeZone::get(named).unwrap_or_else(|_| {
            let message = format!("`{named}` is not a time zone of the IANA database");
            problems.push(problem(&policy.source, Span::default(), "unknown-zone", message));
            TimeZone::UTC
        });
        let (statements, kept, never, dates) = (Vec::new(), BTreeMap::new(), BTreeMap::new(), Vec::new());
        let compiled = Compiled { statements, kept, never, dates, zone };
        Self { policy, vocabulary, problems, compiled }
    }

    fn term(&mut self, term: &Term) -> Result<(), PstConstructionError> {
        match &term.promise {
            Promise::Never { data, except } => self.never(term, data, except),
            Promise::Stored { data, purpose, retention, consent, .. } => {
                self.stored(term, data, purpose, retention, *consent)
            }
            Promise::Share { recipient, data, purpose, .. } => self.share(term, recipient, data, purpose),
            Promise::Measure { measure, data, .. } => self.measure(term, measure, data),
            // Silence is denied anyway, and a right is a duty, not a permission.
            Promise::Complete | Promise::Right { .. } => Ok(()),
        }
    }

    /// A draft for a clause; it forbids until it is told otherwise.
    fn forbid(&self, term: &Term, rest: &str) -> Draft {
        let words = self.policy.clause(term.clause).map_or("", |clause| &clause.words);
        Draft { clause: Some(term.clause), ..Draft::forbid(format!("{}{rest}", term.clause), words) }
    }

    /// Adds a statement; a clause that says a thing twice says it once.
    fn add(&mut self, draft: Draft) -> Result<(), PstConstructionError> {
        let statement = draft.build()?;
        if self.compiled.statements.iter().all(|earlier| earlier.text != statement.text) {
            self.compiled.statements.push(statement);
        }
        Ok(())
    }

    fn leaves(&mut self, term: &Term, codes: &BTreeSet<Code>) -> BTreeSet<Code> {
        let mut all = BTreeSet::new();
        for code in codes {
            all.extend(self.vocabulary.leaves_under(code).cloned());
            if !self.vocabulary.is_data(code) {
                let message = format!("`{code}` is not a code of the vocabulary");
                self.problems.push(problem(&self.policy.source, term.said_at, "unknown-code", message));
            }
        }
        all
    }

    fn unbuildable(&mut self, term: &Term, error: &PstConstructionError) {
        let message = format!("{} makes no rule: {error}", term.clause);
        self.problems.push(problem(&self.policy.source, term.said_at, "no-rule", message));
    }

    fn finish(mut self) -> Result<Compiled, Vec<Problem>> {
        self.compiled.dates.sort_by(|one, other| one.name.cmp(&other.name));
        match axioms::axioms(&self.compiled.dates) {
            Ok(mut all) => {
                all.append(&mut self.compiled.statements);
                self.compiled.statements = all;
            }
            Err(error) => {
                let message = format!("the dates of this policy make no rule: {error}");
                self.problems.push(problem(&self.policy.source, Span::default(), "no-rule", message));
            }
        }
        if self.problems.is_empty() { Ok(self.compiled) } else { Err(self.problems) }
    }
}
