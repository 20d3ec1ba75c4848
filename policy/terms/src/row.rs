//! A row to paste: what a policy would have to say so that something may be kept, in its own columns and its own words.

use std::collections::BTreeSet;

use crate::{
    clause::Letter,
    code::Code,
    language::{Column, Words},
    markdown::{self, Block, Table},
    policy::Policy,
    retention::Retention,
    source::Span,
    term::Origin,
    vocabulary::Vocabulary,
};

/// What a row shall keep.
#[derive(Debug, Clone)]
pub struct Wanted<'w> {
    /// What.
    pub data: &'w [Code],
    /// What for.
    pub purpose: &'w Code,
    /// Where it comes from.
    pub origin: Origin,
    /// How long.
    pub retention: &'w Retention,
}

/// A row, and where it belongs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// One line of Markdown; where the text has no table, a whole table.
    pub markdown: String,
    /// The last row of the table it belongs in; the title where there is no table.
    pub after: Span,
}

/// The row that a policy lacks. It takes the next free number; its free words are those of the vocabulary.
#[must_use]
pub fn wanted(policy: &Policy, vocabulary: &Vocabulary, wanted: &Wanted<'_>) -> Row {
    let words = policy.header.language.words();
    let blocks = markdown::blocks(&policy.source.text, 0);
    let tables = blocks.iter().filter_map(|block| match block {
        Block::Table(table) => Some(table),
        _ => None,
    });
    let is_kept =
        |table: &&Table| table.header.cells.iter().any(|cell| column(&cell.text, words) == Some(Column::Kept));
    let number = policy.clauses.iter().filter(|clause| clause.id.letter == Letter::S).map(|clause| clause.id.number);
    let number = number.max().map_or(1, |last| last.saturating_add(1));
    let said = |column| cell(column, number, policy, vocabulary, wanted);
    if let Some(table) = tables.clone().find(is_kept) {
        let cells = table.header.cells.iter().map(|cell| column(&cell.text, words).map(said).unwrap_or_default());
        let after = table.rows.last().map_or(table.span, |row| row.span);
        return Row { markdown: line(cells), after };
    }
    let columns = [Column::Ref, Column::Kept, Column::Why, Column::Origin, Column::HowLong];
    let header = line(columns.into_iter().map(|column| words.column(column).to_owned()));
    let under = line(columns.into_iter().map(|_| "---".to_owned()));
    let row = line(columns.into_iter().map(said));
    let title = blocks.iter().find(|block| matches!(block, Block::Heading { .. }));
    Row { markdown: [header, under, row].join("\n"), after: title.map_or_else(Span::default, Block::span) }
}

fn line(cells: impl Iterator<Item = String>) -> String {
    format!("| {} |", cells.collect::<Vec<_>>().join(" | "))
}

fn column(name: &str, words: &Words) -> Option<Column> {
    let name = name.trim().to_lowercase();
    words.columns.into_iter().find(|(_, known)| known.to_lowercase() == name).map(|(column, _)| column)
}

fn cell(column: Column, number: u16, policy: &Policy, vocabulary: &Vocabulary, wanted: &Wanted<'_>) -> String {
    let language = policy.header.language;
    let meaning = |code: &Code| vocabulary.entry(code).map(|entry| entry.meaning.clone()).unwrap_or_default();
    match column {
        Column::Ref => format!("**S{number}**"),
        Column::Kept => {
            let meanings: BTreeSet<String> = wanted.data.iter().map(meaning).collect();
            let codes: Vec<String> = wanted.data.iter().map(|code| format!("`{code}`")).collect();
            format!("{} ({})", meanings.into_iter().collect::<Vec<_>>().join("; "), codes.join(", "))
        }
        Column::Why => format!("{} (`{}`)", meaning(wanted.purpose), wanted.purpose),
        Column::Origin => language.words().origin(wanted.origin).to_owned(),
        Column::HowLong => wanted.retention.phrase_in(language),
        // Grounds in law and recipients abroad are for a person to say.
        _ => String::new(),
    }
}
