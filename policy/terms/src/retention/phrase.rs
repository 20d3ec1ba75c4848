//! The phrases of the "How long" column. What is not one of them is refused with the reason and what to write instead.

use std::ops::Range;

use jiff::tz::TimeZone;

use super::{Anchor, Period, Retention, iso::iso};
use crate::{
    language::{Language, RetentionWords},
    suggest,
    words::{after, before, find, on_one_line},
};

/// So many periods may stand in one phrase: each is read inside the one before it, and no text may fill the stack.
const MOST: usize = 16;

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

/// Reads an English phrase such as "90 days after the session ends". Case, a final full stop and extra spaces do not
/// matter.
///
/// # Errors
/// [`Refused`] if it is none of the phrases.
pub fn phrase(text: &str) -> Result<Retention, Refused> {
    phrase_in(Language::ENGLISH, text)
}

/// Reads a phrase in a language.
///
/// # Errors
/// [`Refused`] if it is none of the phrases of the language.
pub fn phrase_in(language: Language, text: &str) -> Result<Retention, Refused> {
    Words::of(text, language).without_stop().retention()
}

/// Reads a period such as "1 day", "24 hours" or `P90D`.
///
/// # Errors
/// [`Refused`] if it is not a number with a unit.
pub fn period(text: &str) -> Result<Period, Refused> {
    period_in(Language::ENGLISH, text)
}

/// Reads a period in a language.
///
/// # Errors
/// [`Refused`] if it is not a number with a unit.
pub fn period_in(language: Language, text: &str) -> Result<Period, Refused> {
    Words::of(text, language).without_stop().period()
}

/// Finds "at least 1 day ahead" in a clause.
///
/// # Errors
/// [`Refused`] if such words are there but name no period.
pub fn lead(text: &str) -> Result<Option<Period>, Refused> {
    lead_in(Language::ENGLISH, text)
}

/// Finds "at least 1 day ahead" in the words of a language.
///
/// # Errors
/// [`Refused`] if such words are there but name no period.
pub fn lead_in(language: Language, text: &str) -> Result<Option<Period>, Refused> {
    let words = Words::of(text, language);
    let lower = text.to_ascii_lowercase();
    let begin = format!("{} ", words.said().at_least.to_ascii_lowercase());
    let close = format!(" {}", words.said().ahead.to_ascii_lowercase());
    let found = lower.match_indices(&close).find_map(|(end, _)| {
        let start = lower.get(..end)?.rfind(&begin)? + begin.len();
        (!lower.get(start..end)?.contains(['.', ';'])).then_some(start..end)
    });
    found.map(|range| words.part(range).period()).transpose()
}

/// A part of a text that knows where it stands in it.
#[derive(Clone, Copy)]
struct Words<'t> {
    text: &'t str,
    start: usize,
    language: Language,
}

impl<'t> Words<'t> {
    fn of(text: &'t str, language: Language) -> Self {
        Self { text, start: 0, language }.trim()
    }

    /// The words of the language for how long something is kept.
    fn said(self) -> &'static RetentionWords {
        &self.language.words().retention
    }

    /// A phrase to write, for a help line.
    fn example(self, retention: &Retention) -> String {
        format!("write `{}`", retention.phrase_in(self.language))
    }

    fn examples(self) -> String {
        let after = ninety_days().phrase_in(self.language);
        let until = Retention::Until { anchor: Anchor::AccountDeleted }.phrase_in(self.language);
        format!("write a phrase such as `{after}` or `{until}`")
    }

    fn part(self, range: Range<usize>) -> Self {
        let text = self.text.get(range.start - self.start..range.end - self.start).unwrap_or("");
        Self { text, start: range.start, ..self }.trim()
    }

    fn trim(self) -> Self {
        let ahead = self.text.len() - self.text.trim_start().len();
        Self { text: self.text.trim(), start: self.start + ahead, ..self }
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
            .then(|| Self { text: rest, start: self.start + prefix.len(), ..self }.trim())
    }

    /// What stands before and after the first occurrence of some words.
    fn split(self, at: &str) -> Option<(Self, Self)> {
        let bytes = self.text.as_bytes();
        let is_space = |byte: usize| bytes.get(byte) == Some(&b' ');
        let mut ahead = 0;
        let found = loop {
            let word = ahead + find(self.text.get(ahead..)?, at)?;
            if word > 0 && is_space(word - 1) && is_space(word + at.len()) {
                break word - 1;
            }
            ahead = word + self.text.get(word..)?.chars().next()?.len_utf8();
        };
        let end = found + at.len() + 2;
        let before = Self { text: self.text.get(..found)?, ..self };
        Some((before.trim(), Self { text: self.text.get(end..)?, start: self.start + end, ..self }.trim()))
    }

    fn refuse(self, code: &'static str, message: impl Into<String>, help: impl Into<String>) -> Refused {
        Refused { code, message: message.into(), range: self.range(), help: help.into() }
    }

    fn retention(self) -> Result<Retention, Refused> {
        let said = self.said();
        let periods = before(self.text, said.whichever).and_then(|periods| periods.strip_suffix(", "));
        if let Some(text) = periods {
            let periods = Self { text, ..self };
            if periods.text.to_ascii_lowercase().matches(&format!(" {} ", said.or)).count() >= MOST {
                let help = "name the few that can be the earliest";
                return Err(self.refuse("which-period", format!("more than {MOST} periods"), help));
            }
            return periods.earlier();
        }
        if let Some(law) = self.after(said.as_long_as) {
            return self.law(law);
        }
        if self.split(said.or).is_some() {
            let help = format!("end the phrase with `, {}`", said.whichever);
            return Err(self.refuse("which-period", "two periods, and no word on which of them counts", help));
        }
        self.single()
    }

    fn earlier(self) -> Result<Retention, Refused> {
        let said = self.said();
        let Some((one, rest)) = self.split(said.or) else {
            let first = said.whichever.split([' ', ',']).next().unwrap_or_default();
            let help = format!("take `, {}` out", said.whichever);
            return Err(self.refuse("which-period", format!("`{first}` of one period"), help));
        };
        let rest = if rest.split(said.or).is_some() { rest.earlier()? } else { rest.single()? };
        Ok(Retention::Earlier(Box::new(one.single()?), Box::new(rest)))
    }

    /// A phrase that is not made of other phrases.
    fn single(self) -> Result<Retention, Refused> {
        let said = self.said();
        if self.after(said.not_stored).is_some_and(|rest| rest.text.is_empty()) {
            return Ok(Retention::NotStored);
        }
        if let Some(rest) = self.after(said.in_memory) {
            return self.memory(rest);
        }
        if let Some(law) = self.after(said.as_long_as) {
            return self.law(law);
        }
        if let Some(zone) = self.after(said.month_end) {
            return self.month_end(zone);
        }
        if let Some(event) = self.after(said.until) {
            return event.until();
        }
        if let Some((period, event)) = self.split(said.after) {
            return Ok(Retention::After { period: period.period()?, anchor: event.anchor()? });
        }
        Err(self.no_phrase())
    }

    fn memory(self, rest: Self) -> Result<Retention, Refused> {
        if rest.text.is_empty() {
            return Ok(Retention::Memory { at_most: None });
        }
        match rest.after(self.said().for_at_most) {
            Some(period) => Ok(Retention::Memory { at_most: Some(period.period()?) }),
            None => Err(rest.refuse(
                "unknown-phrase",
                format!("`{}` says nothing here", rest.text),
                self.example(&Retention::Memory { at_most: Some(Period::Minutes(5)) }),
            )),
        }
    }

    fn law(self, rest: Self) -> Result<Retention, Refused> {
        let said = self.said();
        let (law, at_most) = (said.a_law.to_owned(), Period::Months(7 * 12));
        let help = self.example(&Retention::Law { law, at_most, anchor: Anchor::FinancialYearEnd });
        let Some((law, limit)) = rest.split(said.requires_at_most) else {
            let help = if rest.text.contains(said.requires) { help } else { self.examples() };
            return Err(self.refuse("no-limit", format!("`{}` sets no limit", self.text), help));
        };
        if law.text.is_empty() {
            return Err(self.refuse("no-limit", "no law is named", help));
        }
        let Some((period, event)) = limit.split(said.after) else {
            return Err(limit.refuse("from-when", format!("`{}`: counted from when?", limit.text), help));
        };
        Ok(Retention::Law { law: law.text.to_owned(), at_most: period.period()?, anchor: event.anchor()? })
    }

    fn month_end(self, rest: Self) -> Result<Retention, Refused> {
        let zone = rest.text.strip_prefix('(').and_then(|zone| zone.strip_suffix(')')).map(str::trim);
        let Some(zone) = zone else {
            let help = format!("name the zone: {}", self.example(&month_end()).trim_start_matches("write "));
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
        match self.event(|(_, _, until)| until)? {
            Anchor::Recorded => {
                let help = self.example(&Retention::NotStored);
                Err(self.refuse("unknown-event", "until it was recorded is never", help))
            }
            anchor => Ok(Retention::Until { anchor }),
        }
    }

    fn anchor(self) -> Result<Anchor, Refused> {
        self.event(|(_, after, _)| after)
    }

    /// The event of some words, in the form that they have after "after" or "until".
    fn event(self, form: impl Fn((Anchor, &'static str, &'static str)) -> &'static str) -> Result<Anchor, Refused> {
        let words = on_one_line(self.text);
        let events = self.said().events;
        if let Some((anchor, ..)) = events.into_iter().find(|event| form(*event).eq_ignore_ascii_case(&words)) {
            return Ok(anchor);
        }
        let forms = events.map(form);
        let help = match suggest::nearest(&words, forms) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the events are: {}", forms.join(", ")),
        };
        Err(self.refuse("unknown-event", format!("no event `{words}`"), help))
    }

    fn period(self) -> Result<Period, Refused> {
        if self.text.starts_with(['P', 'p']) && self.text.chars().any(|c| c.is_ascii_digit()) {
            return iso(self.text).ok_or_else(|| {
                self.refuse(
                    "bad-period",
                    format!("`{}` is not a period", self.text),
                    format!("write it in words, such as `{}`", self.ninety()),
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
                format!("write a number and a unit, such as `{}`", self.ninety()),
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
        let units = self.said().units;
        let is = |form: &str| after(self.text, form).is_some_and(str::is_empty);
        if let Some((unit, ..)) = units.into_iter().find(|(_, one, several)| is(one) || is(several)) {
            return Ok(unit);
        }
        let lower = self.text.to_lowercase();
        if lower.is_empty() {
            return Err(self.refuse("unknown-unit", "a number without a unit", format!("write `{}`", self.ninety())));
        }
        let names = units.map(|(_, one, _)| one);
        let help = match suggest::nearest(&lower, names) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("the units are: {}", names.join(", ")),
        };
        Err(self.refuse("unknown-unit", format!("no unit `{}`", self.text), help))
    }

    /// A period to write, for a help line.
    fn ninety(self) -> String {
        NINETY_DAYS.phrase_in(self.language)
    }

    /// Says why words that are no phrase cannot be enforced.
    fn no_phrase(self) -> Refused {
        let lower = self.text.to_lowercase();
        if self.period().is_ok() {
            let words = self.said();
            let event = words.events.into_iter().find(|(anchor, ..)| *anchor == Anchor::SessionEnd);
            let event = event.map_or("", |(_, after, _)| after);
            let help = format!("say from when, such as `{} {} {event}`", self.text, words.after);
            return self.refuse("from-when", format!("`{}`: counted from when?", self.text), help);
        }
        if self.text.starts_with(|c: char| c.is_ascii_digit())
            && let Err(refused) = self.period()
            && self.text.split_whitespace().count() == 2
        {
            return refused;
        }
        if self.language.words().endless.iter().any(|word| lower.contains(word)) {
            return self.refuse("no-limit", format!("`{}` sets no limit", self.text), self.examples());
        }
        if lower.contains(self.said().month) {
            let help = self.example(&month_end());
            return self.refuse("whose-clock", format!("`{}`: by whose clock?", self.text), help);
        }
        self.refuse("unknown-phrase", format!("`{}` is not a phrase that can be enforced", self.text), self.examples())
    }
}

const NINETY_DAYS: Period = Period::Minutes(90 * 24 * 60);

fn ninety_days() -> Retention {
    Retention::After { period: NINETY_DAYS, anchor: Anchor::SessionEnd }
}

fn month_end() -> Retention {
    Retention::MonthEnd { zone: "UTC".to_owned() }
}

/// The name of a zone of the IANA list, as the list writes it.
pub(crate) fn zone_name(text: &str) -> Option<String> {
    let zone = TimeZone::get(text).ok()?;
    zone.iana_name().map(str::to_owned)
}

#[cfg(test)]
pub(super) mod tests;
