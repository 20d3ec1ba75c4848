//! What legal may change without changing a term, and what cannot be changed in silence.

use std::ops::Range;

use super::{LANTERN, NORTHGATE, reading};
use crate::{clause::State, term::Promise};

/// The promises of a text, which must have no problem.
fn promises(text: &str) -> Vec<(String, Promise)> {
    let reading = reading(text);
    assert!(reading.problems.is_empty(), "{:?}", reading.problems);
    reading.terms.into_iter().map(|term| (term.clause.to_string(), term.promise)).collect()
}

/// A text with some words replaced, which must be there.
fn edited(text: &str, edits: &[(&str, &str)]) -> String {
    edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert!(text.contains(from), "{from}");
        text.replace(from, to)
    })
}

fn aligned(text: &str) -> String {
    text.replace("| --- |", "| :---: |").replace(" | ", "   |   ")
}

fn without_outer_bars(text: &str) -> String {
    let line = |line: &str| line.trim_start_matches("| ").trim_end_matches(" |").to_owned();
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

fn wrapped(text: &str) -> String {
    let wrap = |line: &str| if line.starts_with('|') { line.to_owned() } else { line.replace(" you ", "\n  you ") };
    text.lines().map(wrap).collect::<Vec<_>>().join("\n")
}

#[test]
fn how_a_text_looks_does_not_change_its_terms() {
    for text in [NORTHGATE, LANTERN] {
        let before = promises(text);
        for same in [
            text.replace('\n', "\r\n"),
            format!("\u{feff}{text}"),
            text.replace("**", "__"),
            text.replace(".**", "**."),
            text.replace("\n- ", "\n* "),
            text.replace("\n\n", "\n\n\n"),
            text.replace("90 days", "90\u{a0}days"),
            aligned(text),
            without_outer_bars(text),
            wrapped(text),
            text.replace("\n- **", "\n\n- **"),
        ] {
            assert_eq!(promises(&same), before, "{same}");
        }
    }
}

#[test]
fn words_between_the_codes_are_free() {
    let reworded = edited(
        NORTHGATE,
        &[
            ("somebody who visits our website", "a visitor of our pages"),
            ("Your e-mail address (", "The address you write from ("),
            ("Until the account is deleted", "until the account is DELETED."),
            ("90 days after the session ends", "P90D after the session ends"),
            ("We give no personal data to anybody of our own accord", "Of our own accord we tell nobody anything"),
        ],
    );
    assert_eq!(promises(&reworded), promises(NORTHGATE));
}

#[test]
fn columns_may_stand_in_any_order_and_two_may_be_added() {
    let moved = |line: &str| {
        let mut cells: Vec<&str> = line.trim_matches('|').split('|').collect();
        let last = cells.pop().unwrap();
        cells.insert(1, last);
        format!("|{}|", cells.join("|"))
    };
    let line = |line: &str| match line {
        "| Ref | You may | How | Answered within |" => format!("{} Legal basis |", moved(line)),
        "| --- | --- | --- | --- |" => "| --- | --- | --- | --- | --- |".to_owned(),
        row if row.starts_with("| **U") => format!("{} GDPR Art. 17 |", moved(row)),
        other => other.to_owned(),
    };
    let text = LANTERN.lines().map(line).collect::<Vec<_>>().join("\n");
    assert!(text.contains("| Ref | Answered within | You may | How | Legal basis |"), "{text}");
    assert_eq!(promises(&text), promises(LANTERN));
}

#[test]
fn a_changed_code_period_or_letter_changes_a_term() {
    let before = promises(NORTHGATE);
    for (from, to) in [
        ("90 days", "180 days"),
        ("(`visitor.ip`)", "(`visitor.browser`)"),
        ("plan (`service.limit`)", "plan (`service.limit`, `marketing`)"),
        ("at least 1 day ahead", "at least 2 days ahead"),
        ("| In the app | 1 day |", "| In the app | 30 days |"),
        ("| Whatever of S1 to S8", "| Whatever of S1 to S7"),
        ("(`no-third-party-storage`)", "(`no-third-party-storage`: `identity`)"),
        ("| You give it |", "| Collected automatically |"),
    ] {
        assert_ne!(promises(&edited(NORTHGATE, &[(from, to)])), before, "{to}");
    }
}

#[test]
fn a_row_of_references_is_read_however_it_is_written() {
    for row in ["S1 TO S8", "S1 through S8", "S1\u{2014}S8"] {
        assert_eq!(promises(&edited(NORTHGATE, &[("S1 to S8", row)])), promises(NORTHGATE), "{row}");
    }
}

#[test]
fn a_number_where_no_clause_can_be_is_reported() {
    for (from, to, code) in [
        ("address of S1 (", "address of S99999 (", "no-such-clause"),
        ("address of S1 (", "address of S01 (", "no-such-clause"),
        ("below is a promise.", "below is a promise.\n**T7.** We encrypt (`tls`).", "number-inside"),
        ("below is a promise.", "below is a promise.\n| **S9** | we like you |", "broken-table"),
    ] {
        let codes: Vec<_> = reading(&edited(NORTHGATE, &[(from, to)])).problems.iter().map(|p| p.code).collect();
        assert_eq!(codes, [code], "{to}");
    }
}

#[test]
fn a_withdrawn_clause_keeps_its_number_and_says_nothing() {
    let text = edited(
        NORTHGATE,
        &[
            ("version: 1\neffective: on publication", "version: 4\neffective: 2027-01-01T00:00Z"),
            (
                "| **S3** | How much data you moved this month (`usage.month_total`) | To apply the limit of your plan (`service.limit`) | Collected automatically | Until the end of the calendar month (UTC) | Art. 6(1)(b) |",
                "| **S3** | *Withdrawn in version 4.* | | | | |",
            ),
            (
                "- **T1.** Payment pages and every connection to our website are encrypted (`tls`).",
                "- **T1.** *Withdrawn in version 4.*",
            ),
        ],
    );
    let policy = reading(&text).policy().unwrap();
    for number in ["S3", "T1"] {
        let clause = policy.clause(number.parse().unwrap()).unwrap();
        assert_eq!(clause.state, State::Withdrawn { version: 4 });
        assert!(policy.terms.iter().all(|term| term.clause != clause.id));
    }
}

#[test]
fn an_informative_section_needs_no_numbers_and_makes_no_promise() {
    let section = "## About us\n\nWe are three friends.\n\n- We like tea.\n\n### More\n\nSee S2.\n\n## Protection";
    let text = edited(
        NORTHGATE,
        &[("guarantee: published", "guarantee: published\ninformative: About us"), ("## Protection", section)],
    );
    assert_eq!(promises(&text), promises(NORTHGATE));
    let promising = edited(&text, &[("We like tea.", "We store tea.")]);
    assert_eq!(
        reading(&promising).problems.iter().map(|problem| problem.code).collect::<Vec<_>>(),
        ["promise-without-number"]
    );
    let pointing = edited(&text, &[("We like tea.", "We store addresses for 90 days (see S2).")]);
    assert_eq!(promises(&pointing), promises(NORTHGATE));
}

/// Where each part of the body between two marks stands, marks included.
fn parts(text: &str, open: &str, close: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut at = text.find("\n# ").unwrap();
    while let Some(start) = text[at..].find(open).map(|found| at + found) {
        let Some(end) = text[start + open.len()..].find(close).map(|found| start + open.len() + found) else { break };
        parts.push(start..end + close.len());
        at = end + close.len();
    }
    parts
}

/// Where each line of the body stands.
fn lines(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    let mut lines = Vec::new();
    for line in text.split_inclusive('\n') {
        lines.push(at..at + line.len());
        at += line.len();
    }
    lines.split_off(13)
}

/// What promises nothing, and the one code that says again what "of S1" said before it.
fn is_free(text: &str, part: &Range<usize>) -> bool {
    let words = text[part.clone()].trim();
    let twice = ["Your address of S1 (", "Your address of S3 ("];
    let free = ["#", "**G", "- **G", "Each numbered", "Clauses carry"];
    words.is_empty()
        || free.iter().any(|start| words.starts_with(start))
        || twice.iter().any(|before| text[..part.start].ends_with(before))
}

#[test]
fn no_code_no_number_no_cell_and_no_line_is_lost_in_silence() {
    for text in [NORTHGATE, LANTERN] {
        let before = promises(text);
        let codes = parts(text, "`", "`");
        let letters = codes.iter().flat_map(|code| [code.start + 1..code.start + 2, code.end - 2..code.end - 1]);
        let cells = parts(text, "| ", " |").into_iter().map(|cell| cell.start + 2..cell.end - 2);
        let numbers = parts(text, "**", "**").into_iter();
        let all = codes.iter().cloned().chain(letters).chain(cells).chain(numbers).chain(lines(text));
        let mut tried = 0;
        for part in all.filter(|part| !is_free(text, part)) {
            let lost = &text[part.clone()];
            let reading = reading(&format!("{}{}", &text[..part.start], &text[part.end..]));
            let after = reading.terms.iter().map(|term| (term.clause.to_string(), term.promise.clone()));
            let is_same = after.eq(before.iter().cloned());
            assert!(!reading.problems.is_empty() || !is_same, "{lost:?} is gone, and nobody noticed");
            tried += 1;
        }
        assert!(tried > 200, "{tried}");
    }
}
