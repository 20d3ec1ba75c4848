//! Every kind of record, under the two policies that are shipped: kept as it was given, unreadable in the file, gone when it
//! must be, and refused where the policy does not declare it.

use std::sync::Arc;

use avow_accounting::{
    ActivationCode, Attempt, Blocked, CaseStep, Choices, Chosen, Decision, DeviceCount, Diagnostics, Email, Evidence,
    MonthTotal, NewAccount, NoticeEvidence, PasswordDigest, PaymentRecord, PlanRecord, SealedBlob, SealedSession,
    SessionTotal, Step, StoreError, UserName,
};
use avow_terms::{
    amount::Bytes,
    payment::Payment,
    permit::{Events, Facts, Form, NodePlace, Permit, Record, Refusal},
    plan::Plan,
    private::Private,
    reading,
    rules::Rules,
    source::Source,
};
use jiff::{SignedDuration, Timestamp};

use crate::world::{NODE, World, account, at, batch, before, history, holds, vocabulary};

const NOW: &str = "2026-11-25T12:00:00Z";

/// The rules of a policy that is shipped.
pub(crate) fn shipped(name: &str, version: u32) -> Arc<Rules> {
    let path = format!("{}/../policy-docs/{name}/privacy.md", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let vocabulary = vocabulary();
    let policy = reading::read(Source::new(name, text), &vocabulary).policy().unwrap();
    Arc::new(Rules::compile(Arc::new(policy), vocabulary, version).unwrap())
}

/// A store with the accounts 7 and 8 under a policy that is shipped.
pub(crate) fn world(name: &str) -> World {
    let mut world = World::under(shipped(name, 1));
    for number in [7, 8] {
        world.add(account(number), b"keys", at(NOW));
    }
    world
}

pub(crate) fn facts(now: Timestamp) -> Facts {
    let events = Events { session_end: Some(now), payment: Some(now), ..Events::default() };
    Facts { now, recorded: now, events, place: NodePlace::Home, form: Form::Sealed, consent: true }
}

impl World {
    pub(crate) fn ask<R: Record>(&self, now: Timestamp) -> Result<Permit<R>, Refusal> {
        self.rules.permit(&facts(now))
    }

    pub(crate) fn allowed<R: Record>(&self) -> Permit<R> {
        self.ask(at(NOW)).unwrap()
    }

    pub(crate) fn sweep(&mut self, now: Timestamp) {
        let versions = history(&[("2026-01-01T00:00Z", &self.rules.clone())]);
        self.store.sweep(&versions, now).unwrap();
    }
}

pub(crate) fn private(text: &str) -> Private<String> {
    Private::new(text.to_owned())
}

#[test]
fn each_policy_allows_the_records_it_declares_and_refuses_every_other() {
    fn allows<R: Record>(rules: &Rules) -> Option<&'static str> {
        rules.permit::<R>(&facts(at(NOW))).ok().map(|_| R::NAME)
    }
    let all = [
        allows::<ActivationCode>,
        allows::<Blocked>,
        allows::<CaseStep>,
        allows::<Choices>,
        allows::<DeviceCount>,
        allows::<Diagnostics>,
        allows::<Email>,
        allows::<MonthTotal>,
        allows::<NoticeEvidence>,
        allows::<PasswordDigest>,
        allows::<PaymentRecord>,
        allows::<PlanRecord>,
        allows::<SealedSession>,
        allows::<SessionTotal>,
        allows::<UserName>,
    ];
    let allowed = |name| -> Vec<_> {
        let rules = shipped(name, 1);
        all.iter().filter_map(|allows| allows(&rules)).collect()
    };
    assert_eq!(
        allowed("northgate"),
        [
            "activation code",
            "block",
            "step of a complaint",
            "e-mail address",
            "month total",
            "notice evidence",
            "payment",
            "plan",
            "sealed session"
        ]
    );
    assert_eq!(
        allowed("lantern"),
        [
            "activation code",
            "choices",
            "device count",
            "diagnostics",
            "e-mail address",
            "notice evidence",
            "password digest",
            "plan",
            "session total",
            "user name"
        ]
    );
}

#[test]
fn an_address_is_read_as_it_was_given_and_cannot_be_read_in_the_file() {
    let mut world = world("northgate");
    let address = "somebody@mail.example";
    world.store.set_email(world.allowed(), account(7), &private("before@mail.example")).unwrap();
    world.store.set_email(world.allowed(), account(7), &private(address)).unwrap();
    assert!(!holds(&world.bytes(), b"mail.example"));
    let mut world = world.reopen();
    assert_eq!(world.store.email(account(7)).unwrap().unwrap().expose(), address);
    assert!(world.store.email(account(8)).unwrap().is_none());
    assert_eq!(world.store.emails().unwrap().len(), 1);
    let stranger = world.store.set_email(world.allowed(), account(9), &private(address));
    assert_eq!(stranger, Err(StoreError::NoSuchAccount));
    world.store.remove_account(account(7)).unwrap();
    assert!(world.store.emails().unwrap().is_empty());
}

#[test]
fn a_user_name_finds_its_account_belongs_to_one_and_is_told_to_nobody() {
    let mut world = world("lantern");
    world.store.set_username(world.allowed(), account(7), &private("Anna Blum")).unwrap();
    let taken = world.store.set_username(world.allowed(), account(8), &private(" anna blum "));
    assert_eq!(taken, Err(StoreError::NameTaken));
    let find = |world: &World, name: &str| world.store.account_of_username(&private(name)).unwrap();
    assert_eq!(find(&world, "ANNA BLUM"), Some(account(7)));
    assert!(!holds(&world.bytes(), b"Blum") && !holds(&world.bytes(), b"blum"));
    world.store.rotate_keys(&|_| ()).unwrap();
    assert_eq!(find(&world, "anna blum"), Some(account(7)));
    world.store.set_username(world.allowed(), account(7), &private("Anna Rose")).unwrap();
    assert_eq!((find(&world, "anna blum"), find(&world, "anna rose")), (None, Some(account(7))));
    world.store.remove_account(account(7)).unwrap();
    assert_eq!(find(&world, "anna rose"), None);
}

#[test]
fn a_password_is_stored_as_a_sealed_digest_and_nothing_else() {
    let mut world = world("lantern");
    world.store.set_password(world.allowed(), account(7), &private("correct horse")).unwrap();
    let check =
        |world: &World, number, word: &str| world.store.check_password(account(number), &private(word)).unwrap();
    assert!(check(&world, 7, "correct horse"));
    assert!(!check(&world, 7, "Correct horse") && !check(&world, 8, "correct horse"));
    assert!(!holds(&world.bytes(), b"correct"));
    for bad in [String::new(), "x".repeat(4097)] {
        let refused = world.store.set_password(world.allowed(), account(7), &Private::new(bad));
        assert_eq!(refused, Err(StoreError::Password));
    }
    world.store.set_password(world.allowed(), account(7), &private("another one")).unwrap();
    let world = world.reopen();
    assert!(check(&world, 7, "another one") && !check(&world, 7, "correct horse"));
}

#[test]
fn a_code_works_once_for_its_account_and_for_fifteen_minutes() {
    let mut world = world("northgate");
    let give = |world: &mut World, now: Timestamp| {
        let permit = world.ask(now).unwrap();
        world.store.remember_code(permit, account(7), &private("K7QW-22ZP")).unwrap();
    };
    let code = private("K7QW-22ZP");
    give(&mut world, at(NOW));
    let later = at("2026-11-25T12:14:59Z");
    assert_eq!(world.store.use_code(account(8), &code, later), Ok(false));
    assert_eq!(world.store.use_code(account(7), &private("K7QW-22ZQ"), later), Ok(false));
    assert_eq!(world.store.use_code(account(7), &code, later), Ok(true));
    assert_eq!(world.store.use_code(account(7), &code, later), Ok(false));
    give(&mut world, at(NOW));
    assert_eq!(world.store.use_code(account(7), &code, at("2026-11-25T12:15:00Z")), Ok(false));
    give(&mut world, at(NOW));
    assert!(world.store.awaits_code(account(7)).unwrap());
    world.sweep(at("2026-11-25T12:15:00Z"));
    assert!(!world.store.awaits_code(account(7)).unwrap());
    assert!(!holds(&world.bytes(), b"K7QW"));
}

#[test]
fn a_plan_is_read_with_its_account() {
    let mut world = world("northgate");
    let plan = Plan { month_bytes: Some(Bytes(1 << 40)), ends: Some(at("2027-11-25T12:00:00Z")), devices: Some(5) };
    world.store.set_plan(world.allowed(), account(7), &Plan::default()).unwrap();
    world.store.set_plan(world.allowed(), account(7), &plan).unwrap();
    let world = world.reopen();
    let plans: Vec<_> = world.store.accounts().unwrap().into_iter().map(|account| account.plan).collect();
    assert_eq!(plans, [Some(plan), None]);
    assert_eq!(world.store.account(account(7)).unwrap().unwrap().plan, Some(plan));
}

#[test]
fn accounts_are_added_with_their_plans_or_not_at_all() {
    let mut world = world("northgate");
    let plan = Plan { month_bytes: Some(Bytes(1 << 40)), ..Plan::default() };
    let new = |number| NewAccount { number: account(number), keys: Private::new(b"keys of it".to_vec()) };
    let before = world.store.accounts().unwrap().len();
    let add = |world: &mut World, numbers: &[u32], plans: &[u32]| {
        let (accounts, plans): (Vec<_>, Vec<_>) = (
            numbers.iter().map(|number| new(*number)).collect(),
            plans.iter().map(|of| (account(*of), plan)).collect(),
        );
        let (may, may_plan) = (world.allowed(), world.allowed());
        world.store.add_accounts_with_plans(may, &accounts, may_plan, &plans)
    };
    // The third stands twice; one of the plans is nobody's, or stands twice.
    for (numbers, plans) in [([30, 31, 31], [30, 31]), ([30, 31, 32], [30, 99]), ([30, 31, 32], [31, 31])] {
        assert!(add(&mut world, &numbers, &plans).is_err(), "{numbers:?} {plans:?}");
    }
    let mut world = world.reopen();
    assert_eq!((world.store.accounts().unwrap().len(), world.store.plans().unwrap()), (before, vec![]));
    assert!(world.store.kept(account(7)).unwrap().is_empty());
    let (may, may_plan) = (world.allowed(), world.allowed());
    let plans = [(account(31), plan)];
    world.store.add_accounts_with_plans(may, &[new(30), new(31)], may_plan, &plans).unwrap();
    let world = world.reopen();
    assert_eq!((world.store.accounts().unwrap().len(), world.store.plans().unwrap()), (before + 2, plans.to_vec()));
}

#[test]
fn a_block_and_its_steps_are_gone_ninety_days_after_they_were_recorded() {
    let mut world = world("northgate");
    let step = |day: &str, decision| Step { day: day.parse().unwrap(), decision };
    let steps = [step("2026-11-20", Decision::Reported), step("2026-11-25", Decision::Blocked)];
    for one in steps {
        world.store.add_case_step(world.allowed(), account(7), one).unwrap();
    }
    world.store.block(world.allowed(), account(7)).unwrap();
    assert_eq!(world.store.blocked_accounts(), Ok(vec![account(7)]));
    assert_eq!(world.store.case_steps(account(7)), Ok(steps.to_vec()));
    assert_eq!(world.store.unblock(account(7)), Ok(true));
    assert_eq!(world.store.unblock(account(7)), Ok(false));
    world.store.block(world.allowed(), account(7)).unwrap();
    let due = at("2027-02-23T12:00:00Z");
    world.sweep(before(due));
    assert!(world.store.is_blocked(account(7)).unwrap());
    world.sweep(due);
    assert!(!world.store.is_blocked(account(7)).unwrap());
    assert_eq!(world.store.case_steps(account(7)), Ok(vec![]));
}

#[test]
fn diagnostics_need_consent_and_withdrawing_it_erases_them() {
    let mut world = world("lantern");
    let no_consent = Facts { consent: false, ..facts(at(NOW)) };
    assert!(world.rules.permit::<Diagnostics>(&no_consent).is_err());
    let word = |word: &str| word.parse().unwrap();
    let attempt =
        Attempt { at: at(NOW), connection: word("tcp"), encryption: word("aes-256-gcm"), device: word("phone") };
    let refused = world.store.add_attempt(world.allowed(), account(7), &attempt);
    assert_eq!(refused, Err(StoreError::NoConsent), "it is off until somebody agrees");
    let agrees = Chosen { messages: false, diagnostics: true };
    world.store.set_choices(world.allowed(), account(7), agrees).unwrap();
    world.store.add_attempt(world.allowed(), account(7), &attempt).unwrap();
    world.store.add_attempt(world.allowed(), account(7), &attempt).unwrap();
    assert_eq!(world.store.attempts(account(7)), Ok(vec![attempt.clone(), attempt]));
    assert_eq!(world.store.choices(account(7)), Ok(agrees));
    let withdrawn = Chosen { diagnostics: false, ..agrees };
    world.store.set_choices(world.allowed(), account(7), withdrawn).unwrap();
    assert_eq!(world.store.attempts(account(7)), Ok(vec![]));
    assert_eq!(world.store.choices(account(8)), Ok(Chosen { messages: true, diagnostics: false }));
    for bad in ["", "192.0.2.7", "Anna", "a b", "x".repeat(41).as_str()] {
        assert!(bad.parse::<avow_accounting::Word>().is_err(), "{bad}");
    }
}

#[test]
fn a_device_count_is_sealed_and_its_rows_do_not_count() {
    let mut world = world("lantern");
    world.store.set_device_count(world.allowed(), account(7), 1).unwrap();
    world.store.set_device_count(world.allowed(), account(8), 200).unwrap();
    assert_eq!(world.store.device_count(account(8)), Ok(Some(200)));
    let kept = |number| world.store.kept(account(number)).unwrap();
    assert_eq!((kept(7).len(), kept(7)[0].rows), (kept(8).len(), kept(8)[0].rows));
}

#[test]
fn the_evidence_of_a_notice_is_kept_once_for_each_version() {
    let mut world = world("northgate");
    let evidence = |version, accepted| Evidence { version, accepted, digest: [7; 32] };
    world.store.keep_evidence(world.allowed(), &evidence(2, 10)).unwrap();
    world.store.keep_evidence(world.allowed(), &evidence(2, 11)).unwrap();
    world.store.keep_evidence(world.allowed(), &evidence(3, 12)).unwrap();
    let world = world.reopen();
    assert_eq!(world.store.evidence(), Ok(vec![evidence(2, 11), evidence(3, 12)]));
}

#[test]
fn of_a_payment_its_day_and_number_are_kept_and_nothing_else() {
    let mut world = world("northgate");
    let answer = r#"{"id": "TX-778", "created": 1795608000, "card": {"number": "4111111111111111", "name": "Anna"}}"#;
    let payment = Payment::read(answer).unwrap();
    world.store.add_payment(world.allowed(), account(7), &payment).unwrap();
    world.store.add_payment(world.allowed(), account(7), &payment).unwrap();
    let world = world.reopen();
    assert_eq!(world.store.payments(account(7)), Ok(vec![payment]));
    for part in [b"4111".as_slice(), b"Anna", b"TX-778"] {
        assert!(!holds(&world.bytes(), part));
    }
}

#[test]
fn sealed_sessions_are_bytes_in_the_hour_they_ended_and_gone_after_ninety_days() {
    let mut world = world("northgate");
    let blob = |number, text: &[u8]| SealedBlob { account: account(number), blob: text.to_vec() };
    world.store.add_sealed_sessions(world.allowed(), &[blob(7, b"one"), blob(7, b"two"), blob(9, b"gone")]).unwrap();
    let hours = world.store.sealed_sessions().unwrap();
    assert_eq!(hours.len(), 1);
    assert_eq!(hours[0].sessions.len(), 2, "nothing about accounts that are gone");
    assert_eq!(hours[0].sessions[1].blob, b"two");
    assert_eq!((hours[0].first, hours[0].due), (at(NOW), Some(at("2027-02-23T12:00:00Z"))));
    let next_hour = world.ask(at("2026-11-25T13:00:00Z")).unwrap();
    world.store.add_sealed_sessions(next_hour, &[blob(8, b"three")]).unwrap();
    assert_eq!(world.store.sealed_sessions().unwrap().len(), 2);
    world.sweep(at("2027-02-23T12:00:00Z"));
    assert_eq!(world.store.sealed_sessions().unwrap().len(), 1);
    world.sweep(at("2027-02-23T13:00:00Z"));
    assert_eq!(world.store.sealed_sessions().unwrap().len(), 0);
}

/// Counts in a batch of its own.
fn use_it(world: &mut World, number: u32, bytes: u64, now: &str) {
    let cursor = match world.store.cursor(NODE).unwrap() {
        Some(cursor) => cursor,
        None => world.store.begin_epoch(NODE).unwrap(),
    };
    let permit = world.ask(at(now)).unwrap();
    let counts = batch(cursor.epoch, cursor.seq + 1, &[(account(number), bytes)]);
    world.store.add_counts(None, Some(permit), &counts).unwrap();
}

fn sessions(world: &World, number: u32) -> Vec<(String, u64)> {
    let sessions = world.store.sessions(account(number)).unwrap();
    sessions.iter().map(|session| (session.day.to_string(), session.bytes.0)).collect()
}

#[test]
fn a_session_is_use_without_a_pause_of_fifteen_minutes_and_its_row_has_a_day_and_no_time() {
    let mut world = world("lantern");
    use_it(&mut world, 7, 100, "2026-11-25T23:50:00Z");
    use_it(&mut world, 7, 20, "2026-11-26T00:05:00Z");
    use_it(&mut world, 8, 5, "2026-11-26T00:05:01Z");
    use_it(&mut world, 7, 3, "2026-11-26T00:20:01Z");
    let expected = [("2026-11-25".to_owned(), 120), ("2026-11-26".to_owned(), 3)];
    assert_eq!(sessions(&world, 7), expected);
    assert_eq!(sessions(&world, 8), [("2026-11-26".to_owned(), 5)]);
    let kept = world.store.kept(account(7)).unwrap();
    assert_eq!(kept[0].recorded, at("2026-11-25T00:00:00Z"), "the entry of the bucket has a day, too");
    // A service that starts anew knows of no open session, and loses none of the bytes.
    let mut world = world.reopen();
    assert_eq!(sessions(&world, 7), expected);
    world.store.set_session_pause(SignedDuration::from_mins(30));
    use_it(&mut world, 7, 1, "2026-11-26T00:21:00Z");
    use_it(&mut world, 7, 1, "2026-11-26T00:51:00Z");
    assert_eq!(sessions(&world, 7).last().unwrap(), &("2026-11-26".to_owned(), 2));
}

#[test]
fn sessions_and_totals_are_booked_together_once() {
    let mut world = world("lantern");
    world.store.begin_epoch(NODE).unwrap();
    let counts = batch(1, 1, &[(account(7), 9)]);
    for _ in 0..2 {
        let permit = world.ask(at(NOW)).unwrap();
        world.store.add_counts(None, Some(permit), &counts).unwrap();
    }
    assert_eq!(sessions(&world, 7), [("2026-11-25".to_owned(), 9)]);
    let huge = batch(1, 2, &[(account(7), u64::MAX)]);
    let permit = world.ask(at(NOW)).unwrap();
    assert_eq!(world.store.add_counts(None, Some(permit), &huge), Err(StoreError::Overflow));
    assert_eq!(sessions(&world, 7), [("2026-11-25".to_owned(), 9)]);
}

#[test]
fn a_permit_of_a_version_before_is_refused_and_asked_again() {
    let mut world = world("northgate");
    let old = world.allowed::<Email>();
    world.rules = shipped("northgate", 2);
    world.store.set_email(world.allowed(), account(7), &private("a@mail.example")).unwrap();
    let late = world.store.set_email(old, account(7), &private("b@mail.example"));
    assert_eq!(late, Err(StoreError::OldPermit { newest: 2 }));
    let mut world = world.reopen();
    let old = shipped("northgate", 1).permit::<PlanRecord>(&facts(at(NOW))).unwrap();
    let late = world.store.set_plan(old, account(7), &Plan::default());
    assert_eq!(late, Err(StoreError::OldPermit { newest: 2 }));
    world.store.set_plan(world.allowed(), account(7), &Plan::default()).unwrap();
}

#[test]
fn an_account_that_is_removed_leaves_no_row_of_any_kind() {
    let mut world = world("northgate");
    world.store.set_email(world.allowed(), account(7), &private("a@mail.example")).unwrap();
    world.store.set_plan(world.allowed(), account(7), &Plan::default()).unwrap();
    world.store.block(world.allowed(), account(7)).unwrap();
    world.store.remember_code(world.allowed(), account(7), &private("code")).unwrap();
    let step = Step { day: "2026-11-25".parse().unwrap(), decision: Decision::Closed };
    world.store.add_case_step(world.allowed(), account(7), step).unwrap();
    let blob = SealedBlob { account: account(7), blob: b"blob".to_vec() };
    world.store.add_sealed_sessions(world.allowed(), &[blob]).unwrap();
    world.count(&[(account(7), 5), (account(8), 6)], at(NOW));
    let tables: Vec<_> = world.store.kept(account(7)).unwrap().iter().map(|kept| kept.table).collect();
    assert_eq!(tables, ["blocked", "case_step", "code", "email", "month_total", "plan", "sealed_session"]);
    let removed = world.store.remove_account(account(7)).unwrap();
    assert_eq!((removed.account, removed.rows), (true, 7));
    assert_eq!(world.store.kept(account(7)), Ok(vec![]));
    assert_eq!(world.store.kept(account(8)).unwrap().len(), 1);
}

#[test]
fn rotation_seals_every_kind_of_value_anew() {
    let mut world = world("lantern");
    let plan = Plan { devices: Some(3), ..Plan::default() };
    world.store.set_email(world.allowed(), account(7), &private("a@mail.example")).unwrap();
    world.store.set_plan(world.allowed(), account(7), &plan).unwrap();
    use_it(&mut world, 7, 100, "2026-11-25T12:00:00Z");
    use_it(&mut world, 7, 50, "2026-11-25T18:00:00Z");
    world.store.rotate_keys(&|_| ()).unwrap();
    let world = world.reopen();
    assert_eq!(world.store.email(account(7)).unwrap().unwrap().expose(), "a@mail.example");
    assert_eq!(world.store.plan(account(7)), Ok(Some(plan)));
    assert_eq!(sessions(&world, 7).len(), 2);
}
