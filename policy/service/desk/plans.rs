//! The plan of an account at the desk: what it may move in a month, until when, with how many devices.
//!
//! What a plan comes to is computed from the stored total of the month and the plan, where both are; the relay is told
//! only a count at which an account stops. No part is stored but by a permit for plans.

use std::collections::BTreeMap;

use avow_accounting::{PlanRecord, StoreError};
use avow_terms::{
    account::AccountId,
    amount::Bytes,
    permit::{Form, Permit},
    plan::Plan,
};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{Desk, Done};
use crate::{clock, failure::Failure, report};

/// What becomes of one part of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It has no limit any more.
    Lift,
    /// It has this limit.
    Set(T),
}

impl<T> Part<T> {
    fn over(self, before: Option<T>) -> Option<T> {
        match self {
            Self::Keep => before,
            Self::Lift => None,
            Self::Set(limit) => Some(limit),
        }
    }
}

/// What becomes of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PlanChange {
    /// How much may be moved in a calendar month.
    pub limit: Part<u64>,
    /// When it ends.
    pub until: Part<Until>,
    /// How many devices there may be.
    pub devices: Part<u8>,
}

/// From when on nobody is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    /// From the beginning of a day, where the policy reckons its days.
    Day(Date),
    /// From an instant.
    Instant(Timestamp),
}

/// What plans come to at an instant.
pub struct PlansNow {
    /// How far the store has the counts of this node that the totals are of: epoch and batch.
    pub cursor: Option<(u64, u64)>,
    /// What each account with a plan may still do; one that is blocked is here too.
    pub accounts: Vec<(AccountId, Left)>,
    /// When they come to something else by themselves: a plan ends, or the month, or the version in force.
    pub next: Option<Timestamp>,
}

/// What the plan of an account leaves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// Everything: it has no limit of a month.
    Unlimited,
    /// So many bytes, beyond what is stored.
    Bytes(u64),
    /// Nothing: it is blocked.
    Blocked,
    /// Nothing: the plan has ended.
    Ended,
    /// Nothing: the policy in force keeps no total that its limit could be measured by.
    Unmeasured,
}

impl Desk {
    /// Changes parts of a plan.
    pub(super) fn change_plan(&mut self, number: AccountId, change: PlanChange) -> Result<Done, Failure> {
        let now = clock::now();
        let devices = self.keys_of(number)?.0.len();
        let permit = self.permit_plan(now)?;
        let before = self.store.plan(number).map_err(Failure::could_not)?.unwrap_or_default();
        let ends = match change.until {
            Part::Keep => before.ends,
            Part::Lift => None,
            Part::Set(Until::Instant(at)) => Some(at),
            Part::Set(Until::Day(day)) => {
                Some(day.to_zoned(permit.zone().clone()).map_err(Failure::could_not)?.timestamp())
            }
        };
        let plan = Plan {
            month_bytes: change.limit.over(before.month_bytes.map(|bytes| bytes.0)).map(Bytes),
            ends,
            devices: change.devices.over(before.devices),
        };
        if matches!(change.limit, Part::Set(_)) {
            self.may_limit_months(now)?;
        }
        if let Part::Set(most) = change.devices
            && devices > usize::from(most)
        {
            return Err(Failure::refused(format!("the account has {} already", report::count(devices, "device")))
                .help("`avow account device remove` withdraws the key of one"));
        }
        self.store.set_plan(permit, number, &plan).map_err(Failure::could_not)?;
        self.show_account(number)
    }

    pub(super) fn permit_plan(&self, now: Timestamp) -> Result<Permit<PlanRecord>, Failure> {
        self.rules(now)?.permit::<PlanRecord>(&self.facts(now, Form::Sealed)).map_err(Failure::refused)
    }

    /// That the plan of an account allows so many devices.
    pub(super) fn may_have_devices(&self, number: AccountId, many: usize) -> Result<(), Failure> {
        let plan = self.store.plan(number).map_err(Failure::could_not)?.unwrap_or_default();
        match plan.devices {
            Some(most) if many > usize::from(most) => Err(Failure::refused(format!(
                "the plan of the account allows {}",
                report::count(usize::from(most), "device")
            ))
            .help("`avow account device remove` makes room, `avow account plan NUMBER --devices 5` allows more")),
            _ => Ok(()),
        }
    }

    /// What plans come to now: of one account, or of all that have one.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn plans_now(&self, only: Option<AccountId>) -> Result<PlansNow, Failure> {
        let (now, failed) = (clock::now(), |error: StoreError| Failure::could_not(error));
        let plans = match only {
            Some(account) => {
                self.store.plan(account).map_err(failed)?.map(|plan| (account, plan)).into_iter().collect()
            }
            None => self.store.plans().map_err(failed)?,
        };
        let zone = self.measured_months(&*self.rules(now)?, now).ok();
        let limited = plans.iter().any(|(_, plan)| plan.month_bytes.is_some());
        let totals = match (&zone, only) {
            (Some(zone), Some(account)) if limited => {
                vec![(account, self.store.month_total(account, now, zone).map_err(failed)?)]
            }
            (Some(zone), None) if limited => self.store.month_totals(now, zone).map_err(failed)?,
            _ => Vec::new(),
        };
        let totals: BTreeMap<_, _> = totals.into_iter().collect();
        let ends = plans.iter().filter_map(|(_, plan)| plan.ends).filter(|ends| *ends > now);
        let turn = zone.as_ref().filter(|_| limited).and_then(|zone| month_after(now, zone));
        let next = ends.chain(turn).chain(self.next_change().filter(|_| limited)).min();
        let left = |account, plan: &Plan| match plan.month_bytes {
            _ if plan.ends.is_some_and(|ends| ends <= now) => Left::Ended,
            None => Left::Unlimited,
            Some(_) if zone.is_none() => Left::Unmeasured,
            Some(limit) => Left::Bytes(limit.0.saturating_sub(totals.get(account).map_or(0, |moved| moved.0))),
        };
        let blocked = match only {
            Some(account) if self.store.is_blocked(account).map_err(failed)? => vec![account],
            Some(_) => Vec::new(),
            None => self.store.blocked_accounts().map_err(failed)?,
        };
        let mut accounts: BTreeMap<AccountId, Left> =
            plans.iter().map(|(account, plan)| (*account, left(account, plan))).collect();
        accounts.extend(blocked.into_iter().map(|account| (account, Left::Blocked)));
        let accounts = accounts.into_iter().collect();
        let cursor = self.cursor()?.map(|cursor| (cursor.epoch, cursor.seq));
        Ok(PlansNow { cursor, accounts, next })
    }
}

/// When the next month begins.
pub(super) fn month_after(now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let first = now.to_zoned(zone.clone()).date().first_of_month();
    Some(first.checked_add(1.month()).ok()?.to_zoned(zone.clone()).ok()?.timestamp())
}
