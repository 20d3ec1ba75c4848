//! How long something is kept: the phrases of the "How long" column as values.
//!
//! The canonical form is an anchor and an ISO 8601 duration: `@session.end+P90D`, `@month.end[UTC]`, `@account.deleted`.

mod iso;
mod order;
mod phrase;
mod words;

use serde::{Deserialize, Serialize};

pub(crate) use phrase::zone_name;
pub use phrase::{Refused, lead, lead_in, period, period_in, phrase, phrase_in};

/// A length of time as a policy states it. Hours, days and weeks are exact (a day is 24 hours); months and years are
/// the calendar's, in the zone that the policy declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Period {
    /// Whole minutes of elapsed time. Hours, days and weeks are written in them.
    Minutes(u32),
    /// Calendar months. A year is twelve.
    Months(u16),
}

/// The event a period is counted from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Anchor {
    /// It was recorded.
    Recorded,
    /// The session ends.
    SessionEnd,
    /// The payment.
    Payment,
    /// The account is closed.
    AccountClosed,
    /// The account is deleted.
    AccountDeleted,
    /// You log out.
    LoggedOut,
    /// The subscription ends.
    SubscriptionEnd,
    /// The financial year ends.
    FinancialYearEnd,
}

/// How long something is kept.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Retention {
    /// "not stored"
    NotStored,
    /// "in memory only", or "in memory only for at most 5 minutes"
    Memory {
        /// The longest it may stay there.
        at_most: Option<Period>,
    },
    /// "90 days after the session ends"
    After {
        /// How long after.
        period: Period,
        /// After what.
        anchor: Anchor,
    },
    /// "until the account is deleted"
    Until {
        /// The event that ends it.
        anchor: Anchor,
    },
    /// "until the end of the calendar month (UTC)"
    MonthEnd {
        /// The IANA name of the zone whose months are meant.
        zone: String,
    },
    /// "... or ..., whichever is earlier"
    Earlier(Box<Retention>, Box<Retention>),
    /// "as long as the Accounting Act requires, at most 7 years after the financial year ends"
    Law {
        /// The law, in the policy's words.
        law: String,
        /// The limit.
        at_most: Period,
        /// Counted from here.
        anchor: Anchor,
    },
}
