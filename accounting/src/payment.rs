//! Payments: the day and the transaction number of each, sealed. There is no room for anything else.

use avow_terms::{
    account::AccountId,
    payment::{Payment, Transaction},
    permit::Permit,
};

use crate::{
    day,
    error::StoreError,
    family::Family,
    record::PaymentRecord,
    store::{Reader, Store},
};

impl Store {
    /// Adds a payment of an account. One that a processor tells of twice is kept once.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::OldPermit`], [`StoreError::Seal`], [`StoreError::Database`]
    pub fn add_payment(
        &mut self,
        permit: Permit<PaymentRecord>,
        account: AccountId,
        payment: &Payment,
    ) -> Result<(), StoreError> {
        if self.payments(account)?.contains(payment) {
            return Ok(());
        }
        let value = [day::encode(payment.day).as_slice(), payment.transaction.as_str().as_bytes()].concat();
        self.append(permit, Family::Payment, &[(account, &value)])
    }
}

impl Reader {
    /// The payments of an account, the first recorded first.
    ///
    /// # Errors
    /// [`StoreError::Seal`], [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn payments(&self, account: AccountId) -> Result<Vec<Payment>, StoreError> {
        let values = self.values(Family::Payment, account)?;
        let read = |value: &[u8]| payment(value).ok_or(StoreError::Damaged { table: Family::Payment.name() });
        values.iter().map(|value| read(value.expose())).collect()
    }
}

fn payment(value: &[u8]) -> Option<Payment> {
    let (number, transaction) = value.split_first_chunk()?;
    let transaction = Transaction::new(std::str::from_utf8(transaction).ok()?).ok()?;
    Some(Payment { day: day::decode(*number)?, transaction })
}
