//! The closed world of the schema: every table, column, index, trigger and view is declared, and what is declared is
//! there.
//!
//! The comparison is by the statements that SQLite keeps, with nothing but white space made equal, so that a type, a
//! check or a comment that differs is seen.

use std::collections::BTreeMap;

use avow_terms::inventory::{Column, Table};
use rusqlite::Connection;

use crate::{
    clauses::Clauses,
    columns::{self, hinted},
    found::{Findings, shown},
    period::Period,
    shapes::{self, Shape},
};

const REWRITE: &str = "restore the store, or let the Avow that wrote it write it anew";

const DROP: &str = "find out what made it, then drop it";

/// What the store is made of.
#[derive(Debug, Default)]
pub(crate) struct Schema<'a> {
    /// Its tables, declared or not, in the order of their names.
    pub(crate) tables: Vec<Live<'a>>,
}

/// A table of the store.
#[derive(Debug)]
pub(crate) struct Live<'a> {
    /// Its name.
    pub(crate) name: String,
    /// What it is declared as.
    pub(crate) declared: Option<&'a Table>,
    /// In a family: what stands for the period.
    pub(crate) period: Option<Period>,
    /// The names of its columns.
    pub(crate) columns: Vec<String>,
}

impl<'a> Live<'a> {
    /// What a column is declared as.
    pub(crate) fn column(&self, name: &str) -> Option<&'a Column> {
        self.declared?.columns.iter().find(|column| column.name == name)
    }
}

/// An entry of SQLite's own table of contents.
struct Entry {
    kind: String,
    name: String,
    table: String,
    sql: Option<String>,
}

/// Reads the schema, and compares it with the inventory and with the policy.
pub(crate) fn check<'a>(
    store: &Connection,
    inventory: &'a [Table],
    clauses: &Clauses<'_>,
    findings: &mut Findings,
) -> rusqlite::Result<Schema<'a>> {
    engine(store, findings)?;
    let mut schema = Schema::default();
    let mut definitions = BTreeMap::new();
    for entry in entries(store)? {
        match entry.kind.as_str() {
            "table" => {
                let live = table(store, &entry, inventory)?;
                compare(&live, entry.sql.as_deref().unwrap_or(""), clauses, findings);
                schema.tables.push(live);
            }
            // SQLite makes these itself for a constraint of a declared table, whose definition is compared.
            "index" if entry.sql.is_none() && declared(&entry.table, inventory).is_some() => {}
            _ => undeclared(&entry, clauses, findings),
        }
        definitions.insert(entry.name, entry.sql.unwrap_or_default());
    }
    smuggled(&definitions, clauses, findings);
    missing(&schema, inventory, clauses, findings);
    columns::check(&schema, clauses, findings);
    Ok(schema)
}

fn entries(store: &Connection) -> rusqlite::Result<Vec<Entry>> {
    let mut statement = store.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema ORDER BY name")?;
    let rows = statement.query_map([], |row| {
        Ok(Entry { kind: row.get(0)?, name: row.get(1)?, table: row.get(2)?, sql: row.get(3)? })
    })?;
    rows.collect()
}

/// The declared tables of a store.
pub(crate) fn tables<'a>(store: &Connection, inventory: &'a [Table]) -> rusqlite::Result<Vec<Live<'a>>> {
    let of_inventory = |entry: &Entry| entry.kind == "table" && declared(&entry.name, inventory).is_some();
    entries(store)?.iter().filter(|entry| of_inventory(entry)).map(|entry| table(store, entry, inventory)).collect()
}

fn table<'a>(store: &Connection, entry: &Entry, inventory: &'a [Table]) -> rusqlite::Result<Live<'a>> {
    let (declared, period) = declared(&entry.name, inventory).unzip();
    let mut live = Live { name: entry.name.clone(), declared, period: period.flatten(), columns: Vec::new() };
    // A virtual table is code that runs when it is looked at: it is reported, and left alone.
    if !is_virtual(entry.sql.as_deref()) {
        let mut statement = store.prepare("SELECT name FROM pragma_table_xinfo(?1) ORDER BY cid")?;
        live.columns = statement.query_map([&entry.name], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    }
    Ok(live)
}

fn is_virtual(sql: Option<&str>) -> bool {
    sql.is_some_and(|sql| plain(sql).to_ascii_uppercase().starts_with("CREATE VIRTUAL"))
}

/// What a name is declared as, with its period if it is one of a family.
pub(crate) fn declared<'a>(name: &str, inventory: &'a [Table]) -> Option<(&'a Table, Option<Period>)> {
    inventory.iter().find_map(|table| match table.name.split_once("{}") {
        None => (table.name == name).then_some((table, None)),
        Some((before, after)) => {
            let period = Period::read(name.strip_prefix(before)?.strip_suffix(after)?)?;
            Some((table, Some(period)))
        }
    })
}

/// Compares one table with its declaration.
fn compare(live: &Live<'_>, sql: &str, clauses: &Clauses<'_>, findings: &mut Findings) {
    let Some(declared) = live.declared else { return undeclared_table(live, sql, clauses, findings) };
    let surplus: Vec<&String> = live.columns.iter().filter(|name| live.column(name).is_none()).collect();
    let absent = declared.columns.iter().filter(|column| !live.columns.iter().any(|name| name == column.name));
    let absent: Vec<&Column> = absent.collect();
    for name in &surplus {
        let broken = clauses.complete().into_iter().chain(hinted(name, clauses));
        let place = format!("{}.{}", live.name, shown(name));
        findings.add("schema.column", broken, "a column that is not declared", &place, DROP);
    }
    for column in &absent {
        let place = format!("{}.{}", live.name, column.name);
        findings.add("schema.missing", None, "a declared column is missing", &place, REWRITE);
    }
    let middle = live.name.strip_prefix(declared.name.split("{}").next().unwrap_or("")).unwrap_or("");
    if surplus.is_empty() && absent.is_empty() && plain(sql) != plain(&declared.ddl.replace("{}", middle)) {
        let what = "the table is not defined as declared";
        findings.add("schema.definition", clauses.complete(), what, &live.name, REWRITE);
    }
}

fn undeclared_table(live: &Live<'_>, sql: &str, clauses: &Clauses<'_>, findings: &mut Findings) {
    let (check, what) = match live.name.as_str() {
        name if name.starts_with("sqlite_stat") => ("schema.statistics", "statistics, which copy values out of rows"),
        "sqlite_sequence" => ("schema.sequence", "a counter of rows that were ever written"),
        _ if is_virtual(Some(sql)) => ("schema.virtual", "a virtual table"),
        _ => ("schema.table", "a table that is not declared"),
    };
    let hints = live.columns.iter().flat_map(|name| hinted(name, clauses));
    findings.add(check, clauses.complete().into_iter().chain(hints), what, &shown(&live.name), DROP);
}

/// A statement with its white space made equal.
fn plain(sql: &str) -> String {
    sql.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An index, a trigger or a view: each is a second copy or a second writer of what a table holds.
fn undeclared(entry: &Entry, clauses: &Clauses<'_>, findings: &mut Findings) {
    let (check, what) = match entry.kind.as_str() {
        "index" => ("schema.index", "an index, which copies values out of rows"),
        "trigger" => ("schema.trigger", "a trigger, which writes what nobody asked for"),
        "view" => ("schema.view", "a view that is not declared"),
        _ => ("schema.table", "something that is not declared"),
    };
    let place = format!("{} on {}", shown(&entry.name), shown(&entry.table));
    findings.add(check, clauses.complete(), what, &place, DROP);
}

/// Personal data can stand in a definition too: in a name, a default, a check, a comment.
fn smuggled(definitions: &BTreeMap<String, String>, clauses: &Clauses<'_>, findings: &mut Findings) {
    for (name, sql) in definitions {
        for shape in shapes::of_text(sql).into_iter().filter(|shape| *shape != Shape::Host) {
            let what = format!("the definition holds what looks like a {}", shape.words());
            findings.add("schema.value", clauses.of_shape(shape), &what, &shown(name), "drop it");
        }
    }
}

/// What is declared and is not there.
fn missing(schema: &Schema<'_>, inventory: &[Table], clauses: &Clauses<'_>, findings: &mut Findings) {
    for table in inventory.iter().filter(|table| !table.name.contains("{}")) {
        if !schema.tables.iter().any(|live| live.name == table.name) {
            let broken = clauses.measure("history").filter(|_| table.name == "revision");
            findings.add("schema.missing", broken, "a declared table is missing", table.name, REWRITE);
        }
    }
}

/// What SQLite says of the file: texts in UTF-16 would hide from whoever searches it, moved pages from whoever wipes it.
fn engine(store: &Connection, findings: &mut Findings) -> rusqlite::Result<()> {
    let encoding: String = store.pragma_query_value(None, "encoding", |row| row.get(0))?;
    if encoding != "UTF-8" {
        let what = format!("the store keeps its texts in {encoding}");
        findings.add("schema.encoding", None, &what, "the store", REWRITE);
    }
    let moves: i64 = store.pragma_query_value(None, "auto_vacuum", |row| row.get(0))?;
    if moves != 0 {
        let what = "the store moves its pages about, and leaves copies behind";
        findings.add("schema.settings", None, what, "the store", REWRITE);
    }
    let sound: String = store.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
    if sound != "ok" {
        let what = "pages or constraints of the store contradict each other";
        findings.add("schema.damaged", None, what, "the store", "restore it, and look for what wrote to it");
    }
    Ok(())
}
