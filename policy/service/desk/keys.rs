//! The keys of the store at the desk.

use super::{Desk, Done};
use crate::failure::Failure;

impl Desk {
    pub(super) fn rotate_keys(&mut self) -> Result<Done, Failure> {
        let rotated = self.store.rotate_keys(&*self.telling.clone()).map_err(Failure::could_not)?;
        Ok(Done::KeysRotated { accounts: rotated.accounts, wrapped: rotated.wrapped })
    }
}
