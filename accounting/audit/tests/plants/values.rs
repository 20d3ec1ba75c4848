//! Values that must not be in any cell.

use crate::world::{World, breaks};

/// Plants a text in a text cell.
#[track_caller]
fn check(text: &str, clause: &str) {
    let world = World::trial();
    world.tamper(&format!("UPDATE seal SET name = '{text}' WHERE name = 'accounts'"));
    let report = world.audit();
    breaks(&report, "value.shape", clause);
    let told = format!("{report:?}");
    assert!(!told.contains(text), "a report holds no value");
}

#[test]
fn an_address_in_a_text_cell_is_found() {
    check("192.0.2.7", "N1");
    check("seen from 192.000.002.007 today", "N1");
    check("2001:db8::7", "N1");
    check("fe80::1%eth0", "N1");
    check("3139322e302e322e37", "N1");
    check("MTkyLjAuMi43", "N1");
}

#[test]
fn other_personal_values_in_a_text_cell_are_found() {
    check("someone@mail.example", "S0");
    check("4111 1111 1111 1111", "N5");
    check("00:1b:44:11:3a:b7", "N3");
    check("https://target.example/page", "N2");
}

#[test]
fn an_address_breaks_every_clause_it_could_fall_under() {
    let world = World::trial();
    world.tamper("UPDATE seal SET name = '192.0.2.7' WHERE name = 'accounts'");
    let report = world.audit();
    for clause in ["N1", "N2", "S0"] {
        let line = report.promises.iter().find(|line| line.clause.to_string() == clause).unwrap();
        assert_eq!(line.verdict, avow_audit::Verdict::Broken);
    }
}

#[test]
fn an_address_as_bytes_is_found() {
    for bytes in ["20010db8000000000000000000000007", "c0000207", "3139322e302e322e37"] {
        let world = World::trial();
        world.tamper(&format!("CREATE TABLE extra (a BLOB); INSERT INTO extra VALUES (x'{bytes}')"));
        breaks(&world.audit(), "value.shape", "N1");
    }
}

#[test]
fn a_card_number_as_a_number_is_found() {
    let world = World::trial();
    world.tamper("UPDATE node SET epoch = 4111111111111111");
    breaks(&world.audit(), "value.shape", "N5");
}

#[test]
fn keys_that_are_not_sealed_are_found() {
    let world = World::trial();
    world.tamper("UPDATE account SET keys = zeroblob(284)");
    breaks(&world.audit(), "value.sealed", "S0");
    let world = World::trial();
    world.tamper("UPDATE account SET keys = x'20010db8000000000000000000000007'");
    breaks(&world.audit(), "value.sealed", "S0");
}
