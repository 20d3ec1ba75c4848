//! When something is due: the audit's own arithmetic, straight from the phrase of the policy.
//!
//! It shares nothing with the arithmetic of the writer and the sweeper on purpose: an error in one is seen by the other.

use avow_terms::{
    permit::Events,
    retention::{Anchor, Period, Retention},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// When something must be gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deadline {
    /// From this instant on.
    At(Timestamp),
    /// When an event happens that has not happened.
    Awaits(Anchor),
}

impl Deadline {
    /// The stricter of two.
    pub(crate) fn earlier(self, other: Self) -> Self {
        match (self, other) {
            (Self::At(a), Self::At(b)) => Self::At(a.min(b)),
            (Self::At(a), Self::Awaits(_)) | (Self::Awaits(_), Self::At(a)) => Self::At(a),
            (Self::Awaits(_), Self::Awaits(_)) => self,
        }
    }
}

/// When something recorded at an instant must be gone; `None` if the zone of a month is unknown.
pub(crate) fn deadline(keep: &Retention, recorded: Timestamp, events: &Events, zone: &TimeZone) -> Option<Deadline> {
    let since = |anchor: Anchor, period: Option<Period>| match happened(anchor, recorded, events) {
        Some(start) => Deadline::At(period.map_or(start, |period| later(start, period, zone))),
        None => Deadline::Awaits(anchor),
    };
    Some(match keep {
        // What may only be in memory may be on a disk for no time at all.
        Retention::NotStored | Retention::Memory { .. } => Deadline::At(recorded),
        Retention::After { period, anchor } => since(*anchor, Some(*period)),
        Retention::Law { at_most, anchor, .. } => since(*anchor, Some(*at_most)),
        Retention::Until { anchor } => since(*anchor, None),
        Retention::MonthEnd { zone } => Deadline::At(month_end(recorded, &TimeZone::get(zone).ok()?)),
        Retention::Earlier(a, b) => deadline(a, recorded, events, zone)?.earlier(deadline(b, recorded, events, zone)?),
    })
}

/// When the event of an anchor happened, if it has.
fn happened(anchor: Anchor, recorded: Timestamp, events: &Events) -> Option<Timestamp> {
    match anchor {
        Anchor::Recorded => Some(recorded),
        Anchor::SessionEnd => events.session_end,
        Anchor::Payment => events.payment,
        Anchor::AccountClosed => events.account_closed,
        Anchor::AccountDeleted => events.account_deleted,
        Anchor::LoggedOut => events.logged_out,
        Anchor::SubscriptionEnd => events.subscription_end,
        Anchor::FinancialYearEnd => events.financial_year_end,
    }
}

/// An instant moved by a period. A day is 24 hours; a month is the calendar's, its day cut to the length of the month.
pub(crate) fn later(start: Timestamp, period: Period, zone: &TimeZone) -> Timestamp {
    match period {
        Period::Minutes(minutes) => start
            .as_second()
            .checked_add(i64::from(minutes) * 60)
            .and_then(|second| Timestamp::new(second, start.subsec_nanosecond()).ok())
            .unwrap_or(Timestamp::MAX),
        Period::Months(months) => {
            let from = start.to_zoned(zone.clone());
            month_after(from.year(), from.month(), months)
                .and_then(|first| Date::new(first.year(), first.month(), from.day().min(first.days_in_month())).ok())
                .and_then(|date| date.to_datetime(from.time()).to_zoned(zone.clone()).ok())
                .map_or(Timestamp::MAX, |end| end.timestamp())
        }
    }
}

/// The first instant of the month after the one an instant lies in.
pub(crate) fn month_end(instant: Timestamp, zone: &TimeZone) -> Timestamp {
    let day = instant.to_zoned(zone.clone());
    month_after(day.year(), day.month(), 1)
        .and_then(|first| first.to_zoned(zone.clone()).ok())
        .map_or(Timestamp::MAX, |end| end.timestamp())
}

/// The first day of the month that comes so many months after another; `None` past the year 9999.
fn month_after(year: i16, month: i8, months: u16) -> Option<Date> {
    let count = i32::from(year) * 12 + i32::from(month) - 1 + i32::from(months);
    let year = i16::try_from(count.div_euclid(12)).ok()?;
    let month = i8::try_from(count.rem_euclid(12) + 1).ok()?;
    Date::new(year, month, 1).ok()
}

#[cfg(test)]
mod tests {
    use avow_terms::permit::Due;
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[track_caller]
    fn check(keep: &Retention, recorded: &str, zone: &str, due: &str) {
        let zone = TimeZone::get(zone).unwrap();
        let found = deadline(keep, at(recorded), &Events::default(), &zone);
        assert_eq!(found, Some(Deadline::At(at(due))));
    }

    fn month(zone: &str) -> Retention {
        Retention::MonthEnd { zone: zone.into() }
    }

    fn after(period: Period) -> Retention {
        Retention::After { period, anchor: Anchor::Recorded }
    }

    #[test]
    fn a_month_ends_with_its_last_instant_in_the_declared_zone() {
        check(&month("UTC"), "2026-11-22T03:00:00Z", "UTC", "2026-12-01T00:00:00Z");
        check(&month("UTC"), "2026-12-01T00:00:00Z", "UTC", "2027-01-01T00:00:00Z");
        check(&month("Asia/Nicosia"), "2026-10-31T22:30:00Z", "UTC", "2026-11-30T22:00:00Z");
        // Summer time ends on 2026-10-25 there, so the month is an hour longer than 31 days.
        check(&month("Asia/Nicosia"), "2026-10-01T00:00:00Z", "UTC", "2026-10-31T22:00:00Z");
    }

    #[test]
    fn a_day_is_twenty_four_hours_and_a_month_is_the_calendars() {
        check(&after(Period::Minutes(90 * 24 * 60)), "2026-01-01T00:00:00.5Z", "UTC", "2026-04-01T00:00:00.5Z");
        check(&after(Period::Months(1)), "2026-01-31T10:00:00Z", "UTC", "2026-02-28T10:00:00Z");
        check(&after(Period::Months(12)), "2024-02-29T10:00:00Z", "UTC", "2025-02-28T10:00:00Z");
        check(&after(Period::Months(1)), "2026-10-01T10:00:00Z", "Europe/Lisbon", "2026-11-01T11:00:00Z");
    }

    #[test]
    fn of_two_limits_the_known_one_binds() {
        let deleted = Retention::Until { anchor: Anchor::AccountDeleted };
        let both = Retention::Earlier(Box::new(deleted.clone()), Box::new(after(Period::Minutes(60))));
        check(&both, "2026-11-22T03:00:00Z", "UTC", "2026-11-22T04:00:00Z");
        let open = deadline(&deleted, at("2026-11-22T03:00:00Z"), &Events::default(), &TimeZone::UTC);
        assert_eq!(open, Some(Deadline::Awaits(Anchor::AccountDeleted)));
    }

    #[test]
    fn what_is_not_stored_is_due_at_once() {
        check(&Retention::NotStored, "2026-11-22T03:00:00Z", "UTC", "2026-11-22T03:00:00Z");
        check(
            &Retention::Memory { at_most: Some(Period::Minutes(5)) },
            "2026-11-22T03:00:00Z",
            "UTC",
            "2026-11-22T03:00:00Z",
        );
    }

    const ZONES: [&str; 6] =
        ["UTC", "Asia/Nicosia", "America/Santiago", "Pacific/Apia", "Africa/Casablanca", "Asia/Kathmandu"];

    fn zone() -> impl Strategy<Value = String> {
        prop::sample::select(ZONES.as_slice()).prop_map(Into::into)
    }

    fn phrase() -> impl Strategy<Value = Retention> {
        let period = || prop_oneof![(0..200_000_u32).prop_map(Period::Minutes), (0..130_u16).prop_map(Period::Months)];
        let anchor = || prop::sample::select([Anchor::Recorded, Anchor::Payment, Anchor::AccountDeleted].as_slice());
        let single = prop_oneof![
            Just(Retention::NotStored),
            (period(), anchor()).prop_map(|(period, anchor)| Retention::After { period, anchor }),
            (period(), anchor()).prop_map(|(at_most, anchor)| Retention::Law { law: String::new(), at_most, anchor }),
            anchor().prop_map(|anchor| Retention::Until { anchor }),
            zone().prop_map(|zone| Retention::MonthEnd { zone }),
        ];
        single.prop_recursive(2, 4, 2, |inner| {
            (inner.clone(), inner).prop_map(|(a, b)| Retention::Earlier(Box::new(a), Box::new(b)))
        })
    }

    proptest! {
        #[test]
        #[expect(clippy::disallowed_methods, reason = "the one place where the two are compared")]
        fn the_writers_arithmetic_and_the_audits_say_the_same(
            keep in phrase(),
            month in 0..1_200_i32,
            off in -100_000_000..100_000_000_i64,
            payment in proptest::option::of(0..4_000_000_000_i64),
            zone in zone(),
        ) {
            let zone = TimeZone::get(&zone).unwrap();
            let (year, month) = (2004 + month / 12, month % 12 + 1);
            let first = jiff::civil::date(i16::try_from(year).unwrap(), i8::try_from(month).unwrap(), 1);
            let border = first.to_zoned(zone.clone()).unwrap().timestamp().as_millisecond();
            let recorded = Timestamp::from_millisecond(border + off).unwrap();
            let payment = payment.map(|second| Timestamp::from_second(second).unwrap());
            let events = Events { payment, ..Events::default() };
            let ours = deadline(&keep, recorded, &events, &zone);
            match keep.due(recorded, &events, &zone) {
                Due::At(due) => prop_assert_eq!(ours, Some(Deadline::At(due))),
                Due::When(_) => prop_assert!(matches!(ours, Some(Deadline::Awaits(_)))),
            }
        }
    }
}
