//! The kinds of record the store writes about an account: what each carries, and what for.

use avow_terms::permit::{Record, Service};

/// An account with its access keys.
#[derive(Debug)]
pub struct AccountRecord;

/// What an account moved in a calendar month.
#[derive(Debug)]
pub struct MonthTotal;

impl Record for AccountRecord {
    const NAME: &'static str = "account";
    const CODES: &'static [&'static str] = &["account.number", "account.access_keys"];
    const PURPOSE: &'static str = "service.auth";
    const SERVICE: Service = Service::Registration;
}

impl Record for MonthTotal {
    const NAME: &'static str = "month total";
    const CODES: &'static [&'static str] = &["usage.month_total"];
    const PURPOSE: &'static str = "service.limit";
    const SERVICE: Service = Service::Accounting;
}
