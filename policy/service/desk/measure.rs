//! What the limits of plans are measured by: the total of the month, which the policy allows to be kept or not.
//!
//! A limit never falls away in silence. A version that keeps no such total, or not for the whole month, is not published
//! while an account has a limit; a limit is not given under such a version, nor before one that is to come; and where one
//! is in force all the same, an account that has a limit is not let in.

use avow_accounting::{MonthTotal, PlanRecord};
use avow_terms::{
    permit::{Due, Facts, Form, Refusal},
    rules::Rules,
};
use jiff::{Timestamp, tz::TimeZone};

use super::{Desk, plans::month_after};
use crate::{failure::Failure, report};

/// What to do about limits that a version could not be measured under.
const LIFT: &str = "lift their limits first: `avow account plan NUMBER --limit none`";

/// Why a limit cannot be measured.
pub(super) enum Unmeasured {
    /// The total may not be kept.
    NotKept(Refusal),
    /// It is erased before the month ends.
    NotForTheMonth,
}

impl Desk {
    /// The zone whose months these rules count whole, at an instant.
    pub(super) fn measured_months(&self, rules: &Rules, at: Timestamp) -> Result<TimeZone, Unmeasured> {
        let permit = rules.permit::<MonthTotal>(&self.facts(at, Form::Plain)).map_err(Unmeasured::NotKept)?;
        let zone = permit.zone().clone();
        // What is counted in the first moment of the month is the first that goes.
        let first = at.to_zoned(zone.clone()).date().first_of_month().to_zoned(zone.clone());
        let first = first.map_err(|_| Unmeasured::NotForTheMonth)?.timestamp();
        let facts = Facts { now: first, ..self.facts(first, Form::Plain) };
        let due = rules.permit::<MonthTotal>(&facts).map_err(Unmeasured::NotKept)?.due();
        let whole = match (due, month_after(first, &zone)) {
            (Due::When(_), _) => true,
            (Due::At(due), Some(turn)) => due >= turn,
            (Due::At(_), None) => false,
        };
        if whole { Ok(zone) } else { Err(Unmeasured::NotForTheMonth) }
    }

    /// That the version in force, and each that is to come, keeps what a limit of a month is measured by.
    pub(super) fn may_limit_months(&self, now: Timestamp) -> Result<(), Failure> {
        let standing = self.standing.load();
        let coming = standing.revisions().iter().filter(|revision| revision.effective.instant() > now);
        let coming = coming.filter_map(|revision| {
            Some((standing.version(revision.version)?.clone(), revision.effective.instant(), Some(revision.version)))
        });
        for (rules, at, version) in std::iter::once((self.rules(now)?, now, None)).chain(coming) {
            if let Err(why) = self.measured_months(&rules, at) {
                let when = version.map_or_else(
                    || "the policy in force".to_owned(),
                    |version| format!("version {version} of the policy, which is to come,"),
                );
                return Err(Failure::refused(match why {
                    Unmeasured::NotKept(refusal) => {
                        format!("{when} keeps nothing that a limit of a month is measured by: {refusal}")
                    }
                    Unmeasured::NotForTheMonth => {
                        format!("{when} erases what a limit of a month is measured by before the month ends")
                    }
                }));
            }
        }
        Ok(())
    }

    /// That the plans of accounts go on to hold under a version that is to be in force from an instant on.
    pub(super) fn may_come_into_force(&self, rules: &Rules, from: Timestamp) -> Result<(), Failure> {
        let plans = self.store.plans().map_err(Failure::could_not)?;
        let of = |many: usize| match many {
            1 => "1 account has".to_owned(),
            many => format!("{} have", report::count(many, "account")),
        };
        if !plans.is_empty()
            && let Err(refusal) = rules.permit::<PlanRecord>(&self.facts(from, Form::Sealed))
        {
            let has = of(plans.len());
            return Err(Failure::refused(format!("{has} a plan, which this version would have erased: {refusal}"))
                .help(
                    "declare `account.plan`, or remove the accounts first: without its plan, nothing would limit one",
                ));
        }
        let limited = plans.iter().filter(|(_, plan)| plan.month_bytes.is_some()).count();
        match self.measured_months(rules, from) {
            Err(Unmeasured::NotKept(refusal)) if limited > 0 => Err(Failure::refused(format!(
                "{} a limit of a month, and this version keeps nothing to measure it by: {refusal}",
                of(limited)
            ))
            .help(LIFT)),
            Err(Unmeasured::NotForTheMonth) if limited > 0 => Err(Failure::refused(format!(
                "{} a limit of a month, and this version erases what it is measured by before the month ends",
                of(limited)
            ))
            .help(LIFT)),
            _ => Ok(()),
        }
    }
}
