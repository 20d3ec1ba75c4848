//! The bold number that a clause starts with.

use crate::{
    clause::{ClauseId, State},
    language::Words,
    markdown::Passage,
    source::Span,
    words::after,
};

/// What a passage starts with.
pub(super) enum Start {
    /// A number, and the words after it.
    Numbered { id: ClauseId, place: Span, rest: Passage },
    /// A number that is not in bold.
    Plain { id: ClauseId, place: Span },
    /// Bold words that look like a number and are none.
    Misspelt { words: String, place: Span },
    /// Nothing of the kind.
    Unnumbered,
}

/// Reads the start of a passage.
pub(super) fn start(passage: &Passage) -> Start {
    let lead = passage.text.len() - passage.text.trim_start().len();
    let bold_end = passage
        .pieces
        .iter()
        .skip_while(|piece| piece.range.end <= lead)
        .take_while(|piece| piece.bold && !piece.code)
        .last()
        .map_or(lead, |piece| piece.range.end);
    let bold = passage.text.get(lead..bold_end).unwrap_or("");
    let number = bold.trim().trim_end_matches(['.', ':']).trim_end();
    let place = || passage.place(lead..lead + number.len());
    if let Ok(id) = number.parse() {
        return Start::Numbered { id, place: place(), rest: passage.from(after_mark(&passage.text, bold_end)) };
    }
    if !number.is_empty() && number.len() <= 6 && number.chars().any(|c| c.is_ascii_digit()) && !number.contains(' ') {
        return Start::Misspelt { words: number.to_owned(), place: place() };
    }
    let first = passage.text.split_whitespace().next().unwrap_or("");
    let number = first.trim_end_matches(['.', ':']);
    match number.parse() {
        Ok(id) => Start::Plain { id, place: passage.place(lead..lead + number.len()) },
        Err(_) => Start::Unnumbered,
    }
}

/// The first byte after the dot and the spaces that follow a number.
fn after_mark(text: &str, from: usize) -> usize {
    let rest = text.get(from..).unwrap_or("");
    let words = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '.' | ':'));
    from + rest.len() - words.len()
}

/// Bold clause numbers in the middle of a passage: two clauses that ran together.
pub(super) fn later_numbers(rest: &Passage) -> impl Iterator<Item = (ClauseId, Span)> {
    let bold = rest.pieces.iter().filter(|piece| piece.bold && !piece.code);
    let number =
        |word: &str| -> Option<ClauseId> { word.trim().strip_suffix('.').and_then(|number| number.parse().ok()) };
    bold.filter_map(move |piece| {
        let word = rest.text.get(piece.range.clone())?;
        let dotted = rest.text.get(piece.range.end..).is_some_and(|after| after.starts_with('.'));
        let id = number(word).or_else(|| if dotted { word.trim().parse().ok() } else { None })?;
        Some((id, piece.span))
    })
}

/// Reads "Withdrawn in version 4."
pub(super) fn withdrawn(said: &str, words: &Words) -> Option<State> {
    let version = after(said.trim(), words.withdrawn)?.strip_prefix(' ')?.trim_end_matches('.').trim().parse().ok()?;
    Some(State::Withdrawn { version })
}
