//! Which of two retentions is longer. What cannot be compared counts as longer, so that a doubt is never a loophole.

use super::{Anchor, Period, Retention};

const DAY: u64 = 24 * 60;
const HOUR: u64 = 60;

impl Retention {
    /// Whether nothing is ever kept longer under this than under `other`.
    ///
    /// `false` also means: different anchors, different zones, a law against a period. Nobody can say, so it is longer.
    #[must_use]
    pub fn no_longer_than(&self, other: &Self) -> bool {
        use Retention::{After, Earlier, Law, Memory, MonthEnd, NotStored, Until};
        match (self, other) {
            (one, other) if one == other => true,
            (one, Earlier(a, b)) => one.no_longer_than(a) && one.no_longer_than(b),
            (Earlier(a, b), other) => a.no_longer_than(other) || b.no_longer_than(other),
            (NotStored, _) => true,
            (_, NotStored) => false,
            (Memory { .. }, Memory { at_most: None }) => true,
            (Memory { at_most: Some(one) }, Memory { at_most: Some(other) }) => one.no_longer_than(*other),
            (_, Memory { .. }) => false,
            (Memory { .. }, _) => true,
            (Until { anchor }, After { anchor: other, .. }) => anchor == other,
            (After { period, anchor }, After { period: limit, anchor: other }) => {
                anchor == other && period.no_longer_than(*limit)
            }
            (Law { at_most, anchor, .. }, After { period, anchor: other }) => {
                anchor == other && at_most.no_longer_than(*period)
            }
            (Law { law, at_most, anchor }, Law { law: other_law, at_most: limit, anchor: other }) => {
                law == other_law && anchor == other && at_most.no_longer_than(*limit)
            }
            (MonthEnd { zone }, After { period, anchor: Anchor::Recorded }) => {
                31 * DAY + if zone == "UTC" { 0 } else { HOUR } <= period.shortest()
            }
            _ => false,
        }
    }
}

impl Period {
    /// Whether this never lasts longer than `other`, whenever both begin: "30 days" and "1 month" are both longer.
    #[must_use]
    pub fn no_longer_than(self, other: Self) -> bool {
        match (self, other) {
            (Self::Minutes(one), Self::Minutes(other)) => one <= other,
            (Self::Months(one), Self::Months(other)) => one <= other,
            (one, other) => one.longest() <= other.shortest(),
        }
    }

    /// The fewest minutes it can last. A zone with daylight saving can take an hour from a calendar month.
    fn shortest(self) -> u64 {
        match self {
            Self::Minutes(minutes) => u64::from(minutes),
            Self::Months(months) => (days_in(months).min().unwrap_or(0) * DAY).saturating_sub(HOUR),
        }
    }

    /// The most minutes it can last.
    fn longest(self) -> u64 {
        match self {
            Self::Minutes(minutes) => u64::from(minutes),
            Self::Months(months) => days_in(months).max().unwrap_or(0) * DAY + HOUR,
        }
    }
}

/// How many days so many months have, for each month of the calendar's 400 years that they can begin in.
fn days_in(months: u16) -> impl Iterator<Item = u64> {
    const CYCLE: u16 = 400 * 12;
    const DAYS_OF_CYCLE: u64 = 146_097;
    let cycles = u64::from(months / CYCLE) * DAYS_OF_CYCLE;
    let rest = months % CYCLE;
    let first = (0..rest).map(days_of).sum::<u64>();
    (0..CYCLE)
        .scan(first, move |days, month| {
            let now = *days;
            *days = now + days_of(month + rest) - days_of(month);
            Some(now)
        })
        .map(move |days| days + cycles)
}

/// The days of a month, counted from January of a year that 400 divides.
fn days_of(month: u16) -> u64 {
    let year = month / 12;
    match month % 12 + 1 {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::retention::phrase::{phrase, tests::retentions};

    /// Every phrase of the list is no longer than each after it, and longer than each before it.
    fn check_chain(phrases: &[&str]) {
        let chain: Vec<Retention> = phrases.iter().map(|text| phrase(text).unwrap()).collect();
        for (i, one) in chain.iter().enumerate() {
            for (j, other) in chain.iter().enumerate() {
                assert_eq!(one.no_longer_than(other), i <= j, "{one} <= {other}");
            }
        }
    }

    #[test]
    fn the_same_anchor_is_ordered_by_length() {
        check_chain(&[
            "not stored",
            "in memory only for at most 5 minutes",
            "in memory only",
            "1 hour after it was recorded",
            "27 days after it was recorded",
            "1 month after it was recorded",
            "32 days after it was recorded",
            "88 days after it was recorded",
            "3 months after it was recorded",
            "93 days after it was recorded",
            "364 days after it was recorded",
            "1 year after it was recorded",
            "2 years after it was recorded",
        ]);
        check_chain(&["until the payment", "1 day after the payment"]);
        check_chain(&[
            "as long as the Act requires, at most 1 day after the payment",
            "as long as the Act requires, at most 2 days after the payment",
        ]);
        check_chain(&["until the end of the calendar month (UTC)", "31 days after it was recorded"]);
        check_chain(&["until the end of the calendar month (Europe/Nicosia)", "32 days after it was recorded"]);
        check_chain(&["as long as the Act requires, at most 1 day after the payment", "1 day after the payment"]);
        check_chain(&[
            "1 day after it was recorded or until the account is closed, whichever is earlier",
            "1 day after it was recorded",
        ]);
    }

    #[test]
    fn what_cannot_be_compared_is_longer_both_ways() {
        for (one, other) in [
            ("1 day after the session ends", "2 days after it was recorded"),
            ("30 days after the payment", "1 month after the payment"),
            ("31 days after the payment", "1 month after the payment"),
            ("365 days after the payment", "1 year after the payment"),
            ("until the account is closed", "until the account is deleted"),
            ("until the end of the calendar month (UTC)", "30 days after it was recorded"),
            ("until the end of the calendar month (Europe/Nicosia)", "31 days after it was recorded"),
            ("until the end of the calendar month (UTC)", "until the end of the calendar month (Europe/Nicosia)"),
            ("as long as the Act requires, at most 2 days after the payment", "1 day after the payment"),
            (
                "as long as the Act requires, at most 1 day after the payment",
                "as long as the Code requires, at most 1 day after the payment",
            ),
        ] {
            let (one, other) = (phrase(one).unwrap(), phrase(other).unwrap());
            assert!(!one.no_longer_than(&other) && !other.no_longer_than(&one), "{one} {other}");
        }
    }

    #[test]
    fn calendar_months_have_the_days_of_the_calendar() {
        let days = |months| (days_in(months).min().unwrap(), days_in(months).max().unwrap());
        assert_eq!(days(1), (28, 31));
        assert_eq!(days(2), (59, 62));
        assert_eq!(days(3), (89, 92));
        assert_eq!(days(12), (365, 366));
        assert_eq!(days(48), (1460, 1461));
        assert_eq!(days(4800), (146_097, 146_097));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]

        #[test]
        fn the_order_is_an_order(a in retentions(), b in retentions(), c in retentions()) {
            prop_assert!(a.no_longer_than(&a));
            if a.no_longer_than(&b) && b.no_longer_than(&c) {
                prop_assert!(a.no_longer_than(&c), "{a} <= {b} <= {c}");
            }
            let earlier = Retention::Earlier(Box::new(a.clone()), Box::new(b.clone()));
            prop_assert!(earlier.no_longer_than(&a) && earlier.no_longer_than(&b), "{earlier}");
        }
    }
}
