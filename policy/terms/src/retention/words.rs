//! A retention in words again: the canonical form for comparing and storing, the phrase for people.

use std::fmt;

use super::{Anchor, Period, Retention};

const MINUTES_A_DAY: u32 = 24 * 60;

impl Period {
    /// The period in the policy's words: "90 days".
    #[must_use]
    pub fn phrase(self) -> String {
        let (count, unit) = match self {
            Self::Minutes(minutes) if minutes % MINUTES_A_DAY == 0 => (minutes / MINUTES_A_DAY, "day"),
            Self::Minutes(minutes) if minutes % 60 == 0 => (minutes / 60, "hour"),
            Self::Minutes(minutes) => (minutes, "minute"),
            Self::Months(months) if months % 12 == 0 => (u32::from(months / 12), "year"),
            Self::Months(months) => (u32::from(months), "month"),
        };
        format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
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

    /// The event in the policy's words: "the session ends".
    #[must_use]
    pub fn phrase(self) -> &'static str {
        match self {
            Self::Recorded => "it was recorded",
            Self::SessionEnd => "the session ends",
            Self::Payment => "the payment",
            Self::AccountClosed => "the account is closed",
            Self::AccountDeleted => "the account is deleted",
            Self::LoggedOut => "you log out",
            Self::SubscriptionEnd => "the subscription ends",
            Self::FinancialYearEnd => "the financial year ends",
        }
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
    /// The retention in the policy's words: "90 days after the session ends". Reading them gives it back.
    #[must_use]
    pub fn phrase(&self) -> String {
        match self {
            Self::NotStored => "not stored".to_owned(),
            Self::Memory { at_most: None } => "in memory only".to_owned(),
            Self::Memory { at_most: Some(period) } => format!("in memory only for at most {}", period.phrase()),
            Self::After { period, anchor } => format!("{} after {}", period.phrase(), anchor.phrase()),
            Self::Until { anchor } => format!("until {}", anchor.phrase()),
            Self::MonthEnd { zone } => format!("until the end of the calendar month ({zone})"),
            Self::Earlier(..) => {
                let parts: Vec<String> = self.parts().into_iter().map(Self::phrase).collect();
                format!("{}, whichever is earlier", parts.join(" or "))
            }
            Self::Law { law, at_most, anchor } => {
                format!("as long as {law} requires, at most {} after {}", at_most.phrase(), anchor.phrase())
            }
        }
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
