//! From compiled statements to rules that can be asked.

use std::{collections::BTreeMap, sync::Arc};

use cedar_policy::{Authorizer, Entities, EntityUid, PolicySet, Schema, ValidationMode, Validator};

use super::{
    Rules,
    explain::Cited,
    names::{self, Names},
};
use crate::{
    clause::{Clause, ClauseId},
    code::Code,
    compile::{
        Compiled, expression,
        statement::{Deed, Statement},
    },
    policy::Policy,
    source::Position,
    vocabulary::{Kind, Vocabulary},
};

impl Rules {
    /// Puts compiled statements to work: only what Cedar's strict validator accepts.
    pub(crate) fn assemble(
        policy: &Arc<Policy>,
        vocabulary: &Arc<Vocabulary>,
        version: u32,
        compiled: Compiled,
        schema_text: String,
    ) -> Result<Self, String> {
        let (schema, _) = Schema::from_cedarschema_str(&schema_text).map_err(|error| error.to_string())?;
        validated(&schema, &compiled.statements)?;
        let slices = slices(vocabulary.leaves(), &compiled.statements)?;
        // Without the entities of the actions, `action in` would match nothing and what it forbids would be allowed.
        let entities = Entities::from_entities([], Some(&schema)).map_err(|error| error.to_string())?;
        let cedar = printed(policy, &compiled.statements);
        Ok(Self {
            policy: Arc::clone(policy),
            vocabulary: Arc::clone(vocabulary),
            version,
            statements: by_name(compiled.statements),
            kept: compiled.kept,
            never: compiled.never,
            dates: compiled.dates,
            zone: compiled.zone,
            cited: cited(policy),
            cedar,
            schema_text,
            names: Names::new(vocabulary.codes(Kind::Purpose))?,
            entities,
            authorizer: Authorizer::new(),
            items: items(vocabulary),
            slices,
        })
    }
}

/// The words and the place of every clause, which stand in the order of the text.
fn cited(policy: &Policy) -> BTreeMap<ClauseId, Cited> {
    let source = &policy.source;
    let positions = source.positions(policy.clauses.iter().map(|clause| clause.span.start));
    let cited = |(clause, position): (&Clause, Position)| {
        let place = format!("{}:{}:{}", source.name, position.line, position.column);
        (clause.id, Cited { words: clause.words.clone(), place })
    };
    policy.clauses.iter().zip(positions).map(cited).collect()
}

fn items(vocabulary: &Vocabulary) -> BTreeMap<Code, Vec<Code>> {
    let under = |code: &Code| vocabulary.leaves_under(code).cloned().collect();
    vocabulary.codes(Kind::Data).map(|code| (code.clone(), under(code))).collect()
}

/// Every statement fits the schema. That no two have the same name, the set itself has made sure of.
fn validated(schema: &Schema, statements: &[Statement]) -> Result<(), String> {
    let checked = Validator::new(schema.clone()).validate(&set(statements.iter())?, ValidationMode::Strict);
    match checked.validation_errors().next() {
        Some(error) => Err(format!("the rules do not fit the schema: {error}")),
        None => Ok(()),
    }
}

fn by_name(statements: Vec<Statement>) -> BTreeMap<String, (usize, Statement)> {
    let named = |(position, statement): (usize, Statement)| (statement.id.clone(), (position, statement));
    statements.into_iter().enumerate().map(named).collect()
}

/// A set of statements under their own names.
fn set<'a>(statements: impl Iterator<Item = &'a Statement>) -> Result<PolicySet, String> {
    PolicySet::from_policies(statements.map(|statement| statement.rule.clone())).map_err(|error| error.to_string())
}

/// The statements that can bear on one item of data, apart for what is done with it.
pub(super) struct Slice {
    /// The item, as Cedar names it.
    pub(super) data: EntityUid,
    store: PolicySet,
    retain: PolicySet,
}

impl Slice {
    /// The statements about doing this; none where no question is ever put.
    pub(super) fn about(&self, deed: Deed) -> Option<&PolicySet> {
        match deed {
            Deed::Store => Some(&self.store),
            Deed::Retain => Some(&self.retain),
            Deed::Keep | Deed::Disclose => None,
        }
    }
}

fn slices<'a>(
    leaves: impl Iterator<Item = &'a Code>,
    statements: &[Statement],
) -> Result<BTreeMap<Code, Slice>, String> {
    let (mut general, mut special) = (Vec::new(), BTreeMap::<&Code, Vec<&Statement>>::new());
    for statement in statements {
        match &statement.data {
            Some(data) => special.entry(data).or_default().push(statement),
            None => general.push(statement),
        }
    }
    let slice = |leaf: &Code| {
        let mine = || general.iter().chain(special.get(leaf).into_iter().flatten()).copied();
        let about = |deed: Deed| set(mine().filter(|one| one.action == Deed::Keep || one.action == deed));
        let data = names::one(expression::Kind::Data, leaf.as_str())?;
        Ok((leaf.clone(), Slice { data, store: about(Deed::Store)?, retain: about(Deed::Retain)? }))
    };
    leaves.map(slice).collect()
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
