//! An old text as headings, sentences, list items and table rows, each with the line it begins in.
//!
//! It is read line by line, as plain text with Markdown marks, so that nothing a viewer would hide (comments, link
//! definitions, cells too many) is lost. Only marks that hold no word are dropped.

use super::{letter, words::Said};
use crate::markdown::is_delimiter;

/// A part of an old text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Part {
    /// The line it begins in, counted from 1.
    pub(super) line: usize,
    pub(super) block: Block,
    /// Its words, on one line.
    pub(super) words: String,
}

/// What a part stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Block {
    Heading { level: u8, guessed: bool },
    Paragraph,
    Item,
    Row,
}

/// Reads an old text.
pub(super) fn read(text: &str) -> Vec<Part> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let lines: Vec<&str> = text.lines().collect();
    let marked = lines.iter().any(|line| heading(line).is_some_and(|(_, words)| !words.is_empty()));
    let mut scan = Scan { parts: Vec::new(), open: Vec::new(), block: Block::Paragraph, marked };
    let front = front_matter(&lines);
    let (mut fenced, mut in_table) = (false, false);
    for (at, line) in lines.iter().enumerate() {
        let next = lines.get(at + 1).copied().unwrap_or("");
        let bare = unquoted(line);
        if at < front {
            scan.end();
            scan.words(at, if is_marks(bare) { "" } else { bare }, Block::Paragraph);
        } else if let Some(info) = bare.strip_prefix("```").or_else(|| bare.strip_prefix("~~~")) {
            scan.end();
            scan.words(at, info, Block::Paragraph);
            scan.end();
            fenced = !fenced;
        } else if fenced {
            scan.words(at, bare, Block::Paragraph);
        } else {
            in_table = bare.contains('|') && (in_table || is_delimiter(unquoted(next)));
            scan.line(at, bare, in_table);
        }
    }
    scan.end();
    scan.parts
}

/// How many lines the front matter takes, with its two rules.
fn front_matter(lines: &[&str]) -> usize {
    let is_rule = |line: &&str| line.trim_end() == "---";
    if !lines.first().is_some_and(is_rule) {
        return 0;
    }
    lines.iter().skip(1).position(is_rule).map_or(0, |end| end + 2)
}

/// The words of a line without the marks of a quotation.
fn unquoted(line: &str) -> &str {
    line.trim_start_matches(|c: char| c == '>' || c.is_whitespace()).trim_end()
}

/// The level and the words of a line that is marked as a heading.
fn heading(line: &str) -> Option<(u8, &str)> {
    let rest = line.trim_start().trim_start_matches('#');
    let level = line.trim_start().len() - rest.len();
    let is_heading = (1..=6).contains(&level) && (rest.is_empty() || rest.starts_with([' ', '\t']));
    is_heading.then(|| (u8::try_from(level).unwrap_or(6), rest.trim().trim_end_matches('#').trim_end()))
}

/// A list item without its mark; the number of a numbered one is a word of it, since other clauses may point at it.
fn item(line: &str) -> Option<&str> {
    if let Some(rest) = line.strip_prefix(['-', '*', '+', '•', '·', '–', '—', '◦', '▪']) {
        return rest.starts_with(char::is_whitespace).then_some(rest);
    }
    let mark = line.split_whitespace().next()?;
    let number = mark.trim_start_matches('(').strip_suffix(['.', ')'])?;
    let is_number = number.len() <= 3 && !number.is_empty() && number.chars().all(|c| c.is_ascii_digit());
    let is_letter = mark.ends_with(')') && number.len() == 1 && number.chars().all(|c| c.is_ascii_lowercase());
    (is_number || is_letter).then_some(line)
}

/// Whether a line is nothing but marks.
fn is_marks(line: &str) -> bool {
    line.chars().all(|c| c.is_whitespace() || matches!(c, '-' | '=' | '*' | '_' | '|' | ':' | '+' | '#' | '>'))
}

struct Scan {
    parts: Vec<Part>,
    /// The words of the block that is open, each with its line.
    open: Vec<(usize, String)>,
    block: Block,
    /// Whether the text marks its headings.
    marked: bool,
}

impl Scan {
    fn line(&mut self, at: usize, line: &str, in_table: bool) {
        let underlined = !line.is_empty() && [b'=', b'-'].iter().any(|mark| line.bytes().all(|byte| byte == *mark));
        if underlined && !self.open.is_empty() && self.block == Block::Paragraph {
            let level = if line.starts_with('=') { 1 } else { 2 };
            return self.whole(Block::Heading { level, guessed: false });
        }
        if is_marks(line) {
            return self.end();
        }
        if let Some((level, words)) = heading(line) {
            self.end();
            self.words(at, words, Block::Heading { level, guessed: false });
            return self.whole(Block::Heading { level, guessed: false });
        }
        if in_table {
            self.end();
            self.words(at, &cells(line), Block::Row);
            return self.whole(Block::Row);
        }
        match item(line) {
            Some(words) => {
                self.end();
                self.words(at, words, Block::Item);
            }
            None if self.open.is_empty() => self.words(at, line, Block::Paragraph),
            None => self.words(at, line, self.block),
        }
    }

    fn words(&mut self, at: usize, words: &str, block: Block) {
        self.block = block;
        // What stands in backticks is a code in the language; an old text has none.
        let words = words.replace('`', "'");
        self.open.extend(words.split_whitespace().map(|word| (at + 1, word.to_owned())));
    }

    /// Ends the block that is open, sentence by sentence.
    fn end(&mut self) {
        if self.block == Block::Paragraph && !self.marked && looks_like_a_heading(&self.open) {
            let has_title = self.parts.iter().any(|part| matches!(part.block, Block::Heading { .. }));
            return self.whole(Block::Heading { level: if has_title { 2 } else { 1 }, guessed: true });
        }
        let mut sentence: Vec<(usize, String)> = Vec::new();
        let mut words = std::mem::take(&mut self.open).into_iter().peekable();
        while let Some(word) = words.next() {
            let ends = words.peek().is_none_or(|(_, next)| ends_a_sentence(&word.1, next, sentence.is_empty()));
            sentence.push(word);
            if ends {
                self.part(std::mem::take(&mut sentence), self.block);
            }
        }
    }

    /// Ends the block that is open as one part.
    fn whole(&mut self, block: Block) {
        let words = std::mem::take(&mut self.open);
        self.part(words, block);
    }

    fn part(&mut self, words: Vec<(usize, String)>, block: Block) {
        let Some(line) = words.first().map(|(line, _)| *line) else { return };
        let words: Vec<String> = words.into_iter().map(|(_, word)| word).collect();
        self.parts.push(Part { line, block, words: words.join(" ") });
    }
}

/// The cells of a row, in one line.
fn cells(row: &str) -> String {
    let row = row.replace("\\|", "/");
    let cells = row.trim_matches('|').split('|').map(str::trim).filter(|cell| !cell.is_empty());
    cells.collect::<Vec<_>>().join(" · ")
}

/// A line by itself, short, without a stop, and without a word that promises anything.
fn looks_like_a_heading(words: &[(usize, String)]) -> bool {
    let (Some((first, start)), Some((last, end))) = (words.first(), words.last()) else { return false };
    let text = words.iter().map(|(_, word)| word.as_str()).collect::<Vec<_>>().join(" ");
    let has_date = text.split(|c: char| !c.is_ascii_digit()).any(|digits| digits.len() >= 4);
    let denies = Said::of(&text).has("not |never |no |nothing |nobody |without ");
    first == last
        && words.len() <= 10
        && start.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit())
        && end.ends_with(|c: char| c.is_alphanumeric() || c == ')')
        && !has_date
        && !denies
        && !letter::promises(&Said::of(&text))
}

/// Whether a sentence ends between two words. Its first word may be the number of a section: "2. What we keep".
fn ends_a_sentence(word: &str, next: &str, is_first: bool) -> bool {
    const SHORT: [&str; 12] =
        ["e.g.", "i.e.", "no.", "inc.", "ltd.", "co.", "art.", "vs.", "mr.", "mrs.", "dr.", "st."];
    let bare = word.trim_end_matches(['"', '\'', ')', ']', '”', '’', '»', '*', '_']);
    let stops = bare.ends_with(['.', '!', '?']);
    let plain = bare.trim_end_matches('.');
    let is_number = plain.chars().all(|c| c.is_ascii_digit() || c == '.') && (is_first || plain.contains('.'));
    let is_short = SHORT.contains(&bare.trim_start_matches(['(', '"', '“']).to_lowercase().as_str())
        || plain.chars().count() <= 1
        || is_number;
    let goes_on = next.chars().find(|c| c.is_alphanumeric()).is_none_or(char::is_lowercase);
    stops && !is_short && !goes_on
}
