//! A retention in words again: the canonical form for comparing and storing, the phrase for people.

use std::fmt;

use super::{Anchor, Period, Retention};
use crate::language::{Language, RetentionWords};

const MINUTES_A_DAY: u32 = 24 * 60;

impl Period {
    /// The period in English: "90 days".
    #[must_use]
    pub fn phrase(self) -> String {
        self.phrase_in(Language::ENGLISH)
    }

    /// The period in the words of a language.
    #[must_use]
    pub fn phrase_in(self, language: Language) -> String {
        let (count, unit) = match self {
            Self::Minutes(minutes) if minutes % MINUTES_A_DAY == 0 => {
                (minutes / MINUTES_A_DAY, Self::Minutes(MINUTES_A_DAY))
            }
            Self::Minutes(minutes) if minutes % 60 == 0 => (minutes / 60, Self::Minutes(60)),
            Self::Minutes(minutes) => (minutes, Self::Minutes(1)),
            Self::Months(months) if months % 12 == 0 => (u32::from(months / 12), Self::Months(12)),
            Self::Months(months) => (u32::from(months), Self::Months(1)),
        };
        let (one, several) = language.words().retention.unit(unit);
        format!("{count} {}", if count == 1 { one } else { several })
    }
}

impl fmt::Display for Period {
    /// ISO 8601: `P90D`, `PT15M`, `P7Y`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Minutes(minutes) if minutes % MINUTES_A_DAY == 0 => write!(f, "P{}D", minutes / MINUTES_A_DAY),
            Self::Minutes(minutes) if minutes % 60 == 0 => write!(f, "PT{}H", minutes / 60),
            Self::Minutes(minutes) => write!(f, "PT{minutes}M"),
            Self::Months(months) if months % 12 == 0 => write!(f, "P{}Y", months / 12),
            Self::Months(months) => write!(f, "P{months}M"),
        }
    }
}

impl Anchor {
    /// Every event that a period may be counted from.
    pub const ALL: [Self; 8] = [
        Self::Recorded,
        Self::SessionEnd,
        Self::Payment,
        Self::AccountClosed,
        Self::AccountDeleted,
        Self::LoggedOut,
        Self::SubscriptionEnd,
        Self::FinancialYearEnd,
    ];

    /// The event in English: "the session ends".
    #[must_use]
    pub fn phrase(self) -> &'static str {
        Language::ENGLISH.words().retention.event(self).0
    }
}

impl RetentionWords {
    /// One and several of a unit.
    fn unit(&self, unit: Period) -> (&'static str, &'static str) {
        self.units.iter().find(|(one, ..)| *one == unit).map_or(("", ""), |(_, one, several)| (one, several))
    }

    /// What an event is called after "after", and after "until".
    fn event(&self, event: Anchor) -> (&'static str, &'static str) {
        self.events.iter().find(|(one, ..)| *one == event).map_or(("", ""), |(_, after, until)| (after, until))
    }
}

impl fmt::Display for Anchor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Recorded => "@recorded",
            Self::SessionEnd => "@session.end",
            Self::Payment => "@payment",
            Self::AccountClosed => "@account.closed",
            Self::AccountDeleted => "@account.deleted",
            Self::LoggedOut => "@logout",
            Self::SubscriptionEnd => "@subscription.end",
            Self::FinancialYearEnd => "@financial_year.end",
        })
    }
}

impl Retention {
    /// The retention in English: "90 days after the session ends". Reading the words gives it back.
    #[must_use]
    pub fn phrase(&self) -> String {
        self.phrase_in(Language::ENGLISH)
    }

    /// The retention in the words of a language.
    #[must_use]
    pub fn phrase_in(&self, language: Language) -> String {
        let said = &language.words().retention;
        let after = |period: &Period, anchor: &Anchor| {
            format!("{} {} {}", period.phrase_in(language), said.after, said.event(*anchor).0)
        };
        match self {
            Self::NotStored => said.not_stored.to_owned(),
            Self::Memory { at_most: None } => said.in_memory.to_owned(),
            Self::Memory { at_most: Some(period) } => {
                format!("{} {} {}", said.in_memory, said.for_at_most, period.phrase_in(language))
            }
            Self::After { period, anchor } => after(period, anchor),
            Self::Until { anchor } => format!("{} {}", said.until, said.event(*anchor).1),
            Self::MonthEnd { zone } => format!("{} ({zone})", said.month_end),
            Self::Earlier(..) => {
                let parts: Vec<String> = self.parts().into_iter().map(|part| part.phrase_in(language)).collect();
                format!("{}, {}", parts.join(&format!(" {} ", said.or)), said.whichever)
            }
            Self::Law { law, at_most, anchor } => {
                format!("{} {law} {} {}", said.as_long_as, said.requires_at_most, after(at_most, anchor))
            }
        }
    }

    /// Every length of time it names.
    pub(crate) fn periods(&self) -> Vec<Period> {
        let period = |one: &Self| match one {
            Self::After { period, .. } => Some(*period),
            Self::Memory { at_most } => *at_most,
            Self::Law { at_most, .. } => Some(*at_most),
            _ => None,
        };
        self.parts().into_iter().filter_map(period).collect()
    }

    /// The retentions of which the earliest counts; itself, where there is but one.
    fn parts(&self) -> Vec<&Self> {
        match self {
            Self::Earlier(one, other) => [one.parts(), other.parts()].concat(),
            one => vec![one],
        }
    }
}

impl fmt::Display for Retention {
    /// The canonical form: `@session.end+P90D`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStored => f.write_str("NONE"),
            Self::Memory { at_most: None } => f.write_str("MEMORY"),
            Self::Memory { at_most: Some(period) } => write!(f, "MEMORY+{period}"),
            Self::After { period, anchor } => write!(f, "{anchor}+{period}"),
            Self::Until { anchor } => write!(f, "{anchor}"),
            Self::MonthEnd { zone } => write!(f, "@month.end[{zone}]"),
            Self::Earlier(..) => {
                let parts: Vec<String> = self.parts().into_iter().map(ToString::to_string).collect();
                write!(f, "MIN({})", parts.join(","))
            }
            Self::Law { law, at_most, anchor } => write!(f, "LAW[{law}]({anchor}+{at_most})"),
        }
    }
}
