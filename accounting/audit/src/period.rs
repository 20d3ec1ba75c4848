//! What stands in the name of a bucket: the period its rows are of, and the version they were recorded under.
//!
//! A month is one of the calendar of the policy's zone. A day, an hour and a minute are counted in UTC.

use jiff::{Timestamp, civil::DateTime, tz::TimeZone};

use crate::due::month_end;

/// `202611_v1` is a month, `20261125_v1` a day, `2026112514_v1` an hour, `202611251459_v1` a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Period {
    /// The local time at which it begins.
    begins: DateTime,
    /// Its length in seconds; none for a month.
    seconds: Option<i64>,
    /// The version of the policy its rows were recorded under.
    pub(crate) version: u32,
}

impl Period {
    /// Reads a period; only the one way of writing it counts.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (digits, number) = text.split_once("_v")?;
        let version: u32 = number.parse().ok()?;
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && version.to_string() == number;
        let part =
            |from: usize, otherwise: i8| digits.get(from..from + 2).map_or(Some(otherwise), |part| part.parse().ok());
        let seconds = match digits.len() {
            6 => None,
            8 => Some(86_400),
            10 => Some(3600),
            12 => Some(60),
            _ => return None,
        };
        let year = digits.get(..4)?.parse().ok()?;
        let begins = DateTime::new(year, part(4, 1)?, part(6, 1)?, part(8, 0)?, part(10, 0)?, 0, 0).ok()?;
        plain.then_some(Self { begins, seconds, version })
    }

    /// The first instant of the period, and the first one after it.
    pub(crate) fn span(self, zone: &TimeZone) -> Option<(Timestamp, Timestamp)> {
        let first = |zone: TimeZone| self.begins.to_zoned(zone).ok().map(|first| first.timestamp());
        match self.seconds {
            None => first(zone.clone()).map(|first| (first, month_end(first, zone))),
            Some(seconds) => {
                let first = first(TimeZone::UTC)?;
                Some((first, Timestamp::from_second(first.as_second() + seconds).ok()?))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_period_is_read_in_one_way_of_writing_it() {
        let span = |text: &str, zone: &str| {
            let (first, end) = Period::read(text).unwrap().span(&TimeZone::get(zone).unwrap()).unwrap();
            (first.to_string(), end.to_string())
        };
        let pair = |first: &str, end: &str| (first.to_owned(), end.to_owned());
        assert_eq!(span("202611_v1", "UTC"), pair("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"));
        assert_eq!(span("202611_v1", "Europe/Berlin"), pair("2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"));
        assert_eq!(span("20261125_v1", "Europe/Berlin"), pair("2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"));
        assert_eq!(span("2026112523_v0", "UTC"), pair("2026-11-25T23:00:00Z", "2026-11-26T00:00:00Z"));
        assert_eq!(span("202611252359_v12", "UTC"), pair("2026-11-25T23:59:00Z", "2026-11-26T00:00:00Z"));
        for text in [
            "202611",
            "202611_v",
            "202613_v1",
            "202600_v1",
            "20261_v1",
            "202611_v01",
            "202611_v+1",
            "202611_v1 ",
            "20261131_v1",
            "2026112524_v1",
            "202611252360_v1",
            "+20261_v1",
            "2026112_v1",
            "_v1",
        ] {
            assert_eq!(Period::read(text), None, "{text}");
        }
    }
}
