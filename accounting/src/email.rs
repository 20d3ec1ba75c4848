//! The e-mail address of each account.

use avow_terms::{account::AccountId, permit::Permit, private::Private};

use crate::{
    error::StoreError,
    family::Family,
    record::Email,
    store::{Reader, Store},
};

impl Store {
    /// Gives an account an e-mail address, in the place of the one it has.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::OldPermit`], [`StoreError::Seal`], [`StoreError::Database`];
    /// [`StoreError::NotWiped`] if it is done and the address before stands in the write-ahead log.
    pub fn set_email(
        &mut self,
        permit: Permit<Email>,
        account: AccountId,
        address: &Private<String>,
    ) -> Result<(), StoreError> {
        self.put(permit, Family::Email, account, address.expose().as_bytes())
    }
}

impl Reader {
    /// The e-mail address of an account, to write to it.
    ///
    /// # Errors
    /// [`StoreError::Seal`], [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn email(&self, account: AccountId) -> Result<Option<Private<String>>, StoreError> {
        let Some(address) = self.value(Family::Email, account)? else { return Ok(None) };
        text(address).map(Some)
    }

    /// Every e-mail address, for a notice that goes to all.
    ///
    /// # Errors
    /// As [`Reader::email`].
    pub fn emails(&self) -> Result<Vec<(AccountId, Private<String>)>, StoreError> {
        let all = self.values_of_all(Family::Email)?;
        all.into_iter().map(|(account, address)| Ok((account, text(address)?))).collect()
    }
}

fn text(address: Private<Vec<u8>>) -> Result<Private<String>, StoreError> {
    let text = String::from_utf8(address.into_inner());
    text.map(Private::new).map_err(|_| StoreError::Damaged { table: Family::Email.name() })
}
