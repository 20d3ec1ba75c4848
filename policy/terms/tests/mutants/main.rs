//! Mutants of both policies: what changes only how a text looks changes no promise, and what changes a promise is seen.
//!
//! Every mutant is made from a seed and so is the same on every machine. One that nobody notices fails with its diff.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test that meets what it does not expect must fail"
)]

mod dice;
mod looks;
mod meaning;
mod text;

use std::{collections::BTreeMap, sync::LazyLock};

use avow_terms::{
    diff::{Class, diff},
    policy::Policy,
    reading::{Reading, read},
    source::Source,
    vocabulary::Vocabulary,
};

use self::{dice::Dice, text::Text};

const NORTHGATE: &str = include_str!("../../../../policy-docs/northgate/privacy.md");
const LANTERN: &str = include_str!("../../../../policy-docs/lantern/privacy.md");

static VOCABULARY: LazyLock<Vocabulary> = LazyLock::new(|| {
    let text = include_str!("../../../../policy-docs/vocabulary.md");
    let (vocabulary, problems) = Vocabulary::read(Source::new("vocabulary.md", text));
    assert_eq!(problems, []);
    vocabulary
});

/// Makes a mutant of a text, if chance finds a place for one.
type Mutate = fn(&Text, &mut Dice) -> Option<String>;

/// Different mutants of each kind, for each of the two policies.
const EACH: usize = 25;
/// At least so many of each kind for both: fifteen kinds make more than five hundred.
const ENOUGH: usize = 40;
/// Dice thrown for one mutant before the kind counts as used up.
const THROWS: usize = 400;

fn reading(text: &str) -> Reading {
    read(Source::new("privacy.md", text), &VOCABULARY)
}

fn policy(text: &str) -> Policy {
    reading(text).policy().unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// The promises as bytes, without the places they stand at, in the order of the clauses.
fn promises(reading: &Reading) -> Vec<String> {
    let line = |term: &avow_terms::term::Term| serde_json::to_string(&(term.clause, &term.promise)).unwrap();
    let mut promises: Vec<(String, String)> =
        reading.terms.iter().map(|term| (term.clause.to_string(), line(term))).collect();
    // A section that moved takes its clauses along; within a clause the order stays.
    promises.sort_by(|one, other| one.0.cmp(&other.0));
    promises.into_iter().map(|(_, line)| line).collect()
}

/// What is different, as `diff -u` shows it.
fn shown(before: &str, after: &str) -> String {
    let diff = similar::TextDiff::from_lines(before, after);
    diff.unified_diff().context_radius(0).to_string()
}

/// The mutants of a kind, of both policies, each different from all others.
fn mutants(mutate: Mutate, mut look: impl FnMut(&str, &str)) -> usize {
    let mut made = 0;
    for (seed, original) in [NORTHGATE, LANTERN].into_iter().enumerate() {
        let text = Text::new(original);
        let mut dice = Dice::new(seed);
        let mut seen = std::collections::BTreeSet::new();
        let mut throws = 0;
        while seen.len() < EACH && throws < THROWS {
            throws += 1;
            if let Some(mutant) = mutate(&text, &mut dice).filter(|mutant| mutant != original)
                && seen.insert(mutant.clone())
            {
                look(original, &mutant);
            }
        }
        made += seen.len();
    }
    assert!(made >= ENOUGH, "only {made} mutants");
    made
}

/// What only looks different: the same promises byte for byte, no new problem, and no change heavier than `heaviest`.
fn looks_different(mutate: Mutate, heaviest: Class) {
    let originals: BTreeMap<&str, (Policy, Vec<String>)> =
        [NORTHGATE, LANTERN].map(|text| (text, (policy(text), promises(&reading(text))))).into();
    let made = mutants(mutate, |original, mutant| {
        let (before, promised) = &originals[original];
        let after = reading(mutant);
        assert_eq!(after.problems, [], "a new problem\n{}", shown(original, mutant));
        assert_eq!(&promises(&after), promised, "another promise\n{}", shown(original, mutant));
        let changes = diff(before, &VOCABULARY, &after.policy().unwrap(), &VOCABULARY);
        assert!(changes.class() <= heaviest, "{changes:#?}\n{}", shown(original, mutant));
    });
    println!("{made} mutants");
}

/// What means something else: an error, or a change that is more than other words for the same.
fn means_something_else(mutate: Mutate) {
    let originals: BTreeMap<&str, (Policy, Vec<String>)> =
        [NORTHGATE, LANTERN].map(|text| (text, (policy(text), promises(&reading(text))))).into();
    let mut unnoticed = Vec::new();
    let made = mutants(mutate, |original, mutant| {
        let (before, promised) = &originals[original];
        let after = reading(mutant);
        let has_changed = promises(&after) != *promised;
        let is_noticed = after.policy().map_or(true, |after| {
            has_changed && diff(before, &VOCABULARY, &after, &VOCABULARY).class() > Class::Editorial
        });
        if !is_noticed {
            unnoticed.push(shown(original, mutant));
        }
    });
    assert!(unnoticed.is_empty(), "nobody noticed {} of {made}\n{}", unnoticed.len(), unnoticed.join("\n"));
    println!("{made} mutants");
}

#[test]
fn lines_of_prose_may_break_anywhere() {
    looks_different(looks::wrapped, Class::Same);
}

#[test]
fn numbers_may_be_bold_in_any_style() {
    looks_different(looks::bold, Class::Same);
}

#[test]
fn tables_may_be_aligned_and_padded() {
    looks_different(looks::aligned, Class::Same);
}

#[test]
fn lines_may_end_as_windows_ends_them() {
    looks_different(looks::line_ends, Class::Same);
}

#[test]
fn case_does_not_matter_in_phrases_and_free_words() {
    looks_different(looks::case, Class::Neutral);
}

#[test]
fn free_words_may_be_reworded() {
    looks_different(looks::reworded, Class::Neutral);
}

#[test]
fn sections_items_rows_and_columns_may_move() {
    looks_different(looks::moved, Class::Neutral);
}

#[test]
fn another_number_is_noticed() {
    means_something_else(meaning::number);
}

#[test]
fn another_unit_is_noticed() {
    means_something_else(meaning::unit);
}

#[test]
fn another_event_is_noticed() {
    means_something_else(meaning::anchor);
}

#[test]
fn another_code_is_noticed() {
    means_something_else(meaning::code);
}

#[test]
fn an_exception_is_noticed() {
    means_something_else(meaning::exception);
}

#[test]
fn a_clause_less_is_noticed() {
    means_something_else(meaning::removed);
}

#[test]
fn a_broken_table_is_noticed() {
    means_something_else(meaning::broken_table);
}

#[test]
fn a_sentence_without_a_number_is_noticed() {
    means_something_else(meaning::unnumbered);
}
