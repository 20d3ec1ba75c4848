//! Two policies as operators really published them, told again in the language with every tension left in: what the
//! reader finds in them, and which two places it names.

use avow_terms::{
    problem::{Problem, Severity},
    reading::{self, Reading},
    source::{Source, Span},
    vocabulary::Vocabulary,
};

const VOCABULARY: &str = include_str!("../../../policy-docs/vocabulary.md");

/// The problems of a text as a table: code, the clause it is about, the clause beside it; `?` marks a warning.
fn found(name: &str, text: &str) -> String {
    let vocabulary = Vocabulary::read(Source::new("vocabulary.md", VOCABULARY)).0;
    let reading = reading::read(Source::new(name, text), &vocabulary);
    assert!(reading.has_errors(), "a text with these tensions makes no policy");
    reading.problems.iter().map(|problem| line(&reading, problem)).collect()
}

fn line(reading: &Reading, problem: &Problem) -> String {
    let mark = if problem.severity == Severity::Warning { "?" } else { "" };
    let code = format!("{}{mark}", problem.code);
    let here = clause(reading, problem.place.span);
    let words = problem.place.source.words(problem.place.span);
    let there: Vec<String> = problem.related.iter().map(|(place, _)| clause(reading, place.span)).collect();
    let words = if here == "top" { problem.message.as_str() } else { words };
    format!("{code:24} {here:6} {:6} {words}\n", if there.is_empty() { "-".to_owned() } else { there.join(" ") })
}

/// The clause at a place; `top` before the first heading, `text` where no clause stands.
fn clause(reading: &Reading, place: Span) -> String {
    let clause = reading.clauses.iter().find(|clause| clause.span.start <= place.start && place.end <= clause.span.end);
    let is_top = reading.source.text.find("\n# ").is_some_and(|title| place.start < title);
    clause.map_or_else(|| if is_top { "top" } else { "text" }.to_owned(), |clause| clause.id.to_string())
}

#[test]
fn every_tension_of_the_first_policy_is_found() {
    insta::assert_snapshot!(found("cloudvpn.md", include_str!("seeds/cloudvpn.md")), @"");
}

#[test]
fn every_tension_of_the_second_policy_is_found() {
    insta::assert_snapshot!(found("cargo-vpn.md", include_str!("seeds/cargo-vpn.md")), @"");
}
