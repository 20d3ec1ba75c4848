//! Lengths of time as ISO 8601 writes them, and how they add up.

use super::Period;

impl Period {
    /// The period so many times over; `None` for no time at all, and past a thousand years.
    pub(super) fn times(self, count: u32) -> Option<Self> {
        match self {
            Self::Minutes(one) => Self::Minutes(one.checked_mul(count)?).within_bounds(),
            Self::Months(one) => Self::Months(one.checked_mul(u16::try_from(count).ok()?)?).within_bounds(),
        }
    }

    fn plus(self, more: Self) -> Option<Self> {
        match (self, more) {
            (Self::Minutes(one), Self::Minutes(other)) => Self::Minutes(one.checked_add(other)?).within_bounds(),
            (Self::Months(one), Self::Months(other)) => Self::Months(one.checked_add(other)?).within_bounds(),
            _ => None,
        }
    }

    fn within_bounds(self) -> Option<Self> {
        const MINUTES: u32 = 1000 * 366 * 24 * 60;
        const MONTHS: u16 = 1000 * 12;
        let is_within = match self {
            Self::Minutes(minutes) => (1..=MINUTES).contains(&minutes),
            Self::Months(months) => (1..=MONTHS).contains(&months),
        };
        is_within.then_some(self)
    }
}

/// An ISO 8601 duration. Months mixed with days are refused: nobody could say which is longer.
pub(super) fn iso(text: &str) -> Option<Period> {
    let mut whole: Option<Period> = None;
    let mut digits = String::new();
    let mut clock = false;
    for c in text.get(1..)?.to_ascii_uppercase().chars() {
        let unit = match c {
            '0'..='9' => {
                digits.push(c);
                continue;
            }
            'T' if digits.is_empty() && !clock => {
                clock = true;
                continue;
            }
            'Y' if !clock => Period::Months(12),
            'M' if !clock => Period::Months(1),
            'W' if !clock => Period::Minutes(7 * 24 * 60),
            'D' if !clock => Period::Minutes(24 * 60),
            'H' if clock => Period::Minutes(60),
            'M' => Period::Minutes(1),
            _ => return None,
        };
        let part = unit.times(std::mem::take(&mut digits).parse().ok()?)?;
        whole = Some(whole.map_or(Some(part), |whole| whole.plus(part))?);
    }
    whole.filter(|_| digits.is_empty())
}
