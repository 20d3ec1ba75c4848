//! How many devices of each account are connected, sealed, so that nobody who has the file can count them.

use avow_terms::{account::AccountId, permit::Permit};

use crate::{
    error::StoreError,
    family::Family,
    record::DeviceCount,
    store::{Reader, Store},
};

impl Store {
    /// Remembers how many devices of an account are connected.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::OldPermit`], [`StoreError::Seal`], [`StoreError::Database`];
    /// [`StoreError::NotWiped`] if it is done and the number before stands in the write-ahead log.
    pub fn set_device_count(
        &mut self,
        permit: Permit<DeviceCount>,
        account: AccountId,
        devices: u32,
    ) -> Result<(), StoreError> {
        self.put(permit, Family::DeviceCount, account, &devices.to_be_bytes())
    }
}

impl Reader {
    /// How many devices of an account are connected, as far as it is remembered.
    ///
    /// # Errors
    /// [`StoreError::Seal`], [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn device_count(&self, account: AccountId) -> Result<Option<u32>, StoreError> {
        let Some(value) = self.value(Family::DeviceCount, account)? else { return Ok(None) };
        let bytes = value.expose().as_slice().try_into();
        let bytes = bytes.map_err(|_| StoreError::Damaged { table: Family::DeviceCount.name() })?;
        Ok(Some(u32::from_be_bytes(bytes)))
    }
}
