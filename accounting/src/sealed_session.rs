//! Sealed sessions: what only the abuse desk can open. The relay sealed each to the desk's key; the store keeps bytes that
//! it cannot read, in buckets of the hour in which the session ended.

use avow_terms::{account::AccountId, permit::Permit};
use jiff::Timestamp;

use crate::{
    bucket,
    error::{At, StoreError},
    family::Family,
    record::SealedSession,
    rows,
    store::{Reader, Store},
};

/// A session that the store cannot read.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedBlob {
    /// Whose.
    pub account: AccountId,
    /// What the relay sealed to the abuse desk.
    pub blob: Vec<u8>,
}

/// The sealed sessions of one bucket.
pub struct SealedHour {
    /// When the first of them ended.
    pub first: Timestamp,
    /// When they are due.
    pub due: Option<Timestamp>,
    /// They themselves.
    pub sessions: Vec<SealedBlob>,
}

impl Store {
    /// Adds sessions that ended in the hour of the permit. Those of accounts that are gone are left out.
    ///
    /// There is a permit only where the policy declares them; whether the operator turned them on is for the caller.
    ///
    /// # Errors
    /// [`StoreError::OldPermit`], [`StoreError::Seal`], [`StoreError::Database`]
    pub fn add_sealed_sessions(
        &mut self,
        permit: Permit<SealedSession>,
        sessions: &[SealedBlob],
    ) -> Result<(), StoreError> {
        let known = sessions.iter().filter(|session| self.keys.knows(session.account));
        let values: Vec<_> = known.map(|session| (session.account, session.blob.as_slice())).collect();
        if values.is_empty() { Ok(()) } else { self.append(permit, Family::SealedSession, &values) }
    }
}

impl Reader {
    /// Every sealed session, by the hour, for the abuse desk: nobody else can do anything with them.
    ///
    /// # Errors
    /// [`StoreError::Seal`], [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn sealed_sessions(&self) -> Result<Vec<SealedHour>, StoreError> {
        const TABLE: &str = "sealed_session";
        let _view = self.view()?;
        let mut hours = Vec::new();
        for opened in bucket::all(&self.connection)? {
            if opened.bucket.family != Family::SealedSession {
                continue;
            }
            let sql = format!("SELECT account, number, blob FROM {} ORDER BY account, number", opened.bucket);
            let mut statement = self.connection.prepare(&sql).at(TABLE, "read")?;
            let found = statement.query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get(1)?, row.get(2)?)));
            let mut sessions = Vec::new();
            for row in found.at(TABLE, "read")? {
                let (number, place, sealed): (u32, u32, Vec<u8>) = row.at(TABLE, "read")?;
                let account = number.try_into().map_err(|_| StoreError::Damaged { table: TABLE })?;
                let blob = rows::open(&self.keys, opened.bucket, account, place, &sealed)?.into_inner();
                sessions.push(SealedBlob { account, blob });
            }
            hours.push(SealedHour { first: opened.at, due: opened.due, sessions });
        }
        Ok(hours)
    }
}
