//! Reading a policy: the Markdown that legal edits, as terms.
//!
//! Reading never fails: it returns what it understood and a problem for everything else, each at the words it is about.
//! Nothing is guessed and nothing is passed over: a text with an error makes no [`Policy`].

mod clause_words;
mod codes;
mod columns;
mod consistency;
mod coverage;
mod duties;
mod front_matter;
mod kept;
mod number;
mod open;
mod problems;
mod promises;
mod references;
mod rows;
mod second_look;
mod tensions;
mod text;
mod traps;
mod triggers;
mod undeclared;

pub use self::open::OPEN_DECISION;
use self::{
    coverage::{Found, Outline},
    problems::Problems,
    text::Text,
};
use crate::{
    clause::{Clause, State},
    markdown,
    policy::{Header, Policy},
    problem::{Problem, Severity},
    source::Source,
    term::Term,
    vocabulary::Vocabulary,
};

/// What was read from a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The text.
    pub source: Source,
    /// The front matter, if every key it needs is there and says something.
    pub header: Option<Header>,
    /// The first heading.
    pub title: Option<String>,
    /// Every numbered clause, in the order of the text.
    pub clauses: Vec<Clause>,
    /// Every term that was understood, in the order of the text.
    pub terms: Vec<Term>,
    /// What is wrong, in the order of the text.
    pub problems: Vec<Problem>,
}

/// Reads a policy.
#[must_use]
pub fn read(source: Source, vocabulary: &Vocabulary) -> Reading {
    let mut problems = Problems::new(&source);
    let front = front_matter::read(&mut problems);
    let blocks = markdown::blocks(&source.text, front.end);
    traps::check(front.end, &blocks, &mut problems);
    let blocks = open::take(front.end, blocks, &mut problems);
    let outline = coverage::read(blocks, &front.informative, &mut problems);
    let references = references::read(&outline.found, &outline.numbers, &mut problems);
    let terms = promises::terms(&outline.found, &references, vocabulary, &mut problems);
    let kept = kept::read(&outline.found, vocabulary);
    let Outline { title, found, numbers, exempt } = &outline;
    let text = Text { found, numbers, references: &references, terms: &terms, kept: &kept, exempt, vocabulary };
    consistency::check(&text, &mut problems);
    tensions::check(&text, &mut problems);
    undeclared::check(&terms, vocabulary, &mut problems);
    if let Some(header) = &front.header {
        withdrawn_later(&outline.found, header, &mut problems);
        duties::check(header, &terms, &mut problems);
    }
    let clauses =
        outline.found.iter().zip(references).map(|(found, references)| clause(found, references.all)).collect();
    let problems = problems.sorted();
    Reading { source, header: front.header, title: title.clone(), clauses, terms, problems }
}

fn clause(found: &Found, references: Vec<crate::clause::ClauseId>) -> Clause {
    Clause { id: found.id, span: found.span, words: clause_words::of(found), references, state: found.state }
}

/// A clause is withdrawn by the version that says so, or by one before it.
fn withdrawn_later(found: &[Found], header: &Header, problems: &mut Problems<'_>) {
    for clause in found {
        let State::Withdrawn { version } = clause.state else { continue };
        if !(2..=header.version).contains(&version) {
            let message = format!("{} cannot be withdrawn in version {version} of {}", clause.id, header.version);
            let help = "name the version that withdrew it: this one, or one before it";
            problems.error(clause.place, "withdrawn-when", message, help);
        }
    }
}

impl Reading {
    /// Whether the text cannot be used.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// The policy, if the text has no error. Warnings do not hold it back.
    ///
    /// # Errors
    /// Every problem of the text, if one of them is an error.
    pub fn policy(self) -> Result<Policy, Vec<Problem>> {
        match (self.has_errors(), self.header, self.title) {
            (false, Some(header), Some(title)) => {
                Ok(Policy { source: self.source, header, title, clauses: self.clauses, terms: self.terms })
            }
            _ => Err(self.problems),
        }
    }
}

impl Found {
    /// Whether it still says anything.
    fn is_active(&self) -> bool {
        self.state == State::Active
    }
}

#[cfg(test)]
mod tests;
