//! The few forms that the rules are made of, as values of Cedar's syntax tree.
//!
//! Words of a policy only ever become literals here: no text of a policy is pasted into Cedar's source.

use std::{
    collections::BTreeSet,
    sync::{Arc, OnceLock},
};

use cedar_policy::pst::{
    BinaryOp, EntityType, EntityUID, Expr, Literal, Name, NonEmpty, PstConstructionError, UnaryOp, Var,
};

use super::schema::ANCHORS;

/// The kinds of things the schema names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Service,
    Data,
    Purpose,
    Place,
    Form,
    Action,
}

impl Kind {
    const ALL: [Self; 6] = [Self::Service, Self::Data, Self::Purpose, Self::Place, Self::Form, Self::Action];

    /// What the schema calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Service => "Service",
            Self::Data => "Data",
            Self::Purpose => "Purpose",
            Self::Place => "Place",
            Self::Form => "Form",
            Self::Action => "Action",
        }
    }

    /// One of them: `Avow::Data::"account.email"`.
    pub(crate) fn one(self, id: &str) -> Result<EntityUID, PstConstructionError> {
        // Cedar parses each name, which takes as long as all the rest of a statement: these few are made once.
        static TYPES: OnceLock<Vec<(Kind, EntityType)>> = OnceLock::new();
        let types =
            TYPES.get_or_init(|| Self::ALL.into_iter().filter_map(|kind| Some((kind, kind.ty().ok()?))).collect());
        let ty = types.iter().find(|(kind, _)| *kind == self).map_or_else(|| self.ty(), |(_, ty)| Ok(ty.clone()))?;
        Ok(EntityUID { ty, eid: id.into() })
    }

    fn ty(self) -> Result<EntityType, PstConstructionError> {
        Ok(EntityType::from_name(Name::qualified(["Avow"], self.name())?))
    }
}

/// `context.name`
pub(crate) fn fact(name: &str) -> Expr {
    Expr::GetAttr { expr: Arc::new(Expr::Var(Var::Context)), attr: name.into() }
}

/// `context has name`
pub(crate) fn has(name: &str) -> Expr {
    Expr::HasAttr { expr: Arc::new(Expr::Var(Var::Context)), attrs: NonEmpty::new(name.into()) }
}

/// `context.name == Avow::Kind::"id"`
pub(crate) fn is(name: &str, kind: Kind, id: &str) -> Result<Expr, PstConstructionError> {
    Ok(both(BinaryOp::Eq, fact(name), Expr::Literal(Literal::EntityUID(kind.one(id)?))))
}

/// `datetime("2000-01-01")`
pub(crate) fn instant(date: &str) -> Expr {
    Expr::UnaryOp { op: UnaryOp::Datetime, expr: Arc::new(text(date)) }
}

/// `duration("90d")`
pub(crate) fn duration(length: &str) -> Expr {
    Expr::UnaryOp { op: UnaryOp::Duration, expr: Arc::new(text(length)) }
}

/// `later.durationSince(earlier)`
pub(crate) fn since(later: Expr, earlier: Expr) -> Expr {
    both(BinaryOp::DurationSince, later, earlier)
}

/// `one && other`
pub(crate) fn and(one: Expr, other: Expr) -> Expr {
    both(BinaryOp::And, one, other)
}

/// `one || other`
pub(crate) fn or(one: Expr, other: Expr) -> Expr {
    both(BinaryOp::Or, one, other)
}

/// `one == other`
pub(crate) fn equal(one: Expr, other: Expr) -> Expr {
    both(BinaryOp::Eq, one, other)
}

/// `one < other`
pub(crate) fn before(one: Expr, other: Expr) -> Expr {
    both(BinaryOp::Less, one, other)
}

/// `one >= other`
pub(crate) fn reached(one: Expr, other: Expr) -> Expr {
    both(BinaryOp::GreaterEq, one, other)
}

/// `one <= other`
pub(crate) fn at_most(one: Expr, other: Expr) -> Expr {
    both(BinaryOp::LessEq, one, other)
}

/// `[.., ..].contains(one)`
pub(crate) fn among(one: Expr, words: impl IntoIterator<Item = String>) -> Expr {
    let all = words.into_iter().map(|word| Arc::new(text(&word))).collect();
    both(BinaryOp::Contains, Expr::Set(all), one)
}

/// `!one`
pub(crate) fn not(one: Expr) -> Expr {
    Expr::UnaryOp { op: UnaryOp::Not, expr: Arc::new(one) }
}

/// `if cond then yes else no`
pub(crate) fn either(cond: Expr, yes: Expr, no: Expr) -> Expr {
    Expr::IfThenElse { cond: Arc::new(cond), then_expr: Arc::new(yes), else_expr: Arc::new(no) }
}

/// Words, as a literal.
pub(crate) fn text(words: &str) -> Expr {
    Expr::Literal(Literal::String(words.into()))
}

/// The facts that an expression asks for. Only the forms above are ever built; of any other it says that it asks for all.
pub(crate) fn asks_for(expr: &Expr) -> BTreeSet<String> {
    let with = |expr: &Expr, attr: &str| {
        let mut facts = asks_for(expr);
        facts.insert(attr.to_owned());
        facts
    };
    match expr {
        Expr::Literal(_) | Expr::Var(_) => BTreeSet::new(),
        Expr::GetAttr { expr, attr } => with(expr, attr),
        Expr::HasAttr { expr, attrs } => with(expr, attrs.first()),
        Expr::UnaryOp { expr, .. } => asks_for(expr),
        Expr::BinaryOp { left, right, .. } => &asks_for(left) | &asks_for(right),
        Expr::IfThenElse { cond, then_expr, else_expr } => {
            &(&asks_for(cond) | &asks_for(then_expr)) | &asks_for(else_expr)
        }
        Expr::Set(all) => all.iter().flat_map(|one| asks_for(one)).collect(),
        _ => ANCHORS.iter().map(|(_, name)| *name).chain(["place", "form", "consent"]).map(ToOwned::to_owned).collect(),
    }
}

fn both(op: BinaryOp, left: Expr, right: Expr) -> Expr {
    Expr::BinaryOp { op, left: Arc::new(left), right: Arc::new(right) }
}
