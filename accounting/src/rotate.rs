//! Rotation: every account gets a new key, and what is kept about it is sealed anew.
//!
//! The new register is on the disk before the values that need it are committed; the one before is destroyed after that.
//! A crash in between leaves both, and the store's proof says which of them is right.

use avow_terms::account::AccountId;
use rusqlite::{Transaction, params};

use crate::{
    accounts::place,
    bucket::{self, Bucket, Opened},
    error::{At, StoreError},
    family::Rows,
    inventory::ACCOUNT,
    key_file,
    keys::{self, Keys},
    progress::{Listener, Steps},
    register::Register,
    rows,
    seal::CannotSeal,
    store::{Reader, Store},
    username,
};

/// What a rotation did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rotated {
    /// How many accounts have a new key.
    pub accounts: usize,
    /// Whether the register is wrapped now.
    pub wrapped: bool,
}

impl Store {
    /// Gives every account a new key, and the register too, and destroys the ones before. Whoever has a copy of the old
    /// keys opens nothing that the store holds from now on.
    ///
    /// # Errors
    /// [`StoreError::Keys`], [`StoreError::Seal`], [`StoreError::Database`]: then the keys before are the ones that
    /// count; [`StoreError::NotWiped`] if it is done and values under the old keys stand in the write-ahead log.
    pub fn rotate_keys(&mut self, listener: Listener<'_>) -> Result<Rotated, StoreError> {
        let (transaction, keys) = self.begin_with_keys()?;
        let accounts = accounts(&transaction)?;
        let next = keys.next_register();
        let numbers: Vec<u32> = accounts.iter().map(|account| account.number()).collect();
        let made = key_file::destroy(&next).and_then(|()| Register::make_for(&next, &numbers, keys.wrapping()));
        made.map_err(|error| keys::not_kept(&error))?;
        let register = Register::read(&next, keys.wrapping()).map_err(|_| keys::not_read())?;
        let new = keys.with_register(register);
        seal_anew(&transaction, keys, &new, &accounts, listener)?;
        new.prove_register(&transaction)?;
        transaction.commit().at(ACCOUNT.name, "commit")?;
        let rotated = Rotated { accounts: accounts.len(), wrapped: new.register.wrapped() };
        self.take_rotated(new)?;
        self.wipe_unowned(listener)?;
        Ok(rotated)
    }

    fn take_rotated(&mut self, new: Keys) -> Result<(), StoreError> {
        let Reader { keys, .. } = self.reader_mut();
        *keys = new;
        keys.finish_rotation().map_err(|error| keys::of_keys("destroy", &error))?;
        keys.register.open_for_writing().map_err(|_| keys::not_read())
    }
}

fn seal_anew(
    transaction: &Transaction<'_>,
    old: &Keys,
    new: &Keys,
    accounts: &[AccountId],
    listener: Listener<'_>,
) -> Result<(), StoreError> {
    let mut steps = Steps::new(listener, "sealing every account anew", accounts.len());
    let mut read = transaction.prepare("SELECT keys FROM account WHERE number = ?1").at(ACCOUNT.name, "read")?;
    let mut write = transaction.prepare("UPDATE account SET keys = ?2 WHERE number = ?1").at(ACCOUNT.name, "update")?;
    for &account in accounts {
        let sealed: Vec<u8> = read.query_row([account.number()], |row| row.get(0)).at(ACCOUNT.name, "read")?;
        let anew = || {
            let value = old.sealing(Some(account), None)?.open(&place(account), &sealed)?;
            new.sealing(Some(account), None)?.seal(&place(account), value.expose())
        };
        let anew = anew().map_err(|CannotSeal| StoreError::Seal { table: ACCOUNT.name })?;
        write.execute(params![account.number(), anew]).at(ACCOUNT.name, "update")?;
        steps.step();
    }
    for Opened { bucket, .. } in bucket::all(transaction)? {
        match bucket.family.rows() {
            Rows::Single | Rows::Numbered => seal_bucket_anew(transaction, old, new, bucket)?,
            Rows::Open | Rows::Apart => {}
        }
    }
    username::digest_anew(transaction, new)
}

/// Seals every value of a bucket anew.
fn seal_bucket_anew(transaction: &Transaction<'_>, old: &Keys, new: &Keys, bucket: Bucket) -> Result<(), StoreError> {
    let (table, value) = (bucket.family.name(), bucket.family.value());
    let numbered = bucket.family.rows() == Rows::Numbered;
    let number = if numbered { "number" } else { "1" };
    let sql = format!("SELECT account, {number}, {value} FROM {bucket}");
    let mut read = transaction.prepare(&sql).at(table, "read")?;
    let rows = read.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u32>(1)?, row.get::<_, Vec<u8>>(2)?)));
    let rows: Vec<_> = rows.at(table, "read")?.collect::<Result<_, _>>().at(table, "read")?;
    let which = if numbered { "account = ?1 AND number = ?2" } else { "account = ?1 AND ?2 = 1" };
    let sql = format!("UPDATE {bucket} SET {value} = ?3 WHERE {which}");
    let mut write = transaction.prepare(&sql).at(table, "update")?;
    for (account, number, sealed) in rows {
        let id = AccountId::try_from(account).map_err(|_| StoreError::Damaged { table })?;
        let opened = rows::open(old, bucket, id, number, &sealed)?;
        let anew = rows::seal(new, bucket, id, number, opened.expose())?;
        write.execute(params![account, number, anew]).at(table, "update")?;
    }
    Ok(())
}

fn accounts(transaction: &Transaction<'_>) -> Result<Vec<AccountId>, StoreError> {
    let mut statement = transaction.prepare("SELECT number FROM account ORDER BY number").at(ACCOUNT.name, "read")?;
    let rows = statement.query_map([], |row| row.get::<_, u32>(0)).at(ACCOUNT.name, "read")?;
    rows.map(|row| row.at(ACCOUNT.name, "read")?.try_into().map_err(|_| StoreError::Damaged { table: ACCOUNT.name }))
        .collect()
}
