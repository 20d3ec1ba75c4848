//! A backup, written at the desk.

use std::path::Path;

use super::{Desk, Done};
use crate::{clock, failure::Failure};

impl Desk {
    /// Writes everything that is not due into a file.
    pub(super) fn back_up(&mut self, file: &str) -> Result<Done, Failure> {
        let erased = self.sweep()?;
        let (telling, now) = (self.telling(), clock::now());
        let done = self.store.back_up(Path::new(file), now, &*telling).map_err(Failure::could_not)?;
        Ok(Done::BackedUp {
            file: file.to_owned(),
            made: now,
            accounts: done.accounts,
            rows: done.rows,
            buckets: done.buckets,
            bytes: done.bytes,
            keys: self.data.keys().display().to_string(),
            accounts_erased_before: erased.accounts,
        })
    }
}
