//! A policy as its lines and the parts of them that a mutant may touch, found without the reader that is being tested.

use std::ops::Range;

/// A policy.
pub(crate) struct Text {
    pub(crate) whole: String,
    pub(crate) lines: Vec<Line>,
}

#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) kind: Kind,
    /// Without its end.
    pub(crate) range: Range<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Front,
    Heading,
    Header,
    Delimiter,
    Row,
    Item,
    Paragraph,
    Blank,
}

impl Text {
    pub(crate) fn new(whole: &str) -> Self {
        let body = whole.find("\n# ").unwrap() + 1;
        let mut lines: Vec<Line> = Vec::new();
        let mut at = 0;
        for line in whole.split_inclusive('\n') {
            let range = at..at + line.trim_end().len();
            let after_blank = lines.last().is_some_and(|before| before.kind == Kind::Blank);
            let kind = match line {
                _ if at < body => Kind::Front,
                "\n" => Kind::Blank,
                line if line.starts_with('#') => Kind::Heading,
                line if line.starts_with("| ---") => Kind::Delimiter,
                line if line.starts_with('|') && after_blank => Kind::Header,
                line if line.starts_with('|') => Kind::Row,
                line if line.starts_with("- ") => Kind::Item,
                _ => Kind::Paragraph,
            };
            lines.push(Line { kind, range });
            at += line.len();
        }
        Self { whole: whole.to_owned(), lines }
    }

    pub(crate) fn words(&self, range: &Range<usize>) -> &str {
        &self.whole[range.clone()]
    }

    /// The text with one part of it replaced.
    pub(crate) fn with(&self, range: &Range<usize>, words: &str) -> String {
        format!("{}{words}{}", &self.whole[..range.start], &self.whole[range.end..])
    }

    /// The text with every line made anew.
    pub(crate) fn map(&self, mut line: impl FnMut(&Line, &str) -> String) -> String {
        self.lines.iter().map(|at| line(at, self.words(&at.range)) + "\n").collect()
    }

    pub(crate) fn of(&self, kinds: &[Kind]) -> Vec<Line> {
        self.lines.iter().filter(|line| kinds.contains(&line.kind)).cloned().collect()
    }

    /// Every clause that promises something, and those of the letter G if asked for.
    pub(crate) fn clauses(&self, general: bool) -> Vec<Line> {
        let mut clauses = self.of(&[Kind::Row, Kind::Item, Kind::Paragraph]);
        clauses.retain(|line| {
            let words = self.words(&line.range);
            words.contains("**") && (general || !words.starts_with("**G"))
        });
        clauses
    }

    /// The cells of a line of a table, without the spaces around them.
    pub(crate) fn cells(&self, line: &Line) -> Vec<Range<usize>> {
        let mut cells = Vec::new();
        let mut at = line.range.start + 1;
        for cell in self.words(&line.range)[1..].split_terminator('|') {
            let start = at + (cell.len() - cell.trim_start().len());
            cells.push(start..start + cell.trim().len());
            at += cell.len() + 1;
        }
        cells
    }

    /// The cells under a header.
    pub(crate) fn column(&self, name: &str) -> Vec<Range<usize>> {
        let mut at = None;
        let mut cells = Vec::new();
        for line in &self.lines {
            match line.kind {
                Kind::Header => at = self.cells(line).iter().position(|cell| self.words(cell) == name),
                Kind::Row => cells.extend(at.map(|at| self.cells(line)[at].clone())),
                _ => {}
            }
        }
        cells
    }

    /// The words that say how long: kept, answered within, ahead.
    pub(crate) fn lengths(&self) -> Vec<Range<usize>> {
        let mut lengths = self.column("How long");
        lengths.extend(self.column("Answered within"));
        let ahead = self.whole.find("at least 1 day ahead").unwrap() + "at least ".len();
        lengths.push(ahead..ahead + "1 day".len());
        lengths
    }

    /// The codes in a part of the text, with their backticks.
    pub(crate) fn codes(&self, within: &Range<usize>) -> Vec<Range<usize>> {
        let marks: Vec<usize> = self.words(within).match_indices('`').map(|(at, _)| within.start + at).collect();
        marks.chunks_exact(2).map(|pair| pair[0]..pair[1] + 1).collect()
    }

    /// The words of letters only in a part of the text, outside backticks.
    pub(crate) fn free_words(&self, within: &Range<usize>) -> Vec<Range<usize>> {
        let codes = self.codes(within);
        let mut words = Vec::new();
        let mut start = within.start;
        for piece in self.words(within).split_inclusive(|c: char| !c.is_alphanumeric()) {
            let word = piece.trim_end_matches(|c: char| !c.is_alphanumeric());
            let range = start..start + word.len();
            start += piece.len();
            let in_code = codes.iter().any(|code| code.contains(&range.start));
            if word.len() > 1 && word.chars().all(char::is_alphabetic) && !in_code {
                words.push(range);
            }
        }
        words
    }
}
