//! Cedar and the arithmetic of deadlines must give the same answer, to the millisecond, for every retention there is.

use cedar_policy::{Decision, EntityUid, Request, Schema};
use jiff::{Timestamp, ToSpan, tz::TimeZone};
use proptest::{option, prelude::*};

use super::{sample::*, *};
use crate::{
    compile::statement::Deed,
    permit::{Form, NodePlace},
    retention::{Anchor, Period, Retention},
};

const ZONES: [&str; 8] = [
    "UTC",
    "Asia/Nicosia",
    "America/New_York",
    "Australia/Lord_Howe",
    "Antarctica/Troll",
    "Pacific/Apia",
    "Africa/Casablanca",
    "Asia/Kathmandu",
];

fn zone() -> impl Strategy<Value = String> {
    prop::sample::select(ZONES.as_slice()).prop_map(Into::into)
}

fn period() -> impl Strategy<Value = Period> {
    prop_oneof![
        (0..200_000_u32).prop_map(Period::Minutes),
        (0..400_u32).prop_map(|days| Period::Minutes(days * 24 * 60)),
        (0..130_u16).prop_map(Period::Months),
    ]
}

fn anchor() -> impl Strategy<Value = Anchor> {
    prop::sample::select(Anchor::ALL.as_slice())
}

fn retention() -> impl Strategy<Value = Retention> {
    let single = prop_oneof![
        1 => Just(Retention::NotStored),
        1 => option::of(period()).prop_map(|at_most| Retention::Memory { at_most }),
        4 => (period(), anchor()).prop_map(|(period, anchor)| Retention::After { period, anchor }),
        2 => anchor().prop_map(|anchor| Retention::Until { anchor }),
        2 => zone().prop_map(|zone| Retention::MonthEnd { zone }),
        1 => (period(), anchor()).prop_map(|(at_most, anchor)| Retention::Law { law: "the law".into(), at_most, anchor }),
    ];
    single.prop_recursive(2, 4, 2, |inner| {
        (inner.clone(), inner).prop_map(|(one, other)| Retention::Earlier(Box::new(one), Box::new(other)))
    })
}

/// From 2004 to 2100, around the turn of a month or a day as often as not, so that borders are met.
fn recorded() -> impl Strategy<Value = Timestamp> {
    let any = 1_072_915_200_000..4_102_444_800_000_i64;
    let near_midnight = (2004..2100_i16, 1..=12_i8, -3_600_000..3_600_000_i64).prop_map(|(year, month, off)| {
        let midnight = jiff::civil::date(year, month, 1).to_zoned(TimeZone::UTC).unwrap().timestamp();
        midnight.as_millisecond() + off
    });
    prop_oneof![any, near_midnight].prop_map(|at| Timestamp::from_millisecond(at).unwrap())
}

/// Events up to three years before or after the recording, as far as they have happened.
fn events() -> impl Strategy<Value = [Option<i64>; 7]> {
    const YEARS: i64 = 3 * 366 * 24 * 3_600_000;
    prop::array::uniform7(option::of(-YEARS..YEARS))
}

fn happened(recorded: Timestamp, offsets: [Option<i64>; 7]) -> Events {
    let [session_end, payment, account_closed, account_deleted, logged_out, subscription_end, financial_year_end] =
        offsets.map(|offset| offset.map(|offset| recorded + offset.milliseconds()));
    Events { session_end, payment, account_closed, account_deleted, logged_out, subscription_end, financial_year_end }
}

/// The instants at which an answer could be wrong: at the deadline, next to it, at recording, and long after.
fn instants(recorded: Timestamp, due: Due) -> Vec<Timestamp> {
    let mut instants = vec![recorded, recorded + 1.millisecond(), recorded + 876_000.hours()];
    if let Due::At(due) = due {
        instants.extend([due - 1.millisecond(), due, due + 1.millisecond()]);
    }
    instants.retain(|now| *now >= recorded);
    instants
}

/// Whether the question is one that the schema knows. It is made so, and not checked when it is put.
fn fits(rules: &Rules, asked: &Asked<'_>, schema: &Schema) -> bool {
    let request = rules.request(asked, &code("account.email")).unwrap();
    let part = |part: Option<&EntityUid>| part.unwrap().clone();
    let (who, deed, what) = (part(request.principal()), part(request.action()), part(request.resource()));
    Request::new(who, deed, what, request.context().unwrap().clone(), Some(schema)).is_ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn cedar_keeps_exactly_what_is_not_due(
        retention in retention(),
        zone in zone(),
        recorded in recorded(),
        events in events(),
    ) {
        let events = happened(recorded, events);
        let policy = policy(Some(&zone), &[("S1", stored("account.email", "notices", retention.clone()))]);
        let rules = Rules::compile(policy, vocabulary(), 1).unwrap();
        let due = retention.due(recorded, &events, &TimeZone::get(&zone).unwrap());
        let (data, purpose) = (code("account.email"), code("notices"));
        let (schema, _) = Schema::from_cedarschema_str(rules.schema()).unwrap();
        for now in instants(recorded, due) {
            let facts = Facts {
                now, recorded, events: events.clone(), place: NodePlace::Home, form: Form::Plain, consent: false,
            };
            let asked = Asked { service: Service::Mail, deed: Deed::Retain, purpose: &purpose, facts: &facts };
            let response = rules.put(&asked, &data).unwrap();
            prop_assert!(fits(&rules, &asked, &schema));
            prop_assert_eq!(response.diagnostics().errors().count(), 0);
            // Cedar's own word, before it is compared with the deadline.
            prop_assert_eq!(response.decision() == Decision::Allow, !due.has_come(now), "{} at {}", retention, now);
            let answer = rules.decide(Service::Mail, &data, &purpose, &facts);
            prop_assert_eq!((answer.allowed, answer.due), if due.has_come(now) { (false, None) } else { (true, Some(due)) });
        }
    }

    #[test]
    fn what_is_finer_than_a_millisecond_is_never_kept_longer(
        retention in retention(),
        recorded in recorded(),
        fine in 0..1_000_000_i64,
        late in 0..1_000_000_i64,
    ) {
        let recorded = recorded + fine.nanoseconds();
        let policy = policy(None, &[("S1", stored("account.email", "notices", retention.clone()))]);
        let rules = Rules::compile(policy, vocabulary(), 1).unwrap();
        if let Due::At(due) = retention.due(recorded, &Events::default(), &TimeZone::UTC) {
            let now = due + late.nanoseconds();
            let facts = Facts { now, recorded, ..written("2026-12-01T00:00Z") };
            prop_assert!(!rules.decide(Service::Mail, &code("account.email"), &code("notices"), &facts).allowed);
        }
    }
}
