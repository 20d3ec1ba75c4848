//! One of the two texts that are compared, and the small words the comparisons share.

use std::collections::BTreeSet;

use crate::{
    clause::{Clause, ClauseId},
    code::Code,
    policy::Policy,
    problem::Place,
    source::Span,
    term::{Promise, Term},
    vocabulary::{Kind, Vocabulary},
};

/// A policy and the vocabulary it was read with.
#[derive(Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) policy: &'a Policy,
    pub(crate) vocabulary: &'a Vocabulary,
}

impl<'a> Side<'a> {
    pub(crate) fn clauses(self) -> impl Iterator<Item = &'a Clause> {
        self.policy.clauses.iter()
    }

    /// The terms of one clause.
    pub(crate) fn terms(self, id: ClauseId) -> impl Iterator<Item = &'a Term> {
        self.policy.terms.iter().filter(move |term| term.clause == id)
    }

    /// Words of this text.
    pub(crate) fn place(self, span: Span) -> Place {
        Place { source: self.policy.source.clone(), span }
    }

    /// The line of the front matter that says this, or the beginning of the text.
    pub(crate) fn header(self, key: &str) -> Place {
        let span = self.policy.header.places.iter().find(|(name, _)| *name == key).map(|(_, span)| *span);
        self.place(span.unwrap_or_default())
    }

    /// The whole clause, or the line of the front matter with the version where there is no such clause.
    pub(crate) fn clause(self, id: ClauseId) -> Place {
        self.policy.clause(id).map_or_else(|| self.header("version"), |clause| self.place(clause.span))
    }

    /// Every code of data this text's vocabulary knows.
    pub(crate) fn data(self) -> impl Iterator<Item = &'a Code> {
        self.vocabulary.codes(Kind::Data)
    }

    /// Whether a code is another or descends from it, as this text's vocabulary has it.
    pub(crate) fn covers(self, ancestor: &Code, code: &Code) -> bool {
        ancestor == code || self.vocabulary.covers(ancestor, code)
    }

    /// Whether any of these codes covers this one.
    pub(crate) fn any_covers<'c>(self, ancestors: impl IntoIterator<Item = &'c Code>, code: &Code) -> bool {
        ancestors.into_iter().any(|ancestor| self.covers(ancestor, code))
    }

    /// Whether one of these promises says that a code is never kept.
    pub(crate) fn never(self, terms: impl IntoIterator<Item = &'a Term>, code: &Code) -> Option<&'a Term> {
        terms.into_iter().find(|term| match &term.promise {
            Promise::Never { data, except } => self.any_covers(data, code) && !self.any_covers(except, code),
            _ => false,
        })
    }
}

/// Codes as a sentence lists them: `` `a`, `b` and `c` ``.
pub(crate) fn listed<'c>(codes: impl IntoIterator<Item = &'c Code>) -> String {
    let codes: BTreeSet<&Code> = codes.into_iter().collect();
    let mut words: Vec<String> = codes.iter().map(|code| format!("`{code}`")).collect();
    match words.pop() {
        Some(last) if words.is_empty() => last,
        Some(last) => format!("{} and {last}", words.join(", ")),
        None => String::new(),
    }
}

/// Words of a policy that name something, so that case and spacing make no difference.
pub(crate) fn normal(words: &str) -> String {
    words.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}
