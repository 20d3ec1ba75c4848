//! One question put to Cedar, and what comes back.

use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision, EntityId, EntityTypeName, EntityUid, ParseErrors, PolicyId,
    Request, Response, RestrictedExpression,
};
use jiff::{Timestamp, tz::TimeZone};

use super::Rules;
use crate::{
    clause::ClauseId,
    code::Code,
    compile::{
        Kept,
        expression::Kind,
        schema::{ANCHORS, service_name},
        statement::{Deed, Statement},
    },
    permit::{Due, Facts, Form, NodePlace, Service},
};

/// What is asked, but for the item of data.
pub(super) struct Asked<'a> {
    pub(super) service: Service,
    pub(super) deed: Deed,
    pub(super) purpose: &'a Code,
    pub(super) facts: &'a Facts,
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

/// The names of the schema, read once.
pub(super) struct Names {
    service: EntityTypeName,
    data: EntityTypeName,
    purpose: EntityTypeName,
    place: EntityTypeName,
    form: EntityTypeName,
    action: EntityTypeName,
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

impl Names {
    pub(super) fn new() -> Result<Self, String> {
        let name =
            |kind: Kind| format!("Avow::{}", kind.name()).parse().map_err(|error: ParseErrors| error.to_string());
        Ok(Self {
            service: name(Kind::Service)?,
            data: name(Kind::Data)?,
            purpose: name(Kind::Purpose)?,
            place: name(Kind::Place)?,
            form: name(Kind::Form)?,
            action: name(Kind::Action)?,
        })
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
        Some(Authorizer::new().is_authorized(&request, self.slices.get(leaf)?, &self.entities))
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

    fn statement(&self, id: &PolicyId) -> Option<&(usize, Statement)> {
        self.statements.get(AsRef::<str>::as_ref(id))
    }

    fn request(&self, asked: &Asked<'_>, leaf: &Code) -> Option<Request> {
        let principal = one(&self.names.service, service_name(asked.service));
        let action = one(&self.names.action, asked.deed.name());
        let resource = one(&self.names.data, leaf.as_str());
        let context = Context::from_pairs(self.facts(asked)).ok()?;
        Request::new(principal, action, resource, context, Some(&self.schema)).ok()
    }

    /// Everything the rules may know about a record.
    fn facts(&self, asked: &Asked<'_>) -> Vec<(String, RestrictedExpression)> {
        let Facts { now, recorded, events, place, form, consent } = asked.facts;
        let place = if *place == NodePlace::Home { "home" } else { "abroad" };
        let form = match form {
            Form::Plain => "plain",
            Form::Sealed => "sealed",
            Form::Digest => "digest",
        };
        let word = |kind: &EntityTypeName, word: &str| RestrictedExpression::new_entity_uid(one(kind, word));
        let mut facts = vec![
            ("now".to_owned(), instant(*now)),
            ("recorded".to_owned(), instant(*recorded)),
            ("purpose".to_owned(), word(&self.names.purpose, asked.purpose.as_str())),
            ("place".to_owned(), word(&self.names.place, place)),
            ("form".to_owned(), word(&self.names.form, form)),
            ("consent".to_owned(), RestrictedExpression::new_bool(*consent)),
        ];
        let happened = ANCHORS.iter().filter_map(|(anchor, name)| Some(((*name).to_owned(), events.of(*anchor)?)));
        let dates =
            self.dates.iter().filter_map(|date| Some((date.name.clone(), date.of(*recorded, events, &self.zone)?)));
        facts.extend(happened.chain(dates).map(|(name, at)| (name, instant(at))));
        facts
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

fn one(kind: &EntityTypeName, id: &str) -> EntityUid {
    EntityUid::from_type_name_and_id(kind.clone(), EntityId::new(id))
}

/// An instant as Cedar counts it, in milliseconds; what is finer is dropped, so that nothing is kept longer for it.
fn instant(at: Timestamp) -> RestrictedExpression {
    RestrictedExpression::new_datetime(at.strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string())
}
