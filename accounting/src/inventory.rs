//! Every table of the store, as SQLite keeps it, and the data code that each column carries.
//!
//! Codes under `system.` are about the system and about no account. There is no index, trigger or view: each would be a
//! second copy, or a second writer, of what the tables hold.

use avow_terms::inventory::{Column, Table};

/// A family of tables with one sealed value for each account.
macro_rules! single {
    ($name:literal, $value:literal, $code:literal) => {
        Table {
            name: concat!($name, "_{}"),
            ddl: concat!(
                "CREATE TABLE ",
                $name,
                "_{} (\n    account INTEGER PRIMARY KEY,\n    ",
                $value,
                " BLOB NOT NULL\n) STRICT, WITHOUT ROWID"
            ),
            columns: &[column("account", "account.number"), column($value, $code)],
        }
    };
}

/// A family of tables with several sealed values for each account, numbered from 1.
macro_rules! numbered {
    ($name:literal, $value:literal, $code:literal, $also:expr) => {
        Table {
            name: concat!($name, "_{}"),
            ddl: concat!(
                "CREATE TABLE ",
                $name,
                "_{} (\n    account INTEGER NOT NULL,\n    number INTEGER NOT NULL CHECK (number >= 1),\n    ",
                $value,
                " BLOB NOT NULL,\n    PRIMARY KEY (account, number)\n) STRICT, WITHOUT ROWID"
            ),
            columns: &[
                column("account", "account.number"),
                column("number", $code),
                Column { name: $value, code: $code, also: $also },
            ],
        }
    };
}

/// Every table and family of tables; the live schema is compared with it both ways.
pub static INVENTORY: &[Table] = &[
    ACCOUNT,
    BLOCKED,
    BUCKET,
    CASE_STEP,
    CHOICES,
    CODE,
    DEVICE_COUNT,
    DIAGNOSTICS,
    EMAIL,
    MONTH_TOTAL,
    NODE,
    NOTICE,
    PASSWORD,
    PAYMENT,
    PLAN,
    REVISION,
    SEAL,
    SEALED_SESSION,
    SESSION_TOTAL,
    TRIAL,
    USERNAME,
    USERNAME_DIGEST,
];

/// The accounts. `recorded` and `version` say when, and under which version of the policy, the number was recorded:
/// its deadline is computed from them.
pub(crate) const ACCOUNT: Table = Table {
    name: "account",
    ddl: "CREATE TABLE account (
    number INTEGER PRIMARY KEY CHECK (number BETWEEN 1 AND 2147483647),
    keys BLOB NOT NULL,
    recorded INTEGER NOT NULL,
    version INTEGER NOT NULL CHECK (version >= 0)
) STRICT, WITHOUT ROWID",
    columns: &[
        column("number", "account.number"),
        column("keys", "account.access_keys"),
        column("recorded", "account.number"),
        column("version", "account.number"),
    ],
};

/// The buckets: which there are, when the first row of each was recorded, and the earliest deadline it ever had (none
/// while it waits for an event).
pub(crate) const BUCKET: Table = Table {
    name: "bucket",
    ddl: "CREATE TABLE bucket (
    name TEXT PRIMARY KEY,
    opened INTEGER NOT NULL,
    due INTEGER
) STRICT, WITHOUT ROWID",
    columns: &[column("name", "system.bucket"), column("opened", "system.bucket"), column("due", "system.bucket")],
};

/// What each account moved in a month: one table for each calendar month and version, `month_total_202611_v1`.
pub(crate) const MONTH_TOTAL: Table = Table {
    name: "month_total_{}",
    ddl: "CREATE TABLE month_total_{} (
    account INTEGER PRIMARY KEY,
    bytes INTEGER NOT NULL CHECK (bytes >= 0)
) STRICT, WITHOUT ROWID",
    columns: &[column("account", "account.number"), column("bytes", "usage.month_total")],
};

/// What each account moved in a session, and the day it began: sealed together. `number` counts within the bucket.
pub(crate) const SESSION_TOTAL: Table = numbered!("session_total", "session", "session.bytes", &["session.date"]);

/// What only the abuse desk can open about a session: its blob, sealed again.
pub(crate) const SEALED_SESSION: Table =
    numbered!("sealed_session", "blob", "session.client_ip", &["session.time", "session.server"]);

/// The e-mail address of each account, sealed.
pub(crate) const EMAIL: Table = single!("email", "email", "account.email");

/// The user name of each account, sealed.
pub(crate) const USERNAME: Table = single!("username", "name", "account.username");

/// A keyed digest of each user name, to find its account by.
pub(crate) const USERNAME_DIGEST: Table = Table {
    name: "username_digest_{}",
    ddl: "CREATE TABLE username_digest_{} (
    digest BLOB PRIMARY KEY CHECK (length(digest) = 32),
    account INTEGER NOT NULL
) STRICT, WITHOUT ROWID",
    columns: &[column("digest", "account.username_digest"), column("account", "account.number")],
};

/// A one-way digest of each password, sealed.
pub(crate) const PASSWORD: Table = single!("password", "digest", "account.password_digest");

/// A digest of the last code that was sent to each account, sealed.
pub(crate) const CODE: Table = single!("code", "digest", "account.code_digest");

/// The plan of each account, sealed.
pub(crate) const PLAN: Table = single!("plan", "plan", "account.plan");

/// The accounts that are blocked.
pub(crate) const BLOCKED: Table = single!("blocked", "state", "account.blocked");

/// The steps of complaints: days and decisions, sealed.
pub(crate) const CASE_STEP: Table = numbered!("case_step", "step", "case.steps", &[]);

/// What each account agreed to or switched off, sealed.
pub(crate) const CHOICES: Table = single!("choices", "choices", "account.choices");

/// How many devices of each account are connected, sealed.
pub(crate) const DEVICE_COUNT: Table = single!("device_count", "devices", "account.device_count");

/// Attempts to connect of accounts that agreed to tell of them, sealed.
pub(crate) const DIAGNOSTICS: Table = numbered!("diagnostics", "attempt", "diagnostics.attempt", &[]);

/// Payments: day and transaction number, sealed together.
pub(crate) const PAYMENT: Table = numbered!("payment", "payment", "payment.date", &["payment.transaction"]);

/// That notices of a version were accepted: a count and a digest, sealed.
pub(crate) const NOTICE: Table = Table {
    name: "notice_{}",
    ddl: "CREATE TABLE notice_{} (
    version INTEGER PRIMARY KEY CHECK (version >= 1),
    evidence BLOB NOT NULL
) STRICT, WITHOUT ROWID",
    columns: &[column("version", "system.version"), column("evidence", "notice.evidence")],
};

/// The last batch of each node.
pub(crate) const NODE: Table = Table {
    name: "node",
    ddl: "CREATE TABLE node (
    node INTEGER PRIMARY KEY,
    epoch INTEGER NOT NULL CHECK (epoch >= 1),
    seq INTEGER NOT NULL CHECK (seq >= 0)
) STRICT, WITHOUT ROWID",
    columns: &[column("node", "system.cursor"), column("epoch", "system.cursor"), column("seq", "system.cursor")],
};

/// The published versions of each document, each with the vocabulary it was published with.
pub(crate) const REVISION: Table = Table {
    name: "revision",
    ddl: "CREATE TABLE revision (
    version INTEGER NOT NULL CHECK (version >= 1),
    policy TEXT NOT NULL,
    document TEXT NOT NULL CHECK (document IN ('privacy', 'terms')),
    effective INTEGER NOT NULL CHECK (effective % 60000 = 0),
    published_at INTEGER NOT NULL,
    text TEXT NOT NULL,
    vocabulary TEXT NOT NULL,
    previous BLOB CHECK (length(previous) = 32),
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    PRIMARY KEY (document, version)
) STRICT, WITHOUT ROWID",
    columns: &[
        column("version", "system.version"),
        column("policy", "system.version"),
        column("document", "system.version"),
        column("effective", "system.version"),
        column("published_at", "system.version"),
        column("text", "system.version"),
        column("vocabulary", "system.version"),
        column("previous", "system.version"),
        column("hash", "system.version"),
    ],
};

/// A proof for each sealing key, by which the right key is recognised before anything is sealed or opened with it.
pub(crate) const SEAL: Table = Table {
    name: "seal",
    ddl: "CREATE TABLE seal (
    name TEXT PRIMARY KEY,
    proof BLOB NOT NULL
) STRICT, WITHOUT ROWID",
    columns: &[column("name", "system.key"), column("proof", "system.key")],
};

/// The text that is tried out before anything is published: version 0.
pub(crate) const TRIAL: Table = Table {
    name: "trial",
    ddl: "CREATE TABLE trial (
    version INTEGER PRIMARY KEY CHECK (version = 0),
    text TEXT NOT NULL,
    vocabulary TEXT NOT NULL,
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID",
    columns: &[
        column("version", "system.version"),
        column("text", "system.version"),
        column("vocabulary", "system.version"),
        column("since", "system.version"),
    ],
};

const fn column(name: &'static str, code: &'static str) -> Column {
    Column { name, code, also: &[] }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use avow_terms::code::Code;
    use rusqlite::Connection;

    use super::*;
    use crate::{bucket::Bucket, family::Family, schema};

    /// The columns of a live table, in order.
    fn columns(connection: &Connection, table: &str) -> Vec<String> {
        let mut statement = connection.prepare("SELECT name FROM pragma_table_xinfo(?1) ORDER BY cid").unwrap();
        statement.query_map([table], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    }

    #[test]
    fn every_column_is_declared_and_every_declared_column_is_there() {
        let connection = Connection::open_in_memory().unwrap();
        schema::migrate(&connection).unwrap();
        for family in Family::ALL {
            let bucket: Bucket = family.table().name.replace("{}", "202611_v1").parse().unwrap();
            connection.execute_batch(&bucket.ddl()).unwrap();
            connection.execute("INSERT INTO bucket (name, opened) VALUES (?1, 0)", [bucket.to_string()]).unwrap();
        }
        for table in INVENTORY {
            let live = columns(&connection, &table.name.replace("{}", "202611_v1"));
            let declared: Vec<_> = table.columns.iter().map(|column| column.name).collect();
            assert_eq!(live, declared, "{}", table.name);
        }
        assert_eq!(schema::difference(&connection).unwrap(), None);
    }

    #[test]
    fn a_family_carries_what_its_record_says_and_nothing_else() {
        let mut families: Vec<_> = Family::ALL.iter().map(|family| family.table().name).collect();
        families.sort_unstable();
        let mut tables: Vec<_> = INVENTORY.iter().map(|table| table.name).filter(|name| name.contains("{}")).collect();
        tables.sort_unstable();
        assert_eq!(tables, families);
        for family in Family::ALL {
            let columns = family.table().columns.iter().flat_map(Column::codes);
            let carried: std::collections::BTreeSet<_> =
                columns.filter(|code| *code != "account.number" && !code.starts_with("system.")).collect();
            let said: std::collections::BTreeSet<_> = family.codes().iter().copied().collect();
            assert!(carried.is_subset(&said) && !carried.is_empty(), "{}", family.table().name);
        }
    }

    #[test]
    fn every_table_is_strict_and_has_no_row_ids() {
        for table in INVENTORY {
            assert!(table.ddl.ends_with(") STRICT, WITHOUT ROWID"), "{}", table.name);
            assert!(!table.ddl.contains("AUTOINCREMENT") && !table.ddl.contains("--"), "{}", table.name);
        }
    }

    #[test]
    fn every_code_stands_in_the_vocabulary() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../policy-docs/vocabulary.md");
        let vocabulary = std::fs::read_to_string(path).unwrap();
        for column in INVENTORY.iter().flat_map(|table| table.columns) {
            for code in column.codes() {
                let code = Code::new(code).unwrap();
                assert!(vocabulary.contains(&format!("\n| `{code}` |")), "`{code}` of `{}`", column.name);
            }
        }
    }

    #[test]
    fn the_schema_is_the_one_that_was_released() {
        let ddl: Vec<_> = INVENTORY.iter().map(|table| table.ddl).collect();
        insta::assert_snapshot!(ddl.join(";\n"));
    }
}
