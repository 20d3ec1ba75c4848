//! The words of the vocabulary: codes for data, purposes and measures.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

/// A code of the vocabulary as it stands in backticks: `session.client_ip`, `security`, `no-disclosure`.
///
/// A code is words in lower case, digits, `_`, `-` and dots between words. That it stands in the vocabulary, and as
/// what, is for the vocabulary to say.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Code(Arc<str>);

impl Code {
    /// Reads a code.
    ///
    /// # Errors
    /// [`NotACode`] if the text has another form.
    pub fn new(text: &str) -> Result<Self, NotACode> {
        let word = |word: &str| {
            word.starts_with(|c: char| c.is_ascii_lowercase())
                && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-')
        };
        if text.split('.').all(word) { Ok(Self(text.into())) } else { Err(NotACode) }
    }

    /// The code that a program names. A text that has not the form of a code becomes `not-a-code`, which no vocabulary
    /// holds and so no policy allows.
    #[must_use]
    pub fn literal(text: &'static str) -> Self {
        Self::new(text).unwrap_or_else(|NotACode| Self("not-a-code".into()))
    }

    /// The code as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Borrow<str> for Code {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Code {
    type Error = NotACode;

    fn try_from(text: String) -> Result<Self, NotACode> {
        Self::new(&text)
    }
}

impl From<Code> for String {
    fn from(code: Code) -> Self {
        code.0.as_ref().into()
    }
}

/// The text does not have the form of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code is made of lower-case words, digits, `_` and `-`, with dots between the words")]
pub struct NotACode;
