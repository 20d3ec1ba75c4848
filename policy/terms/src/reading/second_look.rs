//! Words that seem to say something else than the letter and the codes: a person should look again.

use std::ops::Range;

use super::{
    columns::Column,
    coverage::{Body, Found},
    problems::Problems,
};
use crate::{
    clause::Letter,
    language::Words,
    markdown::Passage,
    source::Span,
    words::{is_one_of, phrases, words_of},
};

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
    let (at, word) = words_of(passage.plain()).find(|(_, word)| is_one_of(word, negations))?;
    Some(passage.place(at..at + word.len()))
}

/// Exceptions in free words, outside the brackets with codes.
pub(super) fn loose_exceptions<'w>(
    words: &'w Passage,
    brackets: &'w [Range<usize>],
    language: &Words,
) -> impl Iterator<Item = (Span, &'static str)> + use<'w> {
    let loose = phrases(words.plain(), language.exceptions)
        .filter(|(range, _)| !brackets.iter().any(|bracket| bracket.contains(&range.start)));
    loose.map(|(range, phrase)| (words.place(range), phrase))
}
