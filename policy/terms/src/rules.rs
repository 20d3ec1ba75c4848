//! One version of a policy as rules: what may be stored now, until when, and by which clause.
//!
//! Cedar decides. Whatever goes wrong on the way to a decision (facts that cannot be true, a statement that fails while it
//! is evaluated, a deadline that does not agree) is a refusal, never a permission.

#[cfg(test)]
mod agreement;
mod ask;
mod explain;
#[cfg(test)]
pub(crate) mod sample;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fmt, marker::PhantomData, sync::Arc};

use cedar_policy::{Entities, PolicySet, Schema, ValidationMode, Validator};
use jiff::{Timestamp, tz::TimeZone};
use serde::Serialize;

use self::ask::{Asked, Granted, Names, Refused};
use crate::{
    clause::ClauseId,
    code::Code,
    compile::{
        self, Compiled, Kept,
        calendar::Dated,
        schema,
        statement::{Deed, Statement, by_name},
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
    cedar: String,
    schema_text: String,
    schema: Schema,
    names: Names,
    entities: Entities,
    /// The items that each code of data is made of.
    items: BTreeMap<Code, Vec<Code>>,
    /// For each item of data the statements that can bear on it, so that a decision does not cost more in a longer policy.
    slices: BTreeMap<Code, PolicySet>,
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

    fn assemble(
        policy: &Arc<Policy>,
        vocabulary: &Arc<Vocabulary>,
        version: u32,
        compiled: Compiled,
        schema_text: String,
    ) -> Result<Self, String> {
        let (schema, _) = Schema::from_cedarschema_str(&schema_text).map_err(|error| error.to_string())?;
        let all = set(compiled.statements.iter())?;
        let checked = Validator::new(schema.clone()).validate(&all, ValidationMode::Strict);
        if let Some(error) = checked.validation_errors().next() {
            return Err(format!("the rules do not fit the schema: {error}"));
        }
        let slices = slices(vocabulary.leaves(), &compiled.statements)?;
        // Without the entities of the actions, `action in` would match nothing and what it forbids would be allowed.
        let entities = Entities::from_entities([], Some(&schema)).map_err(|error| error.to_string())?;
        let cedar = printed(policy, &compiled.statements);
        let statements = by_name(compiled.statements).map_err(|id| format!("two statements are called `{id}`"))?;
        Ok(Self {
            policy: Arc::clone(policy),
            vocabulary: Arc::clone(vocabulary),
            version,
            statements,
            kept: compiled.kept,
            never: compiled.never,
            dates: compiled.dates,
            zone: compiled.zone,
            cedar,
            schema_text,
            schema,
            names: Names::new().map_err(|error| error.to_string())?,
            entities,
            items: items(vocabulary),
            slices,
        })
    }

    /// The version; 0 for a text on trial.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The policy they were compiled from.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The vocabulary they were compiled with.
    #[must_use]
    pub fn vocabulary(&self) -> &Vocabulary {
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

    /// When data of a code is due that was recorded then, if this version keeps it at all: the earliest over its purposes
    /// and over the items it is made of.
    #[must_use]
    pub fn due(&self, code: &Code, recorded: Timestamp, events: &Events) -> Option<Due> {
        let mut earliest: Option<Due> = None;
        for leaf in self.items(code) {
            let rows = self.kept.get(leaf).filter(|rows| !rows.is_empty() && !self.never.contains_key(leaf))?;
            for row in rows {
                let due = row.retention.due(recorded, events, &self.zone);
                earliest = Some(earliest.map_or(due, |before| before.or_earlier(due)));
            }
        }
        earliest
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

fn items(vocabulary: &Vocabulary) -> BTreeMap<Code, Vec<Code>> {
    let under = |code: &Code| vocabulary.leaves_under(code).cloned().collect();
    vocabulary.codes(Kind::Data).map(|code| (code.clone(), under(code))).collect()
}

/// A set of statements under their own names.
fn set<'a>(statements: impl Iterator<Item = &'a Statement>) -> Result<PolicySet, String> {
    PolicySet::from_policies(statements.map(|statement| statement.rule.clone())).map_err(|error| error.to_string())
}

fn slices<'a>(
    leaves: impl Iterator<Item = &'a Code>,
    statements: &[Statement],
) -> Result<BTreeMap<Code, PolicySet>, String> {
    let about = |leaf: &Code| {
        let mine = statements.iter().filter(|one| one.data.as_ref().is_none_or(|data| data == leaf));
        set(mine)
    };
    leaves.map(|leaf| Ok((leaf.clone(), about(leaf)?))).collect()
}

fn printed(policy: &Policy, statements: &[Statement]) -> String {
    let header = &policy.header;
    let title = format!(
        "// {} version {}, compiled. A statement for each clause and item of data; what is not stated is denied.",
        header.policy, header.version
    );
    let statements = statements.iter().map(|statement| statement.text.as_str());
    std::iter::once(title.as_str()).chain(statements).collect::<Vec<_>>().join("\n\n") + "\n"
}
