//! The rules one by one, each with the clause and the words behind it.

use cedar_policy::Effect;
use serde::Serialize;

use super::Rules;
use crate::{clause::ClauseId, code::Code, compile::statement::Statement};

/// One rule of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rule<'a> {
    /// Its name, unlike any other: `S2/session.client_ip/security`.
    pub id: &'a str,
    /// `permit` or `forbid`.
    pub effect: &'static str,
    /// The clause it enforces; none for what must be true of any facts.
    pub clause: Option<ClauseId>,
    /// The words of the clause, or what must be true.
    pub words: &'a str,
    /// Where the clause stands: `privacy.md:34:1`.
    pub place: Option<&'a str>,
    /// The item of data it is about; none where it is about all.
    pub data: Option<&'a Code>,
    /// The rule as Cedar's text.
    pub cedar: &'a str,
}

impl Rules {
    /// Every rule, in the order of the text; what must be true of any facts comes first.
    #[must_use]
    pub fn listed(&self) -> Vec<Rule<'_>> {
        let mut all: Vec<_> = self.statements.values().collect();
        all.sort_by_key(|(position, _)| *position);
        all.into_iter().map(|(_, statement)| self.rule(statement)).collect()
    }

    fn rule<'a>(&'a self, statement: &'a Statement) -> Rule<'a> {
        let effect = if statement.rule.effect() == Effect::Permit { "permit" } else { "forbid" };
        Rule {
            id: &statement.id,
            effect,
            clause: statement.clause,
            words: &statement.says,
            place: statement.clause.and_then(|clause| self.cited(clause)).map(|cited| cited.place.as_str()),
            data: statement.data.as_ref(),
            cedar: &statement.text,
        }
    }
}
