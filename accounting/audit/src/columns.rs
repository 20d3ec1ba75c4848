//! Every column against the policy: what it is for is allowed by a clause, and never kept under none.

use avow_terms::{clause::ClauseId, code::Code, inventory::Column};

use crate::{clauses::Clauses, found::Findings, schema::Schema, shapes::Shape};

/// Compares the declared columns of the live tables with the policy, by the codes they carry.
pub(crate) fn check(schema: &Schema<'_>, clauses: &Clauses<'_>, findings: &mut Findings) {
    let tables = schema.tables.iter().filter_map(|live| live.declared.map(|declared| (live, declared)));
    let columns = tables.flat_map(|(live, table)| table.columns.iter().map(move |column| (live, column)));
    for (live, column) in columns.filter(|(_, column)| !is_system(column)) {
        let place = format!("{}.{}", live.name, column.name);
        for code in column.codes() {
            match Code::new(code) {
                Ok(code) => promised(&code, &place, clauses, findings),
                Err(_) => {
                    let (what, remedy) = ("the column carries no code", "declare what it holds");
                    findings.add("schema.code", clauses.complete(), what, &place, remedy);
                }
            }
        }
    }
}

fn promised(code: &Code, place: &str, clauses: &Clauses<'_>, findings: &mut Findings) {
    let never: Vec<ClauseId> = clauses.forbidding(code).collect();
    if !never.is_empty() {
        let what = format!("the column is for `{code}`, which is never kept");
        findings.add("schema.never", never, &what, place, "drop the column");
    } else if !clauses.allowed(code) {
        let what = format!("the column is for `{code}`, and no clause allows it");
        let remedy = "declare it in the policy, or drop the column";
        findings.add("schema.unpromised", clauses.complete(), &what, place, remedy);
    }
}

/// Whether a column is about the system and no account.
pub(crate) fn is_system(column: &Column) -> bool {
    column.code == "system" || column.code.starts_with("system.")
}

/// The clauses that a column's name points at.
pub(crate) fn hinted(name: &str, clauses: &Clauses<'_>) -> Vec<ClauseId> {
    const HINTS: [(Shape, &[&str]); 4] = [
        (Shape::Address, &["ip", "ipv", "addr", "address", "peer", "remote", "client", "src", "source"]),
        (Shape::Host, &["host", "hostname", "dst", "dest", "destination", "target", "domain", "url", "sni"]),
        (Shape::Email, &["email", "mail"]),
        (Shape::Card, &["card", "pan", "iban"]),
    ];
    let name = name.to_ascii_lowercase();
    let says = |words: &[&str]| name.split(|c: char| !c.is_ascii_alphabetic()).any(|part| words.contains(&part));
    let shape = HINTS.iter().find(|(_, words)| says(words));
    shape.map_or_else(Vec::new, |(shape, _)| clauses.of_shape(*shape))
}
