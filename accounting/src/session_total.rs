//! Session totals: what an account moved in a session, and the day it began.
//!
//! A session is derived from the counts: use of an account without a pause. Which session is open, and when it was last
//! used, is known in memory only; its bytes are in the store from the first flush on, so that no kill loses them. A row
//! has a day and no time.

use std::collections::{BTreeSet, HashMap};

use avow_terms::{account::AccountId, amount::Bytes, permit::Permit};
use jiff::{SignedDuration, Timestamp, civil::Date};
use rusqlite::Transaction;

use crate::{
    bucket::{self, Bucket},
    day,
    error::StoreError,
    family::Family,
    keys::Keys,
    record::SessionTotal,
    rows,
    store::Reader,
};

const TABLE: &str = "session_total";

/// A session as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    /// The day it began, in the zone of the policy.
    pub day: Date,
    /// What it moved.
    pub bytes: Bytes,
}

/// The sessions that are open.
pub(crate) struct OpenSessions {
    /// How long a pause ends a session.
    pub(crate) pause: SignedDuration,
    open: HashMap<u32, Open>,
}

#[derive(Clone, Copy)]
struct Open {
    bucket: Bucket,
    number: u32,
    session: Session,
    last: Timestamp,
}

/// What a batch changed; it counts when the transaction is committed.
pub(crate) struct Changed(Vec<(u32, Open)>);

impl Default for OpenSessions {
    fn default() -> Self {
        Self { pause: SignedDuration::from_mins(15), open: HashMap::new() }
    }
}

impl OpenSessions {
    /// Adds the rows of a batch to the sessions they belong to.
    pub(crate) fn add(
        &self,
        transaction: &Transaction<'_>,
        keys: &mut Keys,
        permit: &Permit<SessionTotal>,
        rows: &[(AccountId, Bytes)],
    ) -> Result<Changed, StoreError> {
        let now = permit.recorded();
        let bucket = Bucket::under(Family::SessionTotal, permit);
        let today = now.to_zoned(permit.zone().clone());
        // The entry of the bucket says when its first row was recorded: here, the day.
        let midnight = today.start_of_day().map_or(now, |midnight| midnight.timestamp());
        bucket.open(transaction, keys, midnight, permit.due())?;
        let live: BTreeSet<String> =
            bucket::of(transaction, Family::SessionTotal)?.iter().map(Bucket::to_string).collect();
        let mut changed = Vec::with_capacity(rows.len());
        for &(account, bytes) in rows {
            let open = self.open.get(&account.number()).copied();
            let goes_on =
                |open: &Open| now.duration_since(open.last) <= self.pause && live.contains(&open.bucket.to_string());
            let mut open = match open.filter(goes_on) {
                Some(open) => open,
                None => Open {
                    bucket,
                    number: rows::next_number(transaction, bucket, account)?,
                    session: Session { day: today.date(), bytes: Bytes::ZERO },
                    last: now,
                },
            };
            let sum = open.session.bytes.0.checked_add(bytes.0).filter(|sum| i64::try_from(*sum).is_ok());
            open.session.bytes = Bytes(sum.ok_or(StoreError::Overflow)?);
            open.last = open.last.max(now);
            rows::insert(transaction, keys, open.bucket, account, open.number, &encode(open.session))?;
            changed.push((account.number(), open));
        }
        Ok(Changed(changed))
    }

    /// Takes over what was committed, and forgets sessions that are over.
    pub(crate) fn commit(&mut self, changed: Changed, now: Timestamp) {
        self.open.extend(changed.0);
        let pause = self.pause;
        self.open.retain(|_, open| now.duration_since(open.last) <= pause);
    }
}

impl Reader {
    /// The sessions of an account, the oldest first.
    ///
    /// # Errors
    /// [`StoreError::Seal`], [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn sessions(&self, account: AccountId) -> Result<Vec<Session>, StoreError> {
        let values = self.values(Family::SessionTotal, account)?;
        let read = |value: &[u8]| decode(value).ok_or(StoreError::Damaged { table: TABLE });
        values.iter().map(|value| read(value.expose())).collect()
    }
}

fn encode(session: Session) -> Vec<u8> {
    [day::encode(session.day).as_slice(), &session.bytes.0.to_be_bytes()].concat()
}

fn decode(value: &[u8]) -> Option<Session> {
    let (number, bytes) = value.split_first_chunk()?;
    Some(Session { day: day::decode(*number)?, bytes: Bytes(u64::from_be_bytes(bytes.try_into().ok()?)) })
}
