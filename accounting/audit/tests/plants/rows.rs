//! Rows that stayed too long, or say something else than they are.

use crate::world::{NORTHGATE, START, VOCABULARY, World, at, breaks, clean, told};

const BUCKET: &str = "month_total_202611_v0";

#[test]
fn the_total_of_last_month_breaks_the_clause_of_month_totals() {
    let world = World::trial();
    clean(&world.audit_at("2026-11-30T23:59:59.999Z"));
    breaks(&world.audit_at("2026-12-01T00:00:00Z"), "row.overdue", "S3");
    world.sweep("2026-12-01T00:00:00Z");
    clean(&world.audit_at("2026-12-01T00:00:00Z"));
}

#[test]
fn a_period_counts_from_the_first_row_and_not_from_the_month() {
    let world = World::trial();
    let text = NORTHGATE.replace("Until the end of the calendar month (UTC)", "30 days after it was recorded");
    world.open().set_trial(&text, VOCABULARY, at(START)).unwrap();
    clean(&world.audit_at("2026-12-22T02:59:59Z"));
    breaks(&world.audit_at("2026-12-22T03:00:00Z"), "row.overdue", "S3");
}

#[test]
fn a_total_of_last_month_planted_by_hand_is_found() {
    let world = World::trial();
    world.tamper(
        "CREATE TABLE month_total_202610_v0 (
    account INTEGER PRIMARY KEY,
    bytes INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT, WITHOUT ROWID;
         INSERT INTO month_total_202610_v0 SELECT number, 1 FROM account",
    );
    let report = world.audit();
    breaks(&report, "row.overdue", "S3");
    breaks(&report, "row.bucket", "S3");
}

#[test]
fn renaming_a_bucket_to_a_newer_month_gains_nothing() {
    let world = World::trial();
    world.redefine(BUCKET, BUCKET, "month_total_202612_v0");
    world.tamper(&format!(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET name = 'month_total_202612_v0', tbl_name = name WHERE name = '{BUCKET}';
         UPDATE sqlite_schema SET tbl_name = name;
         UPDATE bucket SET name = 'month_total_202612_v0'"
    ));
    let report = world.audit_at("2026-12-01T00:00:00Z");
    breaks(&report, "row.bucket", "S3");
    breaks(&report, "row.overdue", "S3");
}

#[test]
fn an_entry_that_puts_the_deadline_off_is_found() {
    for change in ["due = NULL", "due = due + 1"] {
        let world = World::trial();
        world.tamper(&format!("UPDATE bucket SET {change}"));
        assert_eq!(told(&world.audit()), [format!("row.deadline S3 {BUCKET}")]);
        breaks(&world.audit(), "row.deadline", "S3");
    }
}

#[test]
fn a_bucket_opened_in_the_future_is_found() {
    let world = World::trial();
    world.tamper("UPDATE bucket SET opened = opened + 3 * 3600000");
    breaks(&world.audit(), "row.future", "S3");
}

#[test]
fn a_bucket_without_an_entry_and_an_entry_without_a_bucket_are_found() {
    let world = World::trial();
    world.tamper("DELETE FROM bucket");
    breaks(&world.audit(), "row.bucket", "S3");
    let world = World::trial();
    world.tamper("INSERT INTO bucket VALUES ('month_total_202611_v9', 1, 2)");
    assert_eq!(told(&world.audit()), ["row.bucket  bucket.name"]);
}

#[test]
fn rows_of_a_version_nobody_knows_are_found() {
    let world = World::trial();
    world.tamper("UPDATE account SET version = 9");
    breaks(&world.audit(), "row.overdue", "S0");
}

#[test]
fn an_account_of_the_future_and_rows_of_no_account_are_found() {
    let world = World::trial();
    world.tamper("UPDATE account SET recorded = recorded + 86400000");
    breaks(&world.audit(), "row.future", "S5");
    let world = World::trial();
    world.tamper("DELETE FROM account");
    breaks(&world.audit(), "row.orphan", "S3");
}
