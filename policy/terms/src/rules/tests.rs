//! Decisions on policies put together by hand.

use std::sync::Arc;

use cedar_policy::{
    PolicyId, PolicySet, Schema, ValidationMode, Validator,
    pst::{BinaryOp, Expr},
};

use super::{ours, sample::*, *};
use crate::{
    compile::{
        expression::{duration, fact, reached},
        statement::Draft,
    },
    permit::{Form, NodePlace},
    retention::{Anchor, Period, Retention},
    term::Promise,
};

const NINETY_DAYS: Period = Period::Minutes(90 * 24 * 60);

fn decide(rules: &Rules, data: &str, purpose: &str, facts: &Facts) -> Answer {
    rules.decide(Service::Accounting, &code(data), &code(purpose), facts)
}

#[track_caller]
fn allowed(rules: &Rules, data: &str, purpose: &str, facts: &Facts, due: Due, reason: &str) {
    let answer = decide(rules, data, purpose, facts);
    assert_eq!(answer.reason, reason);
    assert_eq!((answer.allowed, answer.due), (true, Some(due)));
}

#[track_caller]
fn refused(rules: &Rules, data: &str, purpose: &str, facts: &Facts, reason: &str) {
    let answer = decide(rules, data, purpose, facts);
    assert_eq!(answer.reason, reason);
    assert_eq!((answer.allowed, answer.due), (false, None));
}

fn until_deleted() -> Retention {
    Retention::Until { anchor: Anchor::AccountDeleted }
}

fn sample() -> Vec<(&'static str, Promise)> {
    let after_the_session = Retention::After { period: NINETY_DAYS, anchor: Anchor::SessionEnd };
    let month = Retention::MonthEnd { zone: "UTC".into() };
    let year_after_closing = Retention::After { period: Period::Months(12), anchor: Anchor::AccountClosed };
    vec![
        ("N1", Promise::Never { data: codes("identity"), except: codes("account.email account.username") }),
        ("S1", stored("account.email", "notices", until_deleted())),
        ("S2", stored("session.client_ip", "security", after_the_session)),
        ("S3", stored("usage.month_total", "service.limit", month)),
        ("S4", stored("notice.evidence", "accountability", year_after_closing)),
        ("S5", stored("session.date", "security", Retention::Memory { at_most: None })),
        ("S6", stored("account.username", "service.auth", until_deleted())),
        ("S7", stored("account.password_digest", "service.auth", until_deleted())),
        ("S8", stored("diagnostics", "improve", until_deleted())),
        ("U1", measure("consent", "diagnostics.attempt")),
        ("L1", measure("store-nothing-abroad", "")),
        ("T1", measure("encrypt-at-rest", "account.username")),
        ("T2", measure("hash-only", "account.password_digest")),
        ("R1", share("The payment processor", "account.email", "billing")),
        ("R2", measure("no-disclosure", "")),
    ]
}

fn share(recipient: &str, data: &str, purpose: &str) -> Promise {
    let (recipient, when) = (recipient.to_owned(), "When you pay".to_owned());
    Promise::Share {
        recipient,
        data: codes(data),
        purpose: code(purpose),
        when,
        legal_basis: std::collections::BTreeSet::new(),
        transfer: None,
    }
}

#[test]
fn what_a_row_keeps_is_allowed_until_it_is_due() {
    let rules = rules(1, &sample()).unwrap();
    let reason = "S3 allows it: until the end of the calendar month (UTC); due 2027-01-01T00:00Z";
    let due = Due::At(at("2027-01-01T00:00Z"));
    allowed(&rules, "usage.month_total", "service.limit", &written("2026-12-05T10:00Z"), due, reason);

    let kept = Facts { now: at("2026-12-31T23:59:59.999Z"), ..written("2026-12-05T10:00Z") };
    allowed(&rules, "usage.month_total", "service.limit", &kept, due, reason);

    let over = Facts { now: at("2027-01-01T00:00Z"), ..kept };
    let reason = "S3 keeps it no longer, it was due 2027-01-01T00:00Z: \"the words of S3\" (sample.md:6:1)";
    refused(&rules, "usage.month_total", "service.limit", &over, reason);
}

#[test]
fn an_event_that_has_not_happened_ends_nothing() {
    let rules = rules(1, &sample()).unwrap();
    let open = Facts { now: at("2099-01-01T00:00Z"), ..written("2026-12-05T10:00Z") };
    let reason = "S2 allows it: 90 days after the session ends";
    allowed(&rules, "session.client_ip", "security", &open, Due::When(Anchor::SessionEnd), reason);

    let events = Events { session_end: Some(at("2026-12-05T11:00Z")), ..Events::default() };
    let ended = Facts { now: at("2027-03-05T10:59Z"), events, ..open };
    let reason = "S2 allows it: 90 days after the session ends; due 2027-03-05T11:00Z";
    allowed(&rules, "session.client_ip", "security", &ended, Due::At(at("2027-03-05T11:00Z")), reason);
}

#[test]
fn what_no_clause_keeps_is_refused_and_the_answer_says_what_is_missing() {
    let rules = rules(1, &sample()).unwrap();
    let facts = written("2026-12-05T10:00Z");
    let reason = "no clause of sample version 1 keeps `payment.date` for `billing`; \
                  add a row to the table \"What we keep\"";
    refused(&rules, "payment.date", "billing", &facts, reason);
    let reason = "no clause of sample version 1 keeps `account.email` for `marketing`; \
                  add a row to the table \"What we keep\" (S1 keeps it for `notices`)";
    refused(&rules, "account.email", "marketing", &facts, reason);
    refused(&rules, "shoe.size", "billing", &facts, "`shoe.size` is no item of data of the vocabulary");
    refused(&rules, "payment.date", "fun", &facts, "`fun` is no purpose of the vocabulary");
    let reason = "S5 does not let it be stored: \"the words of S5\" (sample.md:8:1)";
    refused(&rules, "session.date", "security", &facts, reason);
}

#[test]
fn a_clause_that_forbids_is_quoted() {
    let rules = rules(1, &sample()).unwrap();
    let home = written("2026-12-05T10:00Z");
    let reason = "N1 forbids it: \"the words of N1\" (sample.md:3:1)";
    refused(&rules, "identity.name", "service.auth", &home, reason);
    let answer = decide(&rules, "identity.name", "service.auth", &home);
    assert_eq!(answer.clause, "N1".parse().ok());
    assert_eq!(answer.words.as_deref(), Some("the words of N1"));
    assert_eq!(answer.place.as_deref(), Some("sample.md:3:1"));

    let abroad = Facts { place: NodePlace::Abroad, ..home };
    let reason = "L1 forbids it: \"the words of L1\" (sample.md:13:1)";
    refused(&rules, "usage.month_total", "service.limit", &abroad, reason);
}

#[test]
fn data_is_kept_only_in_the_form_that_was_promised() {
    let rules = rules(1, &sample()).unwrap();
    let plain = written("2026-12-05T10:00Z");
    let sealed = Facts { form: Form::Sealed, ..plain.clone() };
    let digest = Facts { form: Form::Digest, ..plain.clone() };
    let says = |facts: &Facts, data: &str| decide(&rules, data, "service.auth", facts).reason;
    assert_eq!(says(&sealed, "account.username"), "S6 allows it: until the account is deleted");
    assert_eq!(says(&plain, "account.username"), "T1 forbids it: \"the words of T1\" (sample.md:14:1)");
    assert_eq!(says(&digest, "account.password_digest"), "S7 allows it: until the account is deleted");
    assert_eq!(says(&sealed, "account.password_digest"), "T2 forbids it: \"the words of T2\" (sample.md:15:1)");
}

#[test]
fn consent_is_asked_for_the_codes_that_need_it_and_a_category_needs_all_its_items() {
    let rules = rules(1, &sample()).unwrap();
    let without = written("2026-12-05T10:00Z");
    let with = Facts { consent: true, ..without.clone() };
    let reason = "S8 keeps it only if the user agreed: \"the words of S8\" (sample.md:11:1)";
    refused(&rules, "diagnostics.attempt", "improve", &without, reason);
    refused(&rules, "diagnostics", "improve", &without, reason);
    let reason = "S8 allows it: until the account is deleted";
    let due = Due::When(Anchor::AccountDeleted);
    allowed(&rules, "diagnostics.crash", "improve", &without, due, reason);
    allowed(&rules, "diagnostics", "improve", &with, due, reason);
}

#[test]
fn facts_that_cannot_be_true_are_refused() {
    let rules = rules(1, &sample()).unwrap();
    let good = written("2026-12-05T10:00Z");
    let early = Facts { now: at("2026-12-05T09:59:59.999Z"), ..good.clone() };
    let ancient = written("1999-12-31T23:59:59.999Z");
    let never = Facts { now: at("2300-01-01T00:00Z"), ..good.clone() };
    let events = Events { account_deleted: Some(at("1970-01-01T00:00Z")), ..Events::default() };
    for (facts, reason) in [
        (early, "these facts cannot be true: nothing is decided before it was recorded"),
        (ancient, "these facts cannot be true: nothing is decided before it was recorded"),
        (never, "these facts cannot be true: nothing is decided before it was recorded"),
        (Facts { events, ..good }, "these facts cannot be true: events happen in the centuries the rules are made for"),
    ] {
        refused(&rules, "account.email", "notices", &facts, reason);
    }
}

#[test]
fn an_instant_that_cedar_cannot_read_is_a_refusal() {
    let rules = rules(1, &sample()).unwrap();
    refused(
        &rules,
        "account.email",
        "notices",
        &written("-000044-03-15T00:00Z"),
        "the facts cannot be put to the rules",
    );
}

#[test]
fn a_statement_that_fails_never_opens_the_door() {
    let (policy, vocabulary) = (policy(None, &sample()), vocabulary());
    let mut compiled = compile::compile(&policy, &vocabulary).unwrap();
    let schema = schema::schema(vocabulary.leaves(), vocabulary.codes(Kind::Purpose), &compiled.dates);
    let whole =
        Rules::assemble(&policy, &vocabulary, 1, compile::compile(&policy, &vocabulary).unwrap(), schema.clone());
    assert!(decide(&whole.unwrap(), "account.email", "notices", &written("2026-12-05T10:00Z")).allowed);

    // A sum past the end of Cedar's time: the statement cannot be evaluated, and Cedar skips it.
    let end_of_time = Arc::new(duration("9223372036854775807ms"));
    let sum = Expr::BinaryOp { op: BinaryOp::Offset, left: Arc::new(fact("now")), right: end_of_time };
    let planted = Draft { when: vec![reached(sum, fact("now"))], ..Draft::forbid("X1/planted".into(), "planted") };
    compiled.statements.push(planted.build().unwrap());
    let rules = Rules::assemble(&policy, &vocabulary, 1, compiled, schema).unwrap();
    let reason = "the rule `X1/planted` cannot be evaluated on these facts";
    refused(&rules, "account.email", "notices", &written("2026-12-05T10:00Z"), reason);
}

#[test]
fn a_date_that_is_forgotten_is_a_refusal() {
    let (policy, vocabulary) = (policy(None, &sample()), vocabulary());
    let mut compiled = compile::compile(&policy, &vocabulary).unwrap();
    let schema = schema::schema(vocabulary.leaves(), vocabulary.codes(Kind::Purpose), &compiled.dates);
    compiled.dates.retain(|date| date.is_month_end);
    let rules = Rules::assemble(&policy, &vocabulary, 1, compiled, schema).unwrap();
    let open = written("2026-12-05T10:00Z");
    assert!(decide(&rules, "notice.evidence", "accountability", &open).allowed);
    let events = Events { account_closed: Some(at("2026-12-05T09:00Z")), ..Events::default() };
    let reason =
        "these facts cannot be true: a date is given when what it is counted from has happened, and lies after it";
    refused(&rules, "notice.evidence", "accountability", &Facts { events, ..open }, reason);
}

#[test]
fn a_clause_that_says_a_thing_twice_says_it_once() {
    let abroad = measure("store-nothing-abroad", "");
    let twice = rules(1, &[("L1", abroad.clone()), ("L1", abroad.clone())]).unwrap();
    assert_eq!(twice.cedar(), rules(1, &[("L1", abroad)]).unwrap().cedar());
}

struct MonthTotal;
impl Record for MonthTotal {
    const NAME: &'static str = "month total";
    const CODES: &'static [&'static str] = &["system.cursor", "usage.month_total"];
    const PURPOSE: &'static str = "service.limit";
    const SERVICE: Service = Service::Accounting;
}

struct Message;
impl Record for Message {
    const NAME: &'static str = "message";
    const CODES: &'static [&'static str] = &["account.email", "account.number"];
    const PURPOSE: &'static str = "notices";
    const SERVICE: Service = Service::Mail;
}

struct Nothing;
impl Record for Nothing {
    const NAME: &'static str = "nothing";
    const CODES: &'static [&'static str] = &["Not A Code"];
    const PURPOSE: &'static str = "notices";
    const SERVICE: Service = Service::Mail;
}

#[test]
fn a_permit_says_under_which_version_by_which_clause_and_until_when() {
    let permit: Permit<MonthTotal> = rules(7, &sample()).unwrap().permit(&written("2026-12-05T10:00Z")).unwrap();
    assert_eq!(permit.version(), 7);
    assert_eq!(permit.recorded(), at("2026-12-05T10:00Z"));
    assert_eq!(permit.due(), Due::At(at("2027-01-01T00:00Z")));
    assert_eq!(permit.clauses(), ["S3".parse().unwrap()]);
    assert_eq!(permit.zone().iana_name(), Some("UTC"));
}

#[test]
fn a_refusal_names_the_record_the_code_and_what_is_missing() {
    let rules = rules(1, &sample()).unwrap();
    let refusal = rules.permit::<Message>(&written("2026-12-05T10:00Z")).unwrap_err();
    assert_eq!(
        refusal.to_string(),
        "message: `account.number` for `notices` may not be stored: no clause of sample version 1 keeps \
         `account.number` for `notices`; add a row to the table \"What we keep\""
    );
    let refusal = rules.permit::<Nothing>(&written("2026-12-05T10:00Z")).unwrap_err();
    assert_eq!(refusal.reason, "`not-a-code` is no item of data of the vocabulary");
}

#[test]
fn a_permit_is_for_what_is_written_now() {
    let rules = rules(1, &sample()).unwrap();
    let old = Facts { now: at("2026-12-05T10:01Z"), ..written("2026-12-05T10:00Z") };
    let refusal = rules.permit::<MonthTotal>(&old).unwrap_err();
    let reason = "these facts cannot be true: what is written is recorded at the instant of writing";
    assert_eq!(refusal.reason, reason);
}

#[test]
fn a_due_instant_is_the_earliest_of_all_that_a_code_is_made_of() {
    let rules = rules(1, &sample()).unwrap();
    let recorded = at("2026-12-05T10:00Z");
    let due = |data: &str| rules.due(&code(data), recorded, &Events::default());
    assert_eq!(due("usage.month_total"), Some(Due::At(at("2027-01-01T00:00Z"))));
    assert_eq!(due("account.email"), Some(Due::When(Anchor::AccountDeleted)));
    // One row holds the date in memory, for another purpose than the one that stores it.
    let day = Retention::After { period: Period::Minutes(24 * 60), anchor: Anchor::Recorded };
    let both = [&sample()[..], &[("S9", stored("session.date", "service.display", day))]].concat();
    let both = self::rules(1, &both).unwrap().due(&code("session.date"), recorded, &Events::default());
    assert_eq!((due("session.date"), both), (None, Some(Due::At(at("2026-12-06T10:00Z")))));
    // No row keeps every item under `session`; a clause forbids a name; nobody speaks of a payment.
    assert_eq!((due("session"), due("identity.name"), due("payment.date")), (None, None, None));
}

#[test]
fn two_rows_for_one_item_and_purpose_are_refused() {
    let clauses = [
        ("S1", stored("session", "security", until_deleted())),
        ("S2", stored("session.date", "security", until_deleted())),
    ];
    let problems = rules(1, &clauses).unwrap_err();
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!(problem.message, "`session.date` is kept for `security` by S1 already");
    assert_eq!((problem.code, problem.place.location()), ("kept-twice", "sample.md:4:1".to_owned()));
}

#[test]
fn what_cannot_be_dated_or_named_does_not_compile() {
    let nowhere = Retention::MonthEnd { zone: "Mars/Olympus".into() };
    let for_ever = Retention::After { period: Period::Months(1201), anchor: Anchor::Recorded };
    for (promise, message) in [
        (stored("account.email", "notices", nowhere), "`Mars/Olympus` is not a time zone of the IANA database"),
        (stored("account.email", "notices", for_ever), "a period is at most a hundred years"),
        (stored("shoe.size", "notices", until_deleted()), "`shoe.size` is not a code of the vocabulary"),
    ] {
        let problems = rules(1, &[("S1", promise)]).unwrap_err();
        assert_eq!(problems.iter().map(|problem| problem.message.as_str()).collect::<Vec<_>>(), [message]);
    }
    let problems = Rules::compile(policy(Some("Mars/Olympus"), &[]), vocabulary(), 1).unwrap_err();
    assert_eq!(problems.len(), 1);
}

/// The text parsed again, under the names its annotations give; as JSON, so that only the meaning counts.
fn parsed_again(text: &str) -> BTreeMap<String, serde_json::Value> {
    let set: PolicySet = text.parse().unwrap();
    let named = |rule: &cedar_policy::Policy| {
        let id = rule.annotation("id").unwrap().to_owned();
        (id.clone(), rule.new_id(PolicyId::new(id)).to_json().unwrap())
    };
    set.policies().map(named).collect()
}

fn evaluated(rules: &Rules) -> BTreeMap<String, serde_json::Value> {
    rules.statements.iter().map(|(id, (_, one))| (id.clone(), one.rule.to_json().unwrap())).collect()
}

#[test]
fn the_text_is_what_is_evaluated() {
    for rules in [rules(1, &sample()).unwrap(), ours::compiled(ours::NORTHGATE), ours::compiled(ours::LANTERN)] {
        assert_eq!(parsed_again(rules.cedar()), evaluated(&rules));
        let (schema, _) = Schema::from_cedarschema_str(rules.schema()).unwrap();
        let checked = Validator::new(schema).validate(&rules.cedar().parse().unwrap(), ValidationMode::Strict);
        assert_eq!(checked.to_string(), "no errors or warnings");
    }
}

#[test]
fn words_of_a_policy_cannot_become_rules() {
    let evil = "\"); permit (principal, action, resource); //\\\n\u{2028}é";
    let mut policy =
        policy(None, &[("R1", share(evil, "account.email", "billing")), ("R2", measure("no-disclosure", ""))]);
    Arc::get_mut(&mut policy).unwrap().clauses[0].words = evil.into();
    let rules = Rules::compile(policy, vocabulary(), 1).unwrap();
    assert_eq!(parsed_again(rules.cedar()), evaluated(&rules));
    refused(
        &rules,
        "account.email",
        "notices",
        &written("2026-12-05T10:00Z"),
        "no clause of sample version 1 keeps `account.email` for `notices`; add a row to the table \"What we keep\"",
    );
}

#[test]
fn rules_say_nothing_but_their_version_when_they_are_debugged() {
    assert_eq!(format!("{:?}", rules(3, &sample()).unwrap()), "Rules { version: 3, .. }");
}
