//! A configuration of another server as a tree of values, each with the place where it stands.
//!
//! Secrets are in it, so nothing here has a Debug, and no message repeats a value.

use std::fmt;

use avow_terms::source::Position;

use super::Refused;

/// The deepest that values may stand in each other.
pub(super) const DEEPEST: usize = 32;

/// A value and where it stands.
pub(super) struct Node {
    pub(super) at: Position,
    pub(super) value: Value,
}

/// A value.
pub(super) enum Value {
    /// Text in quotes.
    Text(String),
    /// Anything without quotes: a number, a word, nothing.
    Plain(String),
    /// Values in order.
    List(Vec<Node>),
    /// Values by name.
    Map(Vec<(Name, Node)>),
}

/// The name of a value.
pub(super) struct Name {
    pub(super) at: Position,
    pub(super) name: String,
}

impl Node {
    /// The value of this name, where there are names.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.names().find(|(named, _)| named.name == name).map(|(_, node)| node)
    }

    /// The value of the first of these names that is there.
    pub(super) fn any(&self, names: &[&str]) -> Option<&Self> {
        names.iter().find_map(|name| self.get(name))
    }

    /// Every name and its value.
    pub(super) fn names(&self) -> impl Iterator<Item = (&Name, &Self)> {
        let map = if let Value::Map(map) = &self.value { map.as_slice() } else { &[] };
        map.iter().map(|(name, node)| (name, node))
    }

    /// Every value of a list.
    ///
    /// # Errors
    /// If it is no list.
    pub(super) fn list(&self) -> Result<&[Self], Refused> {
        if let Value::List(list) = &self.value { Ok(list) } else { Err(self.refused("a list is expected here")) }
    }

    /// Its text; a word without quotes is text where the format says so.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn text(&self) -> Result<&str, Refused> {
        match &self.value {
            Value::Text(text) | Value::Plain(text) => Ok(text),
            Value::List(_) | Value::Map(_) => Err(self.refused("a text is expected here")),
        }
    }

    /// Its number.
    ///
    /// # Errors
    /// If it is none, or not a whole one.
    pub(super) fn number(&self) -> Result<u64, Refused> {
        let digits = if let Value::Plain(digits) = &self.value { digits.as_str() } else { "" };
        let hexadecimal = digits.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        let exact = hexadecimal.or_else(|| digits.parse().ok());
        exact.ok_or_else(|| self.refused("a whole number that is not negative is expected here"))
    }

    /// Its port.
    ///
    /// # Errors
    /// If it is none.
    pub(super) fn port(&self) -> Result<u16, Refused> {
        let port = self.number()?;
        let port = u16::try_from(port).ok().filter(|port| *port > 0);
        port.ok_or_else(|| self.refused("a port is a number from 1 to 65535"))
    }

    /// Whether it says no: `false`, `null`, nothing.
    pub(super) fn says_no(&self) -> bool {
        match &self.value {
            Value::Plain(word) | Value::Text(word) => matches!(word.as_str(), "" | "false" | "null" | "~"),
            Value::List(list) => list.is_empty(),
            Value::Map(map) => map.is_empty(),
        }
    }

    /// What is wrong with it.
    pub(super) fn refused(&self, what: impl fmt::Display) -> Refused {
        Refused::new(self.at, what)
    }
}
