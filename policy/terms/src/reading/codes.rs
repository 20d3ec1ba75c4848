//! Codes in backticks: `(identity, except account.email)` and `(consent: diagnostics.attempt)`.

use std::ops::Range;

use super::problems::Problems;
use crate::{
    code::Code,
    markdown::{Passage, Piece},
    source::Span,
    suggest,
    vocabulary::{Kind, Vocabulary},
};

/// A code as it stands in the text.
#[derive(Debug, Clone)]
pub(super) struct Said {
    pub(super) code: Code,
    pub(super) kind: Kind,
    pub(super) place: Span,
}

/// The codes of one bracket, or one code that stands by itself.
#[derive(Debug, Clone, Default)]
pub(super) struct Group {
    /// The codes before any colon and any `except`.
    pub(super) codes: Vec<Said>,
    /// The codes after a colon: what a measure is about.
    pub(super) about: Vec<Said>,
    /// The codes after `except`.
    pub(super) except: Vec<Said>,
}

/// The brackets of a passage that hold codes, in bytes of its words.
pub(super) fn brackets(passage: &Passage) -> Vec<Range<usize>> {
    let plain = passage.plain();
    let (mut open, mut brackets) = (Vec::new(), Vec::new());
    for (at, mark) in plain.bytes().enumerate() {
        match mark {
            b'(' => open.push(at),
            b')' => {
                let Some(start) = open.pop() else { continue };
                let range = start..at + 1;
                if passage.codes().any(|code| range.start < code.range.start && code.range.end < range.end) {
                    brackets.retain(|inner: &Range<usize>| inner.start < range.start);
                    brackets.push(range);
                }
            }
            _ => {}
        }
    }
    brackets
}

/// Every group of codes in a passage with these brackets. What is no code of the vocabulary is reported and left out.
pub(super) fn groups(
    passage: &Passage,
    brackets: &[Range<usize>],
    vocabulary: &Vocabulary,
    problems: &mut Problems<'_>,
) -> Vec<Group> {
    let mut groups: Vec<Group> = brackets.iter().map(|bracket| group(passage, bracket, vocabulary, problems)).collect();
    for piece in passage.codes() {
        if !brackets.iter().any(|bracket| bracket.contains(&piece.range.start)) {
            groups.push(Group {
                codes: said(passage, piece, vocabulary, problems).into_iter().collect(),
                ..Group::default()
            });
        }
    }
    groups
}

fn group(passage: &Passage, bracket: &Range<usize>, vocabulary: &Vocabulary, problems: &mut Problems<'_>) -> Group {
    let mut group = Group::default();
    let mut from = bracket.start + 1;
    let (mut about, mut except) = (false, false);
    let words = problems.words_of_language();
    for piece in passage.codes().filter(|piece| bracket.contains(&piece.range.start)) {
        let joint = from..piece.range.start;
        from = piece.range.end;
        let joins = passage.text.get(joint.clone()).unwrap_or("").trim();
        match joins.strip_prefix(", ").unwrap_or(joins) {
            "" | "," => {}
            and if and == words.and => {}
            ":" if joins == ":" && !group.codes.is_empty() && !about && !except => about = true,
            excepts if excepts == words.except && !group.codes.is_empty() && !except => except = true,
            _ => refuse_joint(passage, joint, joins, problems),
        }
        let Some(said) = said(passage, piece, vocabulary, problems) else { continue };
        match (except, about) {
            (true, _) => group.except.push(said),
            (_, true) => group.about.push(said),
            _ => group.codes.push(said),
        }
    }
    let tail = from..bracket.end - 1;
    let words = passage.text.get(tail.clone()).unwrap_or("").trim();
    if !words.is_empty() {
        refuse_joint(passage, tail, words, problems);
    }
    group
}

fn refuse_joint(passage: &Passage, range: Range<usize>, words: &str, problems: &mut Problems<'_>) {
    let text = passage.text.get(range.clone()).unwrap_or("");
    let start = range.start + text.len() - text.trim_start().len();
    let place = passage.place(start..start + words.len());
    let except = problems.words_of_language().except;
    let help = format!(
        "between codes there are only commas, `{except}` before exceptions, and `:` between a measure and its data"
    );
    problems.error(place, "words-among-codes", format!("`{words}` among codes means nothing"), help);
}

/// The code of one piece in backticks, if the vocabulary has it.
fn said(passage: &Passage, piece: &Piece, vocabulary: &Vocabulary, problems: &mut Problems<'_>) -> Option<Said> {
    let word = passage.text.get(piece.range.clone()).unwrap_or("").trim();
    if let Some((code, entry)) = vocabulary.find(word) {
        return Some(Said { code: code.clone(), kind: entry.kind, place: piece.span });
    }
    if let Some(c) = word.chars().find(|c| !c.is_ascii()) {
        let codes = Kind::ALL.into_iter().flat_map(|kind| vocabulary.codes(kind)).map(Code::as_str);
        let near = suggest::nearest(word, codes);
        let help = near.map_or_else(
            || "codes are written with the letters a to z".to_owned(),
            |near| format!("did you mean `{near}`? Type it anew"),
        );
        let message = format!("`{word}` holds `{c}` (U+{:04X}), which is in no code", u32::from(c));
        problems.error(piece.span, "look-alike", message, help);
        return None;
    }
    let codes = Kind::ALL.into_iter().flat_map(|kind| vocabulary.codes(kind)).map(Code::as_str);
    let help = match suggest::nearest(word, codes) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("take a code of {}, or add this one there first", vocabulary.source().name),
    };
    problems.error(piece.span, "unknown-code", format!("unknown code `{word}`"), help);
    None
}
