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
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}
