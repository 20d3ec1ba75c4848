//! When something that is kept is due: the retention phrases as instants.
//!
//! Pure arithmetic on the instants it is handed. Hours, days and weeks are elapsed time; months and years are counted on
//! the calendar of a zone. Where an instant cannot be computed (a zone that nobody knows, a year past the calendar's end)
//! the answer is the instant of recording: what cannot be dated is due at once, never kept for ever.

use jiff::{Timestamp, ToSpan, tz::TimeZone};

use crate::{
    permit::{Due, Events},
    retention::{Anchor, Period, Retention},
};

impl Retention {
    /// When a record is due that was made at `recorded`, after the events that have happened so far.
    ///
    /// `zone` is the one whose calendar the policy counts months and years in; the end of a month has a zone of its own.
    /// The answer may change from [`Due::When`] to [`Due::At`] as events happen, so whoever learns of an event asks again.
    #[must_use]
    pub fn due(&self, recorded: Timestamp, events: &Events, zone: &TimeZone) -> Due {
        let from = |anchor: Anchor| if anchor == Anchor::Recorded { Some(recorded) } else { events.of(anchor) };
        let after = |period: Period, anchor: Anchor| match from(anchor) {
            Some(event) => Due::At(period.after(event, zone).unwrap_or(recorded)),
            None => Due::When(anchor),
        };
        match self {
            Self::NotStored | Self::Memory { .. } => Due::At(recorded),
            Self::After { period, anchor } | Self::Law { at_most: period, anchor, .. } => after(*period, *anchor),
            Self::Until { anchor } => from(*anchor).map_or(Due::When(*anchor), Due::At),
            Self::MonthEnd { zone } => Due::At(month_end(recorded, zone).unwrap_or(recorded)),
            Self::Earlier(one, other) => one.due(recorded, events, zone).or_earlier(other.due(recorded, events, zone)),
        }
    }
}

impl Due {
    /// The earlier of two: an instant comes before an event that has not happened; of two such events, the one that
    /// [`Anchor`] lists first is named. That loses nothing, because the second is asked for again when it happens.
    #[must_use]
    pub fn or_earlier(self, other: Self) -> Self {
        match (self, other) {
            (Self::At(one), Self::At(other)) => Self::At(one.min(other)),
            (Self::When(one), Self::When(other)) => Self::When(one.min(other)),
            (at @ Self::At(_), Self::When(_)) | (Self::When(_), at @ Self::At(_)) => at,
        }
    }

    /// Whether it has come.
    #[must_use]
    pub fn has_come(self, now: Timestamp) -> bool {
        matches!(self, Self::At(due) if due <= now)
    }
}

impl Events {
    /// When the event of an anchor happened. Recording is not among the events: every record has its own instant.
    #[must_use]
    pub fn of(&self, anchor: Anchor) -> Option<Timestamp> {
        match anchor {
            Anchor::Recorded => None,
            Anchor::SessionEnd => self.session_end,
            Anchor::Payment => self.payment,
            Anchor::AccountClosed => self.account_closed,
            Anchor::AccountDeleted => self.account_deleted,
            Anchor::LoggedOut => self.logged_out,
            Anchor::SubscriptionEnd => self.subscription_end,
            Anchor::FinancialYearEnd => self.financial_year_end,
        }
    }
}

impl Period {
    /// The instant this long after another; none past the end of the calendar (year 9999).
    #[must_use]
    pub fn after(self, from: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        match self {
            Self::Minutes(minutes) => from.checked_add(i64::from(minutes).minutes()).ok(),
            Self::Months(months) => {
                let local = from.to_zoned(zone.clone());
                local.checked_add(i64::from(months).months()).ok().map(|due| due.timestamp())
            }
        }
    }
}

/// The first instant of the calendar month after the one an instant falls in, in a zone of this name.
fn month_end(instant: Timestamp, zone: &str) -> Option<Timestamp> {
    let zone = TimeZone::get(zone).ok()?;
    let first = instant.to_zoned(zone.clone()).date().first_of_month();
    let next = first.checked_add(1.month()).ok()?;
    next.to_zoned(zone).ok().map(|midnight| midnight.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    fn check(retention: &Retention, recorded: &str, events: &Events, in_zone: &str, due: Due) {
        assert_eq!(retention.due(at(recorded), events, &zone(in_zone)), due, "{retention:?} from {recorded}");
    }

    const NINETY_DAYS: Period = Period::Minutes(90 * 24 * 60);

    #[test]
    fn what_is_not_stored_is_due_when_it_is_recorded() {
        for retention in [Retention::NotStored, Retention::Memory { at_most: Some(Period::Minutes(5)) }] {
            check(&retention, "2026-12-01T00:00Z", &Events::default(), "UTC", Due::At(at("2026-12-01T00:00Z")));
        }
    }

    #[test]
    fn a_period_waits_for_its_event() {
        let retention = Retention::After { period: NINETY_DAYS, anchor: Anchor::SessionEnd };
        check(&retention, "2026-12-01T00:00Z", &Events::default(), "UTC", Due::When(Anchor::SessionEnd));
        let ended = Events { session_end: Some(at("2026-12-01T02:00Z")), ..Events::default() };
        check(&retention, "2026-12-01T00:00Z", &ended, "UTC", Due::At(at("2027-03-01T02:00Z")));
    }

    #[test]
    fn days_are_elapsed_time_and_months_are_the_calendars() {
        // Nicosia's clocks go back on 2026-10-25: ninety times 24 hours end an hour earlier on the clock.
        let days = Retention::After { period: NINETY_DAYS, anchor: Anchor::Recorded };
        check(
            &days,
            "2026-10-01T09:00+03:00",
            &Events::default(),
            "Asia/Nicosia",
            Due::At(at("2026-12-30T08:00+02:00")),
        );
        let months = Retention::After { period: Period::Months(3), anchor: Anchor::Recorded };
        check(
            &months,
            "2026-10-01T09:00+03:00",
            &Events::default(),
            "Asia/Nicosia",
            Due::At(at("2027-01-01T09:00+02:00")),
        );
    }

    #[test]
    fn a_month_from_a_day_that_the_next_month_lacks_ends_on_its_last_day() {
        let month = Retention::After { period: Period::Months(1), anchor: Anchor::Recorded };
        check(&month, "2027-01-31T12:00Z", &Events::default(), "UTC", Due::At(at("2027-02-28T12:00Z")));
        check(&month, "2028-01-31T12:00Z", &Events::default(), "UTC", Due::At(at("2028-02-29T12:00Z")));
        let year = Retention::After { period: Period::Months(12), anchor: Anchor::Recorded };
        check(&year, "2028-02-29T12:00Z", &Events::default(), "UTC", Due::At(at("2029-02-28T12:00Z")));
    }

    #[test]
    fn a_month_ends_in_its_own_zone() {
        let utc = Retention::MonthEnd { zone: "UTC".into() };
        check(&utc, "2026-12-31T23:59:59.999Z", &Events::default(), "Asia/Nicosia", Due::At(at("2027-01-01T00:00Z")));
        check(&utc, "2027-01-01T00:00Z", &Events::default(), "Asia/Nicosia", Due::At(at("2027-02-01T00:00Z")));
        let nicosia = Retention::MonthEnd { zone: "Asia/Nicosia".into() };
        check(&nicosia, "2026-12-31T22:00Z", &Events::default(), "UTC", Due::At(at("2027-02-01T00:00+02:00")));
    }

    #[test]
    fn a_month_that_begins_in_a_gap_ends_with_the_first_instant_there_is() {
        // Damascus' clocks went from 23:59 on 31 March 2005 to 01:00 on 1 April.
        let damascus = Retention::MonthEnd { zone: "Asia/Damascus".into() };
        check(&damascus, "2005-03-15T12:00Z", &Events::default(), "UTC", Due::At(at("2005-03-31T22:00Z")));
    }

    #[test]
    fn the_earlier_of_two_wins_and_an_instant_comes_before_an_event() {
        let ninety_days = Retention::After { period: NINETY_DAYS, anchor: Anchor::Recorded };
        let deleted = Retention::Until { anchor: Anchor::AccountDeleted };
        let closed = Retention::Until { anchor: Anchor::AccountClosed };
        let either = Retention::Earlier(Box::new(ninety_days), Box::new(deleted.clone()));
        check(&either, "2026-12-01T00:00Z", &Events::default(), "UTC", Due::At(at("2027-03-01T00:00Z")));
        let gone = Events { account_deleted: Some(at("2026-12-05T00:00Z")), ..Events::default() };
        check(&either, "2026-12-01T00:00Z", &gone, "UTC", Due::At(at("2026-12-05T00:00Z")));
        let both = Retention::Earlier(Box::new(deleted), Box::new(closed));
        check(&both, "2026-12-01T00:00Z", &Events::default(), "UTC", Due::When(Anchor::AccountClosed));
        check(&both, "2026-12-01T00:00Z", &gone, "UTC", Due::At(at("2026-12-05T00:00Z")));
    }

    #[test]
    fn what_cannot_be_dated_is_due_at_once() {
        let nowhere = Retention::MonthEnd { zone: "Mars/Olympus".into() };
        check(&nowhere, "2026-12-01T00:00Z", &Events::default(), "UTC", Due::At(at("2026-12-01T00:00Z")));
        let for_ever = Retention::After { period: Period::Minutes(u32::MAX), anchor: Anchor::Recorded };
        check(&for_ever, "2026-12-01T00:00Z", &Events::default(), "UTC", Due::At(at("2026-12-01T00:00Z")));
    }
}
