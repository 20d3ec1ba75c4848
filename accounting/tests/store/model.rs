//! Every kind of record beside a model that knows nothing of buckets, keys or SQL: what was put, when, and how long its
//! policy keeps it. After each sweep the store holds nothing that is due, all that is not, and each value as it was put.

#![expect(clippy::panic, clippy::indexing_slicing, reason = "a test that meets what it does not expect must fail")]

use std::{collections::BTreeMap, sync::Arc};

use avow_accounting::{
    Attempt, Chosen, Decision, Evidence, MonthTotal, SealedBlob, SessionTotal, Step as Decided, StoreError,
};
use avow_terms::{
    amount::Bytes, payment::Payment, plan::Plan, private::Private, reading, rules::Rules, source::Source,
};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use proptest::{prelude::*, test_runner::Config};

use crate::{
    records::facts,
    world::{NODE, World, account, at, batch, history, vocabulary},
};

const BEGIN: &str = "2026-11-05T10:00:00Z";
/// An account that does not exist.
const STRANGER: u32 = 9;
const DAY: i64 = 24 * 60;

/// How long the policy of this test keeps each kind, in minutes; what is absent waits for the account to be deleted.
const KEPT: [(&str, i64); 11] = [
    ("blocked", 90 * DAY),
    ("case_step", 90 * DAY),
    ("choices", 30 * DAY),
    ("code", 15),
    ("device_count", 2 * DAY),
    ("diagnostics", 20 * DAY),
    ("notice", 400 * DAY),
    ("password", 10 * DAY),
    ("payment", 60 * DAY),
    ("sealed_session", 90 * DAY),
    ("username", 10 * DAY),
];
const SESSIONS: i64 = 45 * DAY;

const KINDS: [&str; 15] = [
    "blocked",
    "case_step",
    "choices",
    "code",
    "device_count",
    "diagnostics",
    "email",
    "month_total",
    "notice",
    "password",
    "payment",
    "plan",
    "sealed_session",
    "session_total",
    "username",
];

/// A value that was put, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Row {
    value: String,
    recorded: Timestamp,
}

/// By kind and account; evidence of notices is about account 0.
type Model = BTreeMap<(&'static str, u32), Vec<Row>>;

#[derive(Debug, Clone)]
enum Deed {
    Put(&'static str),
    Unblock,
    UseCode,
    Remove,
    Rotate,
    Reopen,
}

#[derive(Debug, Clone)]
struct Step {
    deed: Deed,
    account: u32,
    /// How long after the step before.
    minutes: i64,
    sweep: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let kind = prop::sample::select(KINDS.as_slice());
    let deed = prop_oneof![
        14 => kind.prop_map(Deed::Put),
        1 => Just(Deed::Unblock),
        1 => Just(Deed::UseCode),
        1 => Just(Deed::Remove),
        1 => Just(Deed::Rotate),
        1 => Just(Deed::Reopen),
    ];
    let minutes = prop_oneof![20..30_i64, 20..3 * DAY, DAY..50 * DAY];
    let account = prop_oneof![4 => 1..=2_u32, 1 => Just(STRANGER)];
    let step = (deed, account, minutes, prop::bool::ANY);
    let step = step.prop_map(|(deed, account, minutes, sweep)| Step { deed, account, minutes, sweep });
    prop::collection::vec(step, 1..40)
}

fn rules() -> Arc<Rules> {
    let vocabulary = vocabulary();
    let policy = reading::read(Source::new("everything", include_str!("everything.md")), &vocabulary).policy().unwrap();
    Arc::new(Rules::compile(Arc::new(policy), vocabulary, 1).unwrap())
}

/// From when on a row must be gone, and until when it must be there: a bucket goes with its first row, which is at most a
/// fifteenth of its time too early, and a session counts from its day.
fn bounds(kind: &str, recorded: Timestamp) -> Option<(Timestamp, Timestamp)> {
    if kind == "month_total" {
        let next = recorded.to_zoned(TimeZone::UTC).date().last_of_month().tomorrow().unwrap();
        let end = next.to_zoned(TimeZone::UTC).unwrap().timestamp();
        return Some((end, end));
    }
    let (minutes, early) = match kind {
        "session_total" => (SESSIONS, SESSIONS / 15 + DAY),
        _ => KEPT.iter().find(|(name, _)| *name == kind).map(|(_, minutes)| (*minutes, minutes / 15))?,
    };
    let after = |minutes| recorded + SignedDuration::from_mins(minutes);
    Some((after(minutes), after(minutes - early)))
}

fn private(text: &str) -> Private<String> {
    Private::new(text.to_owned())
}

/// Puts a value that is made of a number; says what it is.
fn put(world: &mut World, kind: &str, number: u32, value: u32, now: Timestamp) -> Result<String, StoreError> {
    let (account, facts) = (account(number), facts(now));
    let rules = Arc::clone(&world.rules);
    let store = &mut world.store;
    macro_rules! permit {
        () => {
            rules.permit(&facts).unwrap()
        };
    }
    let day = civil::date(2000, 1, 1) + SignedDuration::from_hours(24 * i64::from(value));
    match kind {
        "blocked" => store.block(permit!(), account).map(|()| "blocked".into()),
        "case_step" => {
            let step = Decided { day, decision: Decision::Warned };
            store.add_case_step(permit!(), account, step).map(|()| day.to_string())
        }
        "choices" => {
            let chosen = Chosen { messages: value.is_multiple_of(2), diagnostics: !value.is_multiple_of(3) };
            store.set_choices(permit!(), account, chosen).map(|()| format!("{chosen:?}"))
        }
        "code" => store.remember_code(permit!(), account, &private("CODE-CODE")).map(|()| "code".into()),
        "device_count" => store.set_device_count(permit!(), account, value).map(|()| value.to_string()),
        "diagnostics" => {
            let word = |word: &str| word.parse().unwrap();
            let at = Timestamp::from_second(i64::from(value)).unwrap();
            let attempt =
                Attempt { at, connection: word("tcp"), encryption: word("aes-256-gcm"), device: word("phone") };
            store.add_attempt(permit!(), account, &attempt).map(|()| value.to_string())
        }
        "email" => {
            let address = format!("{value}@mail.example");
            store.set_email(permit!(), account, &private(&address)).map(|()| address)
        }
        "notice" => {
            let evidence = Evidence { version: 1 + value % 3, accepted: value.into(), digest: [7; 32] };
            store.keep_evidence(permit!(), &evidence).map(|()| format!("{} {value}", evidence.version))
        }
        "password" => store.set_password(permit!(), account, &private("correct horse")).map(|()| "password".into()),
        "payment" => {
            let payment = Payment::read(&format!(r#"{{"id": "TX-{value}", "date": "{day}"}}"#)).unwrap();
            store.add_payment(permit!(), account, &payment).map(|()| format!("TX-{value}"))
        }
        "plan" => {
            let plan = Plan { month_bytes: Some(Bytes(value.into())), ..Plan::default() };
            store.set_plan(permit!(), account, &plan).map(|()| value.to_string())
        }
        "sealed_session" => {
            let blob = SealedBlob { account, blob: value.to_string().into_bytes() };
            store.add_sealed_sessions(permit!(), &[blob]).map(|()| value.to_string())
        }
        "username" => {
            let name = format!("name {value}");
            store.set_username(permit!(), account, &private(&name)).map(|()| name)
        }
        "month_total" | "session_total" => {
            let cursor = store.cursor(NODE)?.map_or_else(|| store.begin_epoch(NODE), Ok)?;
            let counts = batch(cursor.epoch, cursor.seq + 1, &[(account, u64::from(value) + 1)]);
            let month = (kind == "month_total").then(|| rules.permit::<MonthTotal>(&facts).unwrap());
            let session = (kind == "session_total").then(|| rules.permit::<SessionTotal>(&facts).unwrap());
            store.add_counts(month, session, &counts).map(|_| (value + 1).to_string())
        }
        _ => panic!("{kind}"),
    }
}

/// Whether a kind has one value for each account.
fn is_single(kind: &str) -> bool {
    !matches!(kind, "case_step" | "diagnostics" | "payment" | "sealed_session" | "session_total" | "notice")
}

/// Notes in the model what was put.
fn note(model: &mut Model, kind: &'static str, number: u32, value: String, recorded: Timestamp) {
    let rows = model.entry((kind, number)).or_default();
    let month = |instant: Timestamp| instant.to_zoned(TimeZone::UTC).date().first_of_month();
    if kind == "month_total" {
        rows.retain(|row| month(row.recorded) == month(recorded));
        let sum = rows.pop().map_or(0, |row| row.value.parse::<u64>().unwrap()) + value.parse::<u64>().unwrap();
        rows.push(Row { value: sum.to_string(), recorded });
        return;
    }
    if kind == "notice" {
        rows.retain(|row| row.value.split(' ').next() != value.split(' ').next());
    } else if is_single(kind) {
        rows.clear();
    }
    rows.push(Row { value, recorded });
    // What somebody takes back goes at once.
    if kind == "choices" && model[&(kind, number)][0].value.contains("diagnostics: false") {
        model.remove(&("diagnostics", number));
    }
}

/// What the store says now.
fn found(world: &World, kind: &str, number: u32, expected: &[Row], now: Timestamp) -> Vec<String> {
    let (store, account) = (&world.store, account(number.max(1)));
    let rows = |table| -> usize {
        let kept = store.kept(account).unwrap();
        kept.iter().filter(|kept| kept.table == table).map(|kept| kept.rows).sum()
    };
    let one = |there: bool, value: String| if there { vec![value] } else { Vec::new() };
    match kind {
        "blocked" => one(store.is_blocked(account).unwrap(), "blocked".into()),
        "case_step" => store.case_steps(account).unwrap().iter().map(|step| step.day.to_string()).collect(),
        "choices" => one(rows("choices") > 0, format!("{:?}", store.choices(account).unwrap())),
        "code" => one(store.awaits_code(account).unwrap(), "code".into()),
        "device_count" => store.device_count(account).unwrap().iter().map(u32::to_string).collect(),
        "diagnostics" => store.attempts(account).unwrap().iter().map(|one| one.at.as_second().to_string()).collect(),
        "email" => store.email(account).unwrap().map(Private::into_inner).into_iter().collect(),
        "month_total" => {
            let total = store.month_total(account, now, &TimeZone::UTC).unwrap().0;
            assert_eq!(rows("month_total"), usize::from(total > 0), "totals of a month that is over");
            one(total > 0, total.to_string())
        }
        "notice" => {
            let all = store.evidence().unwrap();
            all.iter().map(|one| format!("{} {}", one.version, one.accepted)).collect()
        }
        "password" => one(rows("password") > 0, "password".into()),
        "payment" => store.payments(account).unwrap().iter().map(|one| one.transaction.as_str().to_owned()).collect(),
        "plan" => store.plan(account).unwrap().iter().map(|plan| plan.month_bytes.unwrap().0.to_string()).collect(),
        "sealed_session" => {
            let hours = store.sealed_sessions().unwrap();
            let all = hours.into_iter().flat_map(|hour| hour.sessions);
            all.filter(|one| one.account == account).map(|one| String::from_utf8(one.blob).unwrap()).collect()
        }
        "session_total" => store.sessions(account).unwrap().iter().map(|one| one.bytes.0.to_string()).collect(),
        "username" => {
            let name = expected.first().map_or("nobody", |row| row.value.as_str());
            let known = store.account_of_username(&private(name)).unwrap() == Some(account);
            assert_eq!(rows("username") > 0, known, "the name and the digest that finds it go together");
            one(known, name.to_owned())
        }
        _ => panic!("{kind}"),
    }
}

/// Compares after a sweep. A row that may be gone already is from now on what the store says it is.
fn compare(world: &World, model: &mut Model, now: Timestamp) {
    for kind in KINDS {
        for number in if kind == "notice" { 0..=0 } else { 1..=2 } {
            let expected = model.remove(&(kind, number)).unwrap_or_default();
            let found = found(world, kind, number, &expected, now);
            for value in &found {
                let row = expected.iter().find(|row| row.value == *value);
                let row = row.unwrap_or_else(|| panic!("{kind} of {number}: `{value}` was not put, or is gone"));
                let late = bounds(kind, row.recorded).is_some_and(|(gone, _)| gone <= now);
                assert!(!late, "{kind} of {number}: recorded {}, and there at {now}", row.recorded);
            }
            let there = |row: &Row| found.contains(&row.value);
            for row in expected.iter().filter(|row| !there(row)) {
                let early = bounds(kind, row.recorded).is_none_or(|(_, kept)| now < kept);
                assert!(!early, "{kind} of {number}: recorded {}, and gone at {now}", row.recorded);
            }
            assert_eq!(found.len(), expected.iter().filter(|row| there(row)).count(), "{kind} of {number}: {found:?}");
            let left: Vec<Row> = expected.into_iter().filter(|row| found.contains(&row.value)).collect();
            if !left.is_empty() {
                model.insert((kind, number), left);
            }
        }
    }
}

fn perform(
    world: &mut World,
    model: &mut Model,
    Step { deed, account: number, .. }: &Step,
    value: u32,
    now: Timestamp,
) {
    let number = *number;
    match deed {
        Deed::Put(kind) => {
            let agreed = *kind != "diagnostics" || world.store.choices(account(number)).unwrap().diagnostics;
            let answer = put(world, kind, number, value, now);
            let about_nobody = matches!(*kind, "notice" | "month_total" | "session_total" | "sealed_session");
            match answer {
                Err(error) if number == STRANGER => assert!(
                    matches!(error, StoreError::NoSuchAccount | StoreError::NoConsent) && !about_nobody,
                    "{kind}: {error}"
                ),
                Err(error) => assert!(error == StoreError::NoConsent && !agreed, "{kind}: {error}"),
                Ok(value) => {
                    assert!(agreed && (number != STRANGER || about_nobody), "{kind}");
                    let number = if *kind == "notice" { 0 } else { number };
                    if number != STRANGER {
                        note(model, kind, number, value, now);
                    }
                }
            }
        }
        Deed::Unblock => {
            let known = world.store.unblock(account(number)).is_ok();
            assert_eq!(known, number != STRANGER);
            model.remove(&("blocked", number));
        }
        Deed::UseCode => {
            let right = world.store.use_code(account(number), &private("CODE-CODE"), now).unwrap();
            // Steps are twenty minutes apart, and a code lives for fifteen.
            assert!(!right, "a code outlived its time");
            assert!(!world.store.use_code(account(number), &private("ANOTHER"), now).unwrap());
        }
        Deed::Remove => {
            let removed = world.store.remove_account(account(number)).unwrap();
            assert_eq!(removed.account, number != STRANGER);
            model.retain(|(_, of), _| *of != number);
            if number != STRANGER {
                world.add(account(number), b"keys", now);
            }
        }
        Deed::Rotate => drop(world.store.rotate_keys(&|_| ()).unwrap()),
        Deed::Reopen => {}
    }
}

proptest! {
    #![proptest_config(Config { cases: 40, failure_persistence: None, ..Config::default() })]

    #[test]
    fn whatever_is_put_is_there_until_its_time_and_not_longer(steps in steps()) {
        let mut world = World::under(rules());
        let (mut model, mut now) = (Model::new(), at(BEGIN));
        for number in 1..=2 {
            world.add(account(number), b"keys", now);
        }
        let versions = history(&[("2026-01-01T00:00Z", &Arc::clone(&world.rules))]);
        for (step, value) in steps.iter().zip(0..) {
            now += SignedDuration::from_mins(step.minutes);
            if matches!(step.deed, Deed::Reopen) {
                world = world.reopen();
            }
            perform(&mut world, &mut model, step, value, now);
            if step.sweep {
                world.store.sweep(&versions, now).unwrap();
                compare(&world, &mut model, now);
            }
        }
        let last = now + SignedDuration::from_mins(401 * DAY);
        world.store.sweep(&versions, last).unwrap();
        compare(&world, &mut model, last);
        let left: Vec<_> = model.keys().map(|(kind, _)| *kind).filter(|kind| !matches!(*kind, "email" | "plan")).collect();
        prop_assert_eq!(left, [""; 0]);
    }
}
