//! Sealed rows about accounts: put, read, taken away. What they mean is said by the file of each record.
//!
//! A value is sealed under a key that is made of its account's and its bucket's, for its table, its account and its
//! number, and opens nowhere else.

use avow_terms::{
    account::AccountId,
    permit::{Permit, Record, Service},
    private::Private,
};
use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    bucket::{self, Bucket},
    error::{At, StoreError},
    family::{Family, Rows},
    keys::Keys,
    seal::CannotSeal,
    store::{Reader, Store},
};

/// What is kept of one kind about an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// What the table is called: `email`.
    pub table: &'static str,
    /// The data codes.
    pub codes: &'static [&'static str],
    /// The purpose they are kept for.
    pub purpose: &'static str,
    /// The part of the system that writes them.
    pub service: Service,
    /// How many rows.
    pub rows: usize,
    /// The version of the policy they were recorded under.
    pub version: u32,
    /// When the bucket they are in was begun: they were recorded then or later.
    pub recorded: Timestamp,
    /// The deadline the bucket has by now; none while it waits for an event.
    pub due: Option<Timestamp>,
}

/// Values, each with the account it is about.
type Values = Vec<(AccountId, Private<Vec<u8>>)>;

impl Store {
    /// Puts the one value that a family has for an account, in the place of the one before.
    pub(crate) fn put<R: Record>(
        &mut self,
        permit: Permit<R>,
        family: Family,
        account: AccountId,
        value: &[u8],
    ) -> Result<(), StoreError> {
        let bucket = self.room_under(family, &permit)?;
        let (transaction, keys) = self.begin_with_keys()?;
        require(keys, account)?;
        let replaced = delete(&transaction, family, account)?;
        bucket.open(&transaction, keys, permit.recorded(), permit.due())?;
        insert(&transaction, keys, bucket, account, 1, value)?;
        transaction.commit().at(family.name(), "commit")?;
        if replaced > 0 { self.wipe() } else { Ok(()) }
    }

    /// Adds a value to those that a family has for an account.
    pub(crate) fn append<R: Record>(
        &mut self,
        permit: Permit<R>,
        family: Family,
        values: &[(AccountId, &[u8])],
    ) -> Result<(), StoreError> {
        let bucket = self.room_under(family, &permit)?;
        let (transaction, keys) = self.begin_with_keys()?;
        if let Some((account, _)) = values.iter().find(|(account, _)| !keys.knows(*account)) {
            return require(keys, *account);
        }
        bucket.open(&transaction, keys, permit.recorded(), permit.due())?;
        for (account, value) in values {
            let number = next_number(&transaction, bucket, *account)?;
            insert(&transaction, keys, bucket, *account, number, value)?;
        }
        transaction.commit().at(family.name(), "commit")
    }

    /// Takes away everything that a family has for an account, to the last byte; says how many rows there were.
    pub(crate) fn clear(&mut self, family: Family, account: AccountId) -> Result<usize, StoreError> {
        let (transaction, keys) = self.begin_with_keys()?;
        require(keys, account)?;
        let rows = delete(&transaction, family, account)?;
        transaction.commit().at(family.name(), "commit")?;
        if rows > 0 {
            self.wipe_unowned(&|_| {})?;
        }
        Ok(rows)
    }

    /// The bucket of rows that a permit allows, if it is not one of before a version that rows are recorded under.
    pub(crate) fn room_under<R: Record>(&mut self, family: Family, permit: &Permit<R>) -> Result<Bucket, StoreError> {
        self.admit(permit)?;
        let bucket = Bucket::under(family, permit);
        self.make_room(bucket, permit.recorded())?;
        Ok(bucket)
    }
}

impl Reader {
    /// The one value that a family has for an account.
    pub(crate) fn value(&self, family: Family, account: AccountId) -> Result<Option<Private<Vec<u8>>>, StoreError> {
        let _view = self.view()?;
        for bucket in bucket::of(&self.connection, family)? {
            let sql = format!("SELECT {} FROM {bucket} WHERE account = ?1", family.value());
            let sealed: Option<Vec<u8>> = self
                .connection
                .query_row(&sql, [account.number()], |row| row.get(0))
                .optional()
                .at(family.name(), "read")?;
            if let Some(sealed) = sealed {
                return open(&self.keys, bucket, account, 1, &sealed).map(Some);
            }
        }
        Ok(None)
    }

    /// The values that a family has, of every account that has one.
    pub(crate) fn values_of_all(&self, family: Family) -> Result<Values, StoreError> {
        let _view = self.view()?;
        let mut values = Vec::new();
        for bucket in bucket::of(&self.connection, family)? {
            let sql = format!("SELECT account, {} FROM {bucket}", family.value());
            let mut statement = self.connection.prepare(&sql).at(family.name(), "read")?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?)));
            for row in rows.at(family.name(), "read")? {
                let (number, sealed) = row.at(family.name(), "read")?;
                let account = AccountId::try_from(number).map_err(|_| StoreError::Damaged { table: family.name() })?;
                values.push((account, open(&self.keys, bucket, account, 1, &sealed)?));
            }
        }
        Ok(values)
    }

    /// Everything that a family has for an account, in the order in which it was recorded.
    pub(crate) fn values(&self, family: Family, account: AccountId) -> Result<Vec<Private<Vec<u8>>>, StoreError> {
        let _view = self.view()?;
        let mut buckets = bucket::of(&self.connection, family)?;
        buckets.sort_by_key(|bucket| (bucket.version, bucket.period));
        let mut values = Vec::new();
        for bucket in buckets {
            let sql = format!("SELECT number, {} FROM {bucket} WHERE account = ?1 ORDER BY number", family.value());
            let mut statement = self.connection.prepare(&sql).at(family.name(), "read")?;
            let rows = statement.query_map([account.number()], |row| Ok((row.get::<_, u32>(0)?, row.get(1)?)));
            for row in rows.at(family.name(), "read")? {
                let (number, sealed): (u32, Vec<u8>) = row.at(family.name(), "read")?;
                values.push(open(&self.keys, bucket, account, number, &sealed)?);
            }
        }
        Ok(values)
    }

    /// Everything that is kept about an account besides its own row, by kind and bucket.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn kept(&self, account: AccountId) -> Result<Vec<Kept>, StoreError> {
        let _view = self.view()?;
        let mut kept = Vec::new();
        for opened in bucket::all(&self.connection)? {
            let family = opened.bucket.family;
            if family.rows() == Rows::Apart || family == Family::UserNameDigest {
                continue;
            }
            let sql = format!("SELECT count(*) FROM {} WHERE account = ?1", opened.bucket);
            let rows: usize =
                self.connection.query_row(&sql, [account.number()], |row| row.get(0)).at(family.name(), "count")?;
            if rows > 0 {
                kept.push(Kept {
                    table: family.name(),
                    codes: family.record().codes,
                    purpose: family.record().purpose,
                    service: family.record().service,
                    rows,
                    version: opened.bucket.version,
                    recorded: opened.at,
                    due: opened.due,
                });
            }
        }
        Ok(kept)
    }
}

/// Refuses an account that is not there.
pub(crate) fn require(keys: &Keys, account: AccountId) -> Result<(), StoreError> {
    if keys.knows(account) { Ok(()) } else { Err(StoreError::NoSuchAccount) }
}

/// Deletes the rows of a family about an account, in every bucket.
pub(crate) fn delete(connection: &Connection, family: Family, account: AccountId) -> Result<usize, StoreError> {
    let mut rows = 0;
    for bucket in bucket::of(connection, family)? {
        let sql = format!("DELETE FROM {bucket} WHERE account = ?1");
        rows += connection.execute(&sql, [account.number()]).at(family.name(), "delete")?;
    }
    Ok(rows)
}

/// The number that the next row of an account in a bucket has.
pub(crate) fn next_number(connection: &Connection, bucket: Bucket, account: AccountId) -> Result<u32, StoreError> {
    let sql = format!("SELECT coalesce(max(number), 0) + 1 FROM {bucket} WHERE account = ?1");
    connection
        .prepare_cached(&sql)
        .and_then(|mut statement| statement.query_row([account.number()], |row| row.get(0)))
        .at(bucket.family.name(), "read")
}

/// Writes a row, or writes over the one of this number.
pub(crate) fn insert(
    connection: &Connection,
    keys: &Keys,
    bucket: Bucket,
    account: AccountId,
    number: u32,
    value: &[u8],
) -> Result<(), StoreError> {
    let family = bucket.family;
    let sealed = seal(keys, bucket, account, number, value)?;
    let value = family.value();
    let sql = match family.rows() {
        Rows::Numbered => format!(
            "INSERT INTO {bucket} (account, {value}, number) VALUES (?1, ?2, ?3)
             ON CONFLICT (account, number) DO UPDATE SET {value} = ?2"
        ),
        _ => format!("INSERT INTO {bucket} (account, {value}) VALUES (?1, ?2)"),
    };
    let mut statement = connection.prepare_cached(&sql).at(family.name(), "insert")?;
    let written = match family.rows() {
        Rows::Numbered => statement.execute(params![account.number(), sealed, number]),
        _ => statement.execute(params![account.number(), sealed]),
    };
    written.at(family.name(), "insert").map(|_| ())
}

/// Seals a value for its row.
pub(crate) fn seal(
    keys: &Keys,
    bucket: Bucket,
    account: AccountId,
    number: u32,
    value: &[u8],
) -> Result<Vec<u8>, StoreError> {
    let key = keys.sealing(Some(account), Some(&bucket.to_string()));
    let sealed = key.and_then(|key| key.seal(&place(bucket.family, account, number), value));
    sealed.map_err(|CannotSeal| StoreError::Seal { table: bucket.family.name() })
}

/// Opens the value of a row.
pub(crate) fn open(
    keys: &Keys,
    bucket: Bucket,
    account: AccountId,
    number: u32,
    sealed: &[u8],
) -> Result<Private<Vec<u8>>, StoreError> {
    let key = keys.sealing(Some(account), Some(&bucket.to_string()));
    let opened = key.and_then(|key| key.open(&place(bucket.family, account, number), sealed));
    opened.map_err(|CannotSeal| StoreError::Seal { table: bucket.family.name() })
}

/// Where a value stands: its table and column, its account and its number.
fn place(family: Family, account: AccountId, number: u32) -> Vec<u8> {
    let column = format!("{}.{}", family.name(), family.value());
    [column.as_bytes(), &account.number().to_be_bytes(), &number.to_be_bytes()].concat()
}
