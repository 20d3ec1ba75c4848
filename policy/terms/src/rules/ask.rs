//! One question put to Cedar, and what comes back.

use cedar_policy::{AuthorizationError, Context, Decision, PolicyId, Request, Response, RestrictedExpression};
use jiff::{Timestamp, tz::TimeZone};

use super::Rules;
use crate::{
    clause::ClauseId,
    code::Code,
    compile::{
        Kept,
        schema::ANCHORS,
        statement::{Deed, Statement},
    },
    permit::{Due, Facts, Service},
};

/// What is asked, but for the item of data.
pub(crate) struct Asked<'a> {
    pub(crate) service: Service,
    pub(crate) deed: Deed,
    pub(crate) purpose: &'a Code,
    pub(crate) facts: &'a Facts,
}

/// It may be kept.
#[derive(Clone)]
pub(super) struct Granted {
    pub(super) clauses: Vec<ClauseId>,
    pub(super) due: Due,
    /// How long, in the policy's words.
    pub(super) phrase: String,
    pub(super) zone: TimeZone,
}

/// It may not.
pub(super) struct Refused {
    pub(super) clause: Option<ClauseId>,
    pub(super) reason: String,
}

impl Granted {
    /// Both together: due when the first is, by the clauses of both, in the zone of the first that is due.
    pub(super) fn and(mut self, other: &Self) -> Self {
        let due = self.due.or_earlier(other.due);
        if due != self.due {
            self.zone = other.zone.clone();
            self.phrase.clone_from(&other.phrase);
        }
        self.due = due;
        for clause in &other.clauses {
            if !self.clauses.contains(clause) {
                self.clauses.push(*clause);
            }
        }
        self
    }
}

impl Rules {
    /// Asks about every item of data that a code is made of; the first refusal is the answer.
    pub(super) fn ask(&self, asked: &Asked<'_>, code: &Code) -> Result<Granted, Refused> {
        if !self.vocabulary.is_purpose(asked.purpose) {
            return Err(unknown(asked.purpose, "purpose"));
        }
        let mut all: Option<Granted> = None;
        for leaf in self.items(code) {
            let granted = self.ask_leaf(asked, leaf)?;
            all = Some(all.map_or_else(|| granted.clone(), |before| before.and(&granted)));
        }
        all.ok_or_else(|| unknown(code, "item of data"))
    }

    fn ask_leaf(&self, asked: &Asked<'_>, leaf: &Code) -> Result<Granted, Refused> {
        let Some(response) = self.put(asked, leaf) else {
            return Err(Refused { clause: None, reason: "the facts cannot be put to the rules".into() });
        };
        // A statement that fails is skipped. What it would have forbidden must not be allowed by that.
        if let Some(error) = response.diagnostics().errors().next() {
            let reason = format!("the rule `{}` cannot be evaluated on these facts", failed(error));
            return Err(Refused { clause: None, reason });
        }
        let mut bearing: Vec<_> = response.diagnostics().reason().filter_map(|id| self.statement(id)).collect();
        bearing.sort_by_key(|(position, statement)| (statement.clause.is_none(), *position));
        match (response.decision(), bearing.first()) {
            (Decision::Allow, Some((_, statement))) => self.dated(asked, leaf, statement),
            (Decision::Deny, Some((_, statement))) => Err(self.forbidden(statement)),
            (_, None) => Err(self.silent(asked, leaf)),
        }
    }

    /// What Cedar says about an item of data; none if the facts do not fit the schema.
    pub(super) fn put(&self, asked: &Asked<'_>, leaf: &Code) -> Option<Response> {
        let request = self.request(asked, leaf)?;
        let slice = self.slices.get(leaf)?;
        Some(self.authorizer.is_authorized(&request, slice.about(asked.deed)?, &self.entities))
    }

    /// Until when, by the arithmetic of deadlines. It must agree with what Cedar said.
    fn dated(&self, asked: &Asked<'_>, leaf: &Code, statement: &Statement) -> Result<Granted, Refused> {
        let facts = asked.facts;
        let due = |kept: &Kept| kept.retention.due(facts.recorded, &facts.events, &self.zone);
        match self.row(leaf, asked.purpose) {
            Some(kept) if Some(kept.clause) == statement.clause && !due(kept).has_come(facts.now) => Ok(Granted {
                clauses: vec![kept.clause],
                due: due(kept),
                phrase: kept.retention.phrase(),
                zone: self.zone_of(&kept.retention),
            }),
            _ => Err(self.silent(asked, leaf)),
        }
    }

    /// The row that keeps an item for a purpose.
    pub(super) fn row(&self, leaf: &Code, purpose: &Code) -> Option<&Kept> {
        self.kept.get(leaf)?.iter().find(|kept| kept.purpose == *purpose)
    }

    pub(super) fn statement(&self, id: &PolicyId) -> Option<&(usize, Statement)> {
        self.statements.get(AsRef::<str>::as_ref(id))
    }

    /// The question as Cedar takes it. Every part comes from the tables of names, so that it fits the schema.
    pub(super) fn request(&self, asked: &Asked<'_>, leaf: &Code) -> Option<Request> {
        self.request_at(asked, leaf, instant)
    }

    /// The same, with somebody's own way to instants as Cedar counts them.
    pub(super) fn request_at(
        &self,
        asked: &Asked<'_>,
        leaf: &Code,
        instant: impl Fn(Timestamp) -> RestrictedExpression,
    ) -> Option<Request> {
        let principal = self.names.service(asked.service)?;
        let action = self.names.deed(asked.deed)?;
        let resource = self.slices.get(leaf)?.data.clone();
        let context = Context::from_pairs(self.facts(asked, instant)?).ok()?;
        Request::new(principal, action, resource, context, None).ok()
    }

    /// Everything the rules may know about a record.
    fn facts(
        &self,
        asked: &Asked<'_>,
        instant: impl Fn(Timestamp) -> RestrictedExpression,
    ) -> Option<Vec<(String, RestrictedExpression)>> {
        let Facts { now, recorded, events, place, form, consent } = asked.facts;
        let mut facts = vec![
            ("now".to_owned(), instant(*now)),
            ("recorded".to_owned(), instant(*recorded)),
            ("purpose".to_owned(), self.names.purpose(asked.purpose)?),
            ("place".to_owned(), self.names.place(*place)),
            ("form".to_owned(), self.names.form(*form)),
            ("consent".to_owned(), RestrictedExpression::new_bool(*consent)),
        ];
        let happened = ANCHORS.iter().filter_map(|(anchor, name)| Some(((*name).to_owned(), events.of(*anchor)?)));
        let dates =
            self.dates.iter().filter_map(|date| Some((date.name.clone(), date.of(*recorded, events, &self.zone)?)));
        facts.extend(happened.chain(dates).map(|(name, at)| (name, instant(at))));
        Some(facts)
    }
}

/// The statement that failed. There is no other kind of error; a new one must not slip through.
fn failed(error: &AuthorizationError) -> &PolicyId {
    let AuthorizationError::PolicyEvaluationError(error) = error;
    error.policy_id()
}

fn unknown(code: &Code, what: &str) -> Refused {
    Refused { clause: None, reason: format!("`{code}` is no {what} of the vocabulary") }
}

/// An instant as Cedar counts it, in milliseconds; what is finer is dropped, so that nothing is kept longer for it.
pub(super) fn instant(at: Timestamp) -> RestrictedExpression {
    RestrictedExpression::new_datetime(at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}
