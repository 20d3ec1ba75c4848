//! What is said about rows that allow nothing: the row, the clause that forbids it, and what to do.

use std::collections::{BTreeMap, BTreeSet};

use super::row::{Dead, Why};
use crate::{
    clause::ClauseId,
    code::Code,
    permit::Form,
    problem::{Problem, problem},
    rules::Rules,
    source::Span,
};

/// One problem for each row and reason, with all the items it concerns.
pub(super) fn problems(rules: &Rules, forms: &BTreeMap<Code, Form>, dead: &[Dead<'_>]) -> Vec<Problem> {
    let mut rows: BTreeMap<(ClauseId, &Why), Row<'_>> = BTreeMap::new();
    for one in dead {
        let row = rows.entry((one.row.clause, &one.why)).or_insert_with(|| Row::new(one.row.said_at));
        row.items.insert(one.item);
        row.purposes.insert(&one.row.purpose);
        row.form = row.form.or(forms.get(one.item).copied());
    }
    rows.into_iter().map(|((clause, why), row)| row.problem(rules, clause, why)).collect()
}

/// The items and purposes of a row that are dead for one reason.
struct Row<'a> {
    said_at: Span,
    items: BTreeSet<&'a Code>,
    purposes: BTreeSet<&'a Code>,
    form: Option<Form>,
}

impl Row<'_> {
    fn new(said_at: Span) -> Self {
        Self { said_at, items: BTreeSet::new(), purposes: BTreeSet::new(), form: None }
    }

    fn problem(&self, rules: &Rules, clause: ClauseId, why: &Why) -> Problem {
        let (items, purposes) = (listed(&self.items), listed(&self.purposes));
        let keeps = format!("{clause} keeps {items} for {purposes}");
        match why {
            Why::Never => {
                let message = format!("{keeps}, but no longer than no time at all");
                problem(&rules.policy().source, self.said_at, "permit-never-applies", message)
                    .help("say how long it is kept, or write `not stored`")
            }
            Why::Each(by) => {
                let message = format!("{keeps}, and {}{}", each_forbids(by), self.written());
                let help = format!("take {items} out of {clause}, or out of {}", names(by, " or "));
                self.killed(rules, clause, by, "permit-killed-by", message).help(help)
            }
            Why::Between(by) => {
                let message =
                    format!("{keeps}, and {} together forbid it on all facts{}", names(by, " and "), self.written());
                let help = format!("take {items} out of {clause}, or out of one of {}", names(by, ", "));
                self.killed(rules, clause, by, "permit-killed-between", message).help(help)
            }
        }
    }

    fn killed(
        &self,
        rules: &Rules,
        clause: ClauseId,
        by: &BTreeSet<ClauseId>,
        code: &'static str,
        message: String,
    ) -> Problem {
        let policy = rules.policy();
        let span = |id: ClauseId| policy.clause(id).map_or(self.said_at, |clause| clause.span);
        let problem = problem(&policy.source, span(clause), code, message);
        by.iter().fold(problem, |problem, id| problem.related(&policy.source, span(*id), format!("what {id} says")))
    }

    /// In which form the software writes it, where that decides.
    fn written(&self) -> &'static str {
        match self.form {
            None => "",
            Some(Form::Plain) => "; this software writes it as it is",
            Some(Form::Sealed) => "; this software writes it sealed",
            Some(Form::Digest) => "; this software writes it as a digest",
        }
    }
}

fn each_forbids(by: &BTreeSet<ClauseId>) -> String {
    match by.len() {
        1 => format!("{} alone forbids it on all facts", names(by, "")),
        _ => format!("{} each forbid it on all facts", names(by, " and ")),
    }
}

fn names(clauses: &BTreeSet<ClauseId>, between: &str) -> String {
    clauses.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}

fn listed(codes: &BTreeSet<&Code>) -> String {
    codes.iter().map(|code| format!("`{code}`")).collect::<Vec<_>>().join(", ")
}
