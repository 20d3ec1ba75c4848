//! What Markdown parsers lose without a word: HTML, footnotes that are not defined, tables that are none, open gaps.

use super::problems::Problems;
use crate::{
    markdown::{Block, Passage, cells_in, is_delimiter},
    source::Span,
};

/// Looks at every passage and every block for them.
pub(super) fn check(blocks: &[Block], problems: &mut Problems<'_>) {
    for block in blocks {
        match block {
            Block::Html(span) => html(*span, problems),
            Block::Table(table) => {
                let rows = std::iter::once(&table.header).chain(&table.rows);
                rows.flat_map(|row| &row.cells).for_each(|cell| passage(cell, problems));
            }
            Block::Paragraph(words) | Block::Item { passage: words, .. } => {
                broken_table(words, problems);
                passage(words, problems);
            }
            Block::Heading { passage: words, .. } => passage(words, problems),
            Block::Code(_) => {}
        }
    }
}

fn passage(passage: &Passage, problems: &mut Problems<'_>) {
    passage.html.iter().for_each(|span| html(*span, problems));
    let plain = passage.plain();
    for (at, _) in plain.match_indices("[^") {
        let end = plain.get(at..).and_then(|rest| rest.find(']')).map_or(at + 2, |close| at + close + 1);
        let help = "say it in a clause: a footnote is shown far from its words, or not at all";
        problems.error(passage.place(at..end), "footnote", "a footnote has no place in a policy", help);
    }
    for (at, _) in plain.match_indices("~~").step_by(2) {
        let help = "take the words out, or withdraw the clause";
        problems.error(
            passage.place(at..at + 2),
            "struck-out",
            "some viewers strike these words out, others do not",
            help,
        );
    }
    placeholders(passage, &plain, problems);
}

fn html(span: Span, problems: &mut Problems<'_>) {
    let help = "write plain Markdown: viewers show, hide or drop HTML as they like";
    problems.error(span, "raw-html", "HTML has no place in a policy", help);
}

/// `[DATE]`, `[insert name]`, `TBD`, `XXX`.
fn placeholders(passage: &Passage, plain: &str, problems: &mut Problems<'_>) {
    for (at, _) in plain.match_indices('[') {
        let Some(inner) = plain.get(at + 1..).and_then(|rest| rest.split_once(']')).map(|(inner, _)| inner) else {
            continue;
        };
        let lower = inner.trim().to_lowercase();
        let shouts =
            inner.chars().filter(char::is_ascii_uppercase).count() >= 2 && !inner.chars().any(char::is_lowercase);
        if shouts || lower.starts_with("insert") || lower.starts_with("your ") {
            placeholder(passage.place(at..at + inner.len() + 2), problems);
        }
    }
    let mut start = None;
    for (at, c) in plain.char_indices().chain([(plain.len(), ' ')]) {
        match (start, c.is_alphanumeric()) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                let word = plain.get(from..at).unwrap_or("");
                let is_x = word.len() >= 3 && word.chars().all(|c| c == 'X');
                if is_x || matches!(word, "TBD" | "TBA" | "TODO" | "FIXME") {
                    placeholder(passage.place(from..at), problems);
                }
                start = None;
            }
            _ => {}
        }
    }
}

fn placeholder(span: Span, problems: &mut Problems<'_>) {
    let words = problems.words(span);
    problems.error(span, "placeholder", format!("`{words}` is still to be filled in"), "write what is meant");
}

/// A table whose header and delimiter line do not fit is a paragraph to every parser.
fn broken_table(passage: &Passage, problems: &mut Problems<'_>) {
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
}
