//! Where the keys lie, for whoever asks what that covers. No key goes out through here.

use std::path::PathBuf;

use crate::store::Reader;

/// The keys of a store, counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyCount {
    /// Their directory.
    pub directory: PathBuf,
    /// How many accounts have one.
    pub accounts: usize,
    /// How many buckets have one.
    pub buckets: usize,
    /// Whether the register is wrapped with a credential.
    pub wrapped: bool,
}

impl Reader {
    /// How many keys there are, and where.
    #[must_use]
    pub fn key_count(&self) -> KeyCount {
        KeyCount {
            directory: self.keys.directory().into(),
            accounts: self.keys.register.accounts().count(),
            buckets: self.keys.buckets(),
            wrapped: self.keys.register.wrapped(),
        }
    }
}
