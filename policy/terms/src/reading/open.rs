//! Open decisions: a number or a code with a question mark, as the draft of an adopted text has them.
//!
//! A draft never passes for a policy: whatever is open is an error where it stands, and is read no further.

use super::{front_matter, problems::Problems};
use crate::{
    markdown::{Block, Passage, Piece, Row},
    source::Span,
};

/// The code of the problem that an open decision is.
pub const OPEN_DECISION: &str = "open-decision";

/// Reports every open decision, and gives back the blocks that have none. `body` is where the front matter ends.
pub(super) fn take(body: usize, blocks: Vec<Block>, problems: &mut Problems<'_>) -> Vec<Block> {
    front(body, problems);
    blocks.into_iter().filter_map(|block| closed(block, problems)).collect()
}

/// A clause number whose letter is not decided: `N?3`, without its dot.
fn number(passage: &Passage) -> Option<(Span, &str)> {
    let lead = passage.text.len() - passage.text.trim_start().len();
    let first = passage.text.split_whitespace().next()?;
    let word = first.trim_end_matches(['.', ':']);
    let digits = word.strip_prefix(['N', 'S', 'R', 'L', 'U', 'T', 'C', 'G']).unwrap_or(word).strip_prefix('?')?;
    let is_number = digits.starts_with(|c: char| c.is_ascii_digit()) && digits.chars().all(char::is_alphanumeric);
    is_number.then(|| (passage.place(lead..lead + word.len()), word))
}

/// What is needed of the front matter, and still asked there: `home: which country?`.
fn front(body: usize, problems: &mut Problems<'_>) {
    let mut start = 0;
    for line in problems.words(Span { start, end: body }).split_inclusive('\n') {
        if let Some((key, value)) = line.split_once(':')
            && front_matter::is_needed(key.trim())
            && value.trim().trim_end_matches(['"', '\'']).ends_with('?')
        {
            let at = start + line.len() - value.trim_start().len();
            let place = Span { start: at, end: at + value.trim().len() };
            problems.forget_in(place);
            let message = format!("`{}` is open", key.trim());
            problems.error(place, OPEN_DECISION, message, front_matter::example(key.trim(), problems.language));
        }
        start += line.len();
    }
}

/// The block, if nothing in it is open; a table without the rows that are.
fn closed(block: Block, problems: &mut Problems<'_>) -> Option<Block> {
    match block {
        Block::Paragraph(passage) => is_closed(&passage, problems).then_some(Block::Paragraph(passage)),
        Block::Item { list, passage } => is_closed(&passage, problems).then_some(Block::Item { list, passage }),
        Block::Table(mut table) => {
            let had_rows = !table.rows.is_empty();
            table.rows.retain(|row| is_closed_row(row, problems));
            (!had_rows || !table.rows.is_empty()).then_some(Block::Table(table))
        }
        Block::Heading { .. } | Block::Html(_) | Block::Code(_) => Some(block),
    }
}

fn is_closed(passage: &Passage, problems: &mut Problems<'_>) -> bool {
    if let Some((place, word)) = number(passage) {
        undecided(place, word, problems);
        return false;
    }
    codes(passage, problems)
}

/// A row is one decision if its number is open, else one for each open code.
fn is_closed_row(row: &Row, problems: &mut Problems<'_>) -> bool {
    if let Some((place, word)) = row.cells.first().and_then(number) {
        undecided(place, word, problems);
        return false;
    }
    row.cells.iter().filter(|cell| !codes(cell, problems)).count() == 0
}

fn undecided(place: Span, word: &str, problems: &mut Problems<'_>) {
    let decided = word.replacen('?', "", 1);
    let help = match word.chars().next() {
        Some('S') => format!(
            "if this is kept, make it the row {decided} of the table Ref · What we keep · Why · Where it comes from · \
             How long; else give it another letter"
        ),
        Some('R' | 'U') => format!("`**{decided}.**`, or the row {decided} of its table; else give it another letter"),
        Some('G') => format!("`**{decided}.**` if it promises nothing; else the letter and the codes of its promise"),
        Some('?') => "give it a letter, and the codes of its promise".to_owned(),
        _ => format!("`**{decided}.**` if the letter is right, and its codes without the question mark"),
    };
    problems.error(place, OPEN_DECISION, format!("`{word}` is open: what does this promise?"), help);
}

/// Whether no code of the passage is open.
fn codes(passage: &Passage, problems: &mut Problems<'_>) -> bool {
    let word = |piece: &Piece| passage.text.get(piece.range.clone()).map(str::trim);
    let open = passage.codes().filter_map(|piece| Some((piece.span, word(piece)?.strip_suffix('?')?)));
    let mut closed = true;
    for (place, code) in open {
        closed = false;
        let help = format!("`{code}` without the question mark if that is meant; else another code, or none");
        problems.error(place, OPEN_DECISION, format!("`{code}?` is open"), help);
    }
    closed
}

#[cfg(test)]
mod tests {
    use super::OPEN_DECISION;
    use crate::{reading::read, source::Source, vocabulary::Vocabulary};

    const NORTHGATE: &str = include_str!("../../../../policy-docs/northgate/privacy.md");

    /// What is open in Northgate after one edit; nothing else is wrong with it.
    #[track_caller]
    fn open(from: &str, to: &str) -> Vec<String> {
        let vocabulary = include_str!("../../../../policy-docs/vocabulary.md");
        let vocabulary = Vocabulary::read(Source::new("vocabulary.md", vocabulary)).0;
        assert!(NORTHGATE.contains(from), "{from}");
        let reading = read(Source::new("p", NORTHGATE.replacen(from, to, 1)), &vocabulary);
        assert!(reading.clone().policy().is_err());
        let told = reading.problems.iter().map(|problem| {
            assert_eq!(problem.code, OPEN_DECISION, "{}", problem.message);
            format!("{}: {}", problem.place.source.words(problem.place.span), problem.message)
        });
        told.collect()
    }

    #[test]
    fn a_letter_a_code_and_a_line_of_the_front_matter_can_be_open() {
        assert_eq!(open("**N4.**", "**N?4.**"), ["N?4: `N?4` is open: what does this promise?"]);
        assert_eq!(open("**N4.**", "**?4.**"), ["?4: `?4` is open: what does this promise?"]);
        assert_eq!(open("**N4.**", "N?4."), ["N?4: `N?4` is open: what does this promise?"]);
        assert_eq!(open("`traffic.content`", "`traffic.content?`"), ["traffic.content?: `traffic.content?` is open"]);
        assert_eq!(open("home: CY", "home: \"CY?\""), ["\"CY?\": `home` is open"]);
        assert_eq!(open("home: CY", "home: CY or DE?"), ["CY or DE?: `home` is open"]);
    }

    #[test]
    fn a_row_of_a_table_can_be_open() {
        assert_eq!(open("| **R5** |", "| **R?5** |"), ["R?5: `R?5` is open: what does this promise?"]);
        assert_eq!(open("(`usage.month_total`)", "(`usage?`)"), ["usage?: `usage?` is open"]);
    }
}
