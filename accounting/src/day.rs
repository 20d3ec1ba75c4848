//! A day as four bytes: the days since 1 January 1970.

use jiff::{Span, civil::Date};

const FIRST: Date = Date::constant(1970, 1, 1);

pub(crate) fn encode(day: Date) -> [u8; 4] {
    let days = day.duration_since(FIRST).as_hours() / 24;
    // Every day of the calendar (to the year 9999) fits.
    i32::try_from(days).unwrap_or(0).to_be_bytes()
}

pub(crate) fn decode(bytes: [u8; 4]) -> Option<Date> {
    let days = Span::new().try_days(i32::from_be_bytes(bytes)).ok()?;
    FIRST.checked_add(days).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_read_as_it_was_written() {
        for day in ["1970-01-01", "1969-12-31", "2026-11-25", "2028-02-29", "9999-12-31", "-9999-01-01"] {
            let day: Date = day.parse().unwrap_or(Date::MIN);
            assert_eq!(decode(encode(day)), Some(day));
        }
        assert_eq!(decode([0x7f; 4]), None);
    }
}
