//! The tables of the vocabulary file as entries.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, Kind};
use crate::{
    code::Code,
    markdown::{self, Block, Passage, Row, Table},
    problem::{Problem, problem},
    source::{Source, Span},
};

/// Reads every table whose first column names a kind of code. Other words of the file are for people.
pub(super) fn read(source: &Source) -> (BTreeMap<Code, Entry>, Vec<Problem>) {
    let mut tables = Tables { source, entries: BTreeMap::new(), problems: Vec::new() };
    for block in markdown::blocks(&source.text, 0) {
        if let Block::Table(table) = block {
            tables.table(&table);
        }
    }
    for kind in Kind::ALL {
        if !tables.entries.values().any(|entry| entry.kind == kind) {
            let message = format!("no table of codes whose first column is `{}`", kind.column());
            let help = format!("add a table that starts `| {} | Parents | Meaning |`", kind.column());
            tables.report(Span::default(), "no-table", message, &help);
        }
    }
    (tables.entries, tables.problems)
}

struct Tables<'s> {
    source: &'s Source,
    entries: BTreeMap<Code, Entry>,
    problems: Vec<Problem>,
}

impl Tables<'_> {
    fn table(&mut self, table: &Table) {
        let columns: Vec<&str> = table.header.cells.iter().map(|cell| cell.text.trim()).collect();
        let first = columns.first().copied().unwrap_or("");
        let Some(kind) = Kind::ALL.into_iter().find(|kind| kind.column() == first) else {
            let help = "the first column is named `Data`, `Purpose`, `Measure` or `Right`";
            return self.report(table.header.span, "unknown-table", "a table of no known kind".to_owned(), help);
        };
        for row in &table.rows {
            self.row(kind, &columns, row);
        }
    }

    fn row(&mut self, kind: Kind, columns: &[&str], row: &Row) {
        let cell = |name: &str| {
            let at = columns.iter().position(|column| *column == name)?;
            row.cells.get(at).filter(|cell| !cell.is_empty())
        };
        let said = |name: &str| cell(name).map(|cell| cell.text.trim().to_owned());
        let has = markdown::cells_in(self.source.words(row.span));
        if has != columns.len() {
            let message = format!("the row has {has} cells, the table has {}", columns.len());
            return self.report(row.span, "row-length", message, "give the row a cell for each column");
        }
        let named = cell(kind.column());
        let codes = named.map(|cell| self.codes(cell)).unwrap_or_default();
        let [code] = codes.as_slice() else {
            if codes.is_empty() && named.is_some_and(|cell| cell.codes().next().is_some()) {
                return;
            }
            let help = "start the row with one code in backticks: `session.client_ip`";
            return self.report(row.span, "no-code", "the row names no code".to_owned(), help);
        };
        let parents: BTreeSet<Code> =
            cell("Parents").map(|cell| self.codes(cell)).unwrap_or_default().into_iter().collect();
        let Some(meaning) = said("Meaning") else {
            let help = "say in a few words what the code means";
            return self.report(row.span, "no-meaning", format!("`{code}` has no meaning"), help);
        };
        if let Some(first) = self.entries.get(code) {
            let repeated = problem(self.source, row.span, "duplicate-code", format!("`{code}` is already defined"))
                .related(self.source, first.span, "here")
                .help("one code has one meaning: take one of the rows out");
            return self.problems.push(repeated);
        }
        let entry = Entry { kind, parents, meaning, fideslang: said("fideslang"), dpv: said("DPV"), span: row.span };
        self.entries.insert(code.clone(), entry);
    }

    /// The codes of a cell; each must stand in backticks and have the form of a code.
    fn codes(&mut self, cell: &Passage) -> Vec<Code> {
        let mut codes = Vec::new();
        for piece in cell.codes() {
            let word = cell.text.get(piece.range.clone()).unwrap_or("");
            match Code::new(word) {
                Ok(code) => codes.push(code),
                Err(form) => self.report(piece.span, "bad-code", format!("`{word}` is not a code"), &form.to_string()),
            }
        }
        let loose = cell.plain().replace(['\u{1}', ',', ' '], "");
        if !loose.is_empty() {
            let help = "put each code in backticks, with commas between them";
            self.report(cell.words_place(), "loose-words", "words that are not in backticks".to_owned(), help);
        }
        codes
    }

    fn report(&mut self, span: Span, code: &'static str, message: String, help: &str) {
        self.problems.push(problem(self.source, span, code, message).help(help));
    }
}
