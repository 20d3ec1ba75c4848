//! Complaints about accounts: whether one is blocked, and the days and decisions of what led to it. There is no room for
//! a free text, in which an address could stand.

use avow_terms::{account::AccountId, permit::Permit};
use jiff::civil::Date;

use crate::{
    day,
    error::StoreError,
    family::Family,
    record::{Blocked, CaseStep},
    store::{Reader, Store},
};

/// A decision about a complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// A complaint came in.
    Reported,
    /// The account was warned.
    Warned,
    /// The account was blocked.
    Blocked,
    /// It was let in again.
    Unblocked,
    /// Nothing was found, or it was set right.
    Closed,
}

/// A step of a complaint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    /// Its day.
    pub day: Date,
    /// What was decided.
    pub decision: Decision,
}

impl Decision {
    /// Every decision, in the order in which they usually come.
    pub const ALL: [Self; 5] = [Self::Reported, Self::Warned, Self::Blocked, Self::Unblocked, Self::Closed];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Reported => "reported",
            Self::Warned => "warned",
            Self::Blocked => "blocked",
            Self::Unblocked => "unblocked",
            Self::Closed => "closed",
        }
    }

    fn mark(self) -> u8 {
        match self {
            Self::Reported => 1,
            Self::Warned => 2,
            Self::Blocked => 3,
            Self::Unblocked => 4,
            Self::Closed => 5,
        }
    }
}

impl Store {
    /// Blocks an account, for as long as the policy lets that be known.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::OldPermit`], [`StoreError::Seal`], [`StoreError::Database`]
    pub fn block(&mut self, permit: Permit<Blocked>, account: AccountId) -> Result<(), StoreError> {
        self.put(permit, Family::Blocked, account, &[1])
    }

    /// Lets an account in again; says whether it was blocked.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Database`], [`StoreError::NotWiped`]
    pub fn unblock(&mut self, account: AccountId) -> Result<bool, StoreError> {
        Ok(self.clear(Family::Blocked, account)? > 0)
    }

    /// Adds a step to the complaints about an account.
    ///
    /// # Errors
    /// As [`Store::block`].
    pub fn add_case_step(
        &mut self,
        permit: Permit<CaseStep>,
        account: AccountId,
        step: Step,
    ) -> Result<(), StoreError> {
        let mut value = day::encode(step.day).to_vec();
        value.push(step.decision.mark());
        self.append(permit, Family::CaseStep, &[(account, &value)])
    }
}

impl Reader {
    /// The accounts that are blocked.
    ///
    /// # Errors
    /// [`StoreError::Seal`], [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn blocked_accounts(&self) -> Result<Vec<AccountId>, StoreError> {
        Ok(self.values_of_all(Family::Blocked)?.into_iter().map(|(account, _)| account).collect())
    }

    /// Whether an account is blocked.
    ///
    /// # Errors
    /// As [`Reader::blocked_accounts`].
    pub fn is_blocked(&self, account: AccountId) -> Result<bool, StoreError> {
        Ok(self.value(Family::Blocked, account)?.is_some())
    }

    /// The steps of the complaints about an account, the oldest first.
    ///
    /// # Errors
    /// As [`Reader::blocked_accounts`].
    pub fn case_steps(&self, account: AccountId) -> Result<Vec<Step>, StoreError> {
        let values = self.values(Family::CaseStep, account)?;
        values.iter().map(|value| step(value.expose())).collect()
    }
}

fn step(value: &[u8]) -> Result<Step, StoreError> {
    const DAMAGED: StoreError = StoreError::Damaged { table: "case_step" };
    let (number, rest) = value.split_first_chunk().ok_or(DAMAGED)?;
    let decision = Decision::ALL.into_iter().find(|decision| rest == [decision.mark()]).ok_or(DAMAGED)?;
    Ok(Step { day: day::decode(*number).ok_or(DAMAGED)?, decision })
}
