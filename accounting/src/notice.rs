//! The evidence that the notices of a version were accepted: how many, and a digest. It names nobody.

use avow_terms::permit::Permit;
use rusqlite::params;

use crate::{
    bucket,
    error::{At, StoreError},
    family::Family,
    record::NoticeEvidence,
    seal::CannotSeal,
    store::{Reader, Store},
};

const TABLE: &str = "notice";
const DAMAGED: StoreError = StoreError::Damaged { table: TABLE };

/// That the notices of a version were accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The version they told of.
    pub version: u32,
    /// How many mail servers accepted one.
    pub accepted: u64,
    /// A digest of what was sent, and of the answers.
    pub digest: [u8; 32],
}

impl Store {
    /// Keeps the evidence of a version's notices, in the place of what was kept of it before.
    ///
    /// # Errors
    /// [`StoreError::OldPermit`], [`StoreError::Seal`], [`StoreError::Database`]
    pub fn keep_evidence(&mut self, permit: Permit<NoticeEvidence>, evidence: &Evidence) -> Result<(), StoreError> {
        let Evidence { version, accepted, digest } = evidence;
        let bucket = self.room_under(Family::Notice, &permit)?;
        let (transaction, keys) = self.begin_with_keys()?;
        for before in bucket::of(&transaction, Family::Notice)? {
            let sql = format!("DELETE FROM {before} WHERE version = ?1");
            transaction.execute(&sql, [version]).at(TABLE, "delete")?;
        }
        bucket.open(&transaction, keys, permit.recorded(), permit.due())?;
        let value = [accepted.to_be_bytes().as_slice(), digest].concat();
        let sealed = keys.sealing(None, Some(&bucket.to_string())).and_then(|key| key.seal(&place(*version), &value));
        let sealed = sealed.map_err(|CannotSeal| StoreError::Seal { table: TABLE })?;
        transaction
            .execute(&format!("INSERT INTO {bucket} (version, evidence) VALUES (?1, ?2)"), params![version, sealed])
            .at(TABLE, "insert")?;
        transaction.commit().at(TABLE, "commit")
    }
}

impl Reader {
    /// The evidence of every version's notices.
    ///
    /// # Errors
    /// [`StoreError::Seal`], [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn evidence(&self) -> Result<Vec<Evidence>, StoreError> {
        let _view = self.view()?;
        let mut all = Vec::new();
        for bucket in bucket::of(&self.connection, Family::Notice)? {
            let key = self.keys.sealing(None, Some(&bucket.to_string()));
            let key = key.map_err(|CannotSeal| StoreError::Seal { table: TABLE })?;
            let sql = format!("SELECT version, evidence FROM {bucket}");
            let mut statement = self.connection.prepare(&sql).at(TABLE, "read")?;
            let rows = statement.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, Vec<u8>>(1)?)));
            for row in rows.at(TABLE, "read")? {
                let (version, sealed) = row.at(TABLE, "read")?;
                let value = key.open(&place(version), &sealed);
                let value = value.map_err(|CannotSeal| StoreError::Seal { table: TABLE })?;
                let (accepted, digest) = value.expose().split_first_chunk().ok_or(DAMAGED)?;
                let digest = digest.try_into().map_err(|_| DAMAGED)?;
                all.push(Evidence { version, accepted: u64::from_be_bytes(*accepted), digest });
            }
        }
        all.sort_by_key(|evidence| evidence.version);
        Ok(all)
    }
}

fn place(version: u32) -> Vec<u8> {
    [b"notice.evidence".as_slice(), &version.to_be_bytes()].concat()
}
