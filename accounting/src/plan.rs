//! The plan of each account.

use avow_terms::{account::AccountId, permit::Permit, plan::Plan, private::Private};

use crate::{
    error::StoreError,
    family::Family,
    record::PlanRecord,
    store::{Reader, Store},
};

impl Store {
    /// Gives an account a plan, in the place of the one it has.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::OldPermit`], [`StoreError::Seal`], [`StoreError::Database`];
    /// [`StoreError::NotWiped`] if it is done and the plan before stands in the write-ahead log.
    pub fn set_plan(&mut self, permit: Permit<PlanRecord>, account: AccountId, plan: &Plan) -> Result<(), StoreError> {
        self.put(permit, Family::Plan, account, &plan.encode())
    }
}

impl Reader {
    /// The plan of an account; none if it was given none.
    ///
    /// # Errors
    /// [`StoreError::Seal`], [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn plan(&self, account: AccountId) -> Result<Option<Plan>, StoreError> {
        self.value(Family::Plan, account)?.map(|plan| decode(&plan)).transpose()
    }

    /// The plan of every account that has one.
    ///
    /// # Errors
    /// As [`Reader::plan`].
    pub fn plans(&self) -> Result<Vec<(AccountId, Plan)>, StoreError> {
        let all = self.values_of_all(Family::Plan)?;
        all.into_iter().map(|(account, plan)| Ok((account, decode(&plan)?))).collect()
    }
}

fn decode(plan: &Private<Vec<u8>>) -> Result<Plan, StoreError> {
    Plan::decode(plan.expose()).map_err(|_| StoreError::Damaged { table: Family::Plan.name() })
}
