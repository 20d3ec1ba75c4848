//! What is wrong with a text, where, and what to write instead.

use serde::Serialize;

use crate::source::{Source, Span};

/// One problem. It knows the text it is in, so that it can be underlined wherever it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its code, stable across versions of the software: `unknown-code`.
    pub code: &'static str,
    /// Whether the text can be used all the same.
    pub severity: Severity,
    /// What is wrong: lower case, no full stop, the user's words in backticks.
    pub message: String,
    /// The words it is about.
    pub place: Place,
    /// Other places that bear on it (the other half of a contradiction, the earlier promise), each with a remark.
    pub related: Vec<(Place, String)>,
    /// What to write instead.
    pub help: Option<String>,
}

/// Words in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The text.
    pub source: Source,
    /// The words in it.
    pub span: Span,
}

/// Whether a text with a problem can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It can; somebody should look.
    Warning,
    /// It cannot.
    Error,
}

impl Place {
    /// `privacy.md:34:12`
    #[must_use]
    pub fn location(&self) -> String {
        let position = self.source.position(self.span.start);
        format!("{}:{}:{}", self.source.name, position.line, position.column)
    }
}

impl Problem {
    /// Makes it a warning.
    #[must_use]
    pub fn warning(mut self) -> Self {
        self.severity = Severity::Warning;
        self
    }

    /// Says what to write instead.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Points at another place that bears on it.
    #[must_use]
    pub fn related(mut self, source: &Source, span: Span, remark: impl Into<String>) -> Self {
        self.related.push((Place { source: source.clone(), span }, remark.into()));
        self
    }
}

/// An error at some words of a text.
#[must_use]
pub fn problem(source: &Source, span: Span, code: &'static str, message: impl Into<String>) -> Problem {
    Problem {
        code,
        severity: Severity::Error,
        message: message.into(),
        place: Place { source: source.clone(), span },
        related: Vec::new(),
        help: None,
    }
}
