//! The form of a backup: its marks, the places that values are sealed for, and how a row is written.
//!
//! Numbers are in big-endian order; a text or a value has its length in four bytes before it.

use avow_terms::{account::AccountId, inventory::Table};
use rusqlite::{
    Row,
    types::{Value, ValueRef},
};

use crate::{
    inventory::ACCOUNT,
    key_file::KeyBytes,
    keys::Keys,
    seal::{CannotSeal, SealingKey, derive},
};

/// What every backup begins with, of whatever version.
pub(super) const MARK: &[u8] = b"avow backup ";
/// What a backup of this version begins with.
pub(super) const MAGIC: &[u8; 16] = b"avow backup 1\n\0\0";
/// The bytes of the salt, of the digest and of the code that only the keys' owner can write.
pub(super) const SALT_LEN: usize = 32;
pub(super) const DIGEST_LEN: usize = 32;
/// The bytes by which an account is known in one backup, to whoever has its key.
pub(super) const TAG_LEN: usize = 16;
/// The rows of a bucket are sealed together in blocks of about this size.
pub(super) const BLOCK: usize = 1 << 16;
/// No block and no text is longer.
pub(super) const LONGEST: usize = 1 << 26;

/// A word that only the right register seals.
const WORD: &[u8] = b"avow backup";

/// What is sealed in one backup, and under what.
pub(super) struct Seals {
    pub(super) salt: [u8; SALT_LEN],
}

/// The place of an account in a backup: 16 bytes that mean nothing without its key.
pub(super) type Tag = [u8; TAG_LEN];

impl Seals {
    /// A word sealed with the register's own key, by which the right keys are known.
    pub(super) fn proof(&self, own: &KeyBytes) -> Result<Vec<u8>, CannotSeal> {
        self.own(own)?.seal_exact(&self.place(b"proof", ""), WORD.to_vec())
    }

    /// Whether a proof was sealed with this key.
    pub(super) fn proves(&self, own: &KeyBytes, proof: &[u8]) -> bool {
        let opened = self.own(own).and_then(|key| key.open_exact(&self.place(b"proof", ""), proof));
        opened.is_ok_and(|word| word.expose() == WORD)
    }

    /// The key of the code at the end, which says that all of it was written by whoever has the keys.
    pub(super) fn code_key(&self, own: &KeyBytes) -> Result<KeyBytes, CannotSeal> {
        derive(own, &self.salt, b"avow: the end of a backup")
    }

    /// The key that seals the blocks of a part.
    pub(super) fn block_key(&self, keys: &Keys, part: &str) -> Result<SealingKey, CannotSeal> {
        let key = if part == ACCOUNT.name { Some(keys.register.own()) } else { keys.buckets.get(part) };
        SealingKey::new(&derive(key.ok_or(CannotSeal)?, &self.salt, b"avow: a part of a backup")?)
    }

    /// The place of a block: its part and its number.
    pub(super) fn block(&self, part: &str, number: u64) -> Vec<u8> {
        [self.place(b"block", part), number.to_be_bytes().to_vec()].concat()
    }

    /// The key that seals a row about an account.
    pub(super) fn row_key(&self, keys: &Keys, account: AccountId, part: &str) -> Result<SealingKey, CannotSeal> {
        keys.sealing(Some(account), (part != ACCOUNT.name).then_some(part))
    }

    /// The place of a row about an account.
    pub(super) fn row(&self, part: &str) -> Vec<u8> {
        self.place(b"row", part)
    }

    /// Where an account is found.
    pub(super) fn tag(&self, keys: &Keys, account: AccountId) -> Result<Tag, CannotSeal> {
        let key = keys.register.key(account).ok_or(CannotSeal)?;
        let tag = derive(key, &self.salt, b"avow: an account in a backup")?;
        tag.first_chunk().copied().ok_or(CannotSeal)
    }

    fn own(&self, own: &KeyBytes) -> Result<SealingKey, CannotSeal> {
        SealingKey::new(&derive(own, &self.salt, b"avow: a backup")?)
    }

    fn place(&self, what: &[u8], part: &str) -> Vec<u8> {
        [b"backup.", what, &self.salt, part.as_bytes()].concat()
    }
}

/// The column that says which account a row is about; none in a table about nobody.
pub(super) fn account_column(table: &Table) -> Option<usize> {
    let name = if table.name == ACCOUNT.name { "number" } else { "account" };
    table.columns.iter().position(|column| column.name == name)
}

/// The names of the columns, in their order.
pub(super) fn columns(table: &Table) -> String {
    table.columns.iter().map(|column| column.name).collect::<Vec<_>>().join(", ")
}

/// A row: for each column 1 and a number of eight bytes, or 2 and a value. `None` if it holds anything else.
pub(super) fn encode(row: &Row<'_>, columns: usize) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    for column in 0..columns {
        match row.get_ref(column)? {
            ValueRef::Integer(number) => {
                bytes.push(1);
                bytes.extend(number.to_be_bytes());
            }
            ValueRef::Blob(value) => {
                let Ok(length) = u32::try_from(value.len()) else { return Ok(None) };
                bytes.push(2);
                bytes.extend(length.to_be_bytes());
                bytes.extend(value);
            }
            ValueRef::Null | ValueRef::Real(_) | ValueRef::Text(_) => return Ok(None),
        }
    }
    Ok(Some(bytes))
}

/// The values of a row with so many columns; `None` if the bytes are no such row.
pub(super) fn decode(mut bytes: &[u8], columns: usize) -> Option<Vec<Value>> {
    let mut values = Vec::with_capacity(columns);
    while let Some((kind, rest)) = bytes.split_first() {
        let (value, rest) = match kind {
            1 => {
                let (number, rest) = rest.split_first_chunk()?;
                (Value::Integer(i64::from_be_bytes(*number)), rest)
            }
            2 => {
                let (value, rest) = take_value(rest)?;
                (Value::Blob(value.to_vec()), rest)
            }
            _ => return None,
        };
        values.push(value);
        bytes = rest;
    }
    (values.len() == columns).then_some(values)
}

/// A value with its length before it, and what follows.
pub(super) fn take_value(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
