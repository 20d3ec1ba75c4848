//! Tables as they stand in the text, and the count of cells that a row really has.
//!
//! A Markdown parser drops the cells a row has too many and invents the ones it lacks; the source row knows better.

use super::Passage;
use crate::source::Span;

/// A table.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    /// All of it.
    pub(crate) span: Span,
    /// The names of the columns.
    pub(crate) header: Row,
    /// The rows under it.
    pub(crate) rows: Vec<Row>,
}

/// A row.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// The line.
    pub(crate) span: Span,
    /// What a viewer shows as its cells: as many as the header has.
    pub(crate) cells: Vec<Passage>,
}

/// How many cells a line of a table holds: a bar that is not escaped parts two, also inside backticks.
pub(crate) fn cells_in(line: &str) -> usize {
    let line = line.trim().trim_start_matches('>').trim();
    let mut bars = 0_usize;
    let mut escaped = false;
    let mut ends_with_bar = false;
    for c in line.chars() {
        ends_with_bar = c == '|' && !escaped;
        bars += usize::from(ends_with_bar);
        escaped = c == '\\' && !escaped;
    }
    let outer = usize::from(line.starts_with('|')) + usize::from(ends_with_bar && line.len() > 1);
    bars + 1 - outer.min(bars)
}

/// Whether a line looks like the line under the header of a table: `| --- | :---: |`.
pub(crate) fn is_delimiter(line: &str) -> bool {
    let line = line.trim();
    line.contains('|') && line.contains("--") && line.chars().all(|c| matches!(c, '|' | '-' | ':' | ' ' | '\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_counted_in_the_source() {
        for (line, cells) in [
            ("| a | b |", 2),
            ("a | b", 2),
            ("| a | b", 2),
            ("a | b |", 2),
            (r"| a \| b | c |", 2),
            (r"| a \\| b | c |", 3),
            ("| `a | b` |", 2),
            ("| | |", 2),
            ("no bar", 1),
            ("|", 1),
        ] {
            assert_eq!(cells_in(line), cells, "{line}");
        }
    }
}
