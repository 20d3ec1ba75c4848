//! What time the store has seen: a clock that is behind it is wrong, or was wrong when the store was written.

use jiff::Timestamp;

use crate::{
    bucket::instant,
    error::{At, StoreError},
    store::Reader,
};

impl Reader {
    /// The latest instant at which anything in the store was recorded; none in a store in which nothing was.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], [`StoreError::Database`]
    pub fn last_seen(&self) -> Result<Option<Timestamp>, StoreError> {
        let sql = "SELECT max(seen) FROM (
            SELECT max(recorded) AS seen FROM account UNION ALL SELECT max(opened) FROM bucket
            UNION ALL SELECT max(since) FROM trial UNION ALL SELECT max(published_at) FROM revision)";
        let seen: Option<i64> = self.connection.query_row(sql, [], |row| row.get(0)).at("store", "read")?;
        seen.map(|seen| instant("store", seen)).transpose()
    }
}
