//! The closed world of the schema.

use crate::world::{World, breaks, plain, told};

#[track_caller]
fn check(sql: &str, check: &str, clause: &str) {
    let world = World::trial();
    world.tamper(sql);
    breaks(&world.audit(), check, clause);
}

#[test]
fn an_extra_column_breaks_the_complete_table_and_what_is_never_kept() {
    let world = World::trial();
    world.tamper("ALTER TABLE account ADD COLUMN ip TEXT");
    let report = world.audit();
    breaks(&report, "schema.column", "S0");
    assert_eq!(told(&report), ["schema.column S0+N1+N2 account.ip"]);
}

#[test]
fn an_extra_table_an_index_a_trigger_and_a_view_are_found() {
    check("CREATE TABLE extra (a INTEGER)", "schema.table", "S0");
    check("CREATE TABLE month_total_202611_v01 (a INTEGER)", "schema.table", "S0");
    check("CREATE INDEX copied ON account (recorded)", "schema.index", "S0");
    check("CREATE TRIGGER writer AFTER INSERT ON account BEGIN DELETE FROM node; END", "schema.trigger", "S0");
    check("CREATE VIEW seen AS SELECT number FROM account", "schema.view", "S0");
    check("CREATE VIRTUAL TABLE pages USING dbstat", "schema.virtual", "S0");
}

#[test]
fn a_virtual_table_that_nobody_can_read_is_found_and_left_alone() {
    let world = World::trial();
    world.tamper(
        "PRAGMA writable_schema = ON;
         INSERT INTO sqlite_schema VALUES ('table', 'v', 'v', 0, 'CREATE  VIRTUAL TABLE v USING nobody(192.0.2.7)')",
    );
    let report = world.audit();
    breaks(&report, "schema.virtual", "S0");
    breaks(&report, "schema.value", "N1");
    assert!(report.promises.iter().all(|line| line.verdict != avow_audit::Verdict::Unchecked));
}

#[test]
fn statistics_and_counters_of_sqlite_are_found() {
    check("ANALYZE; CREATE INDEX i ON account (recorded); ANALYZE", "schema.statistics", "S0");
    check("CREATE TABLE t (a INTEGER PRIMARY KEY AUTOINCREMENT)", "schema.sequence", "S0");
}

#[test]
fn a_definition_that_was_changed_is_found() {
    let world = World::trial();
    world.redefine("account", "recorded INTEGER NOT NULL", "recorded INTEGER");
    breaks(&world.audit(), "schema.definition", "S0");
    let world = World::trial();
    world.redefine("account", "keys BLOB", "keys /* of 192.0.2.7 */ BLOB");
    let report = world.audit();
    breaks(&report, "schema.definition", "S0");
    breaks(&report, "schema.value", "N1");
}

#[test]
fn a_name_that_tells_something_is_found_and_not_repeated() {
    let world = World::trial();
    world.tamper("CREATE TABLE \"t_192_0_2_7\" (a INTEGER)");
    let report = world.audit();
    breaks(&report, "schema.table", "S0");
    assert!(!format!("{report:?}").contains("192_0_2_7"));
}

#[test]
fn a_declared_table_that_is_missing_is_found() {
    let world = World::trial();
    world.tamper("DROP TABLE seal");
    assert_eq!(told(&world.audit()), ["schema.missing  seal"]);
    assert_eq!(world.audit().exit_code(), 1);
    let world = World::trial();
    world.tamper("DROP TABLE revision");
    breaks(&world.audit(), "schema.missing", "C1");
    let world = World::trial();
    world.tamper("DROP TABLE account");
    let report = world.audit();
    assert_eq!((told(&report), report.exit_code()), (vec!["schema.missing  account".to_owned()], 1));
    let line = report.promises.iter().find(|line| line.clause.to_string() == "S5").unwrap();
    assert_eq!(line.verdict, avow_audit::Verdict::Unchecked, "what could not be looked at is not called kept");
}

#[test]
fn a_declared_column_needs_a_clause_that_allows_it_and_none_that_forbids_it() {
    use avow_terms::inventory::{Column, Table};
    let mut world = World::trial();
    let mut tables: Vec<Table> = world.inventory.to_vec();
    tables.push(Table {
        name: "visit",
        ddl: "CREATE TABLE visit (address TEXT, phone TEXT, documents TEXT) STRICT",
        columns: &[
            Column { name: "address", code: "visitor.ip", also: &[] },
            Column { name: "phone", code: "diagnostics.crash", also: &[] },
            Column { name: "documents", code: "Not A Code", also: &[] },
        ],
    });
    world.inventory = Vec::leak(tables);
    world.tamper("CREATE TABLE visit (address TEXT, phone TEXT, documents TEXT) STRICT");
    let report = world.audit();
    breaks(&report, "schema.never", "N1");
    breaks(&report, "schema.unpromised", "S0");
    breaks(&report, "schema.code", "S0");
}

#[test]
fn a_store_that_keeps_its_texts_in_utf_16_is_found() {
    let world = World::trial();
    let (old, new) = (world.store(), world.dir.path().join("new"));
    let (from, to) = (plain(&old), plain(&new));
    to.execute_batch("PRAGMA encoding = 'UTF-16le'; PRAGMA application_id = 1096175447; PRAGMA user_version = 1")
        .unwrap();
    let mut statement = from.prepare("SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'month%'").unwrap();
    for sql in statement.query_map([], |row| row.get::<_, String>(0)).unwrap() {
        to.execute_batch(&sql.unwrap()).unwrap();
    }
    let trial: (i64, String, String, i64) = from
        .query_row("SELECT * FROM trial", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap();
    to.execute("INSERT INTO trial VALUES (?1, ?2, ?3, ?4)", trial).unwrap();
    drop(statement);
    drop((from, to));
    std::fs::rename(new, old).unwrap();
    let found = told(&world.audit());
    // It is another store than the one the keys are of, which is said too.
    assert!(found.contains(&"schema.encoding  the store".to_owned()), "{found:?}");
    assert!(found.iter().all(|found| found.starts_with("schema.encoding") || found.starts_with("key.")), "{found:?}");
}
