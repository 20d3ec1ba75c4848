//! What a command prints, and in which form.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use serde::Serialize;

use crate::{exit::Exit, failure::Failure};

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For a person to read.
    #[default]
    Human,
    /// For a program to read: one JSON document.
    Json,
}

/// What `--format` may say. Every command speaks the first two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Form {
    /// For a person to read.
    #[default]
    Human,
    /// For a program to read: one JSON document.
    Json,
    /// SARIF 2.1.0, for code hosts and editors (`avow check` only).
    Sarif,
    /// Annotations of a GitHub workflow (`avow check` only).
    Github,
    /// A record of processing activities, GDPR Art. 30, in Markdown (`avow terms` only).
    Ropa,
    /// The same record as comma-separated values (`avow terms` only).
    RopaCsv,
}

impl Form {
    /// The form, if every command speaks it.
    #[must_use]
    pub fn plain(self) -> Option<Format> {
        match self {
            Self::Human => Some(Format::Human),
            Self::Json => Some(Format::Json),
            Self::Sarif | Self::Github | Self::Ropa | Self::RopaCsv => None,
        }
    }

    /// The one command that speaks a form which not every command does.
    #[must_use]
    pub fn spoken_by(self) -> Option<&'static str> {
        match self {
            Self::Human | Self::Json => None,
            Self::Sarif | Self::Github => Some("check"),
            Self::Ropa | Self::RopaCsv => Some("terms"),
        }
    }
}

/// Standard output and error. A reader that went away is not an error.
#[derive(Debug, Clone, Copy)]
pub struct Screen {
    /// The form of what is printed.
    pub format: Format,
    /// Whether to use colour: on a terminal, unless `NO_COLOR` is set.
    pub colour: bool,
}

impl Screen {
    /// The screen of this process.
    #[must_use]
    pub fn new(format: Format) -> Self {
        let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        Self { format, colour: !refused && io::stdout().is_terminal() }
    }

    /// Prints text for a person; says nothing in another form.
    pub fn say(&self, text: impl AsRef<str>) {
        if self.format == Format::Human && !text.as_ref().is_empty() {
            Self::print(text.as_ref());
        }
    }

    /// Prints a document for a program; says nothing in another form.
    pub fn document(&self, document: &impl Serialize) {
        if self.format == Format::Json {
            Self::document_as_is(document);
        }
    }

    /// Prints a document in whatever form was asked for.
    pub fn document_as_is(document: &impl Serialize) {
        if let Ok(text) = serde_json::to_string_pretty(document) {
            Self::print(&text);
        }
    }

    /// Prints a text for a program, as it is.
    pub fn text(text: &str) {
        let _ = Self::raw(text);
    }

    /// Says what a command is doing while it takes its time, on standard error, to a person at a terminal only.
    pub fn progress(&self, text: &str) {
        if self.format == Format::Human && io::stderr().is_terminal() {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Prints text for a person on standard error, where what is wrong goes.
    pub fn complain(&self, text: &str) {
        let _ = write!(io::stderr(), "{text}");
    }

    /// Prints a text as it is; says whether somebody still reads.
    #[must_use]
    pub fn raw(text: &str) -> bool {
        write!(io::stdout(), "{text}").and_then(|()| io::stdout().flush()).is_ok()
    }

    /// Whether what goes to standard error may be coloured.
    #[must_use]
    pub fn colour_of_errors(&self) -> bool {
        self.colour && io::stderr().is_terminal()
    }

    /// Prints why a command failed and says how it ends.
    #[must_use]
    pub fn fail(&self, failure: &Failure) -> Exit {
        match self.format {
            Format::Human => {
                let _ = write!(io::stderr(), "{}", failure.render(self.colour_of_errors()));
            }
            Format::Json => self.document(&failure.json()),
        }
        failure.exit()
    }

    fn print(text: &str) {
        let end = if text.ends_with('\n') { "" } else { "\n" };
        let _ = write!(io::stdout(), "{text}{end}").and_then(|()| io::stdout().flush());
    }
}
