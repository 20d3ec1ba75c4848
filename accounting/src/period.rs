//! Periods: which rows share a bucket. A month is one of the calendar in the policy's zone; what is shorter is counted in
//! UTC, where every day has 24 hours.

use std::{fmt, str::FromStr};

use avow_terms::permit::Due;
use jiff::{Timestamp, civil, tz::TimeZone};

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Width {
    Minute,
    Hour,
    Day,
    Month,
}

/// A period: `202611` is a month, `20261125` a day, `2026112514` an hour and `202611251459` a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Period {
    width: Width,
    number: u64,
}

/// The text is no period.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAPeriod;

/// A row may go earlier than it must by this part of its time.
const PART: i64 = 15;

impl Width {
    const ALL: [Self; 4] = [Self::Month, Self::Day, Self::Hour, Self::Minute];

    /// The widest period, up to this one, that is a small part of the time that a row is kept.
    pub(crate) fn for_rows(self, recorded: Timestamp, due: Due) -> Self {
        let Due::At(due) = due else { return self };
        let kept = due.as_second().saturating_sub(recorded.as_second());
        let fits = |width: &Self| *width <= self && width.seconds() * PART <= kept;
        Self::ALL.into_iter().find(fits).unwrap_or(Self::Minute)
    }

    fn seconds(self) -> i64 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3600,
            Self::Day => 86_400,
            Self::Month => 31 * 86_400,
        }
    }

    fn digits(self) -> usize {
        match self {
            Self::Month => 6,
            Self::Day => 8,
            Self::Hour => 10,
            Self::Minute => 12,
        }
    }
}

impl Period {
    /// The period of an instant.
    pub(crate) fn of(width: Width, instant: Timestamp, zone: &TimeZone) -> Self {
        let zone = if width == Width::Month { zone.clone() } else { TimeZone::UTC };
        let at = instant.to_zoned(zone);
        let parts = [at.month(), at.day(), at.hour(), at.minute()].map(|part| u64::from(part.unsigned_abs()));
        let count = width.digits() / 2 - 2;
        let year = u64::from(at.year().unsigned_abs());
        let number = parts.iter().take(count).fold(year, |number, part| number * 100 + part);
        Self { width, number }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0digits$}", self.number, digits = self.width.digits())
    }
}

impl FromStr for Period {
    type Err = NotAPeriod;

    fn from_str(text: &str) -> Result<Self, NotAPeriod> {
        let width = Width::ALL.into_iter().find(|width| width.digits() == text.len()).ok_or(NotAPeriod)?;
        let part = |from: usize, otherwise: i8| {
            text.get(from..from + 2).map_or(Ok(otherwise), |part| part.parse().map_err(|_| NotAPeriod))
        };
        let year: i16 = text.get(..4).and_then(|year| year.parse().ok()).ok_or(NotAPeriod)?;
        let date = civil::Date::new(year, part(4, 1)?, part(6, 1)?).map_err(|_| NotAPeriod)?;
        civil::Time::new(part(8, 0)?, part(10, 0)?, 0, 0).map_err(|_| NotAPeriod)?;
        let period = Self { width, number: text.parse().map_err(|_| NotAPeriod)? };
        if date.year() >= 0 && period.to_string() == text { Ok(period) } else { Err(NotAPeriod) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_period_is_known_by_its_name_and_by_no_other() {
        for name in ["202611", "20261125", "2026112523", "202611252359", "000001"] {
            assert_eq!(name.parse::<Period>().unwrap().to_string(), name);
        }
        for name in
            ["", "2026", "202613", "202600", "20261131", "2026112524", "202611252360", "+20261", "2026-1", "20261 "]
        {
            assert_eq!(name.parse::<Period>(), Err(NotAPeriod), "{name}");
        }
    }

    #[test]
    fn a_month_begins_at_midnight_in_its_zone_and_a_day_in_utc() {
        let name = |width: Width, instant: &str, zone: &str| {
            Period::of(width, at(instant), &TimeZone::get(zone).unwrap()).to_string()
        };
        assert_eq!(name(Width::Month, "2026-10-31T23:59:59.999Z", "UTC"), "202610");
        assert_eq!(name(Width::Month, "2026-11-01T00:00:00Z", "UTC"), "202611");
        assert_eq!(name(Width::Month, "2026-10-31T22:59:59.999Z", "Europe/Berlin"), "202610");
        assert_eq!(name(Width::Month, "2026-10-31T23:00:00Z", "Europe/Berlin"), "202611");
        assert_eq!(name(Width::Month, "2026-06-30T22:00:00Z", "Europe/Berlin"), "202607");
        assert_eq!(name(Width::Day, "2026-06-30T22:00:00Z", "Europe/Berlin"), "20260630");
        assert_eq!(name(Width::Hour, "2026-06-30T22:59:59Z", "Europe/Berlin"), "2026063022");
        assert_eq!(name(Width::Minute, "2026-06-30T22:59:59Z", "Europe/Berlin"), "202606302259");
    }

    #[test]
    fn a_period_is_a_small_part_of_the_time_that_a_row_is_kept() {
        let recorded = at("2026-11-25T12:00:00Z");
        let width = |widest: Width, due: &str| widest.for_rows(recorded, Due::At(at(due)));
        assert_eq!(width(Width::Month, "2036-11-25T12:00:00Z"), Width::Month);
        assert_eq!(width(Width::Month, "2027-02-25T12:00:00Z"), Width::Day);
        assert_eq!(width(Width::Hour, "2027-02-25T12:00:00Z"), Width::Hour);
        assert_eq!(width(Width::Month, "2026-11-26T12:00:00Z"), Width::Hour);
        assert_eq!(width(Width::Day, "2026-11-25T12:15:00Z"), Width::Minute);
        assert_eq!(width(Width::Day, "2026-11-25T12:00:01Z"), Width::Minute);
        let event = Due::When(avow_terms::retention::Anchor::AccountDeleted);
        assert_eq!(Width::Month.for_rows(recorded, event), Width::Month);
    }
}
