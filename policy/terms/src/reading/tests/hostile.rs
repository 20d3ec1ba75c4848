//! Texts that mean harm, and texts that are none.

#![expect(clippy::disallowed_types, reason = "a test of how long reading takes has to look at a clock")]

use std::time::{Duration, Instant};

use super::{SMALL, problems, reading};

/// The small policy with one edit has exactly one problem, of this code.
#[track_caller]
fn refused(from: &str, to: &str, code: &str) {
    assert_eq!(SMALL.matches(from).count(), 1, "`{from}` once");
    let reading = reading(&SMALL.replacen(from, to, 1));
    let codes: Vec<_> = reading.problems.iter().map(|problem| problem.code).collect();
    assert!(reading.has_errors() && codes.contains(&code), "{to:?}: {codes:?}");
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    assert_eq!(problems(&format!("\u{feff}{SMALL}")), [""; 0]);
    refused("# Small", "# Sm\u{feff}all", "invisible");
}

#[test]
fn a_character_that_turns_the_direction_is_refused_wherever_it_stands() {
    for turn in ['\u{202e}', '\u{2066}', '\u{200f}'] {
        refused("The sky is", &format!("The{turn} sky is"), "invisible");
        refused("controller: Small", &format!("controller: S{turn}mall"), "invisible");
        refused("`account.email`) | (", &format!("`account.{turn}email`) | ("), "invisible");
        refused(
            "| --- | --- | --- | --- |\n| **U1**",
            &format!("| --- | --- | --- | --- |{turn}\n| **U1**"),
            "invisible",
        );
    }
    refused("The sky is", "The &#8238; sky is", "invisible");
}

#[test]
fn a_zero_byte_is_refused_wherever_it_stands() {
    refused("The sky is", "The\0 sky is", "invisible");
    refused("controller: Small", "controller: S\0mall", "invisible");
}

#[test]
fn a_letter_that_looks_like_another_is_refused_in_a_code() {
    // The first letter is Cyrillic.
    refused("`\u{61}ccount.email`) | (", "`\u{430}ccount.email`) | (", "look-alike");
    let said = problems(&SMALL.replace("`account.email`) | (", "`\u{430}ccount.email`) | ("));
    assert!(said.iter().any(|one| one.contains("U+0430") && one.contains("did you mean `account.email`?")), "{said:?}");
    refused("**S1**", "**\u{405}1**", "bad-clause-number");
    refused("policy: small", "policy: sm\u{430}ll", "bad-policy");
    refused("home: CH", "hom\u{435}: CH", "unknown-key");
}

#[test]
fn an_impossible_time_is_refused() {
    for time in [
        "2026-02-30T09:30Z",
        "2026-13-01T09:30Z",
        "2026-12-01T24:01Z",
        "2026-12-01T09:60Z",
        "0000-01-01T00:00Z",
        "9999-12-31T23:59Z",
        "-0001-01-01T00:00Z",
        "1969-12-31T23:59Z",
        "3000-01-01T00:00Z",
    ] {
        refused("2026-12-01T09:30Z", time, "bad-effective");
    }
    refused("Until the account is deleted", "2000 years after the payment", "bad-period");
    refused("home: CH", "home: CH\nzone: Europe/Atlantis", "bad-zone");
    refused("home: CH", "home: CH\nhome: CH", "duplicate-key");
}

#[test]
fn an_empty_text_is_refused() {
    for text in ["", "\n", "\u{feff}", "---", "---\n---\n"] {
        assert!(reading(text).has_errors(), "{text:?}");
    }
}

#[test]
fn ten_thousand_levels_are_read_in_linear_time() {
    for level in ["- ", "> ", "1. ", "[", "**", "("] {
        let time = |depth: usize| {
            let text = format!("{SMALL}\n{}words\n", level.repeat(depth));
            let started = Instant::now();
            assert!(reading(&text).clauses.len() >= 8);
            started.elapsed()
        };
        time(10);
        let (one, ten) = (time(1_000), time(10_000));
        // Ten times the text may take ten times as long, and as much again on a busy machine.
        assert!(ten < one * 40 + Duration::from_millis(500), "{level}: {one:?}, then {ten:?}");
    }
}
