use proptest::prelude::*;

use super::*;

#[test]
fn each_phrase_has_a_canonical_form_and_words() {
    for (text, canonical, words) in [
        ("not stored", "NONE", "not stored"),
        ("In memory only.", "MEMORY", "in memory only"),
        ("in memory only for at most 5 minutes", "MEMORY+PT5M", "in memory only for at most 5 minutes"),
        ("90 days after the session ends", "@session.end+P90D", "90 days after the session ends"),
        ("  90 DAYS  after  the session  ends. ", "@session.end+P90D", "90 days after the session ends"),
        ("P90D after the session ends", "@session.end+P90D", "90 days after the session ends"),
        ("2 weeks after the payment", "@payment+P14D", "14 days after the payment"),
        ("24 hours after it was recorded", "@recorded+P1D", "1 day after it was recorded"),
        ("36 hours after it was recorded", "@recorded+PT36H", "36 hours after it was recorded"),
        ("15 minutes after it was recorded", "@recorded+PT15M", "15 minutes after it was recorded"),
        ("3 months after you log out", "@logout+P3M", "3 months after you log out"),
        ("12 months after the subscription ends", "@subscription.end+P1Y", "1 year after the subscription ends"),
        ("P1Y6M after the payment", "@payment+P18M", "18 months after the payment"),
        ("P1DT12H after the payment", "@payment+PT36H", "36 hours after the payment"),
        ("Until the account is deleted", "@account.deleted", "until the account is deleted"),
        ("until the end of the calendar month (UTC)", "@month.end[UTC]", "until the end of the calendar month (UTC)"),
        (
            "Until the end of the calendar month (europe/nicosia)",
            "@month.end[Europe/Nicosia]",
            "until the end of the calendar month (Europe/Nicosia)",
        ),
        (
            "24 hours after it was recorded or until the account is closed, whichever is earlier",
            "MIN(@recorded+P1D,@account.closed)",
            "1 day after it was recorded or until the account is closed, whichever is earlier",
        ),
        (
            "As long as the Accounting Act requires, at most 7 years after the financial year ends",
            "LAW[the Accounting Act](@financial_year.end+P7Y)",
            "as long as the Accounting Act requires, at most 7 years after the financial year ends",
        ),
    ] {
        let retention = phrase(text).unwrap_or_else(|refused| panic!("{text}: {refused:?}"));
        assert_eq!((retention.to_string().as_str(), retention.phrase().as_str()), (canonical, words));
    }
}

#[test]
fn what_sets_no_limit_is_refused_with_the_reason() {
    for (text, code, words) in [
        ("", "unknown-phrase", ""),
        ("90 days", "from-when", "90 days"),
        ("as long as necessary", "no-limit", "as long as necessary"),
        ("indefinitely", "no-limit", "indefinitely"),
        ("permanently", "no-limit", "permanently"),
        ("a reasonable time", "no-limit", "a reasonable time"),
        ("during the current month", "whose-clock", "during the current month"),
        ("until the end of the calendar month", "whose-clock", "until the end of the calendar month"),
        ("until the end of the calendar month (Atlantis)", "unknown-zone", "(Atlantis)"),
        ("90 dayz after the session ends", "unknown-unit", "dayz"),
        ("ninety days after the session ends", "bad-period", "ninety days"),
        ("-1 days after the session ends", "bad-period", "-1 days"),
        ("0 days after the session ends", "bad-period", "0 days"),
        ("99999999999 days after the session ends", "bad-period", "99999999999 days"),
        ("P1M2D after the session ends", "bad-period", "P1M2D"),
        ("P after the session ends", "bad-period", "P"),
        ("90 days after the session begins", "unknown-event", "the session begins"),
        ("until it was recorded", "unknown-event", "it was recorded"),
        ("untilthe payment", "unknown-phrase", "untilthe payment"),
        (
            "1 day after the payment or until the payment",
            "which-period",
            "1 day after the payment or until the payment",
        ),
        ("1 day after the payment, whichever is earlier", "which-period", "1 day after the payment"),
        ("as long as the law requires", "no-limit", "as long as the law requires"),
        ("as long as the law requires, at most 7 years", "from-when", "7 years"),
    ] {
        let refused = phrase(text).expect_err(text);
        assert_eq!((refused.code, &text[refused.range.clone()]), (code, words), "{text}: {}", refused.message);
        assert!(!refused.help.is_empty());
    }
}

#[test]
fn a_phrase_of_endless_periods_is_refused_and_fills_no_stack() {
    let of = |count: usize| format!("{}, whichever is earlier", vec!["not stored"; count].join(" or "));
    assert!(phrase(&of(MOST)).is_ok());
    for count in [MOST + 1, 100_000] {
        assert_eq!(phrase(&of(count)).unwrap_err().code, "which-period", "{count}");
    }
}

#[test]
fn the_parts_of_a_duration_together_stay_within_a_thousand_years() {
    assert_eq!(period("P999Y12M"), Ok(Period::Months(12_000)));
    for text in ["P999Y13M", "P600Y600Y", "P365000DT24001H"] {
        assert_eq!(period(text).unwrap_err().code, "bad-period", "{text}");
    }
}

#[test]
fn a_notice_says_how_long_ahead() {
    for (text, expected) in [
        ("We write at least 1 day ahead.", Ok(Some(Period::Minutes(24 * 60)))),
        ("At least 2 weeks ahead we write", Ok(Some(Period::Minutes(14 * 24 * 60)))),
        ("at least one of us, at least 1 month ahead", Ok(Some(Period::Months(1)))),
        ("We write shortly ahead", Ok(None)),
        ("We write at least once. And go ahead.", Ok(None)),
        ("at least soon ahead", Err("soon")),
    ] {
        let found = lead(text).map_err(|refused| &text[refused.range]);
        assert_eq!(found, expected, "{text}");
    }
}

fn periods() -> impl Strategy<Value = Period> {
    prop_oneof![(1..1_000_000_u32).prop_map(Period::Minutes), (1..1200_u16).prop_map(Period::Months)]
}

pub(in crate::retention) fn retentions() -> impl Strategy<Value = Retention> {
    let anchor = || proptest::sample::select(Anchor::ALL.to_vec());
    let ends = anchor().prop_filter("never", |anchor| *anchor != Anchor::Recorded);
    let zones = proptest::sample::select(vec!["UTC", "Europe/Nicosia", "America/New_York"]);
    let leaf = prop_oneof![
        Just(Retention::NotStored),
        proptest::option::of(periods()).prop_map(|at_most| Retention::Memory { at_most }),
        (periods(), anchor()).prop_map(|(period, anchor)| Retention::After { period, anchor }),
        ends.prop_map(|anchor| Retention::Until { anchor }),
        zones.prop_map(|zone| Retention::MonthEnd { zone: zone.to_owned() }),
        (periods(), anchor()).prop_map(|(at_most, anchor)| Retention::Law {
            law: "the Act".to_owned(),
            at_most,
            anchor
        }),
    ];
    leaf.prop_recursive(2, 4, 2, |inner| {
        (inner.clone(), inner).prop_map(|(one, other)| Retention::Earlier(Box::new(one), Box::new(other)))
    })
}

proptest! {
    #[test]
    fn the_words_of_a_retention_read_back_as_it(retention in retentions()) {
        let read = phrase(&retention.phrase()).map_err(|refused| TestCaseError::fail(format!("{refused:?}")))?;
        prop_assert_eq!(read.to_string(), retention.to_string());
    }

    #[test]
    fn any_words_are_read_or_refused_at_a_place_in_them(text in "\\PC{0,40}|(until|after|or|the|1|day|month|, whichever is earlier|as long as| |at most|\u{e9}|\u{a0})*") {
        if let Err(refused) = phrase(&text) {
            prop_assert!(text.get(refused.range).is_some());
        }
        if let Err(refused) = period(&text) {
            prop_assert!(text.get(refused.range).is_some());
        }
        if let Err(refused) = lead(&text) {
            prop_assert!(text.get(refused.range).is_some());
        }
    }
}
