use std::collections::BTreeSet;

use super::*;
use crate::{
    reading::{Reading, read},
    retention::{self, Retention},
    source::Source,
    vocabulary::Vocabulary,
};

const VOCABULARY: &str = include_str!("../../../../policy-docs/vocabulary.md");
/// The same promises twice.
const ENGLISH: &str = include_str!("tests/en.md");
const GERMAN: &str = include_str!("tests/de.md");

fn reading(text: &str) -> Reading {
    read(Source::new("p", text), &Vocabulary::read(Source::new("vocabulary.md", VOCABULARY)).0)
}

fn problems(text: &str) -> Vec<String> {
    let say = |problem: &crate::problem::Problem| {
        format!("{}: {}; {}", problem.code, problem.message, problem.help.clone().unwrap_or_default())
    };
    reading(text).problems.iter().map(say).collect()
}

#[test]
fn a_tag_names_its_language_and_an_unknown_one_none() {
    for (tag, language) in [
        ("en", Some("en")),
        ("EN", Some("en")),
        ("en-GB", Some("en")),
        ("de-AT-1996", Some("de")),
        ("fr", None),
        ("english", None),
        ("", None),
        ("de-", None),
        ("de_AT", None),
    ] {
        assert_eq!(Language::of(tag).map(Language::tag), language, "{tag}");
    }
}

#[test]
fn no_table_has_a_gap_or_says_two_things_with_one_word() {
    for language in Language::ALL {
        let words = language.words();
        let distinct = |all: &[&str]| {
            assert!(all.iter().all(|one| !one.is_empty() && one.trim() == *one), "{language}: {all:?}");
            let lower: BTreeSet<String> = all.iter().map(|one| one.to_lowercase()).collect();
            assert_eq!(lower.len(), all.len(), "{language}: {all:?}");
        };
        distinct(&words.columns.map(|(_, name)| name));
        distinct(&words.origins.map(|(_, name)| name));
        distinct(&words.retention.units.map(|(_, one, _)| one));
        distinct(&words.retention.events.map(|(_, after, _)| after));
        distinct(&words.retention.events.map(|(_, _, until)| until));
        let anchors: Vec<Anchor> = words.retention.events.iter().map(|(anchor, ..)| *anchor).collect();
        assert_eq!(anchors, Anchor::ALL);
        for list in [
            words.negations,
            words.exceptions,
            words.softening,
            words.binding,
            words.unconditional,
            words.joints,
            words.triggers,
        ] {
            distinct(list);
            assert!(list.iter().all(|word| *word == word.to_lowercase()), "{language}: {list:?}");
        }
        assert!(words.strong_negations.iter().all(|word| words.negations.contains(word)));
        for (line, _) in words.lead_ins {
            assert!(line.ends_with(':') && *line == line.to_lowercase(), "{line}");
        }
    }
}

/// One retention of each kind, over every event and unit.
fn retentions() -> Vec<Retention> {
    let minutes = [1, 2, 60, 120, 24 * 60, 90 * 24 * 60].map(Period::Minutes);
    let months = [1, 3, 12, 24].map(Period::Months);
    let mut all = vec![Retention::NotStored, Retention::Memory { at_most: None }];
    all.push(Retention::MonthEnd { zone: "Europe/Nicosia".to_owned() });
    for period in minutes.into_iter().chain(months) {
        all.push(Retention::Memory { at_most: Some(period) });
        for anchor in Anchor::ALL {
            all.push(Retention::After { period, anchor });
            all.push(Retention::Law { law: "X".to_owned(), at_most: period, anchor });
        }
    }
    all.extend(Anchor::ALL.into_iter().skip(1).map(|anchor| Retention::Until { anchor }));
    let two = Retention::Earlier(Box::new(all[5].clone()), Box::new(Retention::Until { anchor: Anchor::Payment }));
    all.push(two);
    all
}

#[test]
fn every_phrase_reads_back_in_every_language() {
    for language in Language::ALL {
        for retention in retentions() {
            let phrase = retention.phrase_in(language);
            assert_eq!(retention::phrase_in(language, &phrase), Ok(retention), "{language}: {phrase}");
        }
    }
}

#[test]
fn a_german_policy_makes_the_same_promises_as_its_english_twin() {
    assert_eq!(problems(ENGLISH), [""; 0]);
    assert_eq!(problems(GERMAN), [""; 0]);
    let promises = |text| -> Vec<String> {
        let terms = reading(text).terms;
        // The words for a recipient and an occasion are free, so they alone differ.
        let plain = |term: crate::term::Term| {
            let mut promise = term.promise;
            if let crate::term::Promise::Share { recipient, when, .. } = &mut promise {
                (*recipient, *when) = (String::new(), String::new());
            }
            format!("{} {promise:?}", term.clause)
        };
        terms.into_iter().map(plain).collect()
    };
    assert_eq!(promises(GERMAN), promises(ENGLISH));
    assert!(promises(GERMAN).len() > 10);
    let policy = reading(GERMAN).policy().unwrap();
    assert_eq!(policy.header.language, Language::GERMAN);
}

#[test]
fn an_unknown_language_is_an_error_that_names_the_known_ones() {
    let text = GERMAN.replace("language: de", "language: fr");
    let expected =
        "unknown-language: no words are known for `fr`; the languages are: `en`, `de`; without this line it is `en`";
    assert!(problems(&text).iter().any(|one| one == expected), "{:#?}", problems(&text));
}

#[test]
fn a_mistake_in_german_is_answered_with_german_words() {
    for (from, to, expected) in [
        (
            "Bis zur Löschung des Kontos",
            "90 Tage",
            "from-when: `90 Tage`: counted from when?; say from when, such as `90 Tage nach dem Ende der Sitzung`",
        ),
        (
            "Bis zur Löschung des Kontos",
            "unbegrenzt",
            "no-limit: `unbegrenzt` sets no limit; write a phrase such as `90 Tage nach dem Ende der Sitzung` or `bis zur Löschung des Kontos`",
        ),
        (
            "Bis zur Löschung des Kontos",
            "Until the account is deleted",
            "unknown-phrase: `Until the account is deleted` is not a phrase that can be enforced; write a phrase such as `90 Tage nach dem Ende der Sitzung` or `bis zur Löschung des Kontos`",
        ),
        ("| Von Ihnen |", "| Von Ihen |", "unknown-origin: unknown origin `Von Ihen`; did you mean `Von Ihnen`?"),
        ("mindestens 1 Tag im Voraus", "rechtzeitig", "no-lead: how long ahead?; write `mindestens 1 Tag im Voraus`"),
        ("| Wie lange |", "| Wie lang |", "unknown-column: unknown column `Wie lang`; did you mean `Wie lange`?"),
        (
            ", außer `account.email`",
            ", except `account.email`",
            "words-among-codes: `, except` among codes means nothing; between codes there are only commas, `außer` before exceptions, and `:` between a measure and its data",
        ),
        (
            "Der Himmel ist blau.",
            "Wir löschen alles.",
            "promise-in-general: `löschen` sounds like a promise, and G1 promises nothing; give the clause the letter of what it promises, or point at the clause that does: `(see S2)`",
        ),
        (
            "Jeder Absatz hat eine Nummer.",
            "Wir bewahren 3 Tage auf.",
            "promise-without-number: `Tage` makes a promise in text that promises nothing; say it in a numbered clause, and point at that here: `(see S2)`",
        ),
    ] {
        assert!(GERMAN.contains(from), "{from}");
        let said = problems(&GERMAN.replacen(from, to, 1));
        assert!(said.iter().any(|one| one == expected), "{from} -> {to}: {said:#?}");
    }
}

#[test]
fn a_length_of_time_beside_a_clause_is_read_in_the_language() {
    let said = |words: &str| problems(&GERMAN.replacen("Verkehr des Monats", words, 1));
    assert_eq!(said("Verkehr des Monats, mit dem 1 Tag aus U1"), [""; 0]);
    let drifted = said("Verkehr des Monats, mit den 2 Tagen aus U1");
    assert!(drifted.len() == 1 && drifted[0].starts_with("drifted-number: `2 Tagen`"), "{drifted:?}");
}
