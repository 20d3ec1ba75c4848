//! What no caller should ever hand over: numbers that do not fit, accounts that are not there, permits of a version before,
//! a month that has not come. Each is refused, and not one row differs from before. That a permit of another kind does not
//! compile is said, with an example, at each kind of record.

use avow_accounting::{
    Attempt, Chosen, Decision, Evidence, MonthTotal, NewAccount, SealedBlob, SessionTotal, Step, Store, StoreError,
};
use avow_terms::{
    amount::Bytes,
    payment::Payment,
    permit::{Facts, Permit, Record},
    plan::Plan,
    private::Private,
    rules::Rules,
};
use jiff::tz::TimeZone;
use rusqlite::Connection;

use crate::{
    records::{facts, shipped, world},
    world::{NODE, World, account, at, batch},
};

const NOW: &str = "2026-11-25T12:00:00Z";

/// Writes one kind of record about an account, under these rules.
type Writer = fn(&mut Store, &Rules, u32) -> Result<(), StoreError>;

fn permit<R: Record>(rules: &Rules) -> Permit<R> {
    rules.permit(&facts(at(NOW))).unwrap()
}

fn private(text: &str) -> Private<String> {
    Private::new(text.to_owned())
}

/// Every kind of record about an account that Northgate declares.
const NORTHGATE: [(&str, Writer); 7] = [
    ("e-mail address", |store, rules, number| store.set_email(permit(rules), account(number), &private("a@b.example"))),
    ("plan", |store, rules, number| store.set_plan(permit(rules), account(number), &Plan::default())),
    ("block", |store, rules, number| store.block(permit(rules), account(number))),
    ("step of a complaint", |store, rules, number| {
        let step = Step { day: "2026-11-25".parse().unwrap(), decision: Decision::Closed };
        store.add_case_step(permit(rules), account(number), step)
    }),
    ("activation code", |store, rules, number| store.remember_code(permit(rules), account(number), &private("CODE"))),
    ("payment", |store, rules, number| {
        let payment = Payment::read(r#"{"id": "TX-1", "date": "2026-11-25"}"#).unwrap();
        store.add_payment(permit(rules), account(number), &payment)
    }),
    ("account", |store, rules, number| store.replace_keys(permit(rules), account(number), Private::new(b"k".to_vec()))),
];

/// The rest, of Lantern.
const LANTERN: [(&str, Writer); 5] = [
    ("user name", |store, rules, number| store.set_username(permit(rules), account(number), &private("Anna"))),
    ("password digest", |store, rules, number| store.set_password(permit(rules), account(number), &private("word"))),
    ("choices", |store, rules, number| {
        store.set_choices(permit(rules), account(number), Chosen { messages: true, diagnostics: true })
    }),
    ("device count", |store, rules, number| store.set_device_count(permit(rules), account(number), 3)),
    ("diagnostics", |store, rules, number| {
        let word = |word: &str| word.parse().unwrap();
        let attempt = Attempt { at: at(NOW), connection: word("tcp"), encryption: word("none"), device: word("phone") };
        store.add_attempt(permit(rules), account(number), &attempt)
    }),
];

/// Everything that the store holds, in words.
fn everything(world: &World) -> Vec<String> {
    let store = Connection::open(world.dir.path().join("avow.db")).unwrap();
    let names: Vec<String> = store
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let rows = |name: String| -> Vec<String> {
        let mut statement = store.prepare(&format!("SELECT * FROM {name}")).unwrap();
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let cells = (0..columns).map(|column| row.get::<_, rusqlite::types::Value>(column));
            Ok(format!("{name} {:?}", cells.collect::<Result<Vec<_>, _>>()?))
        });
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    };
    names.into_iter().flat_map(rows).collect()
}

#[test]
fn no_kind_of_record_is_kept_about_an_account_that_is_not_there() {
    for (name, writers) in [("northgate", &NORTHGATE[..]), ("lantern", &LANTERN)] {
        let mut world = world(name);
        let before = everything(&world);
        for (kind, write) in writers {
            let answer = write(&mut world.store, &world.rules, 9);
            let expected = if *kind == "diagnostics" { StoreError::NoConsent } else { StoreError::NoSuchAccount };
            assert_eq!(answer, Err(expected), "{kind}");
            assert_eq!(everything(&world), before, "{kind}");
        }
        for (kind, write) in writers {
            assert_eq!(write(&mut world.store, &world.rules, 7), Ok(()), "{kind}");
        }
        assert!(everything(&world).len() > before.len());
    }
}

#[test]
fn no_kind_of_record_is_kept_under_a_permit_of_a_version_before() {
    for (name, writers) in [("northgate", &NORTHGATE[..]), ("lantern", &LANTERN)] {
        let mut world = world(name);
        let (old, new) = (world.rules.clone(), shipped(name, 2));
        let evidence = Evidence { version: 2, accepted: 1, digest: [7; 32] };
        world.store.keep_evidence(permit(&new), &evidence).unwrap();
        if name == "lantern" {
            let agrees = Chosen { messages: true, diagnostics: true };
            world.store.set_choices(permit(&new), account(7), agrees).unwrap();
        }
        world.store.begin_epoch(NODE).unwrap();
        let before = everything(&world);
        for (kind, write) in writers {
            assert_eq!(write(&mut world.store, &old, 7), Err(StoreError::OldPermit { newest: 2 }), "{kind}");
            assert_eq!(everything(&world), before, "{kind}");
        }
        let refused = Err(StoreError::OldPermit { newest: 2 });
        assert_eq!(world.store.keep_evidence(permit(&old), &evidence), refused);
        let blob = SealedBlob { account: account(7), blob: vec![7] };
        let counts = batch(1, 1, &[(account(7), 5)]);
        if name == "northgate" {
            let new_account = NewAccount { number: account(8), keys: Private::new(b"k".to_vec()) };
            assert!(world.store.add_account(permit(&old), &new_account).is_err());
            assert_eq!(world.store.add_sealed_sessions(permit(&old), &[blob]), refused);
            assert!(world.store.add_counts(Some(permit::<MonthTotal>(&old)), None, &counts).is_err());
        } else {
            assert!(world.store.add_counts(None, Some(permit::<SessionTotal>(&old)), &counts).is_err());
        }
        assert_eq!(everything(&world), before);
        // Asked again, each is granted.
        for (kind, write) in writers {
            assert_eq!(write(&mut world.store, &new, 7), Ok(()), "{kind}");
        }
    }
}

#[test]
fn a_count_that_does_not_fit_changes_nothing_wherever_it_is_kept() {
    let mut world = world("lantern");
    world.store.begin_epoch(NODE).unwrap();
    let largest = i64::MAX.unsigned_abs();
    let count = |world: &mut World, seq, bytes| {
        let session = permit::<SessionTotal>(&world.rules);
        world.store.add_counts(None, Some(session), &batch(1, seq, &[(account(7), bytes), (account(8), 1)]))
    };
    count(&mut world, 1, largest).unwrap();
    let before = everything(&world);
    for too_large in [1, largest, u64::MAX] {
        assert_eq!(count(&mut world, 2, too_large), Err(StoreError::Overflow), "{too_large}");
        assert_eq!(everything(&world), before);
    }
}

#[test]
fn the_file_itself_refuses_a_count_below_zero_and_one_that_is_no_number() {
    let mut world = world("northgate");
    world.count(&[(account(7), 5)], at(NOW));
    let store = Connection::open(world.dir.path().join("avow.db")).unwrap();
    for value in ["-1", "-9223372036854775808", "'x'", "NULL", "1.5", "9223372036854775807 + 1"] {
        let changed = store.execute(&format!("UPDATE month_total_202611_v1 SET bytes = {value}"), []);
        assert!(changed.is_err(), "{value}");
    }
    assert_eq!(world.total(account(7), at(NOW)), 5);
}

#[test]
fn nothing_is_allowed_in_a_month_that_has_not_come() {
    let rules = shipped("northgate", 1);
    for recorded in ["2026-11-25T12:00:00.001Z", "2026-12-01T00:00:00Z", "2126-12-01T00:00:00Z"] {
        let ahead = Facts { recorded: at(recorded), ..facts(at(NOW)) };
        let refusal = rules.permit::<MonthTotal>(&ahead).unwrap_err();
        assert!(refusal.to_string().contains("has not come"), "{refusal}");
    }
    let mut world = world("northgate");
    world.count(&[(account(7), 5)], at(NOW));
    assert_eq!(world.store.month_totals(at("2026-12-01T00:00:00Z"), &TimeZone::UTC), Ok(vec![]));
    assert_eq!(world.store.month_totals(at(NOW), &TimeZone::UTC), Ok(vec![(account(7), Bytes(5))]));
}

/// A kind of record with a code that no vocabulary knows.
struct Invented;

impl Record for Invented {
    const NAME: &'static str = "invention";
    const CODES: &'static [&'static str] = &["session.shoe_size"];
    const PURPOSE: &'static str = "service.auth";
    const SERVICE: avow_terms::permit::Service = avow_terms::permit::Service::Registration;
}

#[test]
fn nothing_is_allowed_of_a_code_that_no_vocabulary_knows() {
    for name in ["northgate", "lantern"] {
        let refusal = shipped(name, 1).permit::<Invented>(&facts(at(NOW))).unwrap_err();
        assert!(refusal.to_string().contains("`session.shoe_size`"), "{refusal}");
    }
}
