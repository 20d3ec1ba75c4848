//! The chain of published versions.

use avow_audit::{Standing, Verdict};
use sha2::{Digest, Sha256};

use crate::world::{NORTHGATE, VOCABULARY, World, at, breaks, clean, plain, told};

/// When version 1 is published and applies.
const FIRST: &str = "2026-11-22T03:30:00Z";
/// When version 2 is published, and the minute from which it applies.
const SECOND: &str = "2026-11-22T03:40:00Z";
const LATER: &str = "2026-12-20T00:00:00Z";

/// Northgate's text as version 2, with 30 days for 90.
fn second() -> String {
    NORTHGATE
        .replace("version: 1\neffective: on publication", "version: 2\neffective: 2026-12-20T00:00Z")
        .replace("90 days after the session ends", "30 days after the session ends")
        .replace("When the 90 days of S2", "When the 30 days of S2")
}

/// A store with a version in force and accounts under it.
fn one() -> World {
    let world = World::trial();
    world.publish(NORTHGATE, FIRST);
    world.use_it(1, FIRST);
    world
}

/// The same with a second version that waits for its minute.
fn two() -> World {
    let world = one();
    world.publish(&second(), SECOND);
    world
}

/// What the documentation of a link says of its hash.
fn hash(version: u32, previous: [u8; 32], effective: &str, published_at: &str, text: &str) -> [u8; 32] {
    let second = |instant: &str| at(instant).as_second().to_be_bytes();
    let digest = |text: &str| <[u8; 32]>::from(Sha256::digest(text));
    let mut link = b"avow revision 1\n".to_vec();
    link.extend(previous);
    link.extend([0, 0, 0, 9]);
    link.extend(b"northgate\0");
    link.extend(version.to_be_bytes());
    link.extend(second(effective));
    link.extend(second(published_at));
    link.extend(digest(text));
    link.extend(digest(VOCABULARY));
    Sha256::digest(&link).into()
}

/// Puts a link in the place of version 2 that is right in itself.
fn forge(world: &World, text: &str, published_at: &str) {
    let store = plain(&world.store());
    let previous: Vec<u8> =
        store.query_row("SELECT hash FROM revision WHERE version = 1", [], |row| row.get(0)).unwrap();
    let hash = hash(2, previous.try_into().unwrap(), LATER, published_at, text);
    let sql = "UPDATE revision SET text = ?1, hash = ?2, published_at = ?3 WHERE version = 2";
    assert_eq!(store.execute(sql, (text, hash, at(published_at).as_millisecond())).unwrap(), 1);
    world.write("history/v2.md", text.as_bytes());
}

#[test]
fn a_version_in_force_is_audited_as_such() {
    let report = one().audit();
    clean(&report);
    let effective = "2026-11-22T03:30Z".parse().unwrap();
    assert_eq!(report.standing, Standing::InForce { version: 1, effective });
    let line = report.promises.iter().find(|line| line.clause.to_string() == "C1").unwrap();
    assert_eq!(
        (line.verdict, line.evidence.as_str()),
        (Verdict::Kept, "1 version, each with its hash, 1 copy the same")
    );
    assert_eq!(line.location.split(':').next(), Some("northgate v1"));
}

#[test]
fn a_version_that_waits_for_its_minute_and_then_applies_is_no_finding() {
    let world = two();
    let pending = world.audit();
    clean(&pending);
    assert!(matches!(pending.standing, Standing::InForce { version: 1, .. }));
    world.sweep(LATER);
    let applies = world.audit_at(LATER);
    clean(&applies);
    assert!(matches!(applies.standing, Standing::InForce { version: 2, .. }));
}

#[test]
fn a_version_that_no_longer_keeps_something_ends_it_at_its_minute() {
    let world = one();
    let without = NORTHGATE
        .replace("version: 1\neffective: on publication", "version: 2\neffective: 2026-11-25T00:00Z")
        .lines()
        .map(
            |line| if line.starts_with("| **S3** |") { "| **S3** | *Withdrawn in version 2.* | | | | |" } else { line },
        )
        .collect::<Vec<_>>()
        .join("\n");
    world.publish(&without, SECOND);
    clean(&world.audit_at("2026-11-24T23:59:59Z"));
    let report = world.audit_at("2026-11-25T00:00:00Z");
    breaks(&report, "row.overdue", "S0");
    world.sweep("2026-11-25T00:00:00Z");
    clean(&world.audit_at("2026-11-25T00:00:00Z"));
}

#[test]
fn each_document_has_a_chain_of_its_own() {
    let world = one();
    world.publish(&NORTHGATE.replace("document: privacy", "document: terms"), SECOND);
    let report = world.audit();
    clean(&report);
    assert_eq!(report.looked_at.versions, 2);
    world.tamper("UPDATE revision SET text = replace(text, '90 days', '91 days') WHERE document = 'terms'");
    assert!(told(&world.audit()).contains(&"chain.hash C1 revision terms v1".to_owned()));
}

#[test]
fn an_edited_text_in_the_store_breaks_the_clause_of_the_history() {
    let world = one();
    world.tamper("UPDATE revision SET text = replace(text, '90 days', '91 days')");
    breaks(&world.audit(), "chain.hash", "C1");
    let world = one();
    world.tamper("UPDATE revision SET published_at = published_at - 60000");
    breaks(&world.audit(), "chain.hash", "C1");
    let world = one();
    world.tamper("UPDATE revision SET vocabulary = replace(vocabulary, 'browser', 'machine')");
    breaks(&world.audit(), "chain.hash", "C1");
}

#[test]
fn an_edited_a_missing_and_a_surplus_copy_are_found() {
    let world = one();
    world.write("history/v1.md", NORTHGATE.replace("90 days", "91 days").as_bytes());
    assert_eq!(told(&world.audit()), ["chain.copy C1 history/v1.md"]);
    breaks(&world.audit(), "chain.copy", "C1");
    let world = one();
    std::fs::rename(world.dir.path().join("history/v1.md"), world.dir.path().join("history/v2.md")).unwrap();
    assert_eq!(told(&world.audit()), ["chain.copy C1 history/v1.md", "chain.gap C1 history/v2.md"]);
}

#[test]
fn a_chain_that_was_hashed_anew_after_an_edit_differs_from_its_copies() {
    let world = two();
    let edited = second().replace("a random number", "a number");
    forge(&world, &edited, SECOND);
    clean(&world.audit());
    world.write("history/v2.md", second().as_bytes());
    assert_eq!(told(&world.audit()), ["chain.copy C1 history/v2.md"]);
}

#[test]
fn a_version_that_is_missing_is_found() {
    let world = two();
    world.tamper("DELETE FROM revision WHERE version = 1");
    let report = world.audit();
    breaks(&report, "chain.gap", "C1");
    breaks(&report, "chain.link", "C1");
}

#[test]
fn two_versions_at_the_same_minute_break_the_clause_of_the_minute() {
    let world = two();
    world.tamper("UPDATE revision SET effective = (SELECT min(effective) FROM revision)");
    breaks(&world.audit(), "chain.order", "C3");
}

#[test]
fn times_that_no_version_can_have_are_found() {
    let world = one();
    world.tamper("PRAGMA ignore_check_constraints = ON; UPDATE revision SET effective = effective + 1");
    breaks(&world.audit(), "chain.minute", "C3");
    let world = two();
    world.tamper("UPDATE revision SET published_at = effective + 60000 WHERE version = 2");
    let report = world.audit();
    breaks(&report, "chain.early", "C3");
    breaks(&report, "chain.future", "C3");
}

#[test]
fn a_version_that_takes_a_promise_back_is_found_however_it_was_published() {
    let world = two();
    forge(&world, &second().replace("30 days after the session ends", "180 days after the session ends"), SECOND);
    let report = world.audit();
    breaks(&report, "chain.contradiction", "C2");
    assert_eq!(told(&report).len(), 1, "{:#?}", report.findings);
}

#[test]
fn a_change_that_was_published_too_late_to_write_ahead_is_found() {
    let world = two();
    forge(&world, &second(), "2026-12-19T00:00:00Z");
    clean_but_not_here(&world.audit_at("2026-12-19T00:00:00Z"));
    forge(&world, &second(), "2026-12-19T00:00:01Z");
    let report = world.audit_at("2026-12-19T00:00:01Z");
    assert!(told(&report).contains(&"chain.notice C4 revision v2".to_owned()), "{:?}", told(&report));
}

#[track_caller]
fn clean_but_not_here(report: &avow_audit::Report) {
    let told = told(report);
    assert!(told.iter().all(|finding| finding.starts_with("row.overdue")), "{told:?}");
    let line = report.promises.iter().find(|line| line.clause.to_string() == "C4").unwrap();
    assert_eq!(line.verdict, Verdict::NotHere, "{line:?}");
}

#[test]
fn a_text_that_cannot_be_read_any_more_is_found() {
    let world = World::trial();
    world.tamper("UPDATE trial SET text = replace(text, '**S0.**', '')");
    let report = world.audit();
    assert!(told(&report).contains(&"chain.text  trial.text".to_owned()), "{:?}", told(&report));
    assert_eq!(report.exit_code(), 1);
    let world = one();
    world.tamper("UPDATE revision SET text = 'nothing'");
    let report = world.audit();
    assert!(told(&report).contains(&"chain.text C1 revision v1".to_owned()), "{:?}", told(&report));
    assert_eq!((report.exit_code(), report.promises.len()), (1, 0));
}
