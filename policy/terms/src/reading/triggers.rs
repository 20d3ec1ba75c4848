//! Words that make a promise where no promise should stand: in text without a number, and in G clauses.

use std::ops::Range;

use super::{problems::Problems, references};
use crate::{clause::ClauseId, markdown::Passage};

/// What may be said about the numbers themselves.
const ABOUT_NUMBERS: &str = "a clause number, once used, is never given to another subject";

const TRIGGERS: [&str; 15] = [
    "record records recorded recording",
    "transfer transfers transferred transferring",
    "track tracks tracked tracking",
    "store stores stored storing",
    "keep keeps kept keeping",
    "log logs logged logging",
    "retain retains retained retaining",
    "save saves saved saving",
    "collect collects collected collecting",
    "share shares shared sharing",
    "give gives gave given giving",
    "sell sells sold selling",
    "disclose discloses disclosed disclosing",
    "delete deletes deleted deleting erase erases erased erasing",
    "notify notifies notified notifying",
];

const UNITS: &str = "minute minutes hour hours day days week weeks month months year years";

/// Reports promises in text without a number.
pub(super) fn in_exempt(passage: &Passage, problems: &mut Problems<'_>) {
    for (range, word) in found(passage) {
        let message = format!("`{word}` makes a promise in text that promises nothing");
        let help = "say it in a numbered clause, and point at that here: `(see S2)`";
        problems.error(passage.place(range), "promise-without-number", message, help);
    }
}

/// Asks for a second look at promises in a clause that enforces nothing.
pub(super) fn in_general(passage: &Passage, id: ClauseId, problems: &mut Problems<'_>) {
    for (range, word) in found(passage) {
        let message = format!("`{word}` sounds like a promise, and {id} promises nothing");
        let help = "give the clause the letter of what it promises, or point at the clause that does: `(see S2)`";
        problems.warning(passage.place(range), "promise-in-general", message, help);
    }
}

/// The first trigger of each sentence that does not point at a clause.
fn found(passage: &Passage) -> Vec<(Range<usize>, String)> {
    let plain = passage.plain();
    sentences(&plain).into_iter().filter_map(|sentence| trigger(&plain, sentence)).collect()
}

fn trigger(plain: &str, sentence: Range<usize>) -> Option<(Range<usize>, String)> {
    let words = plain.get(sentence.clone())?;
    if references::points_at_a_clause(words) {
        return None;
    }
    let lower = words.to_ascii_lowercase();
    let harmless = lower.find(ABOUT_NUMBERS).map_or(0..0, |at| at..at + ABOUT_NUMBERS.len());
    let mut before = "";
    for (start, word) in words_of(&lower) {
        let is_trigger = TRIGGERS.iter().any(|forms| forms.split(' ').any(|form| form == word));
        let is_period = UNITS.split(' ').any(|unit| unit == word)
            && before.chars().all(|c| c.is_ascii_digit())
            && !before.is_empty();
        if (is_trigger && !harmless.contains(&start)) || is_period {
            let range = sentence.start + start..sentence.start + start + word.len();
            return Some((range.clone(), plain.get(range)?.to_owned()));
        }
        before = word;
    }
    None
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
