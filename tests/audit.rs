//! `avow audit` on a store that a real service wrote: clean it is clean, and each planted breach is caught and named.

use std::fs;

use rusqlite::Connection;

use crate::{
    life::echo_through,
    target::Echo,
    world::{Ran, World},
};

/// A service that ran, moved bytes, and stopped.
fn settled() -> World {
    let world = World::new();
    let service = world.up();
    let account = world.first_account();
    let target = Echo::tcp();
    echo_through(&world.link(account), &target);
    world.stored_becomes(account, || target.seen());
    assert_eq!(service.stop(), 0);
    world
}

/// The same, with Northgate published as version 1 and in force.
fn published() -> World {
    let world = settled();
    let done = world.json(&["publish", "policy-docs/northgate/privacy.md"]);
    assert_eq!(done["version"], 1, "{done}");
    world
}

fn plant(world: &World, sql: &str) {
    let store = Connection::open(world.data().join("avow.db")).unwrap();
    store.execute_batch(sql).unwrap();
    // What is planted is what the audit must find, not what planting leaves behind.
    avow_accounting::scrub(&store, &|_| {}).unwrap();
}

/// The audit finds something, ends with 1, and says all of these.
#[track_caller]
fn broken(world: &World, parts: &[&str]) -> Ran {
    let ran = world.run(&["audit"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    for part in parts {
        assert!(ran.out.contains(part), "`{part}` is missing:\n{}", ran.out);
    }
    ran
}

#[track_caller]
fn clean(world: &World) -> Ran {
    let ran = world.run(&["audit"]);
    assert_eq!(ran.code, 0, "{}{}", ran.out, ran.err);
    assert!(!ran.out.contains("BROKEN"), "{}", ran.out);
    ran
}

#[test]
fn a_clean_store_keeps_every_promise_in_the_words_of_the_policy() {
    let ran = clean(&settled());
    for part in ["on trial", "KEPT", "S3", "How much data you moved this month", "northgate", "Not checked here"] {
        assert!(ran.out.contains(part), "`{part}` is missing:\n{}", ran.out);
    }
}

#[test]
fn a_running_service_can_be_audited() {
    let world = World::new();
    let _service = world.up();
    echo_through(&world.link(world.first_account()), &Echo::tcp());
    clean(&world);
}

#[test]
fn the_audit_changes_nothing() {
    let world = settled();
    let before = fs::read(world.data().join("avow.db")).unwrap();
    clean(&world);
    assert_eq!(fs::read(world.data().join("avow.db")).unwrap(), before);
}

#[test]
fn a_month_total_of_last_month_is_caught() {
    let world = settled();
    let store = Connection::open(world.data().join("avow.db")).unwrap();
    let live: String = store
        .query_row("SELECT name FROM sqlite_schema WHERE name LIKE 'month_total_%'", [], |row| row.get(0))
        .unwrap();
    let old = format!("month_total_202001{}", &live["month_total_202611".len()..]);
    drop(store);
    plant(
        &world,
        &format!("ALTER TABLE {live} RENAME TO {old}; UPDATE bucket SET name = '{old}' WHERE name = '{live}';"),
    );
    broken(&world, &["BROKEN", "breaks S3", "month_total_"]);
}

#[test]
fn an_extra_column_is_caught() {
    let world = settled();
    plant(&world, "ALTER TABLE account ADD COLUMN ip TEXT;");
    let ran = broken(&world, &["BROKEN", "S0", "account.ip"]);
    plant(&world, "ALTER TABLE account DROP COLUMN ip;");
    drop(ran);
    clean(&world);
}

#[test]
fn an_address_in_a_text_cell_is_caught_and_not_repeated() {
    let world = settled();
    plant(&world, "CREATE TABLE notes(words TEXT) STRICT; INSERT INTO notes VALUES ('seen at 203.0.113.77 today');");
    let ran = broken(&world, &["BROKEN", "notes", "address"]);
    assert!(!ran.out.contains("203.0.113.77"), "{}", ran.out);
    plant(&world, "DROP TABLE notes;");
    clean(&world);
}

#[test]
fn an_edited_published_text_is_caught() {
    let world = published();
    clean(&world);
    plant(&world, "UPDATE revision SET text = replace(text, '90 days', '900 days');");
    broken(&world, &["BROKEN", "C1"]);
    plant(&world, "UPDATE revision SET text = replace(text, '900 days', '90 days');");
    clean(&world);
}

#[test]
fn an_edited_copy_of_a_published_text_is_caught() {
    let world = published();
    let copy = world.data().join("history/v1.md");
    let text = fs::read_to_string(&copy).unwrap();
    fs::write(&copy, text.replace("90 days", "900 days")).unwrap();
    broken(&world, &["BROKEN", "v1.md"]);
    fs::write(&copy, text).unwrap();
    clean(&world);
}

#[test]
fn a_copy_of_the_store_beside_it_is_caught() {
    let world = settled();
    fs::copy(world.data().join("avow.db"), world.data().join("old.bin")).unwrap();
    broken(&world, &["old.bin"]);
}

#[test]
fn keys_that_stayed_or_are_gone_are_caught_and_where_they_lie_is_said() {
    let world = settled();
    let key = |name: &str| world.data().join(format!("keys/{name}.key"));
    let report = world.json(&["audit"]);
    assert!(report["keys"]["opened"].as_u64() >= Some(1) && report["keys"]["accounts"] == 1, "{report}");
    let ran = world.run(&["audit"]);
    for part in ["the keys: 1 account", "each with its own", "not covered: month totals are not sealed"] {
        assert!(ran.out.contains(part), "{}", ran.out);
    }
    // The key of a bucket that was dropped came back, from a backup perhaps.
    fs::copy(key("accounts"), key("code_202601010000_v0")).unwrap();
    broken(&world, &["key.orphan", "breaks S6", "keys/code_202601010000_v0.key"]);
    assert_eq!(world.up().stop(), 0);
    clean(&world);
    let before = fs::read(key("accounts")).unwrap();
    fs::remove_file(key("accounts")).unwrap();
    broken(&world, &["key.missing", "keys/accounts.key"]);
    fs::write(key("accounts"), before).unwrap();
    broken(&world, &["key.mode"]);
}

#[test]
fn findings_are_given_to_programs_too() {
    let world = settled();
    plant(&world, "ALTER TABLE account ADD COLUMN ip TEXT;");
    let ran = Ran::from(world.command(&["audit", "--format", "json"]).output().unwrap());
    let report: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(ran.code, 1);
    assert!(report["findings"].as_array().is_some_and(|findings| !findings.is_empty()), "{report}");
}

#[test]
fn without_a_store_it_could_not_run() {
    let world = World::new();
    let ran = world.run(&["audit"]);
    assert_eq!(ran.code, 2, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("there is no store") && ran.err.contains("avow up"), "{}", ran.err);
}
