//! What Markdown parsers lose without a word: HTML, footnotes that are not defined, tables that are none, open gaps.

use std::ops::Range;

use super::problems::Problems;
use crate::{
    language::Words,
    markdown::{Block, Passage, cells_in, is_delimiter},
    source::Span,
    words::words_of,
};

/// Looks at every passage and every block for them, and for text that made no block.
pub(super) fn check(body: usize, blocks: &[Block], problems: &mut Problems<'_>) {
    invisible(problems);
    unseen(body, blocks, problems);
    for block in blocks {
        match block {
            Block::Html(span) => html(*span, problems),
            Block::Table(table) => {
                let rows = std::iter::once(&table.header).chain(&table.rows);
                rows.flat_map(|row| &row.cells).for_each(|cell| passage(cell, problems));
            }
            // A paragraph with a line of dashes under it is a heading to every parser, rows and all.
            Block::Heading { passage: words, .. } | Block::Paragraph(words) | Block::Item { passage: words, .. } => {
                broken_table(words, problems);
                passage(words, problems);
            }
            Block::Code(_) => {}
        }
    }
}

fn passage(passage: &Passage, problems: &mut Problems<'_>) {
    passage.html.iter().for_each(|span| html(*span, problems));
    for span in &passage.pictures {
        let help = "say it in words";
        problems.error(*span, "picture", "a picture has no place in a policy", help);
    }
    // What stands in the source as it is was found there; here it is an entity such as `&#8203;`.
    for (at, c) in invisible_in(&passage.text) {
        let place = passage.place(at..at + c.len_utf8());
        if !problems.words(place).contains(c) {
            report_invisible(place, c, problems);
        }
    }
    let plain = passage.plain();
    for (at, _) in plain.match_indices('[').filter(|(at, _)| plain.as_bytes().get(at + 1) == Some(&b'^')) {
        let end = plain.get(at..).and_then(|rest| rest.find(']')).map_or(at + 2, |close| at + close + 1);
        let help = "say it in a clause: a footnote is shown far from its words, or not at all";
        problems.error(passage.place(at..end), "footnote", "a footnote has no place in a policy", help);
    }
    let has_stroke = plain.contains('~');
    let strokes: Vec<usize> = plain.match_indices("~~").filter(|_| has_stroke).map(|(at, _)| at).collect();
    for pair in strokes.chunks_exact(2) {
        let [from, to] = pair else { continue };
        let help = "take the words out, or withdraw the clause";
        let message = "some viewers strike these words out, others do not";
        problems.error(passage.place(*from..to + 2), "struck-out", message, help);
    }
    let words = problems.words_of_language();
    gaps(plain, words).into_iter().for_each(|gap| placeholder(passage.place(gap), problems));
}

/// Characters of the source that nobody sees, the front matter included. A text full of them is told so once and again,
/// not a million times.
fn invisible(problems: &mut Problems<'_>) {
    const ENOUGH: usize = 20;
    let text = problems.words(Span { start: 0, end: problems.source.text.len() });
    let is_mark = |at: usize, c: char| at == 0 && c == '\u{feff}';
    let found = invisible_in(text).filter(|(at, c)| !is_mark(*at, *c));
    for (at, c) in found.take(ENOUGH) {
        report_invisible(Span { start: at, end: at + c.len_utf8() }, c, problems);
    }
}

fn report_invisible(place: Span, c: char, problems: &mut Problems<'_>) {
    let message = format!("an invisible character, U+{:04X}", u32::from(c));
    let help = "take it out: it can make the words look other than they are";
    problems.error(place, "invisible", message, help);
}

/// The invisible characters of a text. A stretch of letters as they are typed on any keyboard holds none.
fn invisible_in(text: &str) -> impl Iterator<Item = (usize, char)> {
    const STRETCH: usize = 256;
    let may_hide = |byte: &u8| !(b' '..0x7f).contains(byte) && !byte.is_ascii_whitespace();
    let stretches = text.as_bytes().chunks(STRETCH).zip((0..).step_by(STRETCH));
    let suspect = stretches.filter(move |(bytes, _)| bytes.iter().filter(|byte| may_hide(byte)).count() > 0);
    let chars = suspect.flat_map(|(bytes, start)| {
        (start..start + bytes.len()).filter_map(|at| Some((at, text.get(at..)?.chars().next()?)))
    });
    chars.filter(|(_, c)| is_invisible(*c))
}

/// Characters that show nothing, or that turn the direction of the characters around them.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || (c.is_control() && !c.is_whitespace())
}

fn html(span: Span, problems: &mut Problems<'_>) {
    let help = "write plain Markdown: viewers show, hide or drop HTML as they like";
    problems.error(span, "raw-html", "HTML has no place in a policy", help);
}

/// Reports a gap.
pub(super) fn placeholder(span: Span, problems: &mut Problems<'_>) {
    let words = problems.words(span);
    problems.error(span, "placeholder", format!("`{words}` is still to be filled in"), "write what is meant");
}

/// Words that stand for words still to come: `[DATE]`, `[insert name]`, `TBD`, `XXX`.
pub(super) fn gaps(plain: &str, words: &Words) -> Vec<Range<usize>> {
    let mut gaps = Vec::new();
    for (at, _) in plain.match_indices('[') {
        let Some((inner, _)) = plain.get(at + 1..).and_then(|rest| rest.split_once(']')) else { continue };
        let lower = inner.trim().to_lowercase();
        let capitals = inner.chars().filter(char::is_ascii_uppercase).count();
        let shouts = capitals >= 2 && !inner.chars().any(char::is_lowercase);
        if shouts || words.gaps.iter().any(|begin| lower.starts_with(begin)) {
            gaps.push(at..at + inner.len() + 2);
        }
    }
    // Such a word begins with one of these letters.
    if !plain.contains(['T', 'F', 'X']) {
        return gaps;
    }
    let in_brackets = gaps.clone();
    for (at, word) in words_of(plain) {
        let is_x = word.len() >= 3 && word.chars().all(|c| c == 'X');
        let is_gap = is_x || matches!(word, "TBD" | "TBA" | "TODO" | "FIXME");
        if is_gap && !in_brackets.iter().any(|gap| gap.contains(&at)) {
            gaps.push(at..at + word.len());
        }
    }
    gaps
}

/// A table whose header and delimiter line do not fit is a paragraph to every parser.
fn broken_table(passage: &Passage, problems: &mut Problems<'_>) {
    if !problems.words(passage.span).contains('|') {
        return;
    }
    let mut before: Option<&str> = None;
    let mut start = passage.span.start;
    for line in problems.words(passage.span).split_inclusive('\n') {
        let span = Span { start, end: start + line.trim_end().len() };
        start += line.len();
        if is_delimiter(line) {
            let above = before.map_or(0, cells_in);
            let message = format!("no table: this line has {} cells, the header above it {above}", cells_in(line));
            let help = "give both lines the same number of cells, and leave a blank line above the header";
            problems.error(span, "broken-table", message, help);
        }
        before = Some(line);
    }
    rows_of_no_table(passage, problems);
}

/// Rows without the line `| --- |` between them and a header are words of the paragraph to every parser.
fn rows_of_no_table(passage: &Passage, problems: &mut Problems<'_>) {
    let words = problems.words(passage.span);
    let mut start = passage.span.start;
    let mut first = None;
    for line in words.split_inclusive('\n') {
        let row = line.trim();
        if first.is_none() && row.starts_with('|') && cells_in(row) > 1 {
            let at = start + (line.len() - line.trim_start().len());
            first = Some(Span { start: at, end: at + row.len() });
        }
        start += line.len();
    }
    let Some(first) = first.filter(|_| !words.lines().any(is_delimiter)) else { return };
    let help = "give the table its header, and a line such as `| --- | --- |` under it";
    problems.error(first, "broken-table", "a row of no table", help);
}

/// A line that is in no block is one that no viewer shows, such as `[//]: # (words)`.
fn unseen(body: usize, blocks: &[Block], problems: &mut Problems<'_>) {
    let end = problems.source.text.len();
    let mut start = body.min(end);
    // Lines and blocks both come in the order of the text, so each is looked at once.
    let mut spans: Vec<Span> = blocks.iter().map(Block::span).collect();
    spans.sort_unstable();
    let mut ahead = spans.into_iter().peekable();
    let mut reached = 0;
    for line in problems.words(Span { start, end }).split_inclusive('\n') {
        let span = Span { start, end: start + line.trim_end().len() };
        start += line.len();
        while let Some(block) = ahead.next_if(|block| block.start < span.end) {
            reached = block.end.max(reached);
        }
        let shown = span.start < reached;
        if !shown && line.chars().any(char::is_alphabetic) {
            let help = "say it where everybody can read it, or take it out";
            problems.error(span, "unseen", "no viewer shows this line", help);
        }
    }
}
