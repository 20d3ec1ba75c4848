//! From terms to rules: what Cedar evaluates, and what is kept for how long.
//!
//! A clause makes one statement for each item of data it covers. Categories are taken apart here, so that a statement
//! never depends on a hierarchy: what it is about stands in it. What is not stated is denied; that is S0.

pub(crate) mod axioms;
pub(crate) mod calendar;
pub(crate) mod expression;
pub(crate) mod schema;
pub(crate) mod statement;

use std::collections::{BTreeMap, BTreeSet};

use cedar_policy::pst::{Effect, PstConstructionError};
use jiff::tz::TimeZone;

use self::{
    calendar::{Dated, dates, over},
    expression::{Kind, among, fact, is, text},
    statement::{Deed, Draft, Statement},
};
use crate::{
    clause::ClauseId,
    code::Code,
    policy::Policy,
    problem::{Problem, problem},
    retention::{Period, Retention},
    source::Span,
    term::{Promise, Term},
    vocabulary::Vocabulary,
};

/// The longest period a policy may state: the rules are made for a few centuries.
const CENTURY: (u32, u16) = (100 * 365 * 24 * 60, 100 * 12);

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

    fn never(
        &mut self,
        term: &Term,
        data: &BTreeSet<Code>,
        except: &BTreeSet<Code>,
    ) -> Result<(), PstConstructionError> {
        let spared = self.leaves(term, except);
        for code in self.leaves(term, data).difference(&spared) {
            self.compiled.never.entry(code.clone()).or_insert(term.clause);
            self.add(Draft { data: Some(code.clone()), ..self.forbid(term, &format!("/{code}")) })?;
        }
        Ok(())
    }

    fn stored(
        &mut self,
        term: &Term,
        data: &Code,
        purpose: &Code,
        retention: &Retention,
        consent: bool,
    ) -> Result<(), PstConstructionError> {
        self.datable(term, retention);
        for code in self.leaves(term, &BTreeSet::from([data.clone()])) {
            let consent = consent || self.needs_consent(&code);
            self.once(term, &code, purpose);
            self.compiled.kept.entry(code.clone()).or_default().push(Kept {
                clause: term.clause,
                said_at: term.said_at,
                purpose: purpose.clone(),
                retention: retention.clone(),
                consent,
            });
            let Some(over) = over(retention) else { continue };
            let mut when = vec![is("purpose", Kind::Purpose, purpose.as_str())?];
            when.extend(consent.then(|| fact("consent")));
            self.add(Draft {
                effect: Effect::Permit,
                retention: Some(retention.to_string()),
                data: Some(code.clone()),
                when,
                unless: over,
                ..self.forbid(term, &format!("/{code}/{purpose}"))
            })?;
        }
        Ok(())
    }

    fn share(
        &mut self,
        term: &Term,
        recipient: &str,
        data: &BTreeSet<Code>,
        purpose: &Code,
    ) -> Result<(), PstConstructionError> {
        for code in self.leaves(term, data) {
            let who = expression::equal(fact("recipient"), text(recipient));
            self.add(Draft {
                effect: Effect::Permit,
                action: Deed::Disclose,
                data: Some(code.clone()),
                when: vec![is("purpose", Kind::Purpose, purpose.as_str())?, who],
                ..self.forbid(term, &format!("/{code}/{purpose}"))
            })?;
        }
        Ok(())
    }

    fn measure(&mut self, term: &Term, measure: &Code, data: &BTreeSet<Code>) -> Result<(), PstConstructionError> {
        let unless = match measure.as_str() {
            "store-nothing-abroad" => is("place", Kind::Place, "home")?,
            "encrypt-at-rest" => is("form", Kind::Form, "sealed")?,
            "hash-only" => is("form", Kind::Form, "digest")?,
            "no-disclosure" => return self.no_disclosure(term),
            // Duties, and measures that are kept elsewhere than in the rules.
            _ => return Ok(()),
        };
        if data.is_empty() {
            return self.add(Draft { unless: vec![unless], ..self.forbid(term, &format!("/{measure}")) });
        }
        for code in self.leaves(term, data) {
            let id = format!("/{measure}/{code}");
            self.add(Draft { unless: vec![unless.clone()], data: Some(code), ..self.forbid(term, &id) })?;
        }
        Ok(())
    }

    /// Nobody but the recipients the policy names.
    fn no_disclosure(&mut self, term: &Term) -> Result<(), PstConstructionError> {
        let named: BTreeSet<String> = self.policy.terms.iter().filter_map(recipient).collect();
        let unless = if named.is_empty() { Vec::new() } else { vec![among(fact("recipient"), named)] };
        self.add(Draft { action: Deed::Disclose, unless, ..self.forbid(term, "/no-disclosure") })
    }

    /// A draft for a clause; it forbids until it is told otherwise.
    fn forbid(&self, term: &Term, rest: &str) -> Draft {
        let words = self.policy.clause(term.clause).map_or("", |clause| &clause.words);
        Draft { clause: Some(term.clause), ..Draft::forbid(format!("{}{rest}", term.clause), words) }
    }

    fn add(&mut self, draft: Draft) -> Result<(), PstConstructionError> {
        self.compiled.statements.push(draft.build()?);
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

    fn needs_consent(&self, code: &Code) -> bool {
        self.policy.terms.iter().any(|term| match &term.promise {
            Promise::Measure { measure, data, .. } if measure.as_str() == "consent" => {
                data.iter().any(|asked| self.vocabulary.covers(asked, code))
            }
            _ => false,
        })
    }

    /// One item for one purpose stands in one row: of two, which one would a reader believe?
    fn once(&mut self, term: &Term, code: &Code, purpose: &Code) {
        let kept = self.compiled.kept.get(code).into_iter().flatten();
        let Some(earlier) = kept.into_iter().find(|kept| kept.purpose == *purpose).cloned() else { return };
        let message = format!("`{code}` is kept for `{purpose}` by {} already", earlier.clause);
        let twice = problem(&self.policy.source, term.said_at, "kept-twice", message)
            .related(&self.policy.source, earlier.said_at, "the row that keeps it")
            .help("keep it for one purpose in one row, with one \"How long\"");
        self.problems.push(twice);
    }

    /// The dates a retention needs, or why it cannot be dated.
    fn datable(&mut self, term: &Term, retention: &Retention) {
        if let Some(reason) = undatable(retention) {
            self.problems.push(problem(&self.policy.source, term.said_at, "undatable", reason));
        }
        for date in dates(retention) {
            if !self.compiled.dates.contains(&date) {
                self.compiled.dates.push(date);
            }
        }
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

fn recipient(term: &Term) -> Option<String> {
    match &term.promise {
        Promise::Share { recipient, .. } => Some(recipient.clone()),
        _ => None,
    }
}

/// Why no instant can be computed for a retention, if none can.
fn undatable(retention: &Retention) -> Option<String> {
    let too_long = |period: &Period| match *period {
        Period::Minutes(minutes) => minutes > CENTURY.0,
        Period::Months(months) => months > CENTURY.1,
    };
    match retention {
        Retention::After { period, .. } | Retention::Law { at_most: period, .. } if too_long(period) => {
            Some("a period is at most a hundred years".into())
        }
        Retention::MonthEnd { zone } if TimeZone::get(zone).is_err() => {
            Some(format!("`{zone}` is not a time zone of the IANA database"))
        }
        Retention::Earlier(one, other) => undatable(one).or_else(|| undatable(other)),
        _ => None,
    }
}
