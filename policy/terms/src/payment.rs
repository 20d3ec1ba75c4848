//! A payment as it may be kept: its day and its transaction number. Nothing else of what a processor answers survives.

use std::fmt;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Map, Value};

/// A payment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// The day it was made, in UTC.
    pub day: Date,
    /// Its number with the processor.
    pub transaction: Transaction,
}

/// The transaction number of a payment: 1 to 64 letters, digits, `-`, `_` and `.`, and nothing that could be a card.
#[derive(Clone, PartialEq, Eq)]
pub struct Transaction(String);

/// Why an answer of a processor is no payment. It repeats nothing of the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAPayment {
    /// It is no object of JSON.
    #[error("the answer of the processor is no JSON object")]
    NoObject,
    /// It has no day.
    #[error("the answer of the processor has no day: `date`, `paid_at`, `create_time` or `created`")]
    NoDay,
    /// It has no transaction number.
    #[error("the answer of the processor has no transaction number: `transaction`, `transaction_id` or `id`")]
    NoTransaction,
    /// Its transaction number has another form, or could be the number of a card.
    #[error("the transaction number is none: 1 to 64 letters, digits, `-`, `_` and `.`, and not the number of a card")]
    BadTransaction,
}

const DAYS: [&str; 4] = ["date", "paid_at", "create_time", "created"];
const TRANSACTIONS: [&str; 3] = ["transaction", "transaction_id", "id"];
const LONGEST: usize = 64;

impl Payment {
    /// Reads what a payment processor answered, and forgets everything but the two things that may be kept.
    ///
    /// # Errors
    /// [`NotAPayment`]
    pub fn read(answer: &str) -> Result<Self, NotAPayment> {
        let Ok(Value::Object(answer)) = serde_json::from_str(answer) else { return Err(NotAPayment::NoObject) };
        let day = first(&answer, &DAYS).and_then(day).ok_or(NotAPayment::NoDay)?;
        let transaction = first(&answer, &TRANSACTIONS).and_then(Value::as_str).ok_or(NotAPayment::NoTransaction)?;
        Ok(Self { day, transaction: Transaction::new(transaction)? })
    }
}

impl Transaction {
    /// Reads a transaction number.
    ///
    /// # Errors
    /// [`NotAPayment::BadTransaction`]
    pub fn new(text: &str) -> Result<Self, NotAPayment> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        let good = (1..=LONGEST).contains(&text.len()) && text.chars().all(plain) && !is_card(text);
        if good { Ok(Self(text.into())) } else { Err(NotAPayment::BadTransaction) }
    }

    /// The number, for its row or for whoever it is shown to.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Says that there is one, not which.
impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Transaction(..)")
    }
}

fn first<'a>(answer: &'a Map<String, Value>, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| answer.get(*name))
}

/// The day of a date, of an instant, or of seconds since 1970.
fn day(value: &Value) -> Option<Date> {
    let of = |at: Timestamp| at.to_zoned(TimeZone::UTC).date();
    match value {
        Value::String(text) => text.parse::<Timestamp>().map(of).or_else(|_| text.parse()).ok(),
        Value::Number(seconds) => Timestamp::from_second(seconds.as_i64()?).map(of).ok(),
        _ => None,
    }
}

/// Whether a text has the digits of a card and their check digit, with or without what may stand between them.
fn is_card(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|c| c.to_digit(10)).collect();
    let only = text.chars().all(|c| c.is_ascii_digit() || "-._".contains(c));
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| if place % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit })
        .sum();
    only && (12..=19).contains(&digits.len()) && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_payment_is_read_from_the_answers_of_processors() {
        for answer in [
            r#"{"date": "2026-11-25", "transaction": "TX-1"}"#,
            r#"{"created": 1795608000, "id": "TX-1", "amount": 499, "card": {"number": "4111111111111111"}}"#,
            r#"{"create_time": "2026-11-25T23:59:59Z", "id": "TX-1", "payer": {"email": "a@b.example"}}"#,
        ] {
            let payment = Payment::read(answer).unwrap();
            assert_eq!((payment.day.to_string().as_str(), payment.transaction.as_str()), ("2026-11-25", "TX-1"));
            assert!(!format!("{payment:?}").contains("TX-1"));
        }
    }

    #[test]
    fn what_is_no_payment_or_could_be_a_card_is_refused() {
        for (answer, wrong) in [
            ("", NotAPayment::NoObject),
            ("[]", NotAPayment::NoObject),
            (r#"{"transaction": "T"}"#, NotAPayment::NoDay),
            (r#"{"date": "yesterday", "transaction": "T"}"#, NotAPayment::NoDay),
            (r#"{"date": "2026-11-25"}"#, NotAPayment::NoTransaction),
            (r#"{"date": "2026-11-25", "transaction": ""}"#, NotAPayment::BadTransaction),
            (r#"{"date": "2026-11-25", "transaction": "a@b.example"}"#, NotAPayment::BadTransaction),
            (r#"{"date": "2026-11-25", "transaction": "4111111111111111"}"#, NotAPayment::BadTransaction),
            (r#"{"date": "2026-11-25", "transaction": "4111-1111-1111-1111"}"#, NotAPayment::BadTransaction),
        ] {
            assert_eq!(Payment::read(answer).err(), Some(wrong), "{answer}");
        }
    }

    proptest! {
        /// Whatever else an answer holds, the payment is the same, and holds nothing of it.
        #[test]
        fn nothing_else_of_an_answer_survives(
            extra in prop::collection::btree_map("x[a-z]{1,8}", "[ -~]{0,40}", 0..8),
            nested in "[ -~]{0,60}",
        ) {
            let mut answer = serde_json::json!({ "date": "2026-11-25", "transaction": "TX-1", "payer": { "more": nested } });
            for (name, value) in extra {
                answer[name] = value.into();
            }
            let payment = Payment::read(&answer.to_string()).unwrap();
            prop_assert_eq!(payment, Payment::read(r#"{"date":"2026-11-25","transaction":"TX-1"}"#).unwrap());
        }

        #[test]
        fn no_answer_makes_it_panic(answer in "\\PC{0,200}") {
            let _ = Payment::read(&answer);
        }
    }
}
