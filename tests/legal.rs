//! What legal does: check, compare, publish; and what the rule about earlier promises does to a bad draft.

use std::path::PathBuf;

use crate::world::{Ran, World, repository};

const NORTHGATE: &str = "policy-docs/northgate/privacy.md";

/// A store whose operator has published Northgate as version 1.
fn published() -> World {
    let world = World::new();
    assert_eq!(world.up().stop(), 0);
    let ran = world.run(&["publish", NORTHGATE]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    world
}

/// Northgate as a draft of version 2, effective in the far future, with one more edit.
fn draft(world: &World, from: &str, to: &str) -> PathBuf {
    let text = repository(NORTHGATE);
    assert!(text.contains(from), "`{from}` is not in the policy: the test edits nothing");
    let text = text
        .replace("version: 1\n", "version: 2\n")
        .replace("effective: on publication\n", "effective: 2190-01-01T00:00Z\n")
        .replace(from, to);
    world.file("draft.md", &text)
}

fn publish(world: &World, draft: &std::path::Path) -> Ran {
    world.run(&["publish", draft.to_str().unwrap()])
}

/// `file:line` of the words in a text.
fn line_of(text: &str, words: &str) -> usize {
    text.lines().position(|line| line.contains(words)).unwrap() + 1
}

#[test]
fn both_policies_are_clean() {
    let world = World::new();
    for policy in [NORTHGATE, "policy-docs/lantern/privacy.md"] {
        let ran = world.run(&["check", policy]);
        assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
        assert!(ran.out.contains("no errors") && !ran.out.contains("warning"), "{}", ran.out);
    }
}

#[test]
fn a_row_that_another_clause_forbids_is_neither_checked_nor_published() {
    let world = World::new();
    assert_eq!(world.up().stop(), 0);
    let protected = "- **T1.**";
    let sealed =
        "- **T2.** Month totals are encrypted where they are stored (`encrypt-at-rest`: `usage.month_total`).\n";
    let text = repository(NORTHGATE).replace(protected, &format!("{sealed}{protected}"));
    let draft = world.file("draft.md", &text);
    for command in ["check", "publish"] {
        let ran = world.run(&[command, draft.to_str().unwrap()]);
        assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
        assert!(
            ran.err.contains("permit-killed-by") && ran.err.contains("T2 alone forbids it on all facts"),
            "{}",
            ran.err
        );
        for place in ["| **S3**", sealed] {
            assert!(ran.err.contains(&format!("draft.md:{}:", line_of(&text, place.trim_end()))), "{}", ran.err);
        }
    }
    assert!(world.json(&["history"])["versions"].as_array().unwrap().is_empty());
}

#[test]
fn a_policy_can_be_read_as_terms_and_as_rules() {
    let world = World::new();
    let terms = world.run(&["terms", NORTHGATE]);
    assert!(
        terms.out.contains("session.client_ip") && terms.out.contains("90 days after the session ends"),
        "{}",
        terms.out
    );
    let terms = world.json(&["terms", NORTHGATE]);
    assert!(terms["terms"].as_array().unwrap().len() > 20);
    let rules = world.run(&["rules", NORTHGATE]);
    assert!(rules.out.contains("forbid") && rules.out.contains("@clause(\"N2\")"), "{}", rules.out);
}

#[test]
fn a_shorter_period_narrows_and_waits_for_its_minute() {
    let world = published();
    let draft = draft(&world, "90 days after the session ends", "30 days after the session ends");
    let compared = world.run(&["diff", draft.to_str().unwrap()]);
    assert_eq!(compared.code, 0, "{}{}", compared.out, compared.err);
    assert!(compared.out.contains("narrows") && compared.out.contains("[-90-]{+30+}"), "{}", compared.out);
    let ran = publish(&world, &draft);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.out.contains("2190-01-01T00:00Z"), "{}", ran.out);
    let history = world.json(&["history"]);
    let states: Vec<_> =
        history["versions"].as_array().unwrap().iter().map(|version| version["state"].clone()).collect();
    assert_eq!(states[1], "pending", "{history}");
    let between = world.run(&["diff", "v1", "v2"]);
    assert_eq!(between.code, 0, "{}", between.err);
    assert!(between.out.contains("narrows"), "{}", between.out);
    assert_eq!(world.run(&["audit"]).code, 0, "{}", world.run(&["audit"]).out);
}

#[test]
fn a_longer_period_is_refused_with_both_texts() {
    let world = published();
    let draft = draft(&world, "90 days after the session ends", "180 days after the session ends");
    refused(&world, &draft, "180 days after the session ends", "90 days after the session ends");
}

#[test]
fn an_address_dropped_from_a_never_clause_is_refused_with_both_texts() {
    let world = published();
    let line = repository(NORTHGATE).lines().find(|line| line.contains("**N2.**")).unwrap().to_owned();
    let draft = draft(&world, &line, "- **N2.** *Withdrawn in version 2.*");
    refused(&world, &draft, "**N2.**", "**N2.**");
}

#[test]
fn going_back_to_a_longer_period_is_refused_too() {
    let world = published();
    let shorter = draft(&world, "90 days after the session ends", "30 days after the session ends");
    assert_eq!(publish(&world, &shorter).code, 0);
    let text = std::fs::read_to_string(draft(&world, "S1", "S1")).unwrap();
    let back = world.file("back.md", &text.replace("version: 2\n", "version: 3\n").replace("2190", "2191"));
    let ran = publish(&world, &back);
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.err.contains("version 2"), "{}", ran.err);
}

/// The draft is refused, both texts are quoted with file and line, and nothing is changed.
#[track_caller]
fn refused(world: &World, draft: &std::path::Path, new_words: &str, old_words: &str) {
    let count = || world.json(&["history"])["versions"].as_array().unwrap().len();
    let before = count();
    let new = format!("{}:{}", draft.display(), line_of(&std::fs::read_to_string(draft).unwrap(), new_words));
    let copy = world.data().join("history/v1.md");
    let old = format!("{}:{}", copy.display(), line_of(&repository(NORTHGATE), old_words));
    for ran in [publish(world, draft), world.run(&["diff", draft.to_str().unwrap()])] {
        assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
        let said = ran.out + &ran.err;
        for part in [new.as_str(), old.as_str(), "version 1"] {
            assert!(said.contains(part), "`{part}` is missing:\n{said}");
        }
    }
    assert_eq!(count(), before);
}

#[test]
fn a_running_service_publishes_and_shows_it() {
    let world = World::new();
    let _service = world.up();
    assert!(world.get("/privacy").1.contains("On trial."));
    let ran = world.run(&["publish", NORTHGATE]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let (status, page) = world.get("/privacy/v1");
    assert_eq!(status, 200);
    assert!(page.contains("Not yet in force") || page.contains("in force from"), "{page}");
}

#[test]
fn a_notice_that_comes_too_late_is_refused() {
    let world = published();
    let soon = draft(&world, "S1", "S1");
    let text = std::fs::read_to_string(&soon).unwrap().replace("2190-01-01T00:00Z", "2020-01-01T00:00Z");
    let ran = publish(&world, &world.file("soon.md", &text.replace("90 days after", "30 days after")));
    assert_eq!(ran.code, 1, "{}", ran.out);
    assert!(ran.err.contains("soon.md:"), "{}", ran.err);
}
