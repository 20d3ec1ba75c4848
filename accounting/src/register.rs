//! The register: one key for each account, in one file of slots.
//!
//! A key is in the file and on the disk before the row of its account is committed, and is overwritten with zeros as soon
//! as the account is gone. Accounts may be a million, so the file is read once and kept in memory.

use std::{
    collections::HashMap,
    fs::{File, OpenOptions},
    io,
    path::{Path, PathBuf},
};

use avow_terms::account::AccountId;

use crate::{
    error::OpenError,
    key_file::{self, Contents, KeyBytes, Wrapping},
};

/// The keys of the accounts, and the register's own.
pub(crate) struct Register {
    path: PathBuf,
    /// None where the register is only looked at.
    file: Option<File>,
    wrapping: Option<Wrapping>,
    own: KeyBytes,
    keys: HashMap<u32, (usize, KeyBytes)>,
    free: Vec<usize>,
    slots: usize,
}

impl Register {
    /// Makes a register with no account in it.
    pub(crate) fn make(path: &Path, wrapping: Option<&Wrapping>) -> io::Result<()> {
        key_file::make(path, &[(0, key_file::draw()?)], wrapping)
    }

    /// Makes a register with a new key for each of these accounts.
    pub(crate) fn make_for(path: &Path, accounts: &[u32], wrapping: Option<&Wrapping>) -> io::Result<()> {
        let mut slots = vec![(0, key_file::draw()?)];
        for account in accounts {
            slots.push((*account, key_file::draw()?));
        }
        key_file::make(path, &slots, wrapping)
    }

    /// Reads the register.
    pub(crate) fn read(path: &Path, wrapping: Option<&Wrapping>) -> Result<Self, OpenError> {
        let Contents { slots, wrapped } = key_file::read(path, wrapping)?;
        let own = slots.first().copied().flatten().ok_or(OpenError::NotAKey { key: path.into() })?.1;
        let mut register = Self {
            path: path.into(),
            file: None,
            wrapping: wrapping.filter(|_| wrapped).cloned(),
            own,
            keys: HashMap::with_capacity(slots.len()),
            free: Vec::new(),
            slots: slots.len(),
        };
        for (place, slot) in slots.into_iter().enumerate().skip(1) {
            match slot {
                Some((account, key)) if !register.keys.contains_key(&account) => {
                    register.keys.insert(account, (place, key));
                }
                Some(_) => return Err(OpenError::NotAKey { key: path.into() }),
                None => register.free.push(place),
            }
        }
        Ok(register)
    }

    /// Makes it possible to change the register.
    pub(crate) fn open_for_writing(&mut self) -> Result<(), OpenError> {
        let file = OpenOptions::new().write(true).open(&self.path);
        let file = file.map_err(|source| OpenError::File { action: "write", path: self.path.clone(), source })?;
        self.file = Some(file);
        Ok(())
    }

    /// Where it lies.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Its file has another name now.
    pub(crate) fn moved_to(&mut self, path: &Path) {
        self.path = path.into();
    }

    /// The register's own key.
    pub(crate) fn own(&self) -> &KeyBytes {
        &self.own
    }

    /// The key of an account.
    pub(crate) fn key(&self, account: AccountId) -> Option<&KeyBytes> {
        self.keys.get(&account.number()).map(|(_, key)| key)
    }

    /// Whether the keys in the file are wrapped.
    pub(crate) fn wrapped(&self) -> bool {
        self.wrapping.is_some()
    }

    /// The accounts that have a key, in no order.
    pub(crate) fn accounts(&self) -> impl Iterator<Item = u32> {
        self.keys.keys().copied()
    }

    /// Gives each of these accounts a key of its own, unless it has one. They are on the disk when this returns.
    pub(crate) fn add(&mut self, accounts: impl Iterator<Item = AccountId>) -> io::Result<()> {
        let file = self.file.as_ref().ok_or(io::ErrorKind::ReadOnlyFilesystem)?;
        let mut added = HashMap::new();
        for account in accounts.map(AccountId::number) {
            if self.keys.contains_key(&account) || added.contains_key(&account) {
                continue;
            }
            let key = key_file::draw()?;
            let place = self.free.pop().unwrap_or(self.slots);
            self.slots = self.slots.max(place + 1);
            key_file::put(file, place, Some((account, &key)), self.wrapping.as_ref())?;
            added.insert(account, (place, key));
        }
        if !added.is_empty() {
            file.sync_data()?;
        }
        self.keys.extend(added);
        Ok(())
    }

    /// Destroys the keys of these accounts: they are forgotten at once, and zero in the file when this returns. If it fails
    /// the next start destroys what is left.
    pub(crate) fn forget(&mut self, accounts: impl Iterator<Item = u32>) -> io::Result<()> {
        let forgotten: Vec<usize> =
            accounts.filter_map(|account| self.keys.remove(&account)).map(|(place, _)| place).collect();
        if forgotten.is_empty() {
            return Ok(());
        }
        let file = self.file.as_ref().ok_or(io::ErrorKind::ReadOnlyFilesystem)?;
        forgotten.iter().try_for_each(|place| key_file::put(file, *place, None, None))?;
        file.sync_data()?;
        self.free.extend(forgotten);
        Ok(())
    }
}
