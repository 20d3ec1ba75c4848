//! Passwords: a one-way digest (Argon2id), sealed. The password itself is never stored.

use argon2::{Algorithm, Argon2, Params, Version};
use avow_terms::{account::AccountId, permit::Permit, private::Private};
use aws_lc_rs::{
    constant_time,
    rand::{SecureRandom, SystemRandom},
};

use crate::{
    error::StoreError,
    family::Family,
    record::PasswordDigest,
    store::{Reader, Store},
};

const SALT: usize = 16;
const DIGEST: usize = 32;

impl Store {
    /// Gives an account a password, in the place of the one it has. What is stored cannot be turned back into it.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::OldPermit`], [`StoreError::Password`] (empty, or longer than 4 KiB),
    /// [`StoreError::Seal`], [`StoreError::Database`]; [`StoreError::NotWiped`] if it is done and the digest before
    /// stands in the write-ahead log.
    pub fn set_password(
        &mut self,
        permit: Permit<PasswordDigest>,
        account: AccountId,
        password: &Private<String>,
    ) -> Result<(), StoreError> {
        let mut salt = [0; SALT];
        SystemRandom::new().fill(&mut salt).map_err(|_| StoreError::NoRandom)?;
        let value = [salt.as_slice(), &digest(password, &salt)?].concat();
        self.put(permit, Family::Password, account, &value)
    }
}

impl Reader {
    /// Whether this is the password of an account. It takes as long where there is none.
    ///
    /// # Errors
    /// [`StoreError::Password`], [`StoreError::Seal`], [`StoreError::Database`]
    pub fn check_password(&self, account: AccountId, password: &Private<String>) -> Result<bool, StoreError> {
        let stored = self.value(Family::Password, account)?.map(Private::into_inner);
        let known = stored.as_deref().and_then(|stored| stored.split_first_chunk::<SALT>());
        let (salt, expected) = known.unwrap_or((&[0; SALT], &[]));
        let found = digest(password, salt)?;
        Ok(constant_time::verify_slices_are_equal(&found, expected).is_ok())
    }
}

/// Argon2id with the parameters that OWASP recommends first: 19 MiB, two passes, one lane.
fn digest(password: &Private<String>, salt: &[u8]) -> Result<[u8; DIGEST], StoreError> {
    const LONGEST: usize = 4096;
    let bytes = password.expose().as_bytes();
    let parameters = Params::new(19_456, 2, 1, Some(DIGEST)).map_err(|_| StoreError::Password)?;
    let mut digest = [0; DIGEST];
    if bytes.is_empty() || bytes.len() > LONGEST {
        return Err(StoreError::Password);
    }
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    hasher.hash_password_into(bytes, salt, &mut digest).map_err(|_| StoreError::Password)?;
    Ok(digest)
}
