//! What a change of the schema asks of the values, besides its SQL: sealing anew.
//!
//! Everything happens in the one transaction of the opening. Keys are on the disk before it is committed, and what they
//! replace is destroyed after it.

use avow_terms::account::AccountId;
use rusqlite::{Connection, Transaction, params};

use crate::{
    accounts::place,
    bucket,
    engine::database,
    error::{At, OpenError, StoreError},
    inventory::ACCOUNT,
    keys::{self, Keys},
    open::Opening,
    progress::Steps,
    seal::{CannotSeal, SealingKey},
};

/// From the first schema, in which one key sealed everything, to keys of accounts and buckets. The key that is replaced
/// is tried first, so that nothing is begun with a wrong one.
pub(crate) fn to_keys_of_accounts(transaction: &Transaction<'_>, opening: &Opening<'_>) -> Result<Keys, OpenError> {
    let first = keys::first_key(transaction, opening.path, opening.keys)?;
    let accounts = accounts(transaction).map_err(|error| database(opening.path, &error))?;
    let mut keys = Keys::make_for(opening.keys, opening.wrapping.as_ref(), &accounts)?;
    let migrated = seal_anew(transaction, &first, &accounts, &mut keys, opening);
    migrated.map_err(|error| OpenError::Migration { path: opening.path.into(), error })?;
    Ok(keys)
}

fn seal_anew(
    transaction: &Transaction<'_>,
    first: &SealingKey,
    accounts: &[u32],
    keys: &mut Keys,
    opening: &Opening<'_>,
) -> Result<(), StoreError> {
    let mut steps = Steps::new(opening.listener, "sealing every account with a key of its own", accounts.len());
    let mut read = transaction.prepare("SELECT keys FROM account WHERE number = ?1").at(ACCOUNT.name, "read")?;
    let mut write = transaction.prepare("UPDATE account SET keys = ?2 WHERE number = ?1").at(ACCOUNT.name, "update")?;
    for &number in accounts {
        let account = AccountId::try_from(number).map_err(|_| StoreError::Damaged { table: ACCOUNT.name })?;
        let sealed: Vec<u8> = read.query_row([number], |row| row.get(0)).at(ACCOUNT.name, "read")?;
        let anew =
            again(first, keys, account, &sealed).map_err(|CannotSeal| StoreError::Seal { table: ACCOUNT.name })?;
        write.execute(params![number, anew]).at(ACCOUNT.name, "update")?;
        steps.step();
    }
    for opened in bucket::all(transaction)? {
        keys.add_bucket(transaction, opened.bucket)?;
    }
    keys.prove_register(transaction)?;
    keys::remove_first_proof(transaction)
}

fn again(first: &SealingKey, keys: &Keys, account: AccountId, sealed: &[u8]) -> Result<Vec<u8>, CannotSeal> {
    let value = first.open(&place(account), sealed)?;
    keys.sealing(Some(account), None)?.seal(&place(account), value.expose())
}

fn accounts(connection: &Connection) -> rusqlite::Result<Vec<u32>> {
    connection.prepare("SELECT number FROM account ORDER BY number")?.query_map([], |row| row.get(0))?.collect()
}
