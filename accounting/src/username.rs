//! User names: sealed, and found by a keyed digest. No function gives a name back: nobody but its owner knows it.

use avow_terms::{account::AccountId, permit::Permit, private::Private};
use aws_lc_rs::hmac;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    bucket::{self, Bucket},
    error::{At, StoreError},
    family::Family,
    keys::Keys,
    record::UserName,
    rows,
    seal::CannotSeal,
    store::{Reader, Store},
};

const TABLE: &str = "username_digest";

impl Store {
    /// Gives an account a user name, in the place of the one it has. Names that differ in nothing but case and outer
    /// white space are the same.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], [`StoreError::NoSuchAccount`], [`StoreError::OldPermit`], [`StoreError::Seal`],
    /// [`StoreError::Database`]; [`StoreError::NotWiped`] if it is done and the name before stands in the log.
    pub fn set_username(
        &mut self,
        permit: Permit<UserName>,
        account: AccountId,
        name: &Private<String>,
    ) -> Result<(), StoreError> {
        let names = self.room_under(Family::UserName, &permit)?;
        let digests = self.room_under(Family::UserNameDigest, &permit)?;
        let digest = digest(&self.keys, name.expose())?;
        let (transaction, keys) = self.begin_with_keys()?;
        rows::require(keys, account)?;
        if find(&transaction, &digest)?.is_some_and(|owner| owner != account) {
            return Err(StoreError::NameTaken);
        }
        let replaced = rows::delete(&transaction, Family::UserName, account)?;
        rows::delete(&transaction, Family::UserNameDigest, account)?;
        names.open(&transaction, keys, permit.recorded(), permit.due())?;
        digests.open(&transaction, keys, permit.recorded(), permit.due())?;
        rows::insert(&transaction, keys, names, account, 1, name.expose().trim().as_bytes())?;
        insert(&transaction, digests, &digest, account.number())?;
        transaction.commit().at(TABLE, "commit")?;
        if replaced > 0 { self.wipe() } else { Ok(()) }
    }
}

impl Reader {
    /// The account that has this user name.
    ///
    /// # Errors
    /// [`StoreError::Seal`], [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn account_of_username(&self, name: &Private<String>) -> Result<Option<AccountId>, StoreError> {
        let _view = self.view()?;
        find(&self.connection, &digest(&self.keys, name.expose())?)
    }
}

/// Computes every digest anew, when the register has another key.
pub(crate) fn digest_anew(connection: &Connection, keys: &Keys) -> Result<(), StoreError> {
    let mut names = Vec::new();
    for bucket in bucket::of(connection, Family::UserName)? {
        let mut statement =
            connection.prepare(&format!("SELECT account, name FROM {bucket}")).at("username", "read")?;
        let rows = statement.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?)));
        for row in rows.at("username", "read")? {
            let (number, sealed) = row.at("username", "read")?;
            let account = AccountId::try_from(number).map_err(|_| StoreError::Damaged { table: "username" })?;
            let name = rows::open(keys, bucket, account, 1, &sealed)?;
            let text = std::str::from_utf8(name.expose()).map_err(|_| StoreError::Damaged { table: "username" })?;
            names.push((Bucket { family: Family::UserNameDigest, ..bucket }, number, digest(keys, text)?));
        }
    }
    for bucket in bucket::of(connection, Family::UserNameDigest)? {
        connection.execute(&format!("DELETE FROM {bucket}"), []).at(TABLE, "delete")?;
    }
    names.iter().try_for_each(|(bucket, number, digest)| insert(connection, *bucket, digest, *number))
}

fn insert(connection: &Connection, bucket: Bucket, digest: &[u8], account: u32) -> Result<(), StoreError> {
    connection
        .execute(&format!("INSERT INTO {bucket} (digest, account) VALUES (?1, ?2)"), params![digest, account])
        .at(TABLE, "insert")
        .map(|_| ())
}

fn find(connection: &Connection, digest: &[u8]) -> Result<Option<AccountId>, StoreError> {
    for bucket in bucket::of(connection, Family::UserNameDigest)? {
        let sql = format!("SELECT account FROM {bucket} WHERE digest = ?1");
        let found: Option<u32> = connection.query_row(&sql, [digest], |row| row.get(0)).optional().at(TABLE, "read")?;
        if let Some(number) = found {
            return number.try_into().map(Some).map_err(|_| StoreError::Damaged { table: TABLE });
        }
    }
    Ok(None)
}

fn digest(keys: &Keys, name: &str) -> Result<Vec<u8>, StoreError> {
    let key = keys.digests(b"avow: user names").map_err(|CannotSeal| StoreError::Seal { table: TABLE })?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    Ok(hmac::sign(&key, name.trim().to_lowercase().as_bytes()).as_ref().to_vec())
}
