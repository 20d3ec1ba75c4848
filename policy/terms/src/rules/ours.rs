//! The two policies of the project, from their Markdown to decisions.

use cedar_policy::{Authorizer, Context, Decision, EntityUid, PolicySet, Request, RestrictedExpression, Schema};

use super::{sample::*, *};
use crate::{
    permit::{Form, NodePlace},
    reading,
    retention::Anchor,
    source::Source,
};

pub(super) const NORTHGATE: &str = include_str!("../../../../policy-docs/northgate/privacy.md");
pub(super) const LANTERN: &str = include_str!("../../../../policy-docs/lantern/privacy.md");

pub(super) fn compiled(text: &str) -> Rules {
    let vocabulary = vocabulary();
    let policy = reading::read(Source::new("privacy.md", text), &vocabulary).policy().unwrap();
    Rules::compile(Arc::new(policy), vocabulary, 1).unwrap()
}

fn decide(rules: &Rules, data: &str, purpose: &str, facts: &Facts) -> Answer {
    rules.decide(Service::Accounting, &code(data), &code(purpose), facts)
}

/// The line and column of the first occurrence of some words.
fn place(text: &str, words: &str) -> String {
    let position = Source::new("privacy.md", text).position(text.find(words).unwrap());
    format!("privacy.md:{}:{}", position.line, position.column)
}

#[test]
fn northgate_keeps_a_month_total_until_the_month_ends() {
    let answer = decide(&compiled(NORTHGATE), "usage.month_total", "service.limit", &written("2026-12-05T10:00Z"));
    assert_eq!(answer.due, Some(Due::At(at("2027-01-01T00:00Z"))));
    assert_eq!(answer.clause, "S3".parse().ok());
    assert!(answer.words.unwrap().starts_with("How much data you moved this month"));
    assert_eq!(answer.place, Some(place(NORTHGATE, "| **S3**")));
}

#[test]
fn lantern_keeps_no_month_total_and_says_what_is_missing() {
    let answer = decide(&compiled(LANTERN), "usage.month_total", "service.limit", &written("2026-12-05T10:00Z"));
    assert!(!answer.allowed);
    assert_eq!(
        answer.reason,
        "no clause of lantern version 1 keeps `usage.month_total` for `service.limit`; \
         add a row to the table \"What we keep\""
    );
}

#[test]
fn an_address_is_gone_ninety_days_after_its_session() {
    let rules = compiled(NORTHGATE);
    let events = Events { session_end: Some(at("2026-12-01T12:00Z")), ..Events::default() };
    let facts = |now: &str| Facts { now: at(now), events: events.clone(), ..written("2026-12-01T11:00Z") };
    let last = decide(&rules, "session.client_ip", "security", &facts("2027-03-01T11:59:59.999Z"));
    assert_eq!((last.allowed, last.due), (true, Some(Due::At(at("2027-03-01T12:00Z")))));
    let gone = decide(&rules, "session.client_ip", "security", &facts("2027-03-01T12:00Z"));
    assert!(!gone.allowed);
    assert!(gone.reason.starts_with("S2 keeps it no longer, it was due 2027-03-01T12:00Z: \"For each session"));
    let open = decide(&rules, "session.client_ip", "security", &written("2026-12-01T11:00Z"));
    assert_eq!(open.due, Some(Due::When(Anchor::SessionEnd)));
}

#[test]
fn a_destination_is_never_kept_and_the_promise_is_quoted() {
    let rules = compiled(NORTHGATE);
    for code in ["traffic.destination", "traffic.destination.address", "traffic.dns"] {
        let answer = decide(&rules, code, "security", &written("2026-12-05T10:00Z"));
        assert_eq!(answer.clause, "N2".parse().ok(), "{code}");
        assert!(
            answer.reason.starts_with("N2 forbids it: \"the network address, name or port of anything you reach"),
            "{}",
            answer.reason
        );
    }
}

#[test]
fn nothing_is_kept_abroad() {
    let rules = compiled(NORTHGATE);
    let abroad = Facts { place: NodePlace::Abroad, ..written("2026-12-05T10:00Z") };
    for (code, rows) in &rules.kept {
        for row in rows {
            let answer = rules.decide(Service::Accounting, code, &row.purpose, &abroad);
            assert_eq!(answer.clause, "L1".parse().ok(), "{code}");
            assert!(answer.reason.starts_with("L1 forbids it: \"Servers outside our home country store nothing"));
        }
    }
}

#[test]
fn lantern_asks_for_consent_and_for_the_promised_forms() {
    let rules = compiled(LANTERN);
    let plain = written("2026-12-05T10:00Z");
    let agreed = Facts { consent: true, ..plain.clone() };
    let without = decide(&rules, "diagnostics.attempt", "improve", &plain);
    assert!(without.reason.starts_with("S6 keeps it only if the user agreed: \"If you agree"), "{}", without.reason);
    assert!(decide(&rules, "diagnostics.attempt", "improve", &agreed).allowed);

    let sealed = Facts { form: Form::Sealed, ..plain.clone() };
    assert_eq!(decide(&rules, "account.username", "service.auth", &plain).clause, "T1".parse().ok());
    assert!(decide(&rules, "account.username", "service.auth", &sealed).allowed);
    let digest = Facts { form: Form::Digest, ..plain };
    assert_eq!(decide(&rules, "account.password", "service.auth", &digest).clause, "N2".parse().ok());
}

#[test]
fn what_an_account_needs_is_kept_until_the_account_is_deleted() {
    for text in [NORTHGATE, LANTERN] {
        let rules = compiled(text);
        for code in ["account.number", "account.access_keys", "account.plan"] {
            let answer = decide(&rules, code, "service.auth", &written("2026-12-05T10:00Z"));
            assert_eq!((answer.allowed, answer.due), (true, Some(Due::When(Anchor::AccountDeleted))), "{code}");
        }
    }
}

/// What Cedar says about showing data to somebody.
fn may_see(rules: &Rules, recipient: &str, data: &str, purpose: &str) -> bool {
    let one = |kind: &str, id: &str| -> EntityUid { format!("Avow::{kind}::\"{id}\"").parse().unwrap() };
    let facts = [
        ("purpose".to_owned(), RestrictedExpression::new_entity_uid(one("Purpose", purpose))),
        ("recipient".to_owned(), RestrictedExpression::new_string(recipient.to_owned())),
    ];
    let (schema, _) = Schema::from_cedarschema_str(rules.schema()).unwrap();
    let (by, deed, what) = (one("Service", "mail"), one("Action", "disclose"), one("Data", data));
    let request = Request::new(by, deed, what, Context::from_pairs(facts).unwrap(), Some(&schema)).unwrap();
    let all = PolicySet::from_policies(rules.statements().map(|statement| statement.rule.clone())).unwrap();
    let response = Authorizer::new().is_authorized(&request, &all, &rules.entities);
    response.decision() == Decision::Allow && response.diagnostics().errors().next().is_none()
}

#[test]
fn data_is_shown_to_whom_the_policy_names_for_what_it_says_and_to_nobody_else() {
    let rules = compiled(NORTHGATE);
    assert!(may_see(&rules, "The mail service that carries our messages", "account.email", "notices"));
    assert!(may_see(&rules, "A court or authority of our home country", "session.client_ip", "legal"));
    assert!(!may_see(&rules, "The mail service that carries our messages", "account.email", "marketing"));
    assert!(!may_see(&rules, "The mail service that carries our messages", "session.client_ip", "notices"));
    assert!(!may_see(&rules, "An advertiser", "account.email", "notices"));
    assert!(!may_see(&rules, "A court or authority of our home country", "traffic.dns", "legal"));
}

#[test]
fn every_row_and_every_never_has_its_statements() {
    for text in [NORTHGATE, LANTERN] {
        let rules = compiled(text);
        for (leaf, rows) in &rules.kept {
            for row in rows {
                let statement = rules.statements.get(&format!("{}/{leaf}/{}", row.clause, row.purpose));
                assert_eq!(statement.unwrap().1.rule.effect(), cedar_policy::Effect::Permit);
            }
        }
        for (leaf, clause) in &rules.never {
            let statement = rules.statements.get(&format!("{clause}/{leaf}"));
            assert_eq!(statement.unwrap().1.rule.effect(), cedar_policy::Effect::Forbid);
        }
    }
}
