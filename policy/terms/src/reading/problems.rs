//! The problems of one text, as they are found.

use crate::{
    language::{Language, Words},
    problem::{Problem, Severity, problem},
    source::{Source, Span},
};

/// Collects the problems of one text.
pub(super) struct Problems<'s> {
    pub(super) source: &'s Source,
    /// The language the text says it is written in.
    pub(super) language: Language,
    list: Vec<Problem>,
}

impl<'s> Problems<'s> {
    pub(super) fn new(source: &'s Source) -> Self {
        Self { source, language: Language::default(), list: Vec::new() }
    }

    /// What the source says, letter by letter, at a place.
    pub(super) fn words(&self, span: Span) -> &'s str {
        self.source.words(span)
    }

    /// The controlled words of the text's language.
    pub(super) fn words_of_language(&self) -> &'static Words {
        self.language.words()
    }

    /// An error, with what to write instead.
    pub(super) fn error(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.list.push(problem(self.source, span, code, message).help(help));
    }

    /// Something to look at.
    pub(super) fn warning(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.list.push(problem(self.source, span, code, message).help(help).warning());
    }

    /// An error that takes two places to see.
    pub(super) fn clash(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
        (other, remark): (Span, &str),
        help: impl Into<String>,
    ) {
        self.list.push(problem(self.source, span, code, message).related(self.source, other, remark).help(help));
    }

    /// Takes back what was found inside a place: it will be said better.
    pub(super) fn forget_in(&mut self, span: Span) {
        self.list.retain(|problem| problem.place.span.start < span.start || span.end < problem.place.span.end);
    }

    /// Something to look at that takes two places to see.
    pub(super) fn second_look(
        &mut self,
        span: Span,
        code: &'static str,
        message: impl Into<String>,
        (other, remark): (Span, &str),
        help: impl Into<String>,
    ) {
        let seen = problem(self.source, span, code, message).related(self.source, other, remark).help(help);
        self.list.push(seen.warning());
    }

    /// Whether an error has been found. A warning never takes the place of one.
    pub(super) fn any_error(&self) -> bool {
        self.errors().next().is_some()
    }

    /// Whether an error has been found inside a place.
    pub(super) fn any_error_in(&self, span: Span) -> bool {
        self.errors().any(|place| span.start <= place.start && place.end <= span.end)
    }

    fn errors(&self) -> impl Iterator<Item = Span> {
        self.list.iter().filter(|problem| problem.severity == Severity::Error).map(|problem| problem.place.span)
    }

    /// The problems in the order of the text.
    pub(super) fn sorted(mut self) -> Vec<Problem> {
        self.list.sort_by_key(|problem| (problem.place.span.start, problem.place.span.end));
        self.list
    }
}
