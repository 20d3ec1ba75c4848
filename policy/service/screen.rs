//! What a command prints, and in which form.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use serde::Serialize;

use crate::{exit::Exit, failure::Failure};

/// The form of what is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// For a person to read.
    #[default]
    Human,
    /// For a program to read: one JSON document.
    Json,
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
        if self.format == Format::Human {
            Self::print(text.as_ref());
        }
    }

    /// Prints a document for a program; says nothing in another form.
    pub fn document(&self, document: &impl Serialize) {
        if self.format == Format::Json
            && let Ok(text) = serde_json::to_string_pretty(document)
        {
            Self::print(&text);
        }
    }

    /// Says what a command is doing while it takes its time, on standard error, to a person at a terminal only.
    pub fn progress(&self, text: &str) {
        if self.format == Format::Human && io::stderr().is_terminal() {
            let _ = writeln!(io::stderr(), "{text}");
        }
    }

    /// Prints why a command failed and says how it ends.
    #[must_use]
    pub fn fail(&self, failure: &Failure) -> Exit {
        match self.format {
            Format::Human => {
                let colour = self.colour && io::stderr().is_terminal();
                let _ = write!(io::stderr(), "{}", failure.render(colour));
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
