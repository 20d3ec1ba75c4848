//! Findings as they come in, and names as a report may show them.

use avow_terms::clause::ClauseId;

use crate::{
    report::Finding,
    shapes::{self, Shape},
};

/// The findings of one audit.
#[derive(Debug, Default)]
pub(crate) struct Findings(Vec<Finding>);

impl Findings {
    /// Adds one. The first clause is the one it breaks first of all.
    pub(crate) fn add(
        &mut self,
        check: &'static str,
        broken: impl IntoIterator<Item = ClauseId>,
        what: &str,
        place: &str,
        remedy: &str,
    ) {
        let mut clauses: Vec<ClauseId> = Vec::new();
        for clause in broken {
            if !clauses.contains(&clause) {
                clauses.push(clause);
            }
        }
        let mut clauses = clauses.into_iter();
        let (clause, also) = (clauses.next(), clauses.collect());
        self.0.push(Finding { check, clause, also, what: what.into(), place: place.into(), remedy: remedy.into() });
    }

    /// All of them, in the order in which they were found.
    pub(crate) fn into_inner(self) -> Vec<Finding> {
        self.0
    }
}

/// The longest name that is shown.
const LONGEST: usize = 80;

/// A name of a table, a column or a file as a report may show it: a name that looks like personal data is not shown,
/// and none brings control characters along.
pub(crate) fn shown(name: &str) -> String {
    let dotted = name.replace(['_', '-'], ".");
    let looks = [name, dotted.as_str()].into_iter().flat_map(shapes::of_text).find(|shape| *shape != Shape::Host);
    match looks {
        Some(shape) => format!("(a name that looks like a {})", shape.words()),
        None => name.chars().take(LONGEST).map(|c| if c.is_control() { '?' } else { c }).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_tells_something_is_not_shown() {
        assert_eq!(shown("month_total_202611_v1"), "month_total_202611_v1");
        assert_eq!(shown("old.db"), "old.db");
        assert_eq!(shown("192_0_2_7"), "(a name that looks like a network address)");
        assert_eq!(shown("someone@mail.example"), "(a name that looks like a e-mail address)");
        assert_eq!(shown("a\u{1b}[2Jb"), "a?[2Jb");
    }
}
