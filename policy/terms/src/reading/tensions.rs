//! What a text says in one place and takes back in another, where the letter and the codes alone do not show it: lists that
//! call themselves complete and are not, words that leave a list open, a purpose or a form of data that two clauses tell
//! differently, a number that two clauses tell differently.
//!
//! Every problem names both places. Nothing here makes or changes a term.

mod drift;
mod forms;
mod inventories;
mod open_lists;
mod purposes;
mod words;

use super::{problems::Problems, text::Text};
use crate::{markdown::Passage, source::Span, words::phrases};

/// Reports them all.
pub(super) fn check(text: &Text<'_>, problems: &mut Problems<'_>) {
    open_lists::check(text, problems);
    inventories::check(text, problems);
    purposes::check(text, problems);
    forms::check(text, problems);
    words::check(text, problems);
    drift::check(text, problems);
}

/// The first of some phrases in the words of a passage, whole and outside backticks; a hyphen is a space.
fn phrase(passage: &Passage, some: &'static [&'static str]) -> Option<(Span, String)> {
    let plain = passage.plain();
    let (range, _) = phrases(plain, some).next()?;
    Some((passage.place(range.clone()), plain.get(range)?.to_owned()))
}
