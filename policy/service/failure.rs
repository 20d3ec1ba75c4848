//! Why a command ended without doing what it was asked.

use std::{fmt, io, path::Path};

use avow_terms::problem::Problem;
use serde::{Deserialize, Serialize};

use crate::{exit::Exit, report};

/// Why a command did not do what it was asked: what is wrong, and what to do.
#[derive(Debug)]
pub enum Failure {
    /// A text has problems; each is shown where it stands.
    Problems(Vec<Problem>),
    /// The same, as a running service rendered them.
    Relayed {
        /// For a person.
        text: String,
        /// For a program.
        json: serde_json::Value,
    },
    /// Anything else.
    Said(Said),
}

/// A failure in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    /// What is wrong: lower case, no full stop.
    pub what: String,
    /// What to do about it.
    pub help: Option<String>,
    /// Whether the answer is no (exit 1), or it could not run at all (exit 2).
    pub refused: bool,
}

impl Failure {
    /// It could not run.
    pub fn could_not(what: impl fmt::Display) -> Self {
        Self::Said(Said { what: what.to_string(), help: None, refused: false })
    }

    /// The answer is no.
    pub fn refused(what: impl fmt::Display) -> Self {
        Self::Said(Said { what: what.to_string(), help: None, refused: true })
    }

    /// A file could not be used.
    pub fn file(doing: &str, path: &Path, error: &io::Error) -> Self {
        Self::could_not(format!("cannot {doing} `{}`: {}", path.display(), plain(error)))
    }

    /// Adds what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        if let Self::Said(said) = &mut self {
            said.help = Some(help.into());
        }
        self
    }

    /// How the command ends.
    #[must_use]
    pub fn exit(&self) -> Exit {
        match self {
            Self::Said(Said { refused: false, .. }) => Exit::CouldNotRun,
            Self::Problems(_) | Self::Relayed { .. } | Self::Said(_) => Exit::No,
        }
    }

    /// The failure for a person to read.
    #[must_use]
    pub fn render(&self, colour: bool) -> String {
        match self {
            Self::Problems(problems) => report::problems(problems, colour),
            Self::Relayed { text, .. } => text.clone(),
            Self::Said(Said { what, help: None, .. }) => format!("error: {what}\n"),
            Self::Said(Said { what, help: Some(help), .. }) => format!("error: {what}\n  help: {help}\n"),
        }
    }

    /// The failure for a machine to read.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        match self {
            Self::Problems(problems) => serde_json::json!({ "problems": report::problems_json(problems) }),
            Self::Relayed { json, .. } => json.clone(),
            Self::Said(said) => serde_json::json!({ "error": said.what, "help": said.help }),
        }
    }
}

impl From<Vec<Problem>> for Failure {
    fn from(problems: Vec<Problem>) -> Self {
        Self::Problems(problems)
    }
}

impl From<Said> for Failure {
    fn from(said: Said) -> Self {
        Self::Said(said)
    }
}

/// An operating system's error in plain words, without its number.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file or directory".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".into(),
        _ => error.to_string().split(" (os error").next().unwrap_or_default().to_lowercase(),
    }
}
