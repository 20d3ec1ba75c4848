//! The three tables of a policy and the fixed names of their columns.

use super::problems::Problems;
use crate::{
    clause::Letter,
    markdown::{Passage, Row, Table, cells_in},
    source::Span,
    suggest,
};

/// A column of one of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Column {
    Ref,
    Kept,
    Why,
    Origin,
    HowLong,
    Who,
    Sees,
    When,
    May,
    How,
    AnsweredWithin,
    LegalBasis,
    Transfer,
}

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

impl Column {
    /// The name it has in a header.
    pub(super) fn name(self) -> &'static str {
        match self {
            Ref => "Ref",
            Kept => "What we keep",
            Why => "Why",
            Origin => "Where it comes from",
            HowLong => "How long",
            Who => "Who",
            Sees => "What they see",
            When => "When",
            May => "You may",
            How => "How",
            AnsweredWithin => "Answered within",
            LegalBasis => "Legal basis",
            Transfer => "Transfer",
        }
    }

    fn is_named(self, name: &str) -> bool {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        name.eq_ignore_ascii_case(self.name())
    }
}

impl Shape {
    fn columns(&self) -> impl Iterator<Item = Column> {
        self.needed.iter().chain(self.optional).copied()
    }

    fn column(&self, name: &str) -> Option<Column> {
        self.columns().find(|column| column.is_named(name))
    }

    /// How the header of such a table reads.
    pub(super) fn header(&self) -> String {
        self.needed.iter().map(|column| column.name()).collect::<Vec<_>>().join(" · ")
    }
}

/// The name of every column.
#[cfg(test)]
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    SHAPES.iter().flat_map(Shape::columns).map(Column::name)
}

/// Reads the header of a table; `None` if it is none of the three.
pub(super) fn read(table: &Table, problems: &mut Problems<'_>) -> Option<Columns> {
    let names: Vec<(&str, Span)> =
        table.header.cells.iter().map(|cell| (cell.text.trim(), cell.words_place())).collect();
    let fits = |shape: &&Shape| {
        let own = shape.columns().filter(|column| !matches!(column, Ref | Why | LegalBasis | Transfer));
        own.filter(|column| names.iter().any(|(name, _)| column.is_named(name))).count()
    };
    let Some(shape) = SHAPES.iter().rev().max_by_key(fits).filter(|shape| fits(shape) > 0) else {
        let shapes: Vec<String> = SHAPES.iter().map(Shape::header).collect();
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
        let help = format!("the columns are: {}", shape.header());
        problems.error(table.header.span, "missing-column", format!("no column `{}`", missing.name()), help);
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
    if let Some(column) = shape.column(name) {
        if !before.contains(&Some(column)) {
            return Some(column);
        }
        problems.error(place, "duplicate-column", format!("a second column `{name}`"), "leave one of them out");
        return None;
    }
    let meant = suggest::nearest(name, shape.columns().map(Column::name));
    let help = match meant {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("the columns are: {}; and, if you like, Legal basis, Transfer", shape.header()),
    };
    problems.error(place, "unknown-column", format!("unknown column `{name}`"), help);
    meant.and_then(|meant| shape.column(meant)).filter(|column| !before.contains(&Some(*column)))
}

impl Columns {
    /// The cells of a row; `None` if the line holds more or fewer than the header.
    pub(super) fn cells(&self, row: &Row, problems: &mut Problems<'_>) -> Option<Cells> {
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
        let cells = self.columns.iter().zip(&row.cells);
        Some(Cells(cells.filter_map(|(column, cell)| Some(((*column)?, cell.clone()))).collect()))
    }
}
