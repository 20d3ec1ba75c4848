//! Words of a text, found and compared where they stand.
//!
//! Every word of every clause is looked at here several times, so nothing is copied: a text of thousands of clauses takes as
//! long as its letters do.

use std::ops::Range;

/// The words of a text with the byte at which each starts.
pub(crate) fn words_of(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    let is_ascii = text.is_ascii();
    std::iter::from_fn(move || {
        let start = at + next(text.get(at..)?, is_ascii, true)?;
        let rest = text.get(start..)?;
        at = start + next(rest, is_ascii, false).unwrap_or(rest.len());
        Some((start, text.get(start..at)?))
    })
}

/// The first byte that belongs to a word, or to none.
fn next(text: &str, is_ascii: bool, in_word: bool) -> Option<usize> {
    match is_ascii {
        true => text.bytes().position(|byte| byte.is_ascii_alphanumeric() == in_word),
        false => text.find(|c: char| c.is_alphanumeric() == in_word),
    }
}

/// Whether a word is one of those that are given in small letters.
pub(crate) fn is_one_of(word: &str, lower: &[&str]) -> bool {
    if !word.is_ascii() {
        return lower.contains(&word.to_lowercase().as_str());
    }
    // Most words differ in their length or their first letter.
    let first = word.bytes().next().map(|byte| byte.to_ascii_lowercase());
    lower.iter().any(|one| one.len() == word.len() && one.bytes().next() == first && word.eq_ignore_ascii_case(one))
}

/// Where some words begin in a text, in whatever case they are written.
pub(crate) fn find(text: &str, words: &str) -> Option<usize> {
    text.as_bytes().windows(words.len().max(1)).position(|here| here.eq_ignore_ascii_case(words.as_bytes()))
}

/// What stands before some words at the very end of a text, in whatever case they are written there.
pub(crate) fn before<'t>(text: &'t str, words: &str) -> Option<&'t str> {
    let at = text.len().checked_sub(words.len())?;
    text.get(at..)?.eq_ignore_ascii_case(words).then(|| text.get(..at)).flatten()
}

/// Whether a text has these words, given in small letters, and no others.
pub(crate) fn are(text: &str, lower: &str) -> bool {
    let mut said = text.split_whitespace();
    lower.split(' ').all(|word| said.next().is_some_and(|said| is_one_of(said, &[word]))) && said.next().is_none()
}

/// What follows some words at the very beginning of a text, in whatever case they stand there.
pub(crate) fn after<'t>(text: &'t str, words: &str) -> Option<&'t str> {
    let mut rest = text.chars();
    let begins =
        words.chars().all(|letter| rest.next().is_some_and(|said| said.to_lowercase().eq(letter.to_lowercase())));
    begins.then_some(rest.as_str())
}

/// The words of a text on one line, with one space between them.
pub(crate) fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// Every place where one of some phrases stands whole, in whatever case; a hyphen is a space.
pub(crate) fn phrases<'t>(
    text: &'t str,
    phrases: &'static [&'static str],
) -> impl Iterator<Item = (Range<usize>, &'static str)> + 't {
    words_of(text).flat_map(move |(at, _)| {
        let here = text.get(at..).unwrap_or("").as_bytes();
        let found = phrases.iter().filter(move |phrase| begins(here, phrase.as_bytes()));
        let whole = found.filter(move |phrase| {
            !text.get(at + phrase.len()..).is_none_or(|rest| rest.starts_with(char::is_alphanumeric))
        });
        whole.map(move |phrase| (at..at + phrase.len(), *phrase))
    })
}

fn begins(text: &[u8], phrase: &[u8]) -> bool {
    let same = |(said, meant): (&u8, &u8)| said.to_ascii_lowercase() == *meant || (*said == b'-' && *meant == b' ');
    text.len() >= phrase.len() && text.iter().zip(phrase).all(same)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_stand_where_they_are_found() {
        assert_eq!(
            words_of(" a b\u{1}c, Äb-a").collect::<Vec<_>>(),
            [(1, "a"), (3, "b"), (5, "c"), (8, "Äb"), (12, "a")]
        );
        assert_eq!(words_of(" .,").count(), 0);
    }

    #[test]
    fn words_are_compared_in_any_case() {
        assert!(
            is_one_of("Über", &["a", "über"]) && is_one_of("NOT", &["not"]) && !is_one_of("note", &["not", "nota"])
        );
        assert_eq!(find("of Or b", " or "), Some(2));
        assert_eq!((find("a", " or "), before("Ä, B", ", b"), before("b", ", b")), (None, Some("Ä"), None));
        assert!(are(" We  keep:", "we keep:") && !are("we keep: a", "we keep:") && !are("we", "we keep:"));
        assert_eq!(after("Zurückgezogen IN Version 4", "zurückgezogen in Version"), Some(" 4"));
        assert_eq!(after("Withdraw", "withdrawn"), None);
        assert_eq!(on_one_line("  a\n b "), "a b");
    }

    #[test]
    fn phrases_are_whole_and_a_hyphen_is_a_space() {
        let found = |text| {
            phrases(text, &["non personal", "e.g", "etc"]).map(|(at, said)| (at.start, said)).collect::<Vec<_>>()
        };
        assert_eq!(found("Non-personal, ETC."), [(0, "non personal"), (14, "etc")]);
        assert_eq!(found("etcetera, fetch, e.g. fetc, (etcä)"), [(17, "e.g")]);
    }
}
