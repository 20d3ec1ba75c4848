//! Numbers in free words that tell another length of time than the clause they name.

use super::{NORTHGATE, SMALL, problems};

const U1: &str = "When the 90 days of S2 are over";

/// What is said about Northgate when U1 has these words instead of its own; S2 is kept for 90 days.
#[track_caller]
fn northgate(words: &str) -> Vec<String> {
    assert!(NORTHGATE.contains(U1));
    problems(&NORTHGATE.replacen(U1, words, 1))
}

#[test]
fn words_that_tell_another_time_than_the_clause_they_name_are_seen() {
    for words in [
        "When the 60 days of S2 are over",
        "When the 60-day period of S2 is over",
        "When the 60\u{a0}days of S2 are over",
        "After 60 days after the session ends (see S2)",
        "After 3 months (S2)",
        "S2 (60 days)",
        "S2 keeps it for 60 days",
        "After 1 year, see S2,",
        "After the 60 days of S2 to S3",
    ] {
        let said = northgate(words);
        assert!(said.len() == 1 && said[0].contains("drifted-number?"), "{words}: {said:?}");
    }
}

#[test]
fn the_same_time_and_times_of_something_else_are_left_alone() {
    for words in [
        U1,
        "When the 2160 hours of S2 are over",
        "After 90 days after the session ends (see S2)",
        "S2 (90 days)",
        "Within 60 days we answer by e-mail. S2 is kept as it says",
        "We need 60 days to look, and S2 is what we look in",
        "The 60 days of T1",
        "The 60 days of L1",
        "The 90 days of S1 to S8",
        "S2 has 60 rows of days",
    ] {
        assert_eq!(northgate(words), [""; 0], "{words}");
    }
}

#[test]
fn the_row_and_the_words_are_both_shown() {
    let drifted = NORTHGATE.replacen("| 90 days after the session ends |", "| 60 days after the session ends |", 1);
    let line = |text: &str, words: &str| text.lines().position(|line| line.contains(words)).unwrap() + 1;
    let [said] = &problems(&drifted)[..] else { panic!("{:?}", problems(&drifted)) };
    let expected = format!(
        "{}:125 drifted-number?: `90 days`, says U1 of S2, which says `60 days after the session ends`; write what S2 says, \
         or point at it without a length of time <90 days> [{}:",
        line(NORTHGATE, U1),
        line(NORTHGATE, "**S2**")
    );
    assert!(
        said.starts_with(&expected) && said.ends_with("S2 says otherwise <60 days after the session ends>]"),
        "{said}"
    );
}

#[test]
fn rights_notices_and_the_opening_words_are_compared_too() {
    let small = |from: &str, to: &str| problems(&SMALL.replacen(from, to, 1));
    let is_drift = |said: Vec<String>| said.len() == 1 && said[0].contains("drifted-number?");
    assert!(is_drift(small("The sky is blue.", "The sky is blue for 2 days, see U1.")));
    assert!(is_drift(small("The sky is blue.", "The sky is blue for 2 days (see C1).")));
    assert_eq!(small("The sky is blue.", "The sky is blue for 1 day (see C1)."), [""; 0]);
    assert!(is_drift(small("An opening line.", "An opening line, for 2 days (see U1).")));
    // What is kept until an event has no number to repeat.
    assert!(is_drift(small("An opening line.", "An opening line, for 2 days (see S1).")));
}
