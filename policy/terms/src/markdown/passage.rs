//! A run of words without Markdown marks, where each byte still knows the place it came from.

use std::ops::Range;

use pulldown_cmark::{Event, Tag, TagEnd};

use crate::source::Span;

/// What stands for a byte in backticks where only the words count.
const BLANK: char = '\u{1}';

/// The words of a paragraph, an item, a heading or a cell.
#[derive(Debug, Clone, Default)]
pub(crate) struct Passage {
    /// Everything it came from, marks included.
    pub(crate) span: Span,
    /// The words, with every line break as a space; a piece in backticks stands without them.
    pub(crate) text: String,
    /// The words with everything in backticks blanked out, byte for byte; empty as long as nothing stands in backticks.
    blanked: String,
    /// The pieces of `text`, in order and without gaps.
    pub(crate) pieces: Vec<Piece>,
    /// HTML in the middle of the words.
    pub(crate) html: Vec<Span>,
    /// Pictures, whose words nobody may ever see.
    pub(crate) pictures: Vec<Span>,
    bold: usize,
}

/// A piece of a passage.
#[derive(Debug, Clone)]
pub(crate) struct Piece {
    /// Where it stands in the words.
    pub(crate) range: Range<usize>,
    /// Where it came from.
    pub(crate) span: Span,
    /// In backticks.
    pub(crate) code: bool,
    /// In bold.
    pub(crate) bold: bool,
    /// Whether it stands in the source letter by letter (no entity, no escape).
    exact: bool,
}

impl Passage {
    /// Whether it says nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.text.trim().is_empty() && self.html.is_empty() && self.pictures.is_empty()
    }

    /// Takes in one inline event.
    pub(super) fn push(&mut self, event: &Event<'_>, range: Range<usize>, source: &str) {
        self.span =
            if self.span == Span::default() { range.clone().into() } else { join(self.span, range.clone().into()) };
        match event {
            Event::Start(Tag::Strong) => self.bold += 1,
            Event::End(TagEnd::Strong) => self.bold = self.bold.saturating_sub(1),
            Event::Start(Tag::Image { .. }) => self.pictures.push(range.into()),
            Event::Text(words) => self.add(words, range, source, false),
            Event::Code(words) => self.add(words, range, source, true),
            Event::FootnoteReference(name) => self.add(&format!("[^{name}]"), range, source, false),
            Event::SoftBreak | Event::HardBreak => self.add(" ", range, source, false),
            Event::Html(_) | Event::InlineHtml(_) => self.html.push(range.into()),
            _ => {}
        }
    }

    fn add(&mut self, words: &str, range: Range<usize>, source: &str, code: bool) {
        let start = self.text.len();
        if code && self.blanked.is_empty() {
            self.blanked.push_str(&self.text);
        }
        self.text.push_str(words);
        if code {
            self.blanked.extend(std::iter::repeat_n(BLANK, words.len()));
        } else if !self.blanked.is_empty() {
            self.blanked.push_str(words);
        }
        let written = source.get(range.clone()).unwrap_or("");
        let marks = if code { written.len() - written.trim_start_matches('`').len() } else { 0 };
        let stands_at = |within: usize| written.get(within..within + words.len()) == Some(words);
        let within = if !code || stands_at(marks) { marks } else { written.find(words).unwrap_or(0) };
        let exact = stands_at(within);
        let span = if exact {
            Span { start: range.start + within, end: range.start + within + words.len() }
        } else {
            range.into()
        };
        let piece = Piece { range: start..self.text.len(), span, code, bold: self.bold > 0, exact };
        self.pieces.push(piece);
    }

    /// The place a part of the words came from.
    pub(crate) fn place(&self, range: Range<usize>) -> Span {
        let start = self.pieces.iter().find(|piece| piece.range.end > range.start);
        let end = self.pieces.iter().rfind(|piece| piece.range.start < range.end);
        let (Some(first), Some(last)) = (start, end) else { return self.span };
        let start = if first.exact {
            first.span.start + range.start.saturating_sub(first.range.start)
        } else {
            first.span.start
        };
        let end = if last.exact { last.span.end - last.range.end.saturating_sub(range.end) } else { last.span.end };
        if start <= end { Span { start, end } } else { self.span }
    }

    /// The place of its words, without the white space around them.
    pub(crate) fn words_place(&self) -> Span {
        let start = self.text.len() - self.text.trim_start().len();
        let end = self.text.trim_end().len();
        if start < end { self.place(start..end) } else { self.span }
    }

    /// The pieces in backticks.
    pub(crate) fn codes(&self) -> impl Iterator<Item = &Piece> {
        self.pieces.iter().filter(|piece| piece.code)
    }

    /// The words with everything in backticks blanked out, byte for byte.
    pub(crate) fn plain(&self) -> &str {
        if self.blanked.is_empty() { &self.text } else { &self.blanked }
    }

    /// The passage from a byte of its words on.
    pub(crate) fn from(&self, byte: usize) -> Self {
        let byte = byte.min(self.text.len());
        let span = if byte < self.text.len() {
            Span { start: self.place(byte..self.text.len()).start, end: self.span.end }
        } else {
            self.span
        };
        let after = |words: &str| words.get(byte..).unwrap_or("").to_owned();
        Self {
            span,
            text: after(&self.text),
            blanked: after(&self.blanked),
            pieces: self.pieces.iter().filter_map(|piece| piece.from(byte)).collect(),
            html: self.html.clone(),
            pictures: self.pictures.clone(),
            bold: self.bold,
        }
    }
}

impl Piece {
    /// The part of the piece that stands after a byte, counted from there.
    fn from(&self, byte: usize) -> Option<Self> {
        let range = self.range.start.max(byte)..self.range.end;
        if range.is_empty() {
            return None;
        }
        let cut = range.start - self.range.start;
        let start = if self.exact { self.span.start + cut } else { self.span.start };
        Some(Self { range: range.start - byte..range.end - byte, span: Span { start, ..self.span }, ..self.clone() })
    }
}

fn join(a: Span, b: Span) -> Span {
    Span { start: a.start.min(b.start), end: a.end.max(b.end) }
}
