//! Rows kept past the event that their deadline counts from: the end of a session, a payment, the end of a plan.

use crate::world::{NORTHGATE, START, World, breaks, clean, told};

const DELETED: &str = "Until the account is deleted | Art. 6(1)(b) |\n| **S5**";

/// The sample policy with another time to keep payments for.
fn payments(kept: &str) -> String {
    let text = NORTHGATE.replace(DELETED, &format!("{kept} | Art. 6(1)(b) |\n| **S5**"));
    assert_ne!(text, NORTHGATE);
    text
}

/// Everything of a world that goes at an instant goes in its sweep, and nothing is found before or after; without the
/// sweep it breaks this clause.
#[track_caller]
fn goes(world: &World, before: &str, due: &str, clause: &str) {
    clean(&world.audit_at(before));
    breaks(&world.audit_at(due), "row.overdue", clause);
    world.sweep(due);
    clean(&world.audit_at(due));
}

#[test]
fn a_session_goes_ninety_days_after_it_ended() {
    let world = World::with_records(NORTHGATE);
    let bucket = world.bucket("sealed_session");
    world.sweep("2026-11-22T03:15:00Z");
    // Its rows are due with those of its hour.
    clean(&world.audit_at("2027-02-20T02:59:59Z"));
    let late = world.audit_at("2027-02-20T03:00:00Z");
    breaks(&late, "row.overdue", "S2");
    assert!(told(&late).iter().any(|told| told.ends_with(&bucket)), "{:?}", told(&late));
    world.sweep("2027-02-20T03:00:00Z");
    clean(&world.audit_at("2027-02-20T03:00:00Z"));
}

#[test]
fn a_session_whose_end_was_put_off_is_found() {
    for change in ["due = NULL", "due = due + 1"] {
        let world = World::with_records(NORTHGATE);
        let bucket = world.bucket("sealed_session");
        world.tamper(&format!("UPDATE bucket SET {change} WHERE name = '{bucket}'"));
        breaks(&world.audit_at(START), "row.deadline", "S2");
    }
    // An entry of another hour than the name says gains nothing either.
    let world = World::with_records(NORTHGATE);
    let bucket = world.bucket("sealed_session");
    world
        .tamper(&format!("UPDATE bucket SET opened = opened + 86400000, due = due + 86400000 WHERE name = '{bucket}'"));
    breaks(&world.audit_at("2027-02-20T03:00:00Z"), "row.overdue", "S2");
}

#[test]
fn a_code_goes_a_quarter_of_an_hour_after_it_was_made() {
    let world = World::with_records(NORTHGATE);
    goes(&world, "2026-11-22T03:14:59.999Z", "2026-11-22T03:15:00Z", "S6");
    for change in ["due = NULL", "due = due + 1"] {
        let world = World::with_records(NORTHGATE);
        world.tamper(&format!("UPDATE bucket SET {change} WHERE name = '{}'", world.bucket("code")));
        breaks(&world.audit_at(START), "row.deadline", "S6");
    }
}

#[test]
fn a_block_and_the_steps_of_a_complaint_go_after_ninety_days() {
    for family in ["blocked", "case_step"] {
        let world = World::with_records(NORTHGATE);
        world.sweep("2026-11-22T03:15:00Z");
        let bucket = world.bucket(family);
        let late = world.audit_at("2027-02-20T03:00:00Z");
        breaks(&late, "row.overdue", "S7");
        assert!(told(&late).iter().any(|told| told.ends_with(&bucket)), "{:?}", told(&late));
        world.tamper(&format!("UPDATE bucket SET due = due + 1 WHERE name = '{bucket}'"));
        breaks(&world.audit_at("2026-11-23T00:00:00Z"), "row.deadline", "S7");
    }
}

#[test]
fn a_payment_goes_by_its_day_whatever_the_entry_of_its_bucket_says() {
    let world = World::with_records(&payments("1 year after the payment"));
    world.sweep("2026-11-22T03:15:00Z");
    clean(&world.audit());
    let bucket = world.bucket("payment");
    let late = |report: &avow_audit::Report| told(report).iter().any(|told| told.ends_with(&bucket));
    assert!(!late(&world.audit_at("2027-11-22T02:59:59.999Z")));
    breaks(&world.audit_at("2027-11-22T03:00:00Z"), "row.overdue", "S4");
    // It is said to be of a later time than the day that stands in it.
    world.tamper(&format!(
        "UPDATE bucket SET opened = opened + 2 * 86400000, due = due + 2 * 86400000 WHERE name = '{bucket}'"
    ));
    let report = world.audit_at("2026-11-25T00:00:00Z");
    breaks(&report, "row.deadline", "S4");
    breaks(&world.audit_at("2027-11-23T00:00:00Z"), "row.overdue", "S4");
}

#[test]
fn the_total_of_a_session_goes_by_its_day() {
    let text = NORTHGATE.replace(
        "\n| **S4** ",
        "\n| **S3a** | For each session: total traffic and the date (`session.bytes`, `session.date`) | To show them to you in the app (`service.display`) | Collected automatically | 30 days after the session ends | Art. 6(1)(b) |\n| **S4** ",
    );
    let world = World::with_records(&text);
    clean(&world.audit_at(START));
    world.sweep("2026-11-22T03:15:00Z");
    clean(&world.audit_at("2026-11-23T00:00:00Z"));
    let bucket = world.bucket("session_total");
    breaks(&world.audit_at("2026-12-23T00:00:00Z"), "row.overdue", "S3a");
    world.tamper(&format!(
        "UPDATE bucket SET opened = opened + 2 * 86400000, due = due + 2 * 86400000 WHERE name = '{bucket}'"
    ));
    breaks(&world.audit_at("2026-11-25T00:00:00Z"), "row.deadline", "S3a");
}

#[test]
fn what_goes_with_a_subscription_is_late_when_its_plan_has_ended() {
    let world = World::with_records(&payments("30 days after the subscription ends"));
    world.sweep("2026-11-22T03:15:00Z");
    clean(&world.audit_at("2027-01-29T23:59:59.999Z"));
    breaks(&world.audit_at("2027-01-30T00:00:00Z"), "row.overdue", "S4");
}

#[test]
fn what_goes_with_a_financial_year_is_late_a_year_after_that_at_the_latest() {
    let world = World::with_records(&payments("1 month after the financial year ends"));
    world.sweep("2026-11-22T03:15:00Z");
    let bucket = world.bucket("payment");
    let late = |now: &str| told(&world.audit_at(now)).iter().any(|told| told.ends_with(&bucket));
    assert!(!late("2027-12-22T02:59:59.999Z"));
    assert!(late("2027-12-22T03:00:00Z"));
}
