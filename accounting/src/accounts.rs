//! The accounts: a random number, and access keys that only the holder of the sealing key can read.

use std::collections::BTreeMap;

use avow_terms::{account::AccountId, permit::Permit, plan::Plan, private::Private};
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use jiff::Timestamp;
use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use crate::{
    bucket::instant,
    error::{At, StoreError, reason},
    family::Family,
    inventory::ACCOUNT,
    keys::Keys,
    record::{AccountRecord, PlanRecord},
    rows,
    seal::CannotSeal,
    store::{Reader, Store},
};

const TABLE: &str = ACCOUNT.name;

/// An account to be added.
pub struct NewAccount {
    /// Its number, from [`Reader::draw_number`].
    pub number: AccountId,
    /// Its access keys, in whatever form the service gives them.
    pub keys: Private<Vec<u8>>,
}

/// An account as it is stored.
pub struct Account {
    /// Its number.
    pub number: AccountId,
    /// Its access keys, opened.
    pub keys: Private<Vec<u8>>,
    /// Its plan, if it was given one.
    pub plan: Option<Plan>,
    /// When it was recorded.
    pub recorded: Timestamp,
    /// The version of the policy it was recorded under; 0 is a text on trial.
    pub version: u32,
}

impl Store {
    /// Adds an account, with a key of its own for what is kept about it.
    ///
    /// # Errors
    /// [`StoreError::AccountExists`], [`StoreError::Seal`] (keys of 4 GiB), [`StoreError::Keys`],
    /// [`StoreError::Database`]
    pub fn add_account(&mut self, permit: Permit<AccountRecord>, account: &NewAccount) -> Result<(), StoreError> {
        self.add_accounts(permit, std::slice::from_ref(account))
    }

    /// Adds many accounts at once: all of them or none.
    ///
    /// # Errors
    /// As [`Store::add_account`].
    pub fn add_accounts(&mut self, permit: Permit<AccountRecord>, accounts: &[NewAccount]) -> Result<(), StoreError> {
        self.add_with(&permit, accounts, |_, _| Ok(()))
    }

    /// Adds many accounts at once, some of them with a plan: all of them or none, and none without its plan.
    ///
    /// # Errors
    /// As [`Store::add_account`]; [`StoreError::NoSuchAccount`] if a plan is of none of them, [`StoreError::OldPermit`].
    pub fn add_accounts_with_plans(
        &mut self,
        permit: Permit<AccountRecord>,
        accounts: &[NewAccount],
        plan_permit: Permit<PlanRecord>,
        plans: &[(AccountId, Plan)],
    ) -> Result<(), StoreError> {
        let bucket = self.room_under(Family::Plan, &plan_permit)?;
        self.add_with(&permit, accounts, |transaction, keys| {
            bucket.open(transaction, keys, plan_permit.recorded(), plan_permit.due())?;
            for (account, plan) in plans {
                rows::require(keys, *account)?;
                rows::insert(transaction, keys, bucket, *account, 1, &plan.encode())?;
            }
            Ok(())
        })
    }

    fn add_with(
        &mut self,
        permit: &Permit<AccountRecord>,
        accounts: &[NewAccount],
        more: impl FnOnce(&Connection, &mut Keys) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        self.admit(permit)?;
        let (transaction, keys) = self.begin_with_keys()?;
        for account in accounts {
            if is_account(&transaction, account.number)? {
                return Err(StoreError::AccountExists);
            }
        }
        keys.add(accounts.iter().map(|account| account.number))?;
        let written = insert(&transaction, keys, permit, accounts)
            .and_then(|()| more(&transaction, keys))
            .and_then(|()| transaction.commit().at(TABLE, "commit"));
        if written.is_err() {
            // Keys of accounts that are not there; if they cannot be destroyed now, the next start does it.
            let _ = self.settle_keys();
        }
        written
    }

    /// Replaces the access keys of an account. The account stays recorded when it was, under the version it was: its
    /// deadline does not move.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], [`StoreError::OldPermit`], [`StoreError::Seal`], [`StoreError::Database`];
    /// [`StoreError::NotWiped`] if the new keys are stored and the old ones could not be wiped from the write-ahead log.
    pub fn replace_keys(
        &mut self,
        permit: Permit<AccountRecord>,
        account: AccountId,
        keys: Private<Vec<u8>>,
    ) -> Result<(), StoreError> {
        self.admit(&permit)?;
        let (transaction, sealing) = self.begin_with_keys()?;
        if !is_account(&transaction, account)? {
            return Err(StoreError::NoSuchAccount);
        }
        let sealed = seal_keys(sealing, account, &keys)?;
        transaction
            .execute("UPDATE account SET keys = ?2 WHERE number = ?1", params![account.number(), sealed])
            .at(TABLE, "update")?;
        transaction.commit().at(TABLE, "commit")?;
        self.wipe_unowned(&|_| {})
    }
}

impl Reader {
    /// Every account, in the order of the numbers.
    ///
    /// # Errors
    /// [`StoreError::Seal`], [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT number, keys, recorded, version FROM account ORDER BY number")
            .at(TABLE, "read")?;
        let rows = statement.query_map([], Stored::read).at(TABLE, "read")?;
        let mut plans: BTreeMap<AccountId, Plan> = self.plans()?.into_iter().collect();
        rows.map(|row| {
            let row = row.at(TABLE, "read")?;
            let plan = AccountId::try_from(row.number).ok().and_then(|number| plans.remove(&number));
            self.open_account(row, plan)
        })
        .collect()
    }

    /// One account, if there is one with this number.
    ///
    /// # Errors
    /// As [`Reader::accounts`].
    pub fn account(&self, number: AccountId) -> Result<Option<Account>, StoreError> {
        self.connection
            .query_row(
                "SELECT number, keys, recorded, version FROM account WHERE number = ?1",
                [number.number()],
                Stored::read,
            )
            .optional()
            .at(TABLE, "read")?
            .map(|row| self.open_account(row, self.plan(number)?))
            .transpose()
    }

    /// A random number that no account has.
    ///
    /// # Errors
    /// [`StoreError::NoRandom`], [`StoreError::Database`]
    pub fn draw_number(&self) -> Result<AccountId, StoreError> {
        loop {
            let mut bits = [0; 4];
            SystemRandom::new().fill(&mut bits).map_err(|_| StoreError::NoRandom)?;
            match AccountId::from_random(u32::from_ne_bytes(bits)) {
                Some(number) if !is_account(&self.connection, number)? => return Ok(number),
                _ => {}
            }
        }
    }

    fn open_account(&self, row: Stored, plan: Option<Plan>) -> Result<Account, StoreError> {
        let number = row.number.try_into().map_err(|_| StoreError::Damaged { table: TABLE })?;
        let opened = self.keys.sealing(Some(number), None).and_then(|key| key.open(&place(number), &row.keys));
        let keys = opened.map_err(|CannotSeal| StoreError::Seal { table: TABLE })?;
        Ok(Account { number, keys, plan, recorded: instant(TABLE, row.recorded)?, version: row.version })
    }
}

/// Whether there is an account with this number.
pub(crate) fn is_account(connection: &Connection, number: AccountId) -> Result<bool, StoreError> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM account WHERE number = ?1)")
        .and_then(|mut statement| statement.query_row([number.number()], |row| row.get(0)))
        .at(TABLE, "read")
}

fn insert(
    connection: &Connection,
    keys: &Keys,
    permit: &Permit<AccountRecord>,
    accounts: &[NewAccount],
) -> Result<(), StoreError> {
    let mut insert = connection
        .prepare("INSERT INTO account (number, keys, recorded, version) VALUES (?1, ?2, ?3, ?4)")
        .at(TABLE, "insert")?;
    for account in accounts {
        let sealed = seal_keys(keys, account.number, &account.keys)?;
        let row = params![account.number.number(), sealed, permit.recorded().as_millisecond(), permit.version()];
        insert.execute(row).map_err(|error| not_inserted(&error))?;
    }
    Ok(())
}

fn seal_keys(keys: &Keys, number: AccountId, value: &Private<Vec<u8>>) -> Result<Vec<u8>, StoreError> {
    let sealed = keys.sealing(Some(number), None).and_then(|key| key.seal(&place(number), value.expose()));
    sealed.map_err(|CannotSeal| StoreError::Seal { table: TABLE })
}

/// A number that stands twice among the accounts to be added is there already.
fn not_inserted(error: &rusqlite::Error) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => StoreError::AccountExists,
        _ => StoreError::Database { table: TABLE, operation: "insert", reason: reason(error) },
    }
}

/// Where the keys of an account stand: they open nowhere else.
pub(crate) fn place(number: AccountId) -> Vec<u8> {
    [b"account.keys".as_slice(), &number.number().to_be_bytes()].concat()
}

struct Stored {
    number: u32,
    keys: Vec<u8>,
    recorded: i64,
    version: u32,
}

impl Stored {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self { number: row.get(0)?, keys: row.get(1)?, recorded: row.get(2)?, version: row.get(3)? })
    }
}
