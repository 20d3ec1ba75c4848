//! Bytes that no row owns, planted in each region of the file and its log: each is found, named, and never repeated.

use std::fs;

use avow_audit::{Region, Unowned};
use rusqlite::Connection;

use crate::world::{NOW, World, breaks, clean, plain, told};

const PAGE: usize = 4096;

/// A store with a page of every kind: rows between which there is room, long values, free pages.
fn world() -> World {
    let world = World::trial();
    world.tamper(
        "CREATE TABLE spare (a INTEGER PRIMARY KEY, b BLOB) STRICT;
         WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < 40)
         INSERT INTO spare SELECT a, zeroblob(9000) FROM n;
         DROP TABLE spare;
         INSERT INTO node VALUES (7, 1, 1099511627776), (8, 1, 1099511627776), (9, 1, 1099511627776);
         DELETE FROM node WHERE node = 8",
    );
    clean(&world.audit());
    world
}

/// A page by the first bytes of a table's root, from 1.
fn root(world: &World, table: &str) -> usize {
    plain(&world.store())
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0))
        .unwrap()
}

fn number(bytes: &[u8], at: usize, length: usize) -> usize {
    bytes[at..at + length].iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
}

/// Plants a byte, and says whether the audit finds it in this region and nothing else.
#[track_caller]
fn planted(region: Region, at: impl Fn(&World, &[u8]) -> usize) {
    let world = world();
    let mut file = fs::read(world.store()).unwrap();
    let at = at(&world, &file);
    assert_eq!(file[at], 0, "a byte that is used already is not planted");
    file[at] = 0xa7;
    world.write("avow.db", &file);
    let found = Unowned { region, page: u32::try_from(at / PAGE + 1).unwrap(), offset: at % PAGE, count: 1 };
    assert_eq!(avow_audit::unowned(file.clone(), &[]).unwrap(), [found]);
    let report = world.audit();
    let check = format!("bytes.{}", format!("{region:?}").to_lowercase());
    assert_eq!(told(&report), [format!("{check} S0 page {} of the store, from byte {}", found.page, found.offset)]);
    breaks(&report, &check, "S0");
    // The sweep that must have wiped it wipes it.
    world.open().wipe_unowned(&|_| {}).unwrap();
    clean(&world.audit());
}

#[test]
fn a_byte_in_the_gap_of_a_page_is_found() {
    planted(Region::Gap, |world, file| {
        let page = (root(world, "account") - 1) * PAGE;
        page + number(file, page + 5, 2) - 1
    });
    planted(Region::Gap, |world, file| {
        let page = (root(world, "account") - 1) * PAGE;
        page + 8 + 2 * number(file, page + 3, 2)
    });
    planted(Region::Gap, |_, file| 100 + 8 + 2 * number(file, 103, 2));
}

#[test]
fn a_byte_in_a_freeblock_is_found() {
    planted(Region::Freeblock, |world, file| {
        let page = (root(world, "node") - 1) * PAGE;
        let block = number(file, page + 1, 2);
        assert!(block > 0, "the row between two left a block behind");
        page + block + number(file, page + block + 2, 2) - 1
    });
}

#[test]
fn a_byte_behind_a_long_value_is_found() {
    planted(Region::Overflow, |world, file| {
        // The text on trial begins in its row and goes on in pages of its own; the last of them leads nowhere.
        let page = (root(world, "trial") - 1) * PAGE;
        let cell = page + number(file, page + 8, 2);
        let length =
            (number(file, cell, 1) & 0x7f) << 14 | (number(file, cell + 1, 1) & 0x7f) << 7 | number(file, cell + 2, 1);
        let least = (PAGE - 12) * 32 / 255 - 23;
        let even = least + (length - least) % (PAGE - 4);
        let local = if even <= (PAGE - 12) * 64 / 255 - 23 { even } else { least };
        let mut next = number(file, cell + 3 + local, 4);
        while number(file, (next - 1) * PAGE, 4) > 0 {
            next = number(file, (next - 1) * PAGE, 4);
        }
        let filled = (length - local) % (PAGE - 4);
        assert!(filled > 0);
        (next - 1) * PAGE + 4 + filled
    });
}

#[test]
fn a_byte_in_a_list_of_free_pages_and_in_a_free_page_is_found() {
    planted(Region::Trunk, |_, file| {
        let list = (number(file, 32, 4) - 1) * PAGE;
        list + 8 + 4 * number(file, list + 4, 4)
    });
    planted(Region::Trunk, |_, file| number(file, 32, 4) * PAGE - 1);
    planted(Region::Free, |_, file| {
        let list = (number(file, 32, 4) - 1) * PAGE;
        (number(file, list + 8, 4) - 1) * PAGE + 77
    });
}

#[test]
fn a_byte_in_the_reserved_part_of_the_header_is_found() {
    planted(Region::Header, |_, _| 80);
}

#[test]
fn three_bytes_between_two_rows_are_found() {
    let world = world();
    let mut file = fs::read(world.store()).unwrap();
    // A block that is taken for a shorter row leaves up to three bytes: here the block is made three bytes shorter.
    let page = (root(&world, "node") - 1) * PAGE;
    let block = page + number(&file, page + 1, 2);
    let size = number(&file, block + 2, 2);
    file[block + 2..block + 4].copy_from_slice(&u16::try_from(size - 3).unwrap().to_be_bytes());
    file[page + 7] += 3;
    file[block + size - 3..block + size].fill(0xa7);
    world.write("avow.db", &file);
    breaks(&world.audit(), "bytes.fragment", "S0");
    let found = avow_audit::unowned(file.clone(), &[]).unwrap();
    assert_eq!((found.len(), found[0].region, found[0].count), (1, Region::Fragment, 3));
    world.open().wipe_unowned(&|_| {}).unwrap();
    clean(&world.audit());
}

#[test]
fn a_page_that_nothing_leads_to_is_found() {
    let world = world();
    let mut file = fs::read(world.store()).unwrap();
    // The list of free pages forgets its last one.
    let list = (number(&file, 32, 4) - 1) * PAGE;
    let count = number(&file, list + 4, 4);
    let last = list + 4 + 4 * count;
    let lost = number(&file, last, 4);
    file[last..last + 4].fill(0);
    file[list + 4..list + 8].copy_from_slice(&u32::try_from(count - 1).unwrap().to_be_bytes());
    let all = number(&file, 36, 4);
    file[36..40].copy_from_slice(&u32::try_from(all - 1).unwrap().to_be_bytes());
    file[(lost - 1) * PAGE + 5] = 0xa7;
    world.write("avow.db", &file);
    breaks(&world.audit(), "bytes.unreachable", "S0");
    world.open().wipe_unowned(&|_| {}).unwrap();
    assert_eq!(avow_audit::unowned(fs::read(world.store()).unwrap(), &[]).unwrap(), []);
}

#[test]
fn bytes_behind_the_last_page_and_in_a_row_behind_its_columns_are_found() {
    let world = world();
    let mut file = fs::read(world.store()).unwrap();
    file.extend([0, 0, 0xa7]);
    let found = avow_audit::unowned(file.clone(), &[]).unwrap();
    assert_eq!((found.len(), found[0].region, found[0].offset), (1, Region::Tail, 2));
    // The only row of a bucket says that it is longer than its columns are, and so it takes what stands behind it.
    let world = World::empty();
    world.tamper("INSERT INTO node VALUES (1, 1, 0)");
    let mut file = fs::read(world.store()).unwrap();
    let page = (root(&world, "node") - 1) * PAGE;
    let cell = page + number(&file, page + 8, 2);
    let length = number(&file, cell, 1);
    let bytes = file[cell..cell + 1 + length].to_vec();
    file[cell - 2..cell - 1 + length].copy_from_slice(&bytes);
    file[cell - 2] += 2;
    file[cell - 1 + length..cell + 1 + length].fill(0xa7);
    file[page + 8..page + 10].copy_from_slice(&u16::try_from(cell - 2 - page).unwrap().to_be_bytes());
    file[page + 5..page + 7].copy_from_slice(&u16::try_from(cell - 2 - page).unwrap().to_be_bytes());
    world.write("avow.db", &file);
    assert_eq!(told(&world.audit()).iter().filter(|told| told.starts_with("bytes.record S0")).count(), 1);
}

/// A writer that left its changes in the log.
fn in_the_log(world: &World, sql: &str) -> Connection {
    let writer = plain(&world.store());
    writer.execute_batch(&format!("PRAGMA wal_autocheckpoint = 0; {sql}")).unwrap();
    writer
}

#[test]
fn a_row_that_was_removed_and_still_stands_in_the_log_is_found() {
    let world = world();
    let writer = in_the_log(&world, "UPDATE node SET seq = seq + 1; UPDATE node SET seq = seq + 1");
    let report = world.audit();
    clean(&report);
    let held = report.not_checked.iter().filter(|not| not.what.starts_with("the unused parts of")).count();
    assert_eq!(held, 1, "the log holds older pages, and the report says so: {:?}", report.not_checked);
    writer.execute_batch("PRAGMA secure_delete = ON; DELETE FROM month_total_202611_v0; DELETE FROM account").unwrap();
    let report = world.audit();
    breaks(&report, "bytes.removed", "S0");
    avow_accounting::scrub(&writer, &|_| {}).unwrap();
    writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    // Whoever removes accounts behind the writer's back leaves their keys, until the next start.
    assert_eq!(told(&world.audit()), ["key.orphan S5 keys/accounts.key"]);
    drop((writer, world.open()));
    clean(&world.audit());
}

#[test]
fn old_frames_behind_the_last_commit_are_found() {
    let world = world();
    let writer = in_the_log(
        &world,
        "UPDATE node SET seq = seq + 1; UPDATE node SET seq = seq + 1; UPDATE node SET seq = seq + 1",
    );
    writer.execute_batch("PRAGMA wal_checkpoint(RESTART); UPDATE node SET seq = seq + 1").unwrap();
    let found = told(&world.audit());
    assert!(found.contains(&"bytes.log S0 frame 2 of the store, from byte 24".to_owned()), "{found:?}");
    writer.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    clean(&world.audit());
    // A log whose header is gone is no log any more, and what it held is still there.
    world.write("avow.db-wal", &[0, 0, 0, 0, 0xa7]);
    drop(writer);
    world.write("avow.db-wal", &[0, 0, 0, 0, 0xa7]);
    breaks(&world.audit(), "bytes.log", "S0");
}

#[test]
fn what_a_transaction_never_ended_left_in_the_log_is_found() {
    let world = world();
    let writer = in_the_log(
        &world,
        "UPDATE node SET seq = seq + 1; PRAGMA cache_size = 1; BEGIN; CREATE TABLE big (a BLOB);
         WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < 40)
         INSERT INTO big SELECT randomblob(3000) FROM n",
    );
    breaks(&world.audit(), "bytes.log", "S0");
    writer.execute_batch("ROLLBACK; PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    clean(&world.audit());
}

#[test]
fn a_page_that_leads_to_itself_ends_the_walk_and_is_found() {
    let world = world();
    let mut file = fs::read(world.store()).unwrap();
    let list = (number(&file, 32, 4) - 1) * PAGE;
    let own = u32::try_from(list / PAGE + 1).unwrap().to_be_bytes();
    file[list + 8..list + 12].copy_from_slice(&own);
    file[list..list + 4].copy_from_slice(&own);
    world.write("avow.db", &file);
    let report = world.try_audit(NOW).unwrap();
    assert!(told(&report).iter().any(|told| told.starts_with("bytes.damaged S0")));
    let refused = avow_accounting::scrub(&plain(&world.store()), &|_| {});
    assert_eq!(refused, Err(avow_accounting::StoreError::Pages), "what cannot be told apart is left alone");
    assert_eq!(fs::read(world.store()).unwrap(), file);
}

#[test]
fn many_dirty_pages_are_counted_and_five_are_named() {
    let world = world();
    let mut file = fs::read(world.store()).unwrap();
    let list = (number(&file, 32, 4) - 1) * PAGE;
    for leaf in 0..9 {
        let page = number(&file, list + 8 + 4 * leaf, 4);
        file[(page - 1) * PAGE..page * PAGE].fill(0xa7);
    }
    world.write("avow.db", &file);
    let report = world.audit();
    assert_eq!(report.findings.len(), 6);
    let last = report.findings.iter().find(|finding| finding.place == "4 more pages of the store").unwrap();
    assert_eq!(last.what, "16384 bytes that no row owns, in a free page");
}
