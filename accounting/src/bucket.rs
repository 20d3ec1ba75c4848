//! Buckets: tables that hold the rows of one family, one period and one version of the policy, and go as a whole.
//!
//! Dropping a table wipes every page of it; deleting rows from one does not. A bucket therefore never holds rows of two
//! periods or two versions, and is dropped when its first row is due. Its deadline may move earlier, never later. Each has
//! a key, which is destroyed with it.

use std::{fmt, str::FromStr};

use avow_terms::permit::{Due, Permit, Record};
use jiff::Timestamp;
use rusqlite::{Connection, params};

use crate::{
    error::{At, StoreError},
    family::Family,
    keys::{self, Keys},
    period::{Period, Width},
};

/// One bucket: `month_total_202611_v1`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bucket {
    pub(crate) family: Family,
    pub(crate) period: Period,
    pub(crate) version: u32,
}

/// A bucket that exists.
pub(crate) struct Opened {
    pub(crate) bucket: Bucket,
    /// When its first row was recorded.
    pub(crate) at: Timestamp,
    /// The earliest deadline it ever had.
    pub(crate) due: Option<Timestamp>,
}

/// The text is not the name of a bucket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotABucket;

impl Bucket {
    /// The bucket of rows that a permit allows.
    pub(crate) fn under<R: Record>(family: Family, permit: &Permit<R>) -> Self {
        let width = if family.is_of_months() {
            Width::Month
        } else {
            family.widest().for_rows(permit.recorded(), permit.due())
        };
        let period = Period::of(width, permit.recorded(), permit.zone());
        Self { family, period, version: permit.version() }
    }

    /// The statement that creates its table.
    pub(crate) fn ddl(self) -> String {
        let Self { family, period, version } = self;
        family.table().ddl.replace("{}", &format!("{period}_v{version}"))
    }

    /// Makes room for rows that are recorded now: creates the bucket with its key, or draws its deadline nearer.
    pub(crate) fn open(
        self,
        connection: &Connection,
        keys: &mut Keys,
        recorded: Timestamp,
        due: Due,
    ) -> Result<(), StoreError> {
        if self.exists(connection)? {
            self.begin_no_later(connection, recorded)?;
        } else {
            self.create(connection, keys, recorded)?;
        }
        match due {
            Due::At(due) => self.due_no_later(connection, due),
            Due::When(_) => Ok(()),
        }
    }

    /// Whether it is there and its deadline has come. No new row may share the fate of its rows.
    pub(crate) fn is_due(self, connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
        connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM bucket WHERE name = ?1 AND due <= ?2)")
            .and_then(|mut known| known.query_row(params![self.to_string(), now.as_millisecond()], |row| row.get(0)))
            .at("bucket", "read")
    }

    /// Whether there is one.
    pub(crate) fn exists(self, connection: &Connection) -> Result<bool, StoreError> {
        connection
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM bucket WHERE name = ?1)")
            .and_then(|mut known| known.query_row([self.to_string()], |row| row.get(0)))
            .at("bucket", "read")
    }

    /// Draws the deadline nearer, if this one is.
    pub(crate) fn due_no_later(self, connection: &Connection, due: Timestamp) -> Result<(), StoreError> {
        connection
            .execute(
                "UPDATE bucket SET due = ?2 WHERE name = ?1 AND (due IS NULL OR due > ?2)",
                params![self.to_string(), due.as_millisecond()],
            )
            .at("bucket", "draw a deadline nearer")
            .map(|_| ())
    }

    /// Drops the table, and says how many rows went with it. Its key is destroyed after the commit.
    pub(crate) fn drop(self, connection: &Connection) -> Result<usize, StoreError> {
        let table = self.family.name();
        let rows =
            connection.query_row(&format!("SELECT count(*) FROM {self}"), [], |row| row.get(0)).at(table, "count")?;
        connection.execute_batch(&format!("DROP TABLE {self}")).at(table, "drop a bucket")?;
        connection.execute("DELETE FROM bucket WHERE name = ?1", [self.to_string()]).at("bucket", "delete")?;
        keys::remove_proof(connection, self)?;
        Ok(rows)
    }

    fn create(self, connection: &Connection, keys: &mut Keys, recorded: Timestamp) -> Result<(), StoreError> {
        keys.add_bucket(connection, self)?;
        connection.execute_batch(&self.ddl()).at(self.family.name(), "create a bucket")?;
        connection
            .execute(
                "INSERT INTO bucket (name, opened) VALUES (?1, ?2)",
                params![self.to_string(), recorded.as_millisecond()],
            )
            .at("bucket", "insert")
            .map(|_| ())
    }

    /// A clock that was set back makes a row that is recorded before the first one.
    fn begin_no_later(self, connection: &Connection, recorded: Timestamp) -> Result<(), StoreError> {
        connection
            .execute(
                "UPDATE bucket SET opened = ?2 WHERE name = ?1 AND opened > ?2",
                params![self.to_string(), recorded.as_millisecond()],
            )
            .at("bucket", "update")
            .map(|_| ())
    }
}

/// Every bucket there is, by name.
pub(crate) fn all(connection: &Connection) -> Result<Vec<Opened>, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT name, opened, due FROM bucket ORDER BY name").at("bucket", "read")?;
    let rows = statement
        .query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?, row.get::<_, Option<i64>>(2)?)))
        .at("bucket", "read")?;
    rows.map(|row| {
        let (name, at, due) = row.at("bucket", "read")?;
        let bucket = name.parse().map_err(|NotABucket| StoreError::Damaged { table: "bucket" })?;
        Ok(Opened { bucket, at: instant("bucket", at)?, due: due.map(|due| instant("bucket", due)).transpose()? })
    })
    .collect()
}

/// The buckets of a family.
pub(crate) fn of(connection: &Connection, family: Family) -> Result<Vec<Bucket>, StoreError> {
    let all = all(connection)?.into_iter().map(|opened| opened.bucket);
    Ok(all.filter(|bucket| bucket.family == family).collect())
}

/// The instant that a column keeps as milliseconds since 1970 in UTC.
pub(crate) fn instant(table: &'static str, milliseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(milliseconds).map_err(|_| StoreError::Damaged { table })
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { family, period, version } = self;
        write!(f, "{}{period}_v{version}", family.prefix())
    }
}

impl FromStr for Bucket {
    type Err = NotABucket;

    /// Reads a name that a bucket has, and no other: not `v01`, not `+1`.
    fn from_str(name: &str) -> Result<Self, NotABucket> {
        let of = |family: Family| {
            let (period, version) = name.strip_prefix(family.prefix())?.split_once("_v")?;
            let bucket = Self { family, period: period.parse().ok()?, version: version.parse().ok()? };
            (bucket.to_string() == name).then_some(bucket)
        };
        Family::ALL.into_iter().find_map(of).ok_or(NotABucket)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_known_by_its_name_and_by_no_other() {
        for name in [
            "month_total_202611_v1",
            "month_total_202612_v0",
            "month_total_999901_v4294967295",
            "username_digest_202611_v1",
            "username_202611_v1",
            "sealed_session_2026112514_v3",
            "code_202611251459_v3",
        ] {
            assert_eq!(name.parse::<Bucket>().unwrap().to_string(), name);
        }
        for name in [
            "month_total",
            "month_total_202611",
            "month_total_202613_v1",
            "month_total_202600_v1",
            "month_total_202611_v01",
            "month_total_202611_v+1",
            "month_total_202611_v1;",
            "month_total_+02611_v1",
            "MONTH_TOTAL_202611_v1",
            "other_202611_v1",
        ] {
            assert_eq!(name.parse::<Bucket>(), Err(NotABucket), "{name}");
        }
    }
}
