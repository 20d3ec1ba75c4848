//! Opening what is sealed, as the format says it and not with the writer's code: AES-256-GCM, the nonce before the text
//! and the tag behind it, the place of the row as what is authenticated with it.

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    hkdf::{HKDF_SHA256, Salt},
};

use crate::{columns::is_system, schema::Live};

/// What a key of an account and one of a bucket are made into one for.
const ROW: &[u8] = b"avow: a row of an account in a bucket";

/// A key that opens.
pub(super) struct Sealing(RandomizedNonceKey);

impl Sealing {
    pub(super) fn of(key: &[u8; 32]) -> Option<Self> {
        RandomizedNonceKey::new(&AES_256_GCM, key).ok().map(Self)
    }

    /// Of an account, or of an account in a bucket.
    pub(super) fn of_both(account: Option<&[u8; 32]>, bucket: Option<&[u8; 32]>) -> Option<Self> {
        let (Some(account), Some(bucket)) = (account, bucket) else { return Self::of(account?) };
        let mut key = [0; 32];
        let extracted = Salt::new(HKDF_SHA256, account).extract(bucket);
        extracted.expand(&[ROW], HKDF_SHA256).ok()?.fill(&mut key).ok()?;
        Self::of(&key)
    }

    /// The value, without what it was padded with.
    pub(super) fn open(&self, place: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, text) = sealed.split_at_checked(NONCE_LEN)?;
        let mut text = text.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let plain = self.0.open_in_place(nonce, Aad::from(place), &mut text).ok()?;
        let (length, value) = plain.split_first_chunk()?;
        let (value, padding) = value.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)?;
        padding.iter().all(|byte| *byte == 0).then(|| value.to_vec())
    }
}

/// The sealed column of a table: what its values are read with, and where each of them stands.
pub(super) struct Column {
    /// Its name.
    pub(super) name: &'static str,
    /// Reads account, number and value of every row.
    pub(super) sql: String,
    /// Whether its values are about an account, and sealed under its key too.
    pub(super) by_account: bool,
    family: &'static str,
    numbered: bool,
    of_account: bool,
}

impl Column {
    /// `None` if nothing in the table is sealed.
    pub(super) fn of(table: &Live<'_>) -> Option<Self> {
        let declared = table.declared?;
        let has = |name: &str| table.columns.iter().any(|column| column == name);
        let is_blob = |name: &str| declared.ddl.contains(&format!("\n    {name} BLOB"));
        let sealed = |column: &&avow_terms::inventory::Column| {
            !is_system(column) && column.code != "account.username_digest" && is_blob(column.name) && has(column.name)
        };
        let name = declared.columns.iter().find(sealed)?.name;
        let family = declared.name.trim_end_matches("_{}");
        let of_account = family == "account";
        let by_account = of_account || has("account");
        let number = if has("number") && !of_account { "number" } else { "1" };
        let account = match (of_account, by_account) {
            (true, _) => "number",
            (false, true) => "account",
            (false, false) => "0",
        };
        let number = if by_account { number } else { "version" };
        let sql = format!("SELECT {account}, {number}, {name} FROM \"{}\"", table.name);
        Some(Self { name, sql, by_account, family, numbered: by_account, of_account })
    }

    /// Where a value stands, as it was authenticated.
    pub(super) fn place(&self, account: u32, number: u32) -> Vec<u8> {
        let mut place = format!("{}.{}", self.family, self.name).into_bytes();
        if self.numbered {
            place.extend(account.to_be_bytes());
        }
        if !self.of_account {
            place.extend(number.to_be_bytes());
        }
        place
    }
}
