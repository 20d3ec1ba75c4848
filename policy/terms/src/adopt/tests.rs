//! Nothing of an old text is lost, and nothing of a draft is accepted before somebody decided.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::{
    problem::Problem,
    reading::{OPEN_DECISION, read},
    vocabulary::Kind,
};

const HARBOUR: &str = include_str!("tests/harbour.md");
const QUAY: &str = include_str!("tests/quay.txt");

fn vocabulary() -> Vocabulary {
    let text = include_str!("../../../../policy-docs/vocabulary.md");
    Vocabulary::read(Source::new("vocabulary.md", text)).0
}

fn draft(name: &str, text: &str) -> Draft {
    thread_local! { static VOCABULARY: Vocabulary = vocabulary(); }
    VOCABULARY.with(|vocabulary| adopt(&Source::new(name, text), vocabulary))
}

fn problems(text: &str) -> Vec<Problem> {
    read(Source::new("d", text), &vocabulary()).problems
}

/// Each sentence on a line: where it begins, its number, its guessed codes, `!` if it promises, and how it begins.
fn guesses(draft: &Draft) -> Vec<String> {
    let line = |sentence: &Sentence| {
        let codes: Vec<&str> = sentence.codes.iter().map(Code::as_str).collect();
        let mark = if sentence.promises { "!" } else { "" };
        let words: Vec<&str> = sentence.words.split(' ').take(5).collect();
        format!("{} {}{mark} [{}] {}", sentence.line, sentence.number, codes.join(" "), words.join(" "))
    };
    draft.sentences.iter().map(line).collect()
}

/// The words of a text, without marks.
fn words(text: &str) -> Vec<&str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect()
}

/// The first word of the old text that is not in the draft where it belongs.
fn lost<'t>(old: &'t str, draft: &str) -> Option<&'t str> {
    let carried = words(draft);
    let mut carried = carried.iter();
    words(old).into_iter().find(|word| !carried.any(|other| other == word))
}

#[test]
fn a_policy_in_markdown_is_carried_over_sentence_by_sentence() {
    let guesses = guesses(&draft("harbour.md", HARBOUR)).join("\n");
    assert_eq!(guesses, include_str!("tests/harbour.guesses").trim_end());
}

#[test]
fn a_policy_in_plain_text_is_carried_over_sentence_by_sentence() {
    let draft = draft("quay.txt", QUAY);
    assert_eq!(
        guesses(&draft),
        [
            "5 S?1! [account.email account.username account.password] Quay Software collects some data",
            "6 G?2 [] It is used to let",
            "8 N?3! [session.date session.bytes traffic] Quay Software does NOT log",
            "9 S?4! [account.device_count] The number of connected devices",
            "12 S?5! [diagnostics.attempt] If you agree, we collect:",
            "13 G?6 [] This helps us to improve",
            "17 U?7! [deactivate] You may deactivate your account.",
            "18 U?8! [opt-out] You can unsubscribe from our",
            "20 N?9! [child] We do not knowingly collect",
            "22 C?10! [] Quay Software may change this",
            "22 G?11! [account.email] You will be informed by"
        ]
    );
    let headings: Vec<_> = draft.headings.iter().map(|heading| (heading.line, heading.words.as_str())).collect();
    assert_eq!(headings, [(1, "Quay VPN Privacy Policy"), (3, "Personal information"), (15, "Your choices")]);
}

#[test]
fn the_draft_of_a_policy_in_plain_text_reads_like_this() {
    assert_eq!(draft("texts/quay.txt", QUAY).text, include_str!("tests/quay.avow.md"));
}

#[test]
fn every_decision_of_a_draft_is_reported_once_and_nothing_else() {
    for (name, text) in [("harbour.md", HARBOUR), ("quay.txt", QUAY)] {
        let draft = draft(name, text);
        let problems = problems(&draft.text);
        let codes: BTreeSet<&str> = problems.iter().map(|problem| problem.code).collect();
        assert_eq!(codes, BTreeSet::from([OPEN_DECISION]), "{problems:#?}");
        let at: Vec<&str> = problems.iter().map(|problem| problem.place.source.words(problem.place.span)).collect();
        let contact = if name == "harbour.md" { "privacy@harbour.example?" } else { "where to ask?" };
        let expected: Vec<&str> = ["who?", contact, "which country?", "published?"]
            .into_iter()
            .chain(draft.sentences.iter().map(|sentence| sentence.number.as_str()))
            .collect();
        assert_eq!(at, expected);
        let numbers: BTreeSet<&str> =
            draft.sentences.iter().map(|sentence| sentence.number.split('?').nth(1).unwrap()).collect();
        assert_eq!(
            numbers.len(),
            draft.sentences.len(),
            "a number belongs to one sentence, whatever its letter becomes"
        );
    }
}

#[test]
fn a_code_stays_open_after_its_number_is_decided() {
    let text = draft("harbour.md", HARBOUR).text.replace("**N?6.**", "**N6.**");
    let problems = problems(&text);
    let code = problems.iter().find(|problem| problem.message == "`visitor.ip?` is open").unwrap();
    assert_eq!((code.code, code.place.source.words(code.place.span)), (OPEN_DECISION, "visitor.ip?"));
}

#[test]
fn a_draft_is_a_policy_once_everything_is_decided() {
    let draft = draft("quay.txt", QUAY);
    let mut text = draft.text.replace("who?", "Quay Software").replace("where to ask?", "privacy@quay.example");
    text = text.replace("which country?", "CY").replace("published?", "published");
    for sentence in &draft.sentences {
        let decided = format!("G{}", sentence.number.split('?').nth(1).unwrap());
        text = text.replace(&format!("**{}.**", sentence.number), &format!("**{decided}.**"));
    }
    for code in vocabulary().codes(Kind::Data).chain(vocabulary().codes(Kind::Right)) {
        text = text.replace(&format!("`{code}?`"), code.as_str());
    }
    let reading = read(Source::new("d", text.replace("`notice?`", "notice")), &vocabulary());
    assert!(!reading.has_errors(), "{:#?}", reading.problems);
    assert_eq!(reading.clauses.len(), draft.sentences.len());
}

#[test]
fn whatever_a_viewer_would_hide_is_in_the_draft() {
    let old = "---\nlayout: page\n---\n\n# T\n\n<!-- We sell it. -->\n\n[//]: # (We log it.)\n\n<b>We</b> keep `it`.\n\n\
               | a | b |\n| - | - |\n| c | d | too many |\n\n```rust\n# not a heading\n```\n\nTitle\n-----\n\n1) one\n";
    let draft = draft("old.md", old);
    assert_eq!(lost(old, &draft.text), None, "{}", draft.text);
    assert!(draft.text.contains("&lt;!-- We sell it."), "{}", draft.text);
    assert!(draft.text.contains("\n## Title\n") && draft.text.contains("- **G?"), "{}", draft.text);
    assert!(!problems(&draft.text).iter().any(|problem| problem.code == "raw-html"), "{}", draft.text);
}

#[test]
fn sentences_end_where_a_reader_would_end_them() {
    let split = |text: &str| -> Vec<String> { draft("t.md", text).sentences.into_iter().map(|s| s.words).collect() };
    assert_eq!(
        split("We log it, e.g. Your name. Not more! Why? \"Law.\" And i.e. so."),
        ["We log it, e.g. Your name.", "Not more!", "Why?", "\"Law.\"", "And i.e. so."]
    );
    assert_eq!(
        split("2. See 2.1. Then AES 256. Logs of v1.2 stay"),
        ["2. See 2.1. Then AES 256.", "Logs of v1.2 stay"]
    );
}

#[test]
fn every_code_that_is_guessed_is_in_the_vocabulary() {
    for code in codes::every() {
        assert!(vocabulary().entry(&Code::new(code).unwrap()).is_some(), "{code}");
    }
}

#[test]
fn a_promise_in_a_heading_is_told() {
    let draft = draft("t.md", "# We never log you\n\n## About\n\nHello there.");
    let told: Vec<_> = draft.headings.iter().map(|heading| (heading.line, heading.promises)).collect();
    assert_eq!(told, [(1, true), (3, false)]);
}

/// Bits of old texts, put together at random.
fn any_old_text() -> impl Strategy<Value = String> {
    let bits = vec![
        "We keep your e-mail address. ",
        "We never log you",
        "\n",
        "\n\n",
        "- ",
        "* ",
        "1. ",
        "# ",
        "## Title\n",
        "===\n",
        "---\n",
        "| a | b |\n",
        "| --- | --- |\n",
        "\\|",
        "`code` ",
        "**bold** ",
        "<b>",
        "<!-- hidden -->",
        "[x]: http://y ",
        "[^1]: note ",
        "> ",
        "```\n",
        "    ",
        "é 中文 ",
        "\r\n",
        "\r",
        "\u{200b}",
        "90 days",
        "key: value\n",
        "S1? ",
        "**S?1.** ",
        "`account.email?` ",
        "• ",
        "![alt](src) ",
        "&nbsp;",
        "\\",
        "_",
        "*",
        "(a) ",
    ];
    proptest::collection::vec(proptest::sample::select(bits), 0..40).prop_map(|bits| bits.concat())
}

/// Every word is carried, in order; every sentence is reported as open; nothing passes for a policy.
fn check(old: &str) -> Result<(), TestCaseError> {
    let draft = draft("old.md", old);
    prop_assert_eq!(lost(old, &draft.text), None, "{}", draft.text);
    let problems = problems(&draft.text);
    for sentence in &draft.sentences {
        let is_told = |problem: &Problem| {
            problem.code == OPEN_DECISION && problem.place.source.words(problem.place.span) == sentence.number
        };
        prop_assert!(problems.iter().any(is_told), "{} in\n{}", sentence.number, draft.text);
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_word_of_any_text_is_lost(old in "\\PC*") {
        check(&old)?;
    }

    #[test]
    fn no_word_of_any_heap_of_marks_is_lost(old in any_old_text()) {
        check(&old)?;
    }

    #[test]
    fn no_word_of_a_damaged_policy_is_lost(at in any::<proptest::sample::Index>(), put in any_old_text(), plain in any::<bool>()) {
        let mut chars: Vec<char> = if plain { QUAY } else { HARBOUR }.chars().collect();
        let at = at.index(chars.len());
        chars.splice(at..at, put.chars());
        check(&chars.into_iter().collect::<String>())?;
    }
}
