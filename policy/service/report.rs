//! Problems, tables and redlines for a person to read, and the same as JSON.

mod github;
mod meaning;
mod problems;
pub mod ropa;
mod sarif;
mod table;

pub use github::github;
pub use meaning::{Meaning, meanings};
pub use problems::{counted, problems, problems_json};
pub use sarif::sarif;
pub use table::Table;

use avow_terms::{
    permit::Due,
    retention::{Anchor, Period},
};
use jiff::Timestamp;

/// An instant as people read it here: to the second, in UTC.
#[must_use]
pub fn instant(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// `1 row`, `2 rows`.
#[must_use]
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

/// An amount of bytes with thousands apart, so that it can be read and compared: `12 345 678`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// When something is due, in words: an instant, or the event that ends it.
#[must_use]
pub fn due(due: Due) -> String {
    match due {
        Due::At(at) => instant(at),
        Due::When(anchor) => anchor_words(anchor).into(),
    }
}

fn anchor_words(anchor: Anchor) -> &'static str {
    match anchor {
        Anchor::Recorded => "it was recorded",
        Anchor::SessionEnd => "the session ends",
        Anchor::Payment => "the payment",
        Anchor::AccountClosed => "the account is closed",
        Anchor::AccountDeleted => "the account is deleted",
        Anchor::LoggedOut => "you log out",
        Anchor::SubscriptionEnd => "the subscription ends",
        Anchor::FinancialYearEnd => "the financial year ends",
    }
}

/// A length of time in words: `90 days`, `1 hour`, `3 months`.
#[must_use]
pub fn period(period: Period) -> String {
    let (number, unit) = match period {
        Period::Months(months) if months.is_multiple_of(12) => (u32::from(months / 12), "year"),
        Period::Months(months) => (u32::from(months), "month"),
        Period::Minutes(minutes) if minutes.is_multiple_of(1440) => (minutes / 1440, "day"),
        Period::Minutes(minutes) if minutes.is_multiple_of(60) => (minutes / 60, "hour"),
        Period::Minutes(minutes) => (minutes, "minute"),
    };
    if number == 1 { format!("1 {unit}") } else { format!("{number} {unit}s") }
}
