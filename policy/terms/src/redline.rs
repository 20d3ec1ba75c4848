//! What was struck out and what was put in, word by word, as pieces that any page or terminal can show.
//!
//! A plain word diff of prose is choppy ("~~to~~ **for** ~~determine~~ ..."), so changes that have at most one
//! unchanged word between them are shown as one. Nothing here says what a change means.

use std::ops::Range;

use serde::Serialize;
use similar::{Algorithm, DiffOp, DiffTag, DiffableStr, capture_diff_slices};

/// A piece of a text with its changes marked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", content = "words", rename_all = "snake_case")]
pub enum Piece {
    /// Both texts say it.
    Same(String),
    /// Only the old text says it.
    Removed(String),
    /// Only the new text says it.
    Added(String),
}

/// The pieces of two texts, in order. The removed ones stand before those that take their place.
///
/// The `Same` and `Removed` pieces together are the old text, the `Same` and `Added` ones the new.
#[must_use]
pub fn redline(old: &str, new: &str) -> Vec<Piece> {
    let (old, new) = (old.tokenize_unicode_words(), new.tokenize_unicode_words());
    let runs = capture_diff_slices(Algorithm::Histogram, &old, &new).iter().map(Run::new).collect();
    glued(runs, &old).iter().flat_map(|run| run.pieces(&old, &new)).collect()
}

/// A stretch of words in both texts.
struct Run {
    same: bool,
    old: Range<usize>,
    new: Range<usize>,
}

impl Run {
    fn new(op: &DiffOp) -> Self {
        Self { same: op.tag() == DiffTag::Equal, old: op.old_range(), new: op.new_range() }
    }

    /// Whether it is too short to keep the changes on both sides of it apart.
    fn is_slight(&self, old: &[&str]) -> bool {
        let words = old.get(self.old.clone()).unwrap_or_default();
        self.same && words.iter().filter(|word| word.contains(char::is_alphanumeric)).count() <= 1
    }

    fn pieces(&self, old: &[&str], new: &[&str]) -> Vec<Piece> {
        let removed = old.get(self.old.clone()).unwrap_or_default().concat();
        if self.same {
            return vec![Piece::Same(removed)];
        }
        let added = new.get(self.new.clone()).unwrap_or_default().concat();
        let removed = (!removed.is_empty()).then_some(Piece::Removed(removed));
        removed.into_iter().chain((!added.is_empty()).then_some(Piece::Added(added))).collect()
    }
}

/// Joins changes that only a slight run keeps apart.
fn glued(runs: Vec<Run>, old: &[&str]) -> Vec<Run> {
    let last = runs.len().saturating_sub(1);
    let mut glued: Vec<Run> = Vec::new();
    for (at, mut run) in runs.into_iter().enumerate() {
        if at > 0 && at < last && run.is_slight(old) {
            run.same = false;
        }
        match glued.last_mut() {
            Some(before) if before.same == run.same => {
                before.old.end = run.old.end;
                before.new.end = run.new.end;
            }
            _ => glued.push(run),
        }
    }
    glued
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// `[-removed-]{+added+}`, as `git diff --word-diff` writes it.
    fn shown(old: &str, new: &str) -> String {
        let show = |piece: Piece| match piece {
            Piece::Same(words) => words,
            Piece::Removed(words) => format!("[-{words}-]"),
            Piece::Added(words) => format!("{{+{words}+}}"),
        };
        redline(old, new).into_iter().map(show).collect()
    }

    #[test]
    fn only_the_words_that_changed_are_marked() {
        assert_eq!(
            shown("90 days after the session ends", "30 days after the session ends"),
            "[-90-]{+30+} days after the session ends"
        );
        assert_eq!(shown("We keep it.", "We keep it."), "We keep it.");
        assert_eq!(shown("", "new"), "{+new+}");
        assert_eq!(shown("old", ""), "[-old-]");
        assert_eq!(shown("", ""), "");
        assert_eq!(
            shown("nobody reads it (`session.time`)", "nobody reads it (`session.server`)"),
            "nobody reads it (`[-session.time-]{+session.server+}`)"
        );
    }

    #[test]
    fn changes_with_one_unchanged_word_between_them_are_one() {
        assert_eq!(
            shown("We use it to determine if you are a spammer.", "We use it for anti-spam purposes."),
            "We use it [-to determine if you are a spammer-]{+for anti-spam purposes+}."
        );
    }

    proptest! {
        #[test]
        fn both_texts_can_be_read_off_the_pieces(old in "[a-c ,.]{0,40}", new in "[a-c ,.]{0,40}") {
            let pieces = redline(&old, &new);
            let text = |side: fn(&Piece) -> Option<&str>| pieces.iter().filter_map(side).collect::<String>();
            prop_assert_eq!(text(|piece| match piece {
                Piece::Same(words) | Piece::Removed(words) => Some(words),
                Piece::Added(_) => None,
            }), old);
            prop_assert_eq!(text(|piece| match piece {
                Piece::Same(words) | Piece::Added(words) => Some(words),
                Piece::Removed(_) => None,
            }), new);
        }
    }
}
