//! Taking over from another server: its users, their keys and limits, read from its own configuration.
//!
//! Only reads: what is found goes to the desk, all of it or nothing. A secret is `Private` from the line that reads it,
//! and no message repeats a value of the file.

mod json5;
mod keys;
mod outline;
mod ssserver;
#[cfg(test)]
mod tests;
mod tree;
mod yaml;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use avow_proxy::{AccessKey, Method};
use avow_terms::{
    private::Private,
    source::{Position, Source},
};

use crate::failure::Failure;
pub use keys::is_weak;

/// Whose configuration is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Origin {
    /// shadowsocks-rust, shadowsocks-libev, and their managers: JSON.
    Ssserver,
    /// Outline: `shadowbox_config.json`, or the `config.yml` of outline-ss-server.
    Outline,
}

/// What a configuration holds that is taken over, and what is not.
#[derive(Default)]
pub struct Found {
    /// One account for each user.
    pub users: Vec<User>,
    /// The keys that clients of 2022 know the server by.
    pub identities: Vec<Identity>,
    /// What is deliberately not taken, and how often it is there.
    pub left: BTreeMap<Left, usize>,
    /// Settings that mean nothing here, by name.
    pub settings: BTreeSet<String>,
}

/// A user of the other server.
pub struct User {
    /// Where it stands.
    pub at: Position,
    /// Its key, of a first device.
    pub key: AccessKey,
    /// The port that its clients connect to.
    pub port: Option<u16>,
    /// How many bytes it may move in a month.
    pub limit: Option<u64>,
}

/// What the server is known by to clients of one method of 2022.
pub struct Identity {
    /// Where it stands.
    pub at: Position,
    /// The method.
    pub method: Method,
    /// The key.
    pub secret: Private<String>,
}

/// What is deliberately not taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// What people called a user.
    Names,
    /// What the other server called a user.
    Ids,
    /// What the other server called a user in its reports.
    ReportIds,
    /// When a user was there.
    Times,
    /// Where a server listened.
    Addresses,
    /// A server that was turned off.
    TurnedOff,
}

impl Left {
    /// What it is.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::Names => "names of users",
            Self::Ids => "ids of users",
            Self::ReportIds => "ids of users in reports",
            Self::Times => "times at which users were there",
            Self::Addresses => "addresses to listen on",
            Self::TurnedOff => "servers that are turned off",
        }
    }

    /// Why it is not taken.
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::Names => "an account is a random number; no clause of a policy allows a name to be kept",
            Self::Ids => "account numbers are drawn anew, so that nobody is known by an old one",
            Self::ReportIds => "there are no reports about users",
            Self::Times => "when somebody was there is kept by no clause",
            Self::Addresses => "where the tunnel listens stands in avow.toml",
            Self::TurnedOff => "nobody used them",
        }
    }
}

/// Something that stands against taking over, where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Where it stands.
    pub at: Position,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub help: Option<&'static str>,
}

impl Refused {
    fn new(at: Position, what: impl fmt::Display) -> Self {
        Self { at, what: what.to_string(), help: None }
    }

    fn help(self, help: &'static str) -> Self {
        Self { help: Some(help), ..self }
    }
}

/// Reads a configuration.
///
/// # Errors
/// Everything that stands against it, with its place. The lines themselves are not shown: there are secrets in them.
pub fn read(from: Origin, source: &Source) -> Result<Found, Failure> {
    let (mut found, mut refused) = (Found::default(), Vec::new());
    match tree(from, &source.text) {
        Ok(top) => match from {
            Origin::Ssserver => ssserver::read(&top, &mut found, &mut refused),
            Origin::Outline => outline::read(&top, &mut found, &mut refused),
        },
        Err(unread) => refused.push(unread),
    }
    refused.extend(keys::told_apart(&found));
    if refused.is_empty() && found.users.is_empty() {
        refused.push(Refused::new(Position { line: 1, column: 1 }, "there is no user in it"));
    }
    if refused.is_empty() { Ok(found) } else { Err(failure(source, refused)) }
}

fn tree(from: Origin, text: &str) -> Result<tree::Node, Refused> {
    let is_yaml =
        from == Origin::Outline && !text.trim_start_matches(['\u{feff}', ' ', '\n', '\r', '\t']).starts_with('{');
    if is_yaml { yaml::read(text) } else { json5::read(text) }
}

fn failure(source: &Source, mut refused: Vec<Refused>) -> Failure {
    refused.sort_by_key(|refused| refused.at);
    let mut text = format!("nothing of `{}` is taken over", source.name);
    for Refused { at, what, help } in refused {
        text.push_str(&format!("\n  {}:{}:{}: {what}", source.name, at.line, at.column));
        if let Some(help) = help {
            text.push_str(&format!("\n    help: {help}"));
        }
    }
    Failure::refused(text).help("correct these, or take them out of a copy of the file, and try again")
}
