//! An account is erased everywhere: its rows, its key, its access, and every byte that it left behind.

use std::fs;

use rusqlite::{Connection, OpenFlags};

use crate::{life::echo_through, target::Echo, world::World};

#[test]
fn an_account_that_is_forgotten_is_in_no_row_no_key_and_no_byte() {
    let world = World::new();
    world.configure("[books]\nflush_seconds = 1\n");
    let service = world.up();
    let (stays, goes) = (world.add_account("aes-256-gcm"), world.add_account("aes-256-gcm"));
    for account in [stays, goes] {
        let target = Echo::tcp();
        echo_through(&world.link(account), &target);
        world.stored_becomes(account, || target.seen());
    }
    let number = u32::try_from(goes).unwrap();
    let keys = world.data().join("keys/accounts.key");
    let named =
        |bytes: &[u8]| bytes.windows(4).any(|four| four == number.to_be_bytes() || four == number.to_le_bytes());
    assert!(named(&fs::read(&keys).unwrap()), "the register knows it: what is looked for below can be found");
    assert!(named(&whole_store(&world)), "so do the bytes of the store");

    let receipt = world.json(&["forget", &goes.to_string()])["receipt"].clone();
    assert_eq!(
        (&receipt["rows"], &receipt["key_destroyed"], &receipt["bytes_erased"]),
        (&1.into(), &true.into(), &true.into())
    );
    assert!(!receipt.to_string().contains(&goes.to_string()), "it names nobody");

    assert!(!named(&fs::read(&keys).unwrap()), "its key is destroyed");
    assert!(!named(&whole_store(&world)), "no byte of the file or its log names it");
    assert_eq!(rows_of(&world, goes), 0);
    assert!(rows_of(&world, stays) > 0, "nobody else is touched");
    assert_eq!(world.run(&["audit"]).code, 0);

    let again = world.run(&["forget", &goes.to_string()]);
    assert_eq!(again.code, 1);
    assert!(again.err.contains("there is no account of that number"), "{}", again.err);
    assert_eq!(service.stop(), 0);
}

/// The store with its log, byte for byte.
fn whole_store(world: &World) -> Vec<u8> {
    let log = fs::read(world.data().join("avow.db-wal")).unwrap_or_default();
    [fs::read(world.data().join("avow.db")).unwrap(), log].concat()
}

fn rows_of(world: &World, account: u64) -> u64 {
    let store = Connection::open_with_flags(world.data().join("avow.db"), OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
    let mut tables =
        store.prepare("SELECT name FROM sqlite_schema WHERE sql LIKE '%account INTEGER%' OR name = 'account'").unwrap();
    let tables: Vec<String> = tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert!(tables.len() > 1, "{tables:?}");
    let count = |table: &String| {
        let column = if table == "account" { "number" } else { "account" };
        let sql = format!("SELECT count(*) FROM {table} WHERE {column} = ?1");
        store.query_row(&sql, [account], |row| row.get::<_, u64>(0)).unwrap()
    };
    tables.iter().map(count).sum()
}
