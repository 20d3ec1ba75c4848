//! Each row of the language's table of contradictions, with the real policies.

use proptest::prelude::*;

use super::*;
use crate::diff::texts::{Edit, LANTERN, NORTHGATE, published, published_with, version, version_with, vocabulary};

/// Northgate promises `published`, Lantern `data`.
const ACCOUNT: Edit<'static> = ("guarantee: data", "guarantee: account");
const PUBLISHED: Edit<'static> = ("guarantee: data", "guarantee: published");
const KEPT: &str = "Collected automatically | 90 days after the session ends";

fn days(days: u32) -> String {
    format!("Collected automatically | {days} days after the session ends")
}

/// What contradicts, one line for each: `S2 code: message <the candidate's words> remark <the earlier words>`.
fn found(problems: &[Problem]) -> Vec<String> {
    let words = |place: &Place| place.source.words(place.span).to_owned();
    let line = |problem: &Problem| {
        let related = problem.related.iter().map(|(place, remark)| format!(" {remark} <{}>", words(place)));
        format!("{}: {} <{}>{}", problem.code, problem.message, words(&problem.place), related.collect::<String>())
    };
    problems.iter().map(line).collect()
}

fn against(text: &str, then: &[Edit<'_>], now: &[Edit<'_>]) -> Vec<Problem> {
    let earlier = [published(version(text, 1, then))];
    contradictions(&version(text, 2, now), &vocabulary(&[]), &earlier)
}

/// The codes of the contradictions.
fn codes(text: &str, then: &[Edit<'_>], now: &[Edit<'_>]) -> Vec<&'static str> {
    against(text, then, now).iter().map(|problem| problem.code).collect()
}

/// The same change to Lantern, under each guarantee.
#[track_caller]
fn check_levels(now: &[Edit<'_>], data: &[&str], account: &[&str], all: &[&str]) {
    assert_eq!(codes(LANTERN, &[], now), data, "data: {now:?}");
    assert_eq!(codes(LANTERN, &[ACCOUNT], &[&[ACCOUNT], now].concat()), account, "account: {now:?}");
    assert_eq!(codes(LANTERN, &[PUBLISHED], &[&[PUBLISHED], now].concat()), all, "published: {now:?}");
}

#[test]
fn the_same_text_contradicts_nothing() {
    for text in [NORTHGATE, LANTERN] {
        assert_eq!(codes(text, &[], &[]), [""; 0]);
    }
}

#[test]
fn thirty_days_instead_of_ninety_are_no_contradiction() {
    assert_eq!(codes(NORTHGATE, &[], &[(KEPT, &days(30))]), [""; 0]);
}

#[test]
fn a_longer_time_is_refused_with_both_texts() {
    let problems = against(NORTHGATE, &[], &[(KEPT, &days(180))]);
    assert_eq!(
        found(&problems),
        [
            "kept-longer: S2 keeps `session.client_ip`, `session.server` and `session.time` 180 days after the session ends, \
          longer than promised before <180 days after the session ends> version 1 of `northgate`, in force since \
          2027-01-01T00:00Z, promised 90 days after the session ends <90 days after the session ends>"
        ]
    );
    assert!(problems[0].place.location().starts_with("v2.md:37:"), "{}", problems[0].place.location());
    assert!(problems[0].related[0].0.location().starts_with("v1.md:37:"));
    assert!(problems[0].help.as_ref().unwrap().contains("a separate policy"));
}

#[test]
fn a_dropped_never_clause_is_refused_with_both_texts() {
    let n1 = "- **N1.** the network address of somebody who visits our website (`visitor.ip`);";
    let problems = against(NORTHGATE, &[], &[(n1, "- **N1.** *Withdrawn in version 2.*")]);
    assert_eq!(problems.len(), 1);
    let line = &found(&problems)[0];
    assert!(line.starts_with("never-shrinks: N1 no longer promises never to keep `visitor.ip` <"), "{line}");
    assert!(line.contains("Withdrawn in version 2") && line.contains("the network address of somebody"), "{line}");
}

#[test]
fn ninety_thirty_ninety_contradicts_the_second_version() {
    let earlier = [published(version(NORTHGATE, 1, &[])), published(version(NORTHGATE, 2, &[(KEPT, &days(30))]))];
    let problems = contradictions(&version(NORTHGATE, 3, &[]), &vocabulary(&[]), &earlier);
    assert_eq!(
        found(&problems),
        [
            "kept-longer: S2 keeps `session.client_ip`, `session.server` and `session.time` 90 days after the session ends, \
          longer than promised before <90 days after the session ends> version 2 of `northgate`, in force since \
          2027-02-01T00:00Z, promised 30 days after the session ends <30 days after the session ends>"
        ]
    );
}

#[test]
fn what_is_kept_is_bound_as_far_as_the_guarantee_says() {
    let session = "| For each session: total traffic and the date (`session.bytes`, `session.date`) | To show them to you in the app (`service.display`) | Collected automatically | Until the account is deleted |";
    let with = |from: &str, to: &str| session.replace(from, to);
    let none: &[&str] = &[];
    let longer = with("Until the account is deleted", "1 day after the account is deleted");
    check_levels(&[(session, &longer)], none, none, &["kept-longer"]);
    let purpose = with("(`service.display`)", "(`service.display`, `improve`)");
    check_levels(&[(session, &purpose)], none, none, &["purpose-added"]);
    let row = "| **S6** | If you agree";
    let new = "| **S7** | Crashes (`diagnostics.crash`) | To improve (`improve`) | Collected automatically | Until the account is deleted | Art. 6(1)(b) |\n| **S6** | If you agree";
    check_levels(&[(row, new)], none, none, &["not-in-complete-table"]);
    let shorter = with("Until the account is deleted", "In memory only");
    check_levels(&[(session, &shorter)], none, none, none);
    let mail = "`account.email`) | To write to you about the service (`notices`) | You give it";
    check_levels(&[(mail, &mail.replace("You give it", "Derived"))], none, none, &["origin-widened"]);
    let withdrawn = ["| **S4** ", session, " Art. 6(1)(b) |\n"].concat();
    check_levels(&[(&withdrawn, "| **S4** | *Withdrawn in version 2.* | | | | |\n")], none, none, none);
}

#[test]
fn who_sees_it_is_bound_as_far_as_the_guarantee_says() {
    let none: &[&str] = &[];
    let recipient = ("| The mail service that carries our messages |", "| The newsletter service |");
    check_levels(&[recipient], none, none, &["shown-to-more"]);
    check_levels(&[("| When we write to you |", "| On Mondays |")], none, none, &["shown-to-more"]);
    check_levels(
        &[("| To deliver them (`notices`) |", "| To deliver them (`notices`, `marketing`) |")],
        none,
        none,
        &["shown-to-more"],
    );
    check_levels(&[("Nobody else receives", "No other receives")], none, none, none);
}

#[test]
fn what_has_no_date_binds_under_every_guarantee() {
    let check = |edit: Edit<'_>, code: &str| check_levels(&[edit], &[code], &[code], &[code]);
    check(
        ("- **N2.** your password itself (`account.password`);", "- **N2.** *Withdrawn in version 2.*"),
        "never-shrinks",
    );
    check(
        ("except `session.bytes`, `session.date`", "except `session.bytes`, `session.date`, `traffic.dns`"),
        "never-shrinks",
    );
    check(("at least 1 day ahead", "at least 1 hour ahead"), "promise-weaker");
    check(
        ("**C1.** Every version stays published (`history`).", "**C1.** *Withdrawn in version 2.*"),
        "promise-weaker",
    );
    check(("By the link in each message | 1 day |", "By the link in each message | 2 days |"), "promise-weaker");
    check(("(`deactivate`, `delete`)", "(`deactivate`)"), "promise-weaker");
    check(("`account.password_digest`, `account.device_count`)", "`account.password_digest`)"), "promise-weaker");
    check(
        (
            "**S0.** The table below is complete: what is not in it is not stored (`complete`).",
            "**S0.** *Withdrawn in version 2.*",
        ),
        "promise-gone",
    );
}

#[test]
fn what_was_never_to_be_kept_may_not_be_kept_later() {
    // The never-clause goes and the row comes: both are named, and no guarantee lets them through.
    let n5 = ("- **N5.** data we know to be about a child under 13 (`child`).", "- **N5.** *Withdrawn in version 2.*");
    let row = (
        "| **S6** | If you agree",
        "| **S7** | Children (`child`) | To improve (`improve`) | Derived | Until the account is deleted | Art. 6(1)(b) |\n| **S6** | If you agree",
    );
    let both = ["kept-despite-never", "never-shrinks"];
    check_levels(&[n5, row], &both, &both, &both);
}

#[test]
fn a_lower_guarantee_and_another_home_are_refused() {
    assert_eq!(codes(NORTHGATE, &[], &[("guarantee: published", "guarantee: data")]), ["guarantee-lowered"]);
    assert_eq!(codes(LANTERN, &[ACCOUNT], &[]), ["guarantee-lowered"]);
    assert_eq!(codes(LANTERN, &[], &[ACCOUNT]), [""; 0]);
    assert_eq!(codes(NORTHGATE, &[], &[("home: CY", "home: MT")]), ["home-moved"]);
    assert_eq!(codes(LANTERN, &[], &[("home: CY", "home: MT")]), [""; 0], "no promise about places");
}

#[test]
fn months_are_not_counted_in_another_zone_later() {
    let zone: Edit<'_> = ("home: CY", "home: CY\nzone: Pacific/Honolulu");
    assert_eq!(codes(NORTHGATE, &[], &[zone]), ["zone-moved"]);
    assert_eq!(codes(NORTHGATE, &[zone], &[zone]), [""; 0]);
    assert_eq!(codes(LANTERN, &[PUBLISHED], &[PUBLISHED, zone]), [""; 0], "it counts no months");
}

#[test]
fn a_later_exception_below_what_is_kept_only_narrows() {
    // The parent stays stored; a child of it is promised never to be kept.
    let n2 = ("(`traffic.destination`)", "(`traffic.destination`, `payment.amount`)");
    assert_eq!(codes(NORTHGATE, &[], &[n2]), [""; 0]);
}

#[test]
fn a_promise_may_move_to_another_clause() {
    let n1 = "- **N1.** the network address of somebody who visits our website (`visitor.ip`);";
    let moved = "- **N1.** *Withdrawn in version 2.*\n- **N6.** anything about visitors (`visitor`);";
    assert_eq!(codes(NORTHGATE, &[], &[(n1, moved)]), [""; 0]);
}

#[test]
fn a_vocabulary_cannot_take_a_code_out_of_what_was_published() {
    let moved = vocabulary(&[("`traffic.dns` | `traffic.destination`", "`traffic.dns` | `session`")]);
    let check = |text: &str, expected: &[&str]| {
        let earlier = [published(version(text, 1, &[]))];
        let problems = contradictions(&version_with(&moved, text, 2, &[]), &moved, &earlier);
        assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), expected);
    };
    check(NORTHGATE, &["never-shrinks"]);
    check(LANTERN, &[]);
}

#[test]
fn a_vocabulary_cannot_put_a_code_under_what_is_kept() {
    let moved = vocabulary(&[("`visitor.browser` | `visitor` |", "`visitor.browser` | `visitor`, `account.plan` |")]);
    let earlier = [published(version(NORTHGATE, 1, &[]))];
    let problems = contradictions(&version_with(&moved, NORTHGATE, 2, &[]), &moved, &earlier);
    assert_eq!(problems[0].message, "S5 keeps `visitor.browser`, which the complete table did not name");
    assert_eq!(problems.len(), 1);
}

#[test]
fn without_a_complete_table_silence_is_no_promise() {
    let no_table =
        ("**S0.** The table below is complete: what is not in it is not stored (`complete`).", "**G9.** Below.");
    let row = (
        "| **S3** | How much",
        "| **S9** | Crashes (`diagnostics.crash`) | To improve (`improve`) | Derived | Until the account is deleted | Art. 6(1)(b) |\n| **S3** | How much",
    );
    assert_eq!(codes(NORTHGATE, &[no_table], &[no_table, row]), [""; 0]);
    assert_eq!(codes(NORTHGATE, &[], &[row]), ["not-in-complete-table"]);
}

#[test]
fn another_document_binds_only_what_is_kept() {
    let other: &[Edit<'_>] = &[("policy: northgate", "policy: eastgate")];
    let earlier = [published(version(NORTHGATE, 1, other))];
    let n1 = ("(`visitor.ip`)", "(`visitor`)");
    assert_eq!(contradictions(&version(NORTHGATE, 1, &[n1]), &vocabulary(&[]), &earlier), []);
    let longer = version(NORTHGATE, 1, &[(KEPT, &days(91))]);
    let problems = contradictions(&longer, &vocabulary(&[]), &earlier);
    assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["kept-longer"]);
    assert!(problems[0].related[0].1.contains("`eastgate`"));
}

/// A phrase of each anchor, so that a chain holds times that cannot be compared.
fn phrase() -> impl Strategy<Value = String> {
    let after = (1..200_u32, prop_oneof![Just("day"), Just("month"), Just("hour")], 0..3_usize);
    prop_oneof![
        4 => after.prop_map(|(count, unit, event)| {
            format!("{count} {unit}s after {}", ["the session ends", "it was recorded", "the account is deleted"][event])
        }),
        1 => Just("In memory only".into()),
        1 => Just("Until the account is deleted".into()),
        1 => Just("Until the end of the calendar month (UTC)".into()),
        1 => (1..60_u32).prop_map(|days| {
            format!("{days} days after the session ends or until the account is deleted, whichever is earlier")
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The floor over all versions says what every pair says, and quotes only promises that no other implies.
    #[test]
    fn the_floor_of_a_chain_is_what_all_pairs_say(chain in prop::collection::vec(phrase(), 1..5), next in phrase()) {
        let vocabulary = Arc::new(vocabulary(&[]));
        let retention = |text: &String| crate::retention::phrase(text).unwrap();
        let policy = |number, text: &String| {
            let cell = format!("Collected automatically | {text}");
            version_with(&vocabulary, NORTHGATE, number, &[(KEPT, &cell)])
        };
        let earlier: Vec<Published> = (1..).zip(&chain).map(|(number, text)| Published {
            vocabulary: vocabulary.clone(),
            ..published_with(policy(number, text), (*vocabulary).clone())
        }).collect();
        let candidate = policy(9, &next);
        let broken: Vec<&String> =
            chain.iter().filter(|text| !retention(&next).no_longer_than(&retention(text))).collect();
        let problems = contradictions(&candidate, &vocabulary, &earlier);
        prop_assert_eq!(problems.len(), usize::from(!broken.is_empty()));
        let pairs = earlier.iter().any(|one| !contradictions(&candidate, &vocabulary, std::slice::from_ref(one)).is_empty());
        prop_assert_eq!(pairs, !broken.is_empty());
        for problem in &problems {
            let quoted: Vec<Retention> = problem.related.iter().map(|(place, _)| {
                retention(&place.source.words(place.span).to_owned())
            }).collect();
            for promise in &broken {
                prop_assert!(quoted.iter().any(|quoted| quoted.no_longer_than(&retention(promise))));
            }
            for (at, one) in quoted.iter().enumerate() {
                let implied = quoted.iter().enumerate().any(|(other, kept)| other != at && kept.no_longer_than(one));
                prop_assert!(!implied, "{:?}", quoted);
            }
        }
    }
}
