//! Activation codes: a digest of the last code that was sent to an account, for a few minutes. A code works once.

use avow_terms::{account::AccountId, permit::Permit, private::Private};
use aws_lc_rs::{
    constant_time, hmac,
    rand::{SecureRandom, SystemRandom},
};
use jiff::Timestamp;

use crate::{
    bucket,
    error::StoreError,
    family::Family,
    keys::Keys,
    record::ActivationCode,
    seal::CannotSeal,
    store::{Reader, Store},
};

impl Store {
    /// Remembers a code that is sent to an account, in the place of the one before.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::OldPermit`], [`StoreError::Seal`], [`StoreError::Database`];
    /// [`StoreError::NotWiped`] if it is done and the digest before stands in the write-ahead log.
    pub fn remember_code(
        &mut self,
        permit: Permit<ActivationCode>,
        account: AccountId,
        code: &Private<String>,
    ) -> Result<(), StoreError> {
        let digest = digest(&self.keys, account, code)?;
        self.put(permit, Family::Code, account, digest.as_ref())
    }

    /// Whether this is the code that was sent to an account and has not run out. If it is, it is erased: it works once.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::Seal`], [`StoreError::Database`]
    pub fn use_code(&mut self, account: AccountId, code: &Private<String>, now: Timestamp) -> Result<bool, StoreError> {
        self.sweep_family(Family::Code, now)?;
        let found = digest(&self.keys, account, code)?;
        let right = match self.value(Family::Code, account)? {
            Some(stored) => constant_time::verify_slices_are_equal(found.as_ref(), stored.expose()).is_ok(),
            None => false,
        };
        if right {
            self.clear(Family::Code, account)?;
        }
        Ok(right)
    }

    /// Drops the buckets of a family that are due, where what has run out must not be used a moment longer.
    fn sweep_family(&mut self, family: Family, now: Timestamp) -> Result<(), StoreError> {
        for bucket in bucket::of(&self.connection, family)? {
            self.make_room(bucket, now)?;
        }
        Ok(())
    }
}

impl Reader {
    /// Draws a code: eight letters and digits that are not taken for one another, 40 bits.
    ///
    /// # Errors
    /// [`StoreError::NoRandom`]
    pub fn draw_code(&self) -> Result<Private<String>, StoreError> {
        const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
        let mut bits = [0; 8];
        SystemRandom::new().fill(&mut bits).map_err(|_| StoreError::NoRandom)?;
        let letters = bits.iter().filter_map(|byte| LETTERS.get(usize::from(byte % 32)));
        let mut code: String = letters.map(|letter| char::from(*letter)).collect();
        code.insert(4, '-');
        Ok(Private::new(code))
    }

    /// Whether a code is waiting to be used.
    ///
    /// # Errors
    /// [`StoreError::Seal`], [`StoreError::Database`]
    pub fn awaits_code(&self, account: AccountId) -> Result<bool, StoreError> {
        Ok(self.value(Family::Code, account)?.is_some())
    }
}

/// A code is short: without the key of the digests nobody can try all of them.
fn digest(keys: &Keys, account: AccountId, code: &Private<String>) -> Result<hmac::Tag, StoreError> {
    let key = keys.digests(b"avow: activation codes");
    let key = key.map_err(|CannotSeal| StoreError::Seal { table: Family::Code.name() })?;
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, &key));
    context.update(&account.number().to_be_bytes());
    context.update(code.expose().trim().as_bytes());
    Ok(context.sign())
}
