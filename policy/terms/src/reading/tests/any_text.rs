//! Reading never panics and never points outside the text, whatever the text.

use proptest::prelude::*;

use super::{LANTERN, NORTHGATE, SMALL, vocabulary};
use crate::{
    clause::{Letter, State},
    problem::Problem,
    reading::{Reading, read},
    source::{Source, Span},
    vocabulary::Vocabulary,
};

const SNIPPETS: [&str; 24] = [
    "**",
    "|",
    "`",
    "`identity`",
    "(",
    ")",
    "\n",
    "\n\n",
    "- ",
    "---",
    "\n| --- |\n",
    "**S2**",
    "S1 to S8",
    "[^1]",
    "<b>",
    "<!--",
    "\u{e9}\u{1f600}",
    "&nbsp;",
    "\\|",
    "\r",
    "\0",
    "# ",
    "> ",
    "```\n",
];

fn check_span(text: &str, span: Span) -> Result<(), TestCaseError> {
    prop_assert!(text.get(span.range()).is_some(), "{span:?} of {} bytes", text.len());
    Ok(())
}

fn check_problem(problem: &Problem) -> Result<(), TestCaseError> {
    for place in problem.related.iter().map(|(place, _)| place).chain([&problem.place]) {
        check_span(&place.source.text, place.span)?;
    }
    prop_assert!(problem.code.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'));
    prop_assert!(!problem.message.is_empty() && problem.help.as_deref().is_some_and(|help| !help.is_empty()));
    Ok(())
}

fn check(text: &str) -> Result<Reading, TestCaseError> {
    thread_local! { static VOCABULARY: Vocabulary = vocabulary(); }
    let reading = VOCABULARY.with(|vocabulary| read(Source::new("p", text), vocabulary));
    reading.problems.iter().try_for_each(check_problem)?;
    reading.clauses.iter().try_for_each(|clause| check_span(text, clause.span))?;
    reading.terms.iter().try_for_each(|term| check_span(text, term.said_at))?;
    for clause in &reading.clauses {
        prop_assert!(!clause.words.contains('\n'));
    }
    for clause in reading.clauses.iter().filter(|clause| clause.state == State::Active && !reading.has_errors()) {
        let has_term = reading.terms.iter().any(|term| term.clause == clause.id);
        prop_assert!(has_term || clause.id.letter == Letter::G, "{} says nothing, and nobody noticed", clause.id);
    }
    let is_policy = reading.clone().policy().is_ok();
    prop_assert_eq!(is_policy, !reading.has_errors(), "a text makes a policy unless it has an error");
    Ok(reading)
}

/// One of our texts with a part taken out and something put in its place.
fn mutated() -> impl Strategy<Value = String> {
    let texts = proptest::sample::select(vec![NORTHGATE, LANTERN, SMALL]);
    let snippets = proptest::collection::vec(proptest::sample::select(SNIPPETS.to_vec()), 0..3);
    let edit = (any::<proptest::sample::Index>(), 0..60_usize, snippets);
    (texts, proptest::collection::vec(edit, 1..4)).prop_map(|(text, edits)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (at, length, put) in edits {
            let at = at.index(chars.len());
            let end = (at + length).min(chars.len());
            chars.splice(at..end, put.concat().chars());
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_text_is_read(text in "\\PC*") {
        check(&text)?;
    }

    #[test]
    fn any_heap_of_marks_is_read(parts in proptest::collection::vec(proptest::sample::select(SNIPPETS.to_vec()), 0..40)) {
        check(&parts.concat())?;
        check(&format!("---\npolicy: a\n---\n# A\n\n{}", parts.concat()))?;
    }

    #[test]
    fn a_damaged_policy_is_read(text in mutated()) {
        check(&text)?;
    }

    #[test]
    fn a_damaged_vocabulary_is_read(at in any::<proptest::sample::Index>(), put in proptest::sample::select(SNIPPETS.to_vec())) {
        let mut chars: Vec<char> = super::VOCABULARY.chars().collect();
        let at = at.index(chars.len());
        chars.splice(at..(at + 3).min(chars.len()), put.chars());
        let text: String = chars.into_iter().collect();
        let (_, problems) = Vocabulary::read(Source::new("v", text));
        problems.iter().try_for_each(check_problem)?;
    }

    #[test]
    fn an_unnumbered_paragraph_is_an_error_whatever_it_says(words in "[a-z ]{1,40}[a-z]", line in 0..60_usize) {
        let lines: Vec<&str> = NORTHGATE.lines().collect();
        let blank: Vec<usize> = (13..lines.len()).filter(|at| lines[*at].is_empty()).collect();
        let at = blank[line % blank.len()];
        let text = [&lines[..at], &["", words.trim_start(), ""], &lines[at..]].concat().join("\n");
        prop_assert!(check(&text)?.has_errors(), "{text}");
    }
}
