//! `avow account plan`: what an account may move in a month, until when, and with how many devices.

use avow_terms::{account::AccountId, amount::Bytes};

use crate::{
    desk::{AccountView, Part, PlanChange, Request, Until},
    report,
};

/// The names of sizes, and how many bytes each is.
const UNITS: [(&str, u64); 9] = [
    ("", 1),
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// Arguments of `avow account plan`.
#[derive(Debug, clap::Args)]
pub(super) struct Plan {
    /// The number of the account.
    account: AccountId,
    /// How much it may move in a calendar month: 50GB, 500MiB, or `none`.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    limit: Option<Part<u64>>,
    /// From when on it is not let in: the beginning of a day (2027-01-01), an instant (2027-01-01T12:00:00Z), or `none`.
    #[arg(long, value_name = "DATE", value_parser = until)]
    until: Option<Part<Until>>,
    /// How many devices it may have: 3, or `none`.
    #[arg(long, value_name = "NUMBER", value_parser = devices)]
    devices: Option<Part<u8>>,
}

impl Plan {
    /// What the desk is asked: to show the account, when nothing is to be changed.
    pub(super) fn request(&self) -> Request {
        let account = self.account;
        let change = PlanChange {
            limit: self.limit.unwrap_or_default(),
            until: self.until.unwrap_or_default(),
            devices: self.devices.unwrap_or_default(),
        };
        match change == PlanChange::default() {
            true => Request::ShowAccount { account },
            false => Request::ChangePlan { account, change },
        }
    }
}

fn size(text: &str) -> Result<Part<u64>, String> {
    if text == "none" {
        return Ok(Part::Lift);
    }
    let (number, unit) = text.split_at(text.find(|digit: char| !digit.is_ascii_digit()).unwrap_or(text.len()));
    let factor = UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(unit.trim())).map(|(_, factor)| *factor);
    let bytes = number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(factor));
    bytes.map(Part::Set).ok_or_else(|| "not a size; write it like 50GB, 500MiB or none".into())
}

fn until(text: &str) -> Result<Part<Until>, String> {
    if text == "none" {
        return Ok(Part::Lift);
    }
    let instant = text.parse().map(Until::Instant);
    let until = instant.or_else(|_| text.parse().map(Until::Day));
    until.map(Part::Set).map_err(|_| "not a date; write it like 2027-01-01, 2027-01-01T12:00:00Z or none".into())
}

fn devices(text: &str) -> Result<Part<u8>, String> {
    if text == "none" {
        return Ok(Part::Lift);
    }
    let some = text.parse().ok().filter(|devices| *devices > 0);
    some.map(Part::Set).ok_or_else(|| "not a number of devices; write it like 3 (at most 255) or none".into())
}

/// The parts of a plan, in words; one that is absent has no limit.
pub(super) fn parts(account: &AccountView) -> String {
    let plan = account.plan;
    // Where the policy keeps no total, no limit could be held: then such an account is not let in.
    let unmeasured = if account.month_bytes.is_none() { " (nothing measures them: not let in)" } else { "" };
    let limit = plan.month_bytes.map(|Bytes(bytes)| format!("{} bytes a month{unmeasured}", report::thousands(bytes)));
    let ends = plan.ends.map(|ends| format!("until {}", report::instant(ends)));
    let devices = plan.devices.map(|devices| report::count(usize::from(devices), "device"));
    let parts: Vec<_> = [limit, ends, devices].into_iter().flatten().collect();
    if parts.is_empty() { "no limit".into() } else { parts.join(", ") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_dates_are_read_as_people_write_them() {
        assert_eq!(size("50GB"), Ok(Part::Set(50_000_000_000)));
        assert_eq!(size("500 mib"), Ok(Part::Set(500 << 20)));
        assert_eq!([size("7"), size("none")], [Ok(Part::Set(7)), Ok(Part::Lift)]);
        for wrong in ["", "GB", "-1", "1.5GB", "50XB", "99999999999TB"] {
            assert!(size(wrong).unwrap_err().contains("50GB"), "{wrong}");
        }
        assert!(matches!(until("2027-01-01"), Ok(Part::Set(Until::Day(_)))));
        assert!(matches!(until("2027-01-01T12:00:00Z"), Ok(Part::Set(Until::Instant(_)))));
        assert!(until("1.1.2027").unwrap_err().contains("2027-01-01"));
        assert!(devices("0").is_err() && devices("256").is_err());
    }
}
