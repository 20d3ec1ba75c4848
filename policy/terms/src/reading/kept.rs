//! What the rows of the table say they keep, by their codes alone.
//!
//! A row whose retention or origin cannot be read makes no term, and yet it says what is kept: a contradiction with it is
//! shown together with the gap, not only after the gap is filled.

use super::{
    columns::Column,
    coverage::{Body, Found},
};
use crate::{
    clause::{ClauseId, Letter},
    code::Code,
    markdown::Passage,
    source::Span,
    vocabulary::{Kind, Vocabulary},
};

/// One code of one row.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) clause: ClauseId,
    pub(super) code: Code,
    pub(super) place: Span,
}

/// Everything that a row in force says it keeps, in the order of the text.
pub(super) fn read(found: &[Found], vocabulary: &Vocabulary) -> Vec<Kept> {
    let rows = found.iter().filter_map(|clause| Some((clause.id, cell(clause, Column::Kept)?)));
    let kept = |(clause, cell): (ClauseId, &Passage)| {
        codes(cell, Kind::Data, vocabulary).into_iter().map(move |(code, place)| Kept { clause, code, place })
    };
    rows.flat_map(kept).collect()
}

/// A cell of a row in force of the table of what is kept.
pub(super) fn cell(clause: &Found, column: Column) -> Option<&Passage> {
    match &clause.body {
        Body::Row(cells) if clause.id.letter == Letter::S && clause.is_active() => cells.get(column),
        _ => None,
    }
}

/// The codes of a kind that a passage names, each where it stands. What is unknown has been reported where it was read.
pub(super) fn codes(passage: &Passage, kind: Kind, vocabulary: &Vocabulary) -> Vec<(Code, Span)> {
    let known = |word: &str| vocabulary.find(word.trim()).filter(|(_, entry)| entry.kind == kind);
    let pieces = passage.codes().filter_map(|piece| Some((passage.text.get(piece.range.clone())?, piece.span)));
    pieces.filter_map(|(word, place)| Some((known(word)?.0.clone(), place))).collect()
}
