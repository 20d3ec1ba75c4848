//! The three tables of a policy and the fixed names of their columns.

use super::problems::Problems;
pub(super) use crate::language::Column;
use crate::{
    clause::Letter,
    language::Words,
    markdown::{Passage, Row, Table, cells_in},
    source::Span,
    suggest,
    words::on_one_line,
};

use Column::{AnsweredWithin, How, HowLong, Kept, LegalBasis, May, Origin, Ref, Sees, Transfer, When, Who, Why};

/// A kind of table: the letter of its rows, the columns it must have and those it may have.
pub(super) struct Shape {
    pub(super) letter: Letter,
    needed: &'static [Column],
    optional: &'static [Column],
}

const SHAPES: [Shape; 3] = [
    Shape { letter: Letter::S, needed: &[Ref, Kept, Why, Origin, HowLong], optional: &[LegalBasis, Transfer] },
    Shape { letter: Letter::R, needed: &[Ref, Who, Sees, Why, When], optional: &[LegalBasis, Transfer] },
    Shape { letter: Letter::U, needed: &[Ref, May, How, AnsweredWithin], optional: &[LegalBasis, Transfer] },
];

/// A table whose columns are known.
pub(super) struct Columns {
    pub(super) shape: &'static Shape,
    /// What each cell of a row is; `None` for a column that was refused.
    columns: Vec<Option<Column>>,
}

/// The cells of a row by their columns.
#[derive(Debug, Clone)]
pub(super) struct Cells(Vec<(Column, Passage)>);

impl Cells {
    /// The cell in a column.
    pub(super) fn get(&self, column: Column) -> Option<&Passage> {
        self.0.iter().find(|(at, _)| *at == column).map(|(_, cell)| cell)
    }

    /// Every cell but the number, in the order of the text.
    pub(super) fn said(&self) -> impl Iterator<Item = &Passage> {
        self.0.iter().filter(|(column, _)| *column != Ref).map(|(_, cell)| cell)
    }
}

/// Whether a header says the name of a column.
fn is_named(column: Column, name: &str, words: &Words) -> bool {
    on_one_line(name).to_lowercase() == words.column(column).to_lowercase()
}

impl Shape {
    fn columns(&self) -> impl Iterator<Item = Column> {
        self.needed.iter().chain(self.optional).copied()
    }

    fn column(&self, name: &str, words: &Words) -> Option<Column> {
        self.columns().find(|column| is_named(*column, name, words))
    }

    /// How the header of such a table reads.
    pub(super) fn header(&self, words: &Words) -> String {
        self.needed.iter().map(|column| words.column(*column)).collect::<Vec<_>>().join(" · ")
    }
}

/// How the header of the table with rows of a letter reads.
pub(super) fn header_of(letter: Letter, words: &Words) -> String {
    SHAPES.iter().find(|shape| shape.letter == letter).map(|shape| shape.header(words)).unwrap_or_default()
}

/// Reads the header of a table; `None` if it is none of the three.
pub(super) fn read(table: &Table, problems: &mut Problems<'_>) -> Option<Columns> {
    let words = problems.words_of_language();
    let names: Vec<(&str, Span)> =
        table.header.cells.iter().map(|cell| (cell.text.trim(), cell.words_place())).collect();
    let fits = |shape: &&Shape| {
        let own = shape.columns().filter(|column| !matches!(column, Ref | Why | LegalBasis | Transfer));
        own.filter(|column| names.iter().any(|(name, _)| is_named(*column, name, words))).count()
    };
    let Some(shape) = SHAPES.iter().rev().max_by_key(fits).filter(|shape| fits(shape) > 0) else {
        let shapes: Vec<String> = SHAPES.iter().map(|shape| shape.header(words)).collect();
        let help = format!("the tables of a policy have the columns: {}", shapes.join("; or: "));
        problems.error(table.header.span, "unknown-table", "a table of no known kind", help);
        return None;
    };
    let mut columns = Vec::new();
    for &(name, place) in &names {
        let column = column(shape, name, place, &columns, problems);
        columns.push(column);
    }
    for missing in shape.needed.iter().filter(|column| !columns.contains(&Some(**column))) {
        let help = format!("the columns are: {}", shape.header(words));
        problems.error(table.header.span, "missing-column", format!("no column `{}`", words.column(*missing)), help);
    }
    Some(Columns { shape, columns })
}

/// The column of a name. One that is nearly a known name is reported, and then read as what it was meant to be.
fn column(
    shape: &Shape,
    name: &str,
    place: Span,
    before: &[Option<Column>],
    problems: &mut Problems<'_>,
) -> Option<Column> {
    let words = problems.words_of_language();
    if let Some(column) = shape.column(name, words) {
        if !before.contains(&Some(column)) {
            return Some(column);
        }
        problems.error(place, "duplicate-column", format!("a second column `{name}`"), "leave one of them out");
        return None;
    }
    let meant = suggest::nearest(name, shape.columns().map(|column| words.column(column)));
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!(
            "the columns are: {}; and, if you like, {}, {}",
            shape.header(words),
            words.column(LegalBasis),
            words.column(Transfer)
        ),
    };
    problems.error(place, "unknown-column", format!("unknown column `{name}`"), help);
    meant.and_then(|meant| shape.column(meant, words)).filter(|column| !before.contains(&Some(*column)))
}

impl Columns {
    /// The cells of a row; `None` if the line holds more or fewer than the header.
    pub(super) fn cells(&self, row: Row, problems: &mut Problems<'_>) -> Option<Cells> {
        let (has, needs) = (cells_in(problems.words(row.span)), self.columns.len());
        if has != needs {
            let message = format!("the row has {has} cell{}, the table has {needs}", if has == 1 { "" } else { "s" });
            let help = if has > needs {
                "take a `|` out, or write it as `\\|`: viewers drop what stands in the last cells"
            } else {
                "end every cell with `|`; leave a blank line after the table"
            };
            problems.error(row.span, "row-length", message, help);
            return None;
        }
        let cells = self.columns.iter().zip(row.cells);
        Some(Cells(cells.filter_map(|(column, cell)| Some(((*column)?, cell))).collect()))
    }
}
