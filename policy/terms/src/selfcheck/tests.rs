//! Faults planted in policies and in rules, each found and named; and the policies of the project, which have none.

use std::{collections::BTreeMap, sync::Arc};

use cedar_policy::pst::{BinaryOp, Expr};

use super::*;
use crate::{
    clause::ClauseId,
    compile::{
        self,
        expression::{duration, fact, reached},
        schema,
        statement::Draft,
    },
    permit::Form,
    policy::Policy,
    reading,
    retention::{Anchor, Period, Retention},
    rules::sample::*,
    source::Source,
    term::Promise,
    vocabulary::Kind,
};

const DELETED: Retention = Retention::Until { anchor: Anchor::AccountDeleted };

fn after(minutes: u32, anchor: Anchor) -> Retention {
    Retention::After { period: Period::Minutes(minutes), anchor }
}

fn found_in(clauses: &[(&str, Promise)], forms: &BTreeMap<Code, Form>) -> Vec<Problem> {
    check(&rules(0, clauses).unwrap(), forms)
}

/// The code and message of the only problem, and the places it points at.
#[track_caller]
fn found(clauses: &[(&str, Promise)], code: &str, message: &str, places: &[&str]) {
    let problems = found_in(clauses, &BTreeMap::new());
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!((problem.code, problem.message.as_str()), (code, message));
    assert_eq!(all_places(problem), places);
}

fn all_places(problem: &Problem) -> Vec<String> {
    let related = problem.related.iter().map(|(place, _)| place.location());
    std::iter::once(problem.place.location()).chain(related).collect()
}

fn compiled(text: &str) -> Rules {
    let vocabulary = vocabulary();
    let policy = reading::read(Source::new("privacy.md", text), &vocabulary).policy().unwrap();
    Rules::compile(Arc::new(policy), vocabulary, 0).unwrap()
}

#[test]
fn the_policies_of_the_project_have_no_fault() {
    for text in [
        include_str!("../../../../policy-docs/northgate/privacy.md"),
        include_str!("../../../../policy-docs/lantern/privacy.md"),
    ] {
        assert_eq!(check(&compiled(text), &BTreeMap::new()), []);
    }
}

#[test]
fn a_row_that_keeps_for_no_time_is_found() {
    found(
        &[("S1", stored("account.email", "notices", after(0, Anchor::Recorded)))],
        "permit-never-applies",
        "S1 keeps `account.email` for `notices`, but no longer than no time at all",
        &["sample.md:3:1"],
    );
    // Nothing is kept after the session; during it, it is.
    assert_eq!(
        found_in(&[("S1", stored("account.email", "notices", after(0, Anchor::SessionEnd)))], &BTreeMap::new()),
        []
    );
}

#[test]
fn the_shortest_of_two_times_is_found_however_it_is_put() {
    let none = Box::new(after(0, Anchor::Recorded));
    let long = Box::new(after(60, Anchor::AccountClosed));
    let message = "S1 keeps `account.email` for `notices`, but no longer than no time at all";
    for retention in [Retention::Earlier(none.clone(), long.clone()), Retention::Earlier(long, none)] {
        found(
            &[("S1", stored("account.email", "notices", retention))],
            "permit-never-applies",
            message,
            &["sample.md:3:1"],
        );
    }
}

#[test]
fn a_never_that_covers_a_row_through_a_parent_is_found() {
    found(
        &[
            ("N1", Promise::Never { data: codes("ip_address"), except: codes("") }),
            ("S1", stored("session.client_ip", "security", after(60, Anchor::SessionEnd))),
            ("S2", stored("session.date", "security", DELETED)),
        ],
        "permit-killed-by",
        "S1 keeps `session.client_ip` for `security`, and N1 alone forbids it on all facts",
        &["sample.md:4:1", "sample.md:3:1"],
    );
}

#[test]
fn one_item_of_a_kept_family_that_is_never_kept_is_found() {
    found(
        &[
            ("N1", Promise::Never { data: codes("session.client_ip"), except: codes("") }),
            ("S1", stored("session", "security", DELETED)),
        ],
        "permit-killed-by",
        "S1 keeps `session.client_ip` for `security`, and N1 alone forbids it on all facts",
        &["sample.md:4:1", "sample.md:3:1"],
    );
}

#[test]
fn clauses_that_forbid_it_between_them_are_found() {
    let kept = ("S1", stored("account.username", "service.auth", DELETED));
    let sealed = ("T1", measure("encrypt-at-rest", "account.username"));
    let digest = ("T2", measure("hash-only", "account"));
    found(
        &[kept.clone(), sealed.clone(), digest],
        "permit-killed-between",
        "S1 keeps `account.username` for `service.auth`, and T1 and T2 together forbid it on all facts",
        &["sample.md:3:1", "sample.md:4:1", "sample.md:5:1"],
    );
    assert_eq!(found_in(&[kept, sealed], &BTreeMap::new()), []);
}

#[test]
fn a_form_in_which_nothing_is_ever_written_is_found() {
    let clauses =
        [("S1", stored("usage.month_total", "service.limit", DELETED)), ("T1", measure("encrypt-at-rest", "usage"))];
    let problems = found_in(&clauses, &BTreeMap::from([(code("usage.month_total"), Form::Plain)]));
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(
        (problem.code, problem.message.as_str()),
        (
            "permit-killed-by",
            "S1 keeps `usage.month_total` for `service.limit`, and T1 alone forbids it on all facts; \
             this software writes it as it is"
        )
    );
    assert_eq!(all_places(problem), ["sample.md:3:1", "sample.md:4:1"]);
    assert_eq!(found_in(&clauses, &BTreeMap::from([(code("usage.month_total"), Form::Sealed)])), []);
}

#[test]
fn two_clauses_that_each_forbid_a_row_are_both_named() {
    let problems = found_in(
        &[
            ("S1", stored("account.email", "notices", DELETED)),
            ("S2", stored("account.email", "service.auth", DELETED)),
            ("N1", Promise::Never { data: codes("account"), except: codes("") }),
            ("N2", Promise::Never { data: codes("account.email"), except: codes("") }),
        ],
        &BTreeMap::new(),
    );
    let said: Vec<_> = problems.iter().map(|problem| problem.message.as_str()).collect();
    assert_eq!(
        said,
        [
            "S1 keeps `account.email` for `notices`, and N1 and N2 each forbid it on all facts",
            "S2 keeps `account.email` for `service.auth`, and N1 and N2 each forbid it on all facts",
        ]
    );
}

#[test]
fn what_is_allowed_on_some_facts_only_is_no_fault() {
    let mut asked = stored("account.email", "notices", DELETED);
    if let Promise::Stored { consent, .. } = &mut asked {
        *consent = true;
    }
    let month = Retention::MonthEnd { zone: "UTC".into() };
    let year = Retention::After { period: Period::Months(12), anchor: Anchor::AccountClosed };
    let either = Retention::Earlier(Box::new(month.clone()), Box::new(year.clone()));
    let clauses = [
        ("S1", asked),
        ("S2", stored("usage.month_total", "service.limit", month)),
        ("S3", stored("payment.date", "billing", year)),
        ("S4", stored("payment.transaction", "billing", either)),
        ("S5", stored("session.date", "security", Retention::Memory { at_most: None })),
        ("L1", measure("store-nothing-abroad", "")),
        ("T1", measure("hash-only", "account.email")),
    ];
    assert_eq!(found_in(&clauses, &BTreeMap::new()), []);
}

/// Rules with a forbid that adds so much to an instant that Cedar cannot count it.
fn planted(policy: &Arc<Policy>, clause: Option<ClauseId>) -> Rules {
    let vocabulary = vocabulary();
    let mut compiled = compile::compile(policy, &vocabulary).unwrap();
    let schema = schema::schema(vocabulary.leaves(), vocabulary.codes(Kind::Purpose), &compiled.dates);
    let end_of_time = Arc::new(duration("9223372036854775807ms"));
    let sum = Expr::BinaryOp { op: BinaryOp::Offset, left: Arc::new(fact("now")), right: end_of_time };
    let draft = Draft { when: vec![reached(sum, fact("now"))], ..Draft::forbid("N1/planted".into(), "planted") };
    compiled.statements.push(Draft { clause, ..draft }.build().unwrap());
    Rules::assemble(policy, &vocabulary, 0, compiled, schema).unwrap()
}

#[test]
fn a_rule_that_fails_instead_of_forbidding_is_found() {
    let policy = policy(
        None,
        &[
            ("S1", stored("account.email", "notices", DELETED)),
            ("N1", Promise::Never { data: codes("payment.details"), except: codes("") }),
        ],
    );
    let problems = check(&planted(&policy, "N1".parse().ok()), &BTreeMap::new());
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert_eq!(
        (problem.code, problem.message.as_str(), problem.place.location()),
        (
            "rule-can-fail",
            "the rule `N1/planted` fails on some facts, and what it forbids would be allowed",
            "sample.md:4:1".to_owned()
        )
    );
    assert_eq!(check(&planted(&policy, None), &BTreeMap::new()).len(), 1);
}
