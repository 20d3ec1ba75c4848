//! One version of a policy as rules: what may be stored now, until when, and by which clause.
//!
//! Cedar decides. Whatever goes wrong on the way to a decision (facts that cannot be true, a statement that fails while it
//! is evaluated, a deadline that does not agree) is a refusal, never a permission.

#[cfg(test)]
mod agreement;
mod ask;
mod assemble;
mod explain;
mod inside;
mod listing;
mod names;
#[cfg(test)]
mod ours;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, marker::PhantomData, sync::Arc};

use cedar_policy::{Authorizer, Entities};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

pub use self::listing::Rule;
pub(crate) use self::{ask::Asked, inside::Instants};
use self::{
    ask::{Granted, Refused},
    assemble::Slice,
    explain::Cited,
    names::Names,
};
use crate::{
    clause::ClauseId,
    code::Code,
    compile::{
        self, Kept,
        calendar::Dated,
        schema,
        statement::{Deed, Statement},
    },
    permit::{Due, Events, Facts, Permit, Record, Refusal, Service},
    policy::Policy,
    problem::{Problem, problem},
    retention::Retention,
    source::Span,
    vocabulary::{Kind, Vocabulary},
};

/// One version of a policy, compiled. It never changes.
pub struct Rules {
    policy: Arc<Policy>,
    vocabulary: Arc<Vocabulary>,
    version: u32,
    statements: BTreeMap<String, (usize, Statement)>,
    kept: BTreeMap<Code, Vec<Kept>>,
    never: BTreeMap<Code, ClauseId>,
    dates: Vec<Dated>,
    zone: TimeZone,
    /// The words and the place of every clause.
    cited: BTreeMap<ClauseId, Cited>,
    cedar: String,
    schema_text: String,
    names: Names,
    entities: Entities,
    authorizer: Authorizer,
    /// The items that each code of data is made of.
    items: BTreeMap<Code, Vec<Code>>,
    /// For each item of data the statements that can bear on it, so that a decision does not cost more in a longer policy.
    slices: BTreeMap<Code, Slice>,
}

/// What the rules answer about one item of data.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Answer {
    /// Whether it may be stored, or kept on.
    pub allowed: bool,
    /// Until when; none where it is not allowed.
    pub due: Option<Due>,
    /// The clause that allows or forbids it; none where no clause speaks of it.
    pub clause: Option<ClauseId>,
    /// The words of that clause.
    pub words: Option<String>,
    /// Where it stands: `privacy.md:34:1`.
    pub place: Option<String>,
    /// The whole answer in a sentence.
    pub reason: String,
}

impl Rules {
    /// Compiles a policy. `version` is 0 while it is on trial.
    ///
    /// # Errors
    /// What stands in the way of rules, each with its place in the text.
    pub fn compile(policy: Arc<Policy>, vocabulary: Arc<Vocabulary>, version: u32) -> Result<Self, Vec<Problem>> {
        let compiled = compile::compile(&policy, &vocabulary)?;
        let text = schema::schema(vocabulary.leaves(), vocabulary.codes(Kind::Purpose), &compiled.dates);
        Self::assemble(&policy, &vocabulary, version, compiled, text)
            .map_err(|message| vec![problem(&policy.source, Span::default(), "no-rules", message)])
    }

    /// The version; 0 for a text on trial.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The policy they were compiled from.
    #[must_use]
    pub fn policy(&self) -> &Arc<Policy> {
        &self.policy
    }

    /// The vocabulary they were compiled with.
    #[must_use]
    pub fn vocabulary(&self) -> &Arc<Vocabulary> {
        &self.vocabulary
    }

    /// The rules as readable Cedar: one statement per clause and item of data, in the order of the text.
    #[must_use]
    pub fn cedar(&self) -> &str {
        &self.cedar
    }

    /// The Cedar schema they fit.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema_text
    }

    /// Asks whether one `R` may be written now: every code it carries must be allowed for its purpose. It is due when the
    /// first of them is. Codes under `system.` are about no account and need no clause.
    ///
    /// # Errors
    /// [`Refusal`] for the first code that may not be stored.
    pub fn permit<R: Record>(&self, facts: &Facts) -> Result<Permit<R>, Refusal> {
        let purpose = Code::literal(R::PURPOSE);
        let refused = |code: Code, refused: Refused| Refusal {
            record: R::NAME.to_owned(),
            code,
            purpose: purpose.clone(),
            reason: refused.reason,
            clause: refused.clause,
        };
        if facts.recorded > facts.now {
            let code = R::CODES.first().map_or_else(|| purpose.clone(), |code| Code::literal(code));
            let reason = "the instant at which it counts as recorded has not come".into();
            return Err(refused(code, Refused { clause: None, reason }));
        }
        let asked = Asked { service: R::SERVICE, deed: Deed::Store, purpose: &purpose, facts };
        let mut all: Option<Granted> = None;
        for code in R::CODES.iter().map(|code| Code::literal(code)).filter(|code| !self.vocabulary.is_system(code)) {
            let granted = self.ask(&asked, &code).map_err(|why| refused(code, why))?;
            all = Some(all.map_or_else(|| granted.clone(), |before| before.and(&granted)));
        }
        let nothing = || Refused { clause: None, reason: "it carries no data that a clause could allow".into() };
        let all = all.ok_or_else(|| refused(purpose.clone(), nothing()))?;
        Ok(Permit {
            version: self.version,
            recorded: facts.recorded,
            due: all.due,
            clauses: all.clauses,
            zone: all.zone,
            of: PhantomData,
        })
    }

    /// Asks about one item of data: whether it may be written (when it is recorded now) or kept on (when it was recorded
    /// before).
    #[must_use]
    pub fn decide(&self, service: Service, code: &Code, purpose: &Code, facts: &Facts) -> Answer {
        let deed = if facts.now == facts.recorded { Deed::Store } else { Deed::Retain };
        match self.ask(&Asked { service, deed, purpose, facts }, code) {
            Ok(granted) => self.granted(&granted),
            Err(refused) => self.refused(refused),
        }
    }

    /// When data of a code is due that was recorded then, if this version lets it be stored at all: the earliest over the
    /// purposes it is stored for and over the items it is made of.
    #[must_use]
    pub fn due(&self, code: &Code, recorded: Timestamp, events: &Events) -> Option<Due> {
        let due = |kept: &Kept| kept.retention.due(recorded, events, &self.zone);
        let of_item = |item: &Code| self.stored(item).map(due).reduce(Due::or_earlier);
        let each: Option<Vec<Due>> = self.items(code).iter().map(of_item).collect();
        each?.into_iter().reduce(Due::or_earlier)
    }

    /// The rows that let an item be stored; what is only held in memory is not.
    fn stored(&self, item: &Code) -> impl Iterator<Item = &Kept> {
        let rows = self.kept.get(item).filter(|_| !self.never.contains_key(item));
        rows.into_iter().flatten().filter(|kept| kept.is_stored())
    }

    /// The items of data that a code is made of; none if it is no code of data.
    fn items(&self, code: &Code) -> &[Code] {
        self.items.get(code).map_or(&[], Vec::as_slice)
    }

    /// The zone a retention counts in: the end of a month has its own.
    fn zone_of(&self, retention: &Retention) -> TimeZone {
        match retention {
            Retention::MonthEnd { zone } => TimeZone::get(zone).unwrap_or_else(|_| self.zone.clone()),
            Retention::Earlier(one, _) if !compile::calendar::dates(one).is_empty() => self.zone_of(one),
            Retention::Earlier(_, other) => self.zone_of(other),
            _ => self.zone.clone(),
        }
    }
}

/// Says which version it is; the rest is in the text.
impl fmt::Debug for Rules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules").field("version", &self.version).finish_non_exhaustive()
    }
}
