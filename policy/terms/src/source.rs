//! A text with a name, and places in it.

use std::{fmt, ops::Range, sync::Arc};

use serde::Serialize;

/// A text that a person can open: its name (a path, or `northgate v1`) and what it says.
#[derive(Clone, PartialEq, Eq)]
pub struct Source {
    /// What to call it in `name:line:column`.
    pub name: Arc<str>,
    /// The text, as it was read: never re-wrapped, never normalised.
    pub text: Arc<str>,
}

/// A part of a text, in bytes from its beginning; both ends are borders of characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// One past the last byte.
    pub end: usize,
}

/// A line and a column, both counted from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

impl Source {
    /// Names a text.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self { name: name.into(), text: text.into() }
    }

    /// Where a byte of the text stands. A byte past the end stands at the end.
    #[must_use]
    pub fn position(&self, byte: usize) -> Position {
        let before = self.text.get(..byte).unwrap_or(&self.text);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        Position {
            line: before.matches('\n').count() + 1,
            column: before.get(line_start..).map_or(0, |line| line.chars().count()) + 1,
        }
    }

    /// Where many bytes of the text stand, in the order in which they stand there: one walk through the text. A byte
    /// before the last one stands where that one does.
    pub(crate) fn positions(&self, bytes: impl IntoIterator<Item = usize>) -> impl Iterator<Item = Position> {
        let (mut walked, mut at) = (0, Position { line: 1, column: 1 });
        bytes.into_iter().map(move |byte| {
            for letter in self.text.get(walked..byte).unwrap_or_default().chars() {
                at = match letter {
                    '\n' => Position { line: at.line + 1, column: 1 },
                    _ => Position { column: at.column + 1, ..at },
                };
            }
            walked = walked.max(byte);
            at
        })
    }

    /// The words of a span.
    #[must_use]
    pub fn words(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }
}

impl fmt::Debug for Source {
    /// The name alone: a problem would otherwise be lost in the text it is about.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({:?}, {} bytes)", self.name, self.text.len())
    }
}

impl Span {
    /// The span as a range of bytes.
    #[must_use]
    pub fn range(self) -> Range<usize> {
        self.start..self.end
    }
}

impl From<Range<usize>> for Span {
    fn from(range: Range<usize>) -> Self {
        Self { start: range.start, end: range.end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_positions_are_the_same_as_each() {
        let source = Source::new("text", "one\ntwö ÄÖ\r\n\nthree");
        let borders = || (0..=source.text.len()).filter(|byte| source.text.is_char_boundary(*byte));
        assert!(source.positions(borders()).eq(borders().map(|byte| source.position(byte))));
    }
}
