//! Whole minutes: the moment from which a version applies.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// An instant that falls on a whole minute, written as `2026-12-01T09:30Z` (ISO 8601, UTC).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Minute(Timestamp);

impl Minute {
    /// The first whole minute at or after an instant; `None` past the end of time (year 9999).
    #[must_use]
    pub fn at_or_after(instant: Timestamp) -> Option<Self> {
        let seconds = instant.as_second() + i64::from(instant.subsec_nanosecond() > 0);
        let minute = seconds.div_euclid(60) + i64::from(seconds.rem_euclid(60) > 0);
        Timestamp::from_second(minute.checked_mul(60)?).ok().map(Self)
    }

    /// The minute that an instant is; `None` if it is not a whole minute.
    #[must_use]
    pub fn exactly(instant: Timestamp) -> Option<Self> {
        Self::at_or_after(instant).filter(|minute| minute.0 == instant)
    }

    /// The instant at which the minute begins.
    #[must_use]
    pub fn instant(self) -> Timestamp {
        self.0
    }
}

impl fmt::Display for Minute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.strftime("%Y-%m-%dT%H:%MZ").to_string())
    }
}

impl From<Minute> for String {
    fn from(minute: Minute) -> Self {
        minute.to_string()
    }
}

impl TryFrom<String> for Minute {
    type Error = NotAMinute;

    fn try_from(text: String) -> Result<Self, NotAMinute> {
        text.parse()
    }
}

impl FromStr for Minute {
    type Err = NotAMinute;

    /// Reads `2026-12-01T09:30Z` or `2026-12-01T11:30+02:00`; seconds, and times without a zone, are refused.
    fn from_str(text: &str) -> Result<Self, NotAMinute> {
        let zone_at = text.find('T').and_then(|t| text.get(t..)?.find(['Z', '+', '-']).map(|z| t + z));
        let clock = text.find('T').zip(zone_at).and_then(|(t, z)| text.get(t + 1..z));
        if clock.is_none_or(|clock| clock.len() != 5) {
            return Err(NotAMinute);
        }
        text.parse::<Timestamp>().ok().and_then(Self::exactly).ok_or(NotAMinute)
    }
}

/// The text names no whole minute with its zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a time must look like `2026-12-01T09:30Z`: date, hour, minute and zone")]
pub struct NotAMinute;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_reads_back_as_it_is_written() {
        for (text, written) in [
            ("2026-12-01T09:30Z", "2026-12-01T09:30Z"),
            ("2026-12-01T11:30+02:00", "2026-12-01T09:30Z"),
            ("1969-12-31T23:59Z", "1969-12-31T23:59Z"),
        ] {
            let minute: Minute = text.parse().unwrap();
            assert_eq!(minute.to_string(), written);
            assert_eq!(written.parse(), Ok(minute));
        }
    }

    #[test]
    fn anything_but_a_minute_with_its_zone_is_refused() {
        for text in [
            "",
            "10/02/2018",
            "2026-12-01",
            "2026-12-01T09:30",
            "2026-12-01T09:30:00Z",
            "2026-13-01T09:30Z",
            "2026-12-01T25:00Z",
        ] {
            assert_eq!(text.parse::<Minute>(), Err(NotAMinute), "{text}");
        }
    }

    #[test]
    fn the_next_minute_is_never_before_the_instant() {
        let at: Timestamp = "2026-12-01T09:30:00.001Z".parse().unwrap();
        assert_eq!(Minute::at_or_after(at).unwrap().to_string(), "2026-12-01T09:31Z");
        assert_eq!(Minute::exactly(at), None);
    }
}
