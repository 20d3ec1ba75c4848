//! Each change of the language's table, made to a real policy.

use super::{
    texts::{Edit, LANTERN, NORTHGATE, version, version_with, vocabulary},
    *,
};

fn between(text: &str, edits: &[Edit<'_>]) -> Diff {
    let vocabulary = vocabulary(&[]);
    diff(&version(text, 1, &[]), &vocabulary, &version(text, 2, edits), &vocabulary)
}

/// Makes the edits and compares what changed, one line for each clause.
#[track_caller]
fn check(text: &str, edits: &[Edit<'_>], expected: &[&str]) {
    let line = |change: &Change| {
        let clause = change.clause.map_or("front".into(), |id| id.to_string());
        format!("{clause} {:?}: {}", change.class, change.what)
    };
    let lines: Vec<String> = between(text, edits).changes.iter().map(line).collect();
    assert_eq!(lines, expected, "{edits:?}");
}

#[test]
fn a_new_version_of_the_same_words_changes_nothing() {
    for text in [NORTHGATE, LANTERN] {
        assert_eq!(between(text, &[]).class(), Class::Same);
        assert_eq!(between(text, &[]).changes, []);
    }
}

#[test]
fn a_shorter_time_narrows_and_a_longer_one_widens() {
    let kept = "Collected automatically | 90 days after the session ends";
    check(
        NORTHGATE,
        &[(kept, "Collected automatically | 30 days after the session ends")],
        &["S2 Narrows: kept 30 days after the session ends instead of 90 days after the session ends"],
    );
    check(
        NORTHGATE,
        &[(kept, "Collected automatically | 180 days after the session ends")],
        &["S2 Widens: kept 180 days after the session ends instead of 90 days after the session ends"],
    );
    check(
        NORTHGATE,
        &[(kept, "Collected automatically | 10 days after it was recorded")],
        &["S2 Widens: kept 10 days after it was recorded instead of 90 days after the session ends"],
    );
    check(
        NORTHGATE,
        &[(kept, "Collected automatically | 2160 hours after the session ends")],
        &["S2 Editorial: said in other words"],
    );
}

#[test]
fn changes_in_what_is_never_kept_are_weighed_by_the_codes_they_cover() {
    check(
        NORTHGATE,
        &[("(`traffic.destination`)", "(`traffic`, except `session.time`)")],
        &["N2 Narrows: now promises never to keep `session.bytes`, `session.date`, `traffic` and `traffic.content`"],
    );
    check(
        NORTHGATE,
        &[("except `account.email`", "except `account.email`, `identity.phone`")],
        &["N3 Widens: no longer promises never to keep `identity.phone`"],
    );
    check(
        NORTHGATE,
        &[("(`traffic.destination`)", "(`traffic.destination.name`, `traffic.destination.port`)")],
        &[
            "N2 Widens: no longer promises never to keep `traffic.destination`, `traffic.destination.address` and `traffic.dns`",
        ],
    );
    check(
        NORTHGATE,
        &[(
            "- **N1.** the network address of somebody who visits our website (`visitor.ip`);",
            "- **N1.** *Withdrawn in version 2.*",
        )],
        &["N1 Widens: no longer promises never to keep `visitor.ip`"],
    );
}

#[test]
fn changes_in_a_row_of_what_we_keep() {
    check(
        NORTHGATE,
        &[("(`usage.month_total`)", "(`usage.month_total`, `session.date`)")],
        &["S3 Widens: also keeps `session.date`", "R4 Widens: also sees `session.date`"],
    );
    check(
        NORTHGATE,
        &[("of your plan (`service.limit`)", "of your plan (`service.limit`, `improve`)")],
        &["S3 Widens: also for `improve`"],
    );
    check(
        LANTERN,
        &[("and the date (`session.bytes`, `session.date`)", "(`session.bytes`)")],
        &["S4 Narrows: no longer keeps `session.date`"],
    );
    check(
        LANTERN,
        &[(
            "`account.email`) | To write to you about the service (`notices`) | You give it",
            "`account.email`) | To write to you about the service (`notices`) | Derived",
        )],
        &["S3 Widens: derived instead of given by you"],
    );
    check(
        LANTERN,
        &[("(`consent`: `diagnostics.attempt`)", "(`consent`: `account.device_count`)")],
        &[
            "S5 Narrows: only after you agree: `account.device_count`",
            "S6 Widens: no longer only after you agree: `diagnostics.attempt`",
            "U1 Widens: `consent` no longer for `diagnostics.attempt`; `consent` also for `account.device_count`",
        ],
    );
}

#[test]
fn another_recipient_is_one_removed_and_one_added() {
    check(
        NORTHGATE,
        &[("| The mail service that carries our messages |", "| The newsletter service |")],
        &["R5 Widens: recipient: `The newsletter service` instead of `The mail service that carries our messages`"],
    );
    check(
        NORTHGATE,
        &[("| When we write to you |", "| On Mondays |")],
        &["R5 Widens: when: `On Mondays` instead of `When we write to you`"],
    );
}

#[test]
fn rights_notices_and_measures() {
    let right = "by e-mail from the address of S1 | 1 day |";
    check(
        NORTHGATE,
        &[(right, "by e-mail from the address of S1 | 12 hours |")],
        &["U2 Narrows: `delete` answered within 12 hours instead of 1 day"],
    );
    check(
        NORTHGATE,
        &[(right, "by e-mail from the address of S1 | 3 days |")],
        &["U2 Widens: `delete` answered within 3 days instead of 1 day"],
    );
    check(
        NORTHGATE,
        &[("at least 1 day ahead", "at least 3 days ahead")],
        &["C4 Narrows: `notice` at least 3 days ahead instead of 1 day"],
    );
    check(
        NORTHGATE,
        &[("at least 1 day ahead", "at least 1 hour ahead")],
        &["C4 Widens: `notice` at least 1 hour ahead instead of 1 day"],
    );
    check(
        NORTHGATE,
        &[(
            "**S0.** The table below is complete: what is not in it is not stored (`complete`).",
            "**S0.** *Withdrawn in version 2.*",
        )],
        &["S0 Widens: no longer promises `complete`"],
    );
    check(
        LANTERN,
        &[("`account.password_digest`, `account.device_count`)", "`account.password_digest`)")],
        &["T1 Widens: `encrypt-at-rest` no longer for `account.device_count`"],
    );
}

#[test]
fn the_front_matter_and_explanations() {
    check(
        NORTHGATE,
        &[("guarantee: published", "guarantee: data")],
        &["front Widens: `guarantee: data` instead of `published`"],
    );
    check(
        LANTERN,
        &[("guarantee: data", "guarantee: account")],
        &["front Narrows: `guarantee: account` instead of `data`"],
    );
    check(NORTHGATE, &[("home: CY", "home: MT")], &["front Widens: `home: MT` instead of `CY`"]);
    check(
        NORTHGATE,
        &[("controller: Northgate Tunnel", "controller: Northgate")],
        &["front Neutral: `controller: Northgate` instead of `Northgate Tunnel`"],
    );
    check(
        NORTHGATE,
        &[("may itself be made to say so", "can be asked about it")],
        &["G2 Neutral: said in other words"],
    );
    check(NORTHGATE, &[("## Protection", "## How we protect it")], &["front Editorial: words outside the clauses"]);
}

#[test]
fn other_words_for_the_same_promise_are_editorial_and_hedges_are_named() {
    let diff = between(NORTHGATE, &[("We give no personal data to anybody", "We may give no personal data to others")]);
    let change = &diff.changes[0];
    assert_eq!((diff.class(), change.what.as_str()), (Class::Editorial, "said in other words"));
    assert_eq!(change.hedges, ["softening word added: `may`"]);
    assert!(change.redline.contains(&Piece::Removed("anybody".into())), "{:?}", change.redline);
}

#[test]
fn a_wrapped_line_is_no_change() {
    let wrapped = ("our website (`visitor.ip`)", "our\n  website (`visitor.ip`)");
    assert_eq!(between(NORTHGATE, &[wrapped]).class(), Class::Same);
}

#[test]
fn a_change_points_at_the_words_of_both_texts() {
    let edit = ("Collected automatically | 90 days", "Collected automatically | 30 days");
    let change = between(NORTHGATE, &[edit]).changes.remove(0);
    let words = |place: Option<Place>| place.map(|place| place.source.words(place.span).to_owned());
    assert_eq!(words(change.before).as_deref(), Some("90 days after the session ends"));
    assert_eq!(words(change.after).as_deref(), Some("30 days after the session ends"));
}

#[test]
fn a_vocabulary_that_takes_a_code_out_of_a_never_clause_widens() {
    let (old, new) =
        (vocabulary(&[]), vocabulary(&[("`traffic.dns` | `traffic.destination`", "`traffic.dns` | `traffic`")]));
    let diff = diff(&version(NORTHGATE, 1, &[]), &old, &version_with(&new, NORTHGATE, 2, &[]), &new);
    let found: Vec<_> = diff.changes.iter().map(|change| (change.clause, change.class, change.what.as_str())).collect();
    let n2 = "no longer promises never to keep `traffic.dns`";
    assert_eq!(found[1..], [(Some("N2".parse().unwrap()), Class::Widens, n2)]);
    assert_eq!(found[0].1, Class::Neutral);
}
