//! What reading makes of our policies, of every kind of mistake, and of any text at all.

use super::*;

mod any_text;
mod drift;
mod edits;
mod hostile;
mod law;
mod mistakes;

const VOCABULARY: &str = include_str!("../../../../policy-docs/vocabulary.md");
const NORTHGATE: &str = include_str!("../../../../policy-docs/northgate/privacy.md");
const LANTERN: &str = include_str!("../../../../policy-docs/lantern/privacy.md");
const SMALL: &str = include_str!("tests/small.md");

fn vocabulary() -> Vocabulary {
    Vocabulary::read(Source::new("vocabulary.md", VOCABULARY)).0
}

fn reading(text: &str) -> Reading {
    read(Source::new("p", text), &vocabulary())
}

/// The problems of a text, one a line: `line:column code: message; help <words underlined> [related place]`, a
/// `?` for a warning.
fn problems(text: &str) -> Vec<String> {
    let say = |problem: &Problem| {
        let at = problem.place.location();
        let words = problem.place.source.words(problem.place.span);
        let help = problem.help.as_deref().unwrap_or("-");
        let mark = if problem.severity == Severity::Warning { "?" } else { "" };
        let related = problem.related.iter().map(|(place, remark)| {
            format!(" [{} {remark} <{}>]", place.location().trim_start_matches("p:"), place.source.words(place.span))
        });
        let related: String = related.collect();
        format!(
            "{} {}{mark}: {}; {help} <{words}>{related}",
            at.trim_start_matches("p:"),
            problem.code,
            problem.message
        )
    };
    reading(text).problems.iter().map(say).collect()
}

#[test]
fn both_policies_are_clean() {
    for text in [NORTHGATE, LANTERN, SMALL] {
        assert_eq!(problems(text), [""; 0]);
        assert!(reading(text).policy().is_ok());
    }
}

#[test]
fn the_policy_in_the_guide_for_legal_is_clean() {
    let guide = include_str!("../../../../policy-docs/README.md");
    let (_, rest) = guide.split_once("```markdown\n").unwrap();
    let (text, _) = rest.split_once("```").unwrap();
    assert_eq!(problems(text), [""; 0]);
}

#[test]
fn the_guide_for_legal_names_every_event_and_column() {
    let guide = include_str!("../../../../policy-docs/README.md");
    for anchor in crate::retention::Anchor::ALL {
        assert!(guide.contains(anchor.phrase()), "{}", anchor.phrase());
    }
    for (_, column) in crate::language::Language::ENGLISH.words().columns {
        assert!(guide.contains(column), "{column}");
    }
    for key in front_matter::KEYS {
        assert!(guide.contains(&format!("`{key}`")), "{key}");
    }
}
