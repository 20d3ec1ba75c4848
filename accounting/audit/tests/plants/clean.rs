//! A clean store, and stores that cannot be audited.

use std::{collections::BTreeMap, fs, path::Path};

use avow_audit::{CouldNotRun, Question, Standing, Verdict, audit};

use crate::world::{NOW, World, at, clean, plain, told};

/// Every file of a directory with its bytes.
fn files(directory: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.display().to_string(), fs::read(&path).unwrap());
        }
    }
    all
}

#[test]
fn a_clean_store_on_trial_has_no_finding() {
    let world = World::trial();
    let report = world.audit();
    clean(&report);
    assert_eq!(report.standing, Standing::Trial);
    assert_eq!(report.policy, "northgate");
    assert!(report.looked_at.rows >= 8, "{:?}", report.looked_at);
}

#[test]
fn the_report_says_every_promise_in_the_words_of_the_policy() {
    let report = World::trial().audit();
    let lines: Vec<String> = report
        .promises
        .iter()
        .map(|line| {
            format!("{:?} {} {} | {} | {}", line.verdict, line.clause, line.location, line.words, line.evidence)
        })
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_store_without_rows_says_so() {
    let report = World::empty().audit();
    clean(&report);
    let line = report.promises.iter().find(|line| line.clause.to_string() == "S3").unwrap();
    assert_eq!(line.verdict, Verdict::Kept);
    assert_eq!(line.evidence, "`usage.month_total`: no rows");
}

#[test]
fn each_policy_that_is_shipped_can_be_put_on_trial() {
    let world = World::empty();
    let lantern = include_str!("../../../../policy-docs/lantern/privacy.md");
    world.open().set_trial(lantern, crate::world::VOCABULARY, at(crate::world::START)).unwrap();
    let report = world.audit();
    clean(&report);
    let lines: Vec<String> = report
        .promises
        .iter()
        .map(|line| format!("{:?} {} | {} | {}", line.verdict, line.clause, line.words, line.evidence))
        .collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn an_audit_leaves_the_directory_as_it_was() {
    let world = World::trial();
    let before = files(world.dir.path());
    clean(&world.audit());
    assert_eq!(files(world.dir.path()), before);
}

#[test]
fn what_a_running_service_wrote_a_moment_ago_is_seen_and_left_alone() {
    let world = World::trial();
    let writer = plain(&world.store());
    writer.execute_batch("UPDATE seal SET name = '192.0.2.7' WHERE name = 'accounts'").unwrap();
    let before = files(world.dir.path());
    assert!(before.keys().any(|name| name.ends_with("-wal")), "it is in the journal only");
    let report = world.audit();
    assert_eq!(report.exit_code(), 1);
    assert_eq!(files(world.dir.path()), before);
    writer.execute_batch("UPDATE seal SET name = 'accounts' WHERE name = '192.0.2.7'").unwrap();
    assert!(told(&world.audit()).iter().all(|told| told.starts_with("bytes.removed")), "the journal still holds it");
    writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    clean(&world.audit());
}

#[test]
fn a_copy_without_its_journal_in_a_directory_that_cannot_be_written_is_audited() {
    use std::os::unix::fs::PermissionsExt;
    let world = World::trial();
    fs::set_permissions(world.dir.path(), fs::Permissions::from_mode(0o500)).unwrap();
    let report = world.audit();
    fs::set_permissions(world.dir.path(), fs::Permissions::from_mode(0o700)).unwrap();
    clean(&report);
}

#[test]
fn what_is_no_store_cannot_be_audited() {
    let world = World::empty();
    let try_it = |path: &Path| {
        let question =
            Question { store: path, history_dir: None, keys: None, inventory: world.inventory, now: at(NOW) };
        audit(&question).map(|report| report.exit_code())
    };
    let none = world.dir.path().join("none.db");
    assert!(matches!(try_it(&none), Err(CouldNotRun::NoStore(_))));
    world.write("text.txt", b"a text");
    assert!(matches!(try_it(&world.dir.path().join("text.txt")), Err(CouldNotRun::NotAStore(_))));
    assert!(matches!(try_it(world.dir.path()), Err(CouldNotRun::Unreadable { .. })));
    plain(&none).execute_batch("CREATE TABLE t (a)").unwrap();
    assert!(matches!(try_it(&none), Err(CouldNotRun::NotAStore(_))));
}

#[test]
fn a_newer_store_and_one_without_a_policy_cannot_be_audited() {
    let world = World::empty();
    world.tamper("DELETE FROM trial");
    assert!(matches!(world.try_audit(NOW), Err(CouldNotRun::NoPolicy)));
    world.tamper("PRAGMA user_version = 3");
    let refused = world.try_audit(NOW).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the store has schema 3, and this audit knows 2: audit it with the version that wrote it"
    );
}

#[test]
fn a_report_can_be_read_by_a_program() {
    let world = World::empty();
    world.tamper("ALTER TABLE account ADD COLUMN ip TEXT");
    let mut report = world.audit();
    report.promises.retain(|line| ["N1", "S1", "S3"].contains(&line.clause.to_string().as_str()));
    report.looked_at.bytes = 0;
    // Where the test's directory lies is the machine's affair.
    let keys = report.keys.as_mut().unwrap();
    keys.place = avow_terms::key_place::KeyPlace::SameDevice;
    keys.covers = keys.place.covers();
    keys.not_covered.truncate(2);
    insta::assert_json_snapshot!(report);
}
