//! The phrases of the "How long" column. What is not one of them is refused with the reason and what to write instead.

use std::ops::Range;

use jiff::tz::TimeZone;

use super::{Anchor, Period, Retention};
use crate::suggest;

const UNITS: [&str; 6] = ["minute", "hour", "day", "week", "month", "year"];
const WHICHEVER: &str = ", whichever is earlier";
/// So many periods may stand in one phrase: each is read inside the one before it, and no text may fill the stack.
const MOST: usize = 16;
const EXAMPLE: &str = "write a phrase such as `90 days after the session ends` or `until the account is deleted`";

/// Why a phrase was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The code of the problem: `unknown-unit`.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// The words that are wrong, in bytes of the phrase.
    pub range: Range<usize>,
    /// What to write instead.
    pub help: String,
}

/// Reads a phrase such as "90 days after the session ends". Case, a final full stop and extra spaces do not matter.
///
/// # Errors
/// [`Refused`] if it is none of the phrases of the language.
pub fn phrase(text: &str) -> Result<Retention, Refused> {
    Words::of(text).without_stop().retention()
}

/// Reads a period such as "1 day", "24 hours" or `P90D`.
///
/// # Errors
/// [`Refused`] if it is not a number with a unit.
pub fn period(text: &str) -> Result<Period, Refused> {
    Words::of(text).without_stop().period()
}

/// Finds "at least 1 day ahead" in a clause.
///
/// # Errors
/// [`Refused`] if such words are there but name no period.
pub fn lead(text: &str) -> Result<Option<Period>, Refused> {
    let words = Words::of(text);
    let lower = text.to_ascii_lowercase();
    let found = lower.match_indices(" ahead").find_map(|(end, _)| {
        let begin = "at least ";
        let start = lower.get(..end)?.rfind(begin)? + begin.len();
        (!lower.get(start..end)?.contains(['.', ';'])).then_some(start..end)
    });
    found.map(|range| words.part(range).period()).transpose()
}

/// A part of a text that knows where it stands in it.
#[derive(Clone, Copy)]
struct Words<'t> {
    text: &'t str,
    start: usize,
}

impl<'t> Words<'t> {
    fn of(text: &'t str) -> Self {
        Self { text, start: 0 }.trim()
    }

    fn part(self, range: Range<usize>) -> Self {
        Self { text: self.text.get(range.start - self.start..range.end - self.start).unwrap_or(""), start: range.start }
            .trim()
    }

    fn trim(self) -> Self {
        let ahead = self.text.len() - self.text.trim_start().len();
        Self { text: self.text.trim(), start: self.start + ahead }
    }

    fn without_stop(self) -> Self {
        Self { text: self.text.strip_suffix('.').unwrap_or(self.text), ..self }.trim()
    }

    fn range(self) -> Range<usize> {
        self.start..self.start + self.text.len()
    }

    /// What follows a prefix, in whatever case it is written.
    fn after(self, prefix: &str) -> Option<Self> {
        let head = self.text.get(..prefix.len())?;
        let rest = self.text.get(prefix.len()..)?;
        let whole =
            rest.is_empty() || !head.ends_with(char::is_alphanumeric) || !rest.starts_with(char::is_alphanumeric);
        (whole && head.eq_ignore_ascii_case(prefix))
            .then(|| Self { text: rest, start: self.start + prefix.len() }.trim())
    }

    /// What stands before and after the first occurrence of some words.
    fn split(self, at: &str) -> Option<(Self, Self)> {
        let found = self.text.to_ascii_lowercase().find(at)?;
        let end = found + at.len();
        let before = Self { text: self.text.get(..found)?, start: self.start };
        Some((before.trim(), Self { text: self.text.get(end..)?, start: self.start + end }.trim()))
    }

    fn refuse(self, code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Refused {
        Refused { code, message: message.into(), range: self.range(), help: help.into() }
    }

    fn retention(self) -> Result<Retention, Refused> {
        if self.text.to_ascii_lowercase().ends_with(WHICHEVER) {
            let kept = self.text.len() - WHICHEVER.len();
            let periods = Self { text: self.text.get(..kept).unwrap_or(""), ..self };
            if periods.text.to_ascii_lowercase().matches(" or ").count() >= MOST {
                let help = "name the few that can be the earliest";
                return Err(self.refuse("which-period", format!("more than {MOST} periods"), help));
            }
            return periods.earlier();
        }
        if let Some(law) = self.after("as long as") {
            return self.law(law);
        }
        if self.split(" or ").is_some() {
            let help = "end the phrase with `, whichever is earlier`";
            return Err(self.refuse("which-period", "two periods, and no word on which of them counts", help));
        }
        self.single()
    }

    fn earlier(self) -> Result<Retention, Refused> {
        let Some((one, rest)) = self.split(" or ") else {
            return Err(self.refuse("which-period", "`whichever` of one period", "take `, whichever is earlier` out"));
        };
        let rest = if rest.split(" or ").is_some() { rest.earlier()? } else { rest.single()? };
        Ok(Retention::Earlier(Box::new(one.single()?), Box::new(rest)))
    }

    /// A phrase that is not made of other phrases.
    fn single(self) -> Result<Retention, Refused> {
        if self.after("not stored").is_some_and(|rest| rest.text.is_empty()) {
            return Ok(Retention::NotStored);
        }
        if let Some(rest) = self.after("in memory only") {
            return self.memory(rest);
        }
        if let Some(law) = self.after("as long as") {
            return self.law(law);
        }
        if let Some(zone) = self.after("until the end of the calendar month") {
            return self.month_end(zone);
        }
        if let Some(event) = self.after("until") {
            return event.until();
        }
        if let Some((period, event)) = self.split(" after ") {
            return Ok(Retention::After { period: period.period()?, anchor: event.anchor()? });
        }
        Err(self.no_phrase())
    }

    fn memory(self, rest: Self) -> Result<Retention, Refused> {
        if rest.text.is_empty() {
            return Ok(Retention::Memory { at_most: None });
        }
        match rest.after("for at most") {
            Some(period) => Ok(Retention::Memory { at_most: Some(period.period()?) }),
            None => Err(rest.refuse(
                "unknown-phrase",
                format!("`{}` says nothing here", rest.text),
                "write `in memory only for at most 5 minutes`",
            )),
        }
    }

    fn law(self, rest: Self) -> Result<Retention, Refused> {
        let help = "write `as long as the Accounting Act requires, at most 7 years after the financial year ends`";
        let Some((law, limit)) = rest.split(" requires, at most ") else {
            let help = if rest.text.contains("requires") { help } else { EXAMPLE };
            return Err(self.refuse("no-limit", format!("`{}` sets no limit", self.text), help));
        };
        if law.text.is_empty() {
            return Err(self.refuse("no-limit", "no law is named", help));
        }
        let Some((period, event)) = limit.split(" after ") else {
            return Err(limit.refuse("from-when", format!("`{}`: counted from when?", limit.text), help));
        };
        Ok(Retention::Law { law: law.text.to_owned(), at_most: period.period()?, anchor: event.anchor()? })
    }

    fn month_end(self, rest: Self) -> Result<Retention, Refused> {
        let help = "name the zone: `until the end of the calendar month (UTC)`";
        let zone = rest.text.strip_prefix('(').and_then(|zone| zone.strip_suffix(')')).map(str::trim);
        let Some(zone) = zone else {
            return Err(self.refuse("whose-clock", "the end of the month by whose clock?", help));
        };
        match zone_name(zone) {
            Some(zone) => Ok(Retention::MonthEnd { zone }),
            None => Err(rest.refuse(
                "unknown-zone",
                format!("no time zone `{zone}`"),
                "write a zone of the IANA list, such as `UTC` or `Europe/Nicosia`",
            )),
        }
    }

    fn until(self) -> Result<Retention, Refused> {
        match self.anchor()? {
            Anchor::Recorded => {
                Err(self.refuse("unknown-event", "until it was recorded is never", "write `not stored`"))
            }
            anchor => Ok(Retention::Until { anchor }),
        }
    }

    fn anchor(self) -> Result<Anchor, Refused> {
        let said = self.text.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(anchor) = Anchor::ALL.into_iter().find(|anchor| anchor.phrase().eq_ignore_ascii_case(&said)) {
            return Ok(anchor);
        }
        let help = match suggest::nearest(&said, Anchor::ALL.map(Anchor::phrase)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the events are: {}", Anchor::ALL.map(Anchor::phrase).join(", ")),
        };
        Err(self.refuse("unknown-event", format!("no event `{said}`"), help))
    }

    fn period(self) -> Result<Period, Refused> {
        if self.text.starts_with(['P', 'p']) && self.text.chars().any(|c| c.is_ascii_digit()) {
            return iso(self.text).ok_or_else(|| {
                self.refuse(
                    "bad-period",
                    format!("`{}` is not a period", self.text),
                    "write it in words, such as `90 days`",
                )
            });
        }
        let digits = self.text.len() - self.text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let count = self.part(self.start..self.start + digits);
        let unit = self.part(self.start + digits..self.range().end);
        if digits == 0 {
            return Err(self.refuse(
                "bad-period",
                format!("`{}` is not a period", self.text),
                "write a number and a unit, such as `90 days`",
            ));
        }
        let factor = unit.unit()?;
        match count.text.parse().ok().and_then(|count: u32| factor.times(count)) {
            Some(period) => Ok(period),
            None => Err(self.refuse(
                "bad-period",
                format!("`{}` is no length of time that can be kept to", self.text),
                "the number is at least 1, and the whole at most a thousand years",
            )),
        }
    }

    /// One of the unit: a week is seven days, a year twelve months.
    fn unit(self) -> Result<Period, Refused> {
        let lower = self.text.to_lowercase();
        match lower.strip_suffix('s').unwrap_or(&lower) {
            "minute" => Ok(Period::Minutes(1)),
            "hour" => Ok(Period::Minutes(60)),
            "day" => Ok(Period::Minutes(24 * 60)),
            "week" => Ok(Period::Minutes(7 * 24 * 60)),
            "month" => Ok(Period::Months(1)),
            "year" => Ok(Period::Months(12)),
            _ if lower.is_empty() => Err(self.refuse("unknown-unit", "a number without a unit", "write `90 days`")),
            _ => {
                let near = suggest::nearest(&lower, UNITS);
                let help = near.map_or_else(
                    || format!("the units are: {}", UNITS.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                Err(self.refuse("unknown-unit", format!("no unit `{}`", self.text), help))
            }
        }
    }

    /// Says why words that are no phrase cannot be enforced.
    fn no_phrase(self) -> Refused {
        let lower = self.text.to_lowercase();
        if self.period().is_ok() {
            let help = format!("say from when, such as `{} after the session ends`", self.text);
            return self.refuse("from-when", format!("`{}`: counted from when?", self.text), help);
        }
        if self.text.starts_with(|c: char| c.is_ascii_digit())
            && let Err(refused) = self.period()
            && self.text.split_whitespace().count() == 2
        {
            return refused;
        }
        let endless = ["necessary", "indefinitely", "permanently", "reasonable", "forever", "required", "needed"];
        if endless.iter().any(|word| lower.contains(word)) {
            return self.refuse("no-limit", format!("`{}` sets no limit", self.text), EXAMPLE);
        }
        if lower.contains("month") {
            let help = "write `until the end of the calendar month (UTC)`";
            return self.refuse("whose-clock", format!("`{}`: by whose clock?", self.text), help);
        }
        self.refuse("unknown-phrase", format!("`{}` is not a phrase that can be enforced", self.text), EXAMPLE)
    }
}

impl Period {
    /// The period so many times over; `None` for no time at all, and past a thousand years.
    fn times(self, count: u32) -> Option<Self> {
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
fn iso(text: &str) -> Option<Period> {
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

/// The name of a zone of the IANA list, as the list writes it.
pub(crate) fn zone_name(text: &str) -> Option<String> {
    let zone = TimeZone::get(text).ok()?;
    zone.iana_name().map(str::to_owned)
}

#[cfg(test)]
pub(super) mod tests;
