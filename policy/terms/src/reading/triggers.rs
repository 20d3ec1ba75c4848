//! Words that make a promise where no promise should stand: in text without a number, and in G clauses.

use std::ops::Range;

use super::{problems::Problems, references};
use crate::{clause::ClauseId, language::Words, markdown::Passage};

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
fn found(passage: &Passage, language: &Words) -> Vec<(Range<usize>, String)> {
    let plain = passage.plain();
    sentences(&plain).into_iter().filter_map(|sentence| trigger(&plain, sentence, language)).collect()
}

fn trigger(plain: &str, sentence: Range<usize>, language: &Words) -> Option<(Range<usize>, String)> {
    let words = plain.get(sentence.clone())?;
    if references::points_at_a_clause(words, language) {
        return None;
    }
    let harmless = words.to_ascii_lowercase().find(language.about_numbers);
    let harmless = harmless.map_or(0..0, |at| at..at + language.about_numbers.len());
    let mut before = "";
    for (start, word) in words_of(words) {
        let lower = word.to_lowercase();
        let is_trigger = language.triggers.iter().any(|forms| forms.split(' ').any(|form| form == lower));
        let is_period = is_unit(&lower, language) && before.chars().all(|c| c.is_ascii_digit()) && !before.is_empty();
        if (is_trigger && !harmless.contains(&start)) || is_period {
            let range = sentence.start + start..sentence.start + start + word.len();
            return Some((range.clone(), plain.get(range)?.to_owned()));
        }
        before = word;
    }
    None
}

fn is_unit(lower: &str, language: &Words) -> bool {
    language
        .retention
        .units
        .iter()
        .any(|(_, one, several)| [one, several].iter().any(|unit| unit.to_lowercase() == lower))
}

/// The words of a text with the byte at which each starts.
pub(super) fn words_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    text.split(|c: char| !c.is_alphanumeric()).filter_map(move |word| {
        let start = text.get(at..)?.find(word)? + at;
        at = start + word.len();
        (!word.is_empty()).then_some((start, word))
    })
}

/// Where each sentence stands: up to a full stop, a question or an exclamation mark with a space after it.
fn sentences(plain: &str) -> Vec<Range<usize>> {
    let mut sentences = Vec::new();
    let mut start = 0;
    let mut ended = false;
    for (at, c) in plain.char_indices() {
        if ended && c.is_whitespace() {
            sentences.push(start..at);
            start = at;
        }
        ended = matches!(c, '.' | '!' | '?');
    }
    sentences.push(start..plain.len());
    sentences
}
