//! Words that make a promise where no promise should stand: in text without a number, and in G clauses.

use std::ops::Range;

use super::{problems::Problems, references};
use crate::{
    clause::ClauseId,
    language::Words,
    markdown::Passage,
    words::{is_one_of, words_of},
};

/// Reports promises in text without a number.
pub(super) fn in_exempt(passage: &Passage, problems: &mut Problems<'_>) {
    for (range, word) in found(passage, problems.words_of_language()) {
        let message = format!("`{word}` makes a promise in text that promises nothing");
        let help = "say it in a numbered clause, and point at that here: `(see S2)`";
        problems.error(passage.place(range), "promise-without-number", message, help);
    }
}

/// Asks for a second look at promises in a clause that enforces nothing.
pub(super) fn in_general(passage: &Passage, id: ClauseId, problems: &mut Problems<'_>) {
    for (range, word) in found(passage, problems.words_of_language()) {
        let message = format!("`{word}` sounds like a promise, and {id} promises nothing");
        let help = "give the clause the letter of what it promises, or point at the clause that does: `(see S2)`";
        problems.warning(passage.place(range), "promise-in-general", message, help);
    }
}

/// The first trigger of each sentence that does not point at a clause.
fn found<'p>(passage: &'p Passage, language: &'static Words) -> impl Iterator<Item = (Range<usize>, &'p str)> {
    let plain = passage.plain();
    sentences(plain).filter_map(move |sentence| trigger(plain, sentence, language))
}

fn trigger<'p>(plain: &'p str, sentence: Range<usize>, language: &Words) -> Option<(Range<usize>, &'p str)> {
    let words = plain.get(sentence.clone())?;
    let mut before = "";
    let mut harmless = None;
    for (start, word) in words_of(words) {
        let is_trigger = is_one_of(word, language.triggers) && {
            let harmless: &Range<usize> = harmless.get_or_insert_with(|| about_numbers(words, language));
            !harmless.contains(&start)
        };
        let is_count = !before.is_empty() && before.chars().all(|c| c.is_ascii_digit());
        if is_trigger || (is_count && is_unit(word, language)) {
            let range = sentence.start + start..sentence.start + start + word.len();
            return (!references::points_at_a_clause(words, language)).then_some((range, word));
        }
        before = word;
    }
    None
}

/// Where a sentence says only what a clause number is.
fn about_numbers(words: &str, language: &Words) -> Range<usize> {
    let at = words.to_ascii_lowercase().find(language.about_numbers);
    at.map_or(0..0, |at| at..at + language.about_numbers.len())
}

fn is_unit(word: &str, language: &Words) -> bool {
    let lower = word.to_lowercase();
    let mut units = language.retention.units.iter();
    units.any(|(_, one, several)| [one, several].iter().any(|unit| unit.to_lowercase() == lower))
}

/// Where each sentence stands: up to a full stop, a question or an exclamation mark with a space after it.
fn sentences(plain: &str) -> impl Iterator<Item = Range<usize>> {
    let mut start = Some(0);
    std::iter::from_fn(move || {
        let from = start?;
        let rest = plain.get(from..)?;
        let ends = rest.match_indices(['.', '!', '?']).map(|(at, _)| at + 1);
        let end = ends
            .map(|at| from + at)
            .find(|end| plain.get(*end..).is_some_and(|rest| rest.starts_with(char::is_whitespace)));
        start = end;
        Some(from..end.unwrap_or(plain.len()))
    })
}
