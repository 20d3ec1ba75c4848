//! Every value of the store against the shapes of what it must not hold.
//!
//! Texts and bytes are looked at in every table, declared or not. Three kinds are not: the published texts and the text
//! on trial, which are public and checked by their hashes; the hashes themselves; and sealed values, which are random
//! to whoever has no key, and are checked to look so.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, types::ValueRef};

use crate::{
    clauses::Clauses,
    columns::is_system,
    found::{Findings, shown},
    schema::{Live, Schema},
    shapes::{self, Shape},
};

/// What was looked at.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    /// Rows of all tables.
    pub(crate) rows: u64,
    /// Texts and bytes that were compared with the shapes.
    pub(crate) values: u64,
    /// Sealed values.
    pub(crate) sealed: u64,
}

/// Public texts, checked by their hashes.
const PUBLISHED: [(&str, &str); 5] = [
    ("revision", "policy"),
    ("revision", "text"),
    ("revision", "vocabulary"),
    ("trial", "text"),
    ("trial", "vocabulary"),
];

/// What is wrong with a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fault {
    Looks(Shape),
    Open,
}

/// Looks at every value.
pub(crate) fn check(
    store: &Connection,
    schema: &Schema<'_>,
    clauses: &Clauses<'_>,
    findings: &mut Findings,
) -> rusqlite::Result<Seen> {
    let mut seen = Seen::default();
    for table in &schema.tables {
        for ((column, fault), count) in table_faults(store, table, &mut seen)? {
            let name = table.columns.get(column).map_or("", String::as_str);
            report(&format!("{}.{}", shown(&table.name), shown(name)), fault, count, clauses, findings);
        }
    }
    Ok(seen)
}

fn report(place: &str, fault: Fault, count: u64, clauses: &Clauses<'_>, findings: &mut Findings) {
    match fault {
        Fault::Looks(shape) => {
            let what = format!("what looks like a {}, in {}", shape.words(), counted(count, "value"));
            findings.add("value.shape", clauses.of_shape(shape), &what, place, "find out what wrote it, then erase it");
        }
        Fault::Open => {
            let what = format!("not sealed: {}", counted(count, "value"));
            findings.add("value.sealed", clauses.complete(), &what, place, "find out what wrote it, then erase it");
        }
    }
}

/// `1 row`, `2 rows`.
pub(crate) fn counted(count: u64, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

/// What is wrong with the values of a table, by the place of the column.
fn table_faults(
    store: &Connection,
    table: &Live<'_>,
    seen: &mut Seen,
) -> rusqlite::Result<BTreeMap<(usize, Fault), u64>> {
    let columns: Vec<String> = table.columns.iter().map(|name| quoted(name)).collect();
    let mut faults = BTreeMap::new();
    if columns.is_empty() {
        return Ok(faults);
    }
    let mut statement = store.prepare(&format!("SELECT {} FROM {}", columns.join(", "), quoted(&table.name)))?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        seen.rows += 1;
        for (place, name) in table.columns.iter().enumerate() {
            for fault in value_faults(table, name, row.get_ref(place)?, seen) {
                *faults.entry((place, fault)).or_default() += 1;
            }
        }
    }
    Ok(faults)
}

fn value_faults(table: &Live<'_>, name: &str, value: ValueRef<'_>, seen: &mut Seen) -> Vec<Fault> {
    let column = table.column(name);
    let looks = |shapes: BTreeSet<Shape>| shapes.into_iter().map(Fault::Looks).collect();
    match value {
        ValueRef::Null | ValueRef::Real(_) => Vec::new(),
        // Amounts have as many digits as cards; no other number of the store does.
        ValueRef::Integer(_) if column.is_some_and(|column| column.code.starts_with("usage.")) => Vec::new(),
        ValueRef::Integer(number) => looks(shapes::of_number(number)),
        ValueRef::Text(_) if PUBLISHED.contains(&(table.name.as_str(), name)) => Vec::new(),
        ValueRef::Text(text) => {
            seen.values += 1;
            looks(shapes::of_bytes(text, true))
        }
        ValueRef::Blob(bytes) if column.is_some_and(|column| !is_system(column)) => {
            seen.sealed += 1;
            let digest = column.is_some_and(|column| column.code == "account.username_digest");
            if sealed(bytes) || (digest && is_digest(bytes)) { Vec::new() } else { vec![Fault::Open] }
        }
        ValueRef::Blob(bytes) => {
            seen.values += 1;
            looks(shapes::of_bytes(bytes, column.is_some()))
        }
    }
}

/// The bytes around a sealed value: the nonce before it, the tag behind it.
const AROUND: usize = 12 + 16;
/// What is sealed is padded to a multiple of this.
const BLOCK: usize = 256;

/// Whether bytes look sealed: whole blocks with a nonce and a tag, and as many different bytes as chance makes.
fn sealed(bytes: &[u8]) -> bool {
    let blocks = bytes.len().checked_sub(AROUND);
    let whole = blocks.is_some_and(|length| length > 0 && length.is_multiple_of(BLOCK));
    let mut counts = [0_usize; 256];
    for byte in bytes {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    // In 284 random bytes no byte comes 16 times, but for one blob in many thousands of millions.
    whole && counts.iter().all(|count| *count < 12 + bytes.len() / 64)
}

/// Whether bytes look like a digest: 32 of them, as different from one another as chance makes.
fn is_digest(bytes: &[u8]) -> bool {
    let different: BTreeSet<u8> = bytes.iter().copied().collect();
    // 32 random bytes are all ASCII, or fewer than 20 different ones, once in thousands of millions.
    bytes.len() == 32 && different.len() >= 20 && !bytes.is_ascii()
}

/// A name as SQL takes it.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_padded_and_not_sealed_is_seen() {
        let random: Vec<u8> = (0_u32..284).map(|i| u8::try_from((i * i * 31 + i * 7919 + 13) % 251).unwrap()).collect();
        assert!(sealed(&random));
        assert!(!sealed(&random[..283]));
        let mut plain = b"0123456789ab the keys of a device".to_vec();
        plain.resize(284, 0);
        assert!(!sealed(&plain));
        assert!(!sealed(&[]));
        assert!(is_digest(&random[..32]) && !is_digest(&random[..31]) && !is_digest(&plain[..32]));
    }
}
