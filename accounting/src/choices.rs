//! What an account agreed to or switched off. Withdrawing erases.

use avow_terms::{account::AccountId, permit::Permit};

use crate::{
    error::{At, StoreError},
    family::Family,
    record::Choices,
    rows,
    store::{Reader, Store},
};

/// What an account chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Chosen {
    /// Whether it takes messages that are not about the account.
    pub messages: bool,
    /// Whether it agreed to tell of its attempts to connect.
    pub diagnostics: bool,
}

impl Default for Chosen {
    /// Messages until somebody stops them; nothing that needs consent.
    fn default() -> Self {
        Self { messages: true, diagnostics: false }
    }
}

impl Store {
    /// Follows the choices of an account. Where it does not agree to diagnostics (any more), those that were collected are
    /// erased in the same moment.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::OldPermit`], [`StoreError::Seal`], [`StoreError::Database`];
    /// [`StoreError::NotWiped`] if it is done and what was erased stands in the write-ahead log.
    pub fn set_choices(
        &mut self,
        permit: Permit<Choices>,
        account: AccountId,
        chosen: Chosen,
    ) -> Result<(), StoreError> {
        let bucket = self.room_under(Family::Choices, &permit)?;
        let (transaction, keys) = self.begin_with_keys()?;
        rows::require(keys, account)?;
        rows::delete(&transaction, Family::Choices, account)?;
        if !chosen.diagnostics {
            rows::delete(&transaction, Family::Diagnostics, account)?;
        }
        bucket.open(&transaction, keys, permit.recorded(), permit.due())?;
        let value = [u8::from(chosen.messages), u8::from(chosen.diagnostics)];
        rows::insert(&transaction, keys, bucket, account, 1, &value)?;
        transaction.commit().at(Family::Choices.name(), "commit")?;
        self.wipe_unowned(&|_| {})
    }
}

impl Reader {
    /// What an account chose.
    ///
    /// # Errors
    /// [`StoreError::Seal`], [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn choices(&self, account: AccountId) -> Result<Chosen, StoreError> {
        match self.value(Family::Choices, account)?.as_ref().map(|value| value.expose().as_slice()) {
            None => Ok(Chosen::default()),
            Some([messages, diagnostics]) => Ok(Chosen { messages: *messages == 1, diagnostics: *diagnostics == 1 }),
            Some(_) => Err(StoreError::Damaged { table: Family::Choices.name() }),
        }
    }
}
