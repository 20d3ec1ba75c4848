//! One statement of Cedar, for one clause and one item of data, with the words that made it.

use std::{
    collections::BTreeSet,
    fmt::{self, Write},
    sync::Arc,
};

use cedar_policy::pst::{
    ActionConstraint, Clause, Effect, EntityOrSlot, Expr, Policy, PrincipalConstraint, PstConstructionError,
    ResourceConstraint, SmolStr, StaticPolicy, Template,
};

use super::expression::{Kind, asks_for};
use crate::{clause::ClauseId, code::Code};

/// A statement in force.
pub(crate) struct Statement {
    /// Its name, unlike any other: `S2/session.client_ip/security`.
    pub(crate) id: String,
    /// The clause it enforces; none for what must be true of any facts.
    pub(crate) clause: Option<ClauseId>,
    /// What it allows or forbids doing.
    pub(crate) action: Deed,
    /// The item of data it is about; none where it is about all.
    pub(crate) data: Option<Code>,
    /// The facts it asks for.
    pub(crate) asks_for: BTreeSet<String>,
    /// The words of the clause, or what must be true.
    pub(crate) says: String,
    /// What Cedar evaluates.
    pub(crate) rule: cedar_policy::Policy,
    /// The same, as text.
    pub(crate) text: String,
}

/// A statement as it is put together.
pub(crate) struct Draft {
    pub(crate) id: String,
    pub(crate) clause: Option<ClauseId>,
    pub(crate) says: String,
    pub(crate) effect: Effect,
    pub(crate) action: Deed,
    pub(crate) data: Option<Code>,
    pub(crate) retention: Option<String>,
    pub(crate) when: Vec<Expr>,
    pub(crate) unless: Vec<Expr>,
}

/// What may be done with data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Storing it and going on to keep it.
    Keep,
    /// Writing it down.
    Store,
    /// Going on to keep it.
    Retain,
    /// Showing it to somebody else.
    Disclose,
}

impl Deed {
    /// What the schema calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Store => "store",
            Self::Retain => "retain",
            Self::Disclose => "disclose",
        }
    }
}

impl Draft {
    /// A statement that forbids keeping, to which conditions are added.
    pub(crate) fn forbid(id: String, says: &str) -> Self {
        Self {
            id,
            clause: None,
            says: says.to_owned(),
            effect: Effect::Forbid,
            action: Deed::Keep,
            data: None,
            retention: None,
            when: Vec::new(),
            unless: Vec::new(),
        }
    }

    /// The finished statement.
    pub(crate) fn build(self) -> Result<Statement, PstConstructionError> {
        let annotations = self.annotations();
        let asks_for = self.when.iter().chain(&self.unless).flat_map(asks_for).collect();
        let deed = Kind::Action.one(self.action.name())?;
        let action =
            if self.action == Deed::Keep { ActionConstraint::In(vec![deed]) } else { ActionConstraint::Eq(deed) };
        let resource = match &self.data {
            Some(code) => ResourceConstraint::Eq(EntityOrSlot::Entity(Kind::Data.one(code.as_str())?)),
            None => ResourceConstraint::Any,
        };
        let when = self.when.into_iter().map(|when| Clause::When(Arc::new(when)));
        let clauses = when.chain(self.unless.into_iter().map(|unless| Clause::Unless(Arc::new(unless))));
        let template = Template::new(self.id.as_str(), self.effect, PrincipalConstraint::Any, action, resource)
            .try_with_clauses(clauses)?
            .with_annotations(
                annotations.iter().map(|(key, value)| ((*key).to_owned(), SmolStr::from(value))).collect(),
            );
        let text = in_lines(&template, &annotations);
        let rule = cedar_policy::Policy::from_pst(Policy::Static(StaticPolicy::try_from(template)?))?
            .new_id(cedar_policy::PolicyId::new(&self.id));
        let Self { id, clause, action, data, says, .. } = self;
        Ok(Statement { id, clause, action, data, asks_for, says, rule, text })
    }

    fn annotations(&self) -> Vec<(&'static str, String)> {
        let clause = self.clause.map(|clause| ("clause", clause.to_string()));
        let retention = self.retention.clone().map(|retention| ("retention", retention));
        let words = ("words", self.says.clone());
        [Some(("id", self.id.clone())), clause, Some(words), retention].into_iter().flatten().collect()
    }
}

/// The statement as a person reads it: a line for each annotation, the scope, and each condition.
fn in_lines(template: &Template, annotations: &[(&'static str, String)]) -> String {
    let mut text = String::new();
    for (key, value) in annotations {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "@{key}(\"{}\")", value.escape_debug());
    }
    let _ = write!(text, "{} (principal, action {}, {})", template.effect, template.action, Resource(template));
    for clause in template.clauses() {
        let _ = write!(text, "\n{clause}");
    }
    text.push(';');
    text
}

struct Resource<'a>(&'a Template);

impl fmt::Display for Resource<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.resource {
            ResourceConstraint::Any => f.write_str("resource"),
            one => write!(f, "resource {one}"),
        }
    }
}
