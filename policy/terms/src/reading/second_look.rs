//! Words that seem to say something else than the letter and the codes: a person should look again.

use super::{
    codes,
    columns::Column,
    coverage::{Body, Found},
    problems::Problems,
    triggers::words_of,
};
use crate::{clause::Letter, language::Words, markdown::Passage, source::Span};

/// Warns where an N or L clause denies nothing, and where a row of what is kept does.
pub(super) fn letter(found: &Found, problems: &mut Problems<'_>) {
    let language = problems.words_of_language();
    match (found.id.letter, &found.body) {
        (Letter::N | Letter::L, Body::Words(words))
            if !found.under_never && denial(words, language.negations).is_none() =>
        {
            let message = format!("{} denies nothing, as its letter would have it", found.id);
            let help = "say what is never done, or take the letter of what the clause promises";
            problems.warning(found.place, "letter-and-words", message, help);
        }
        (Letter::S, Body::Row(cells)) => {
            // "no addresses" narrows what is kept, and is welcome.
            let denied = cells.get(Column::Kept).and_then(|kept| denial(kept, language.strong_negations));
            if let Some(place) = denied {
                let message = format!("{} denies something, and its letter says that it is kept", found.id);
                problems.warning(place, "letter-and-words", message, "say what is kept; what is not is an N clause");
            }
        }
        _ => {}
    }
}

fn denial(passage: &Passage, negations: &[&str]) -> Option<Span> {
    let plain = passage.plain();
    let (at, word) = words_of(&plain).find(|(_, word)| negations.contains(&word.to_lowercase().as_str()))?;
    Some(passage.place(at..at + word.len()))
}

/// Exceptions in free words, outside the brackets with codes.
pub(super) fn loose_exceptions(words: &Passage, language: &Words) -> Vec<(Span, &'static str)> {
    let lower = words.plain().to_ascii_lowercase();
    let brackets = codes::brackets(words);
    let is_whole = |at: usize, phrase: &str| {
        !lower.get(..at).unwrap_or("").ends_with(char::is_alphanumeric)
            && !lower.get(at + phrase.len()..).unwrap_or("").starts_with(char::is_alphanumeric)
    };
    let found = |phrase: &'static str| lower.match_indices(phrase).map(move |(at, _)| (at, phrase));
    language
        .exceptions
        .iter()
        .copied()
        .flat_map(found)
        .filter(|(at, phrase)| is_whole(*at, phrase) && !brackets.iter().any(|bracket| bracket.contains(at)))
        .map(|(at, phrase)| (words.place(at..at + phrase.len()), phrase))
        .collect()
}
