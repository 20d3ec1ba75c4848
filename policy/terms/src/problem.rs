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
