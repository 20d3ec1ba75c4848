//! Crafted and torn files: whatever stands in them, the parser comes to an end and answers, and the audit gives a
//! finding or says that it could not run.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::{fs, path::Path};

use avow_audit::{Question, audit, unowned};
use proptest::{collection::vec, prelude::*, sample::Index};
use rusqlite::{Connection, OpenFlags};

/// A file and its log.
#[derive(Debug, Clone)]
struct Files {
    page_size: usize,
    file: Vec<u8>,
    log: Vec<u8>,
}

/// A database with trees of several pages, long values, free pages, and changes that are in the log only.
fn files(page_size: usize) -> Files {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("a.db");
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags(&path, flags).unwrap();
    connection
        .execute_batch(&format!(
            "PRAGMA page_size = {page_size}; PRAGMA application_id = 1096175447; PRAGMA user_version = 1;
             PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
             CREATE TABLE a (k INTEGER PRIMARY KEY, v TEXT) STRICT, WITHOUT ROWID;
             CREATE TABLE b (k INTEGER PRIMARY KEY, v TEXT) STRICT;
             CREATE TABLE c (v BLOB);
             WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n WHERE k < 300)
             INSERT INTO a SELECT k, printf('%0*d', k % 90, k) FROM n;
             INSERT INTO b SELECT * FROM a; INSERT INTO c SELECT zeroblob(k * 20) FROM a WHERE k % 9 = 0;
             DELETE FROM c WHERE rowid % 3 = 0; DELETE FROM a WHERE k % 4 = 0;
             PRAGMA wal_checkpoint(TRUNCATE); UPDATE a SET v = 'x' WHERE k % 7 = 0; DELETE FROM b WHERE k < 200"
        ))
        .unwrap();
    let log = fs::read(dir.path().join("a.db-wal")).unwrap();
    Files { page_size, file: fs::read(&path).unwrap(), log }
}

/// One change: of a byte anywhere, or of one near the beginning of a page, where the numbers stand that lead elsewhere.
fn change() -> impl Strategy<Value = (bool, bool, Index, usize, u8)> {
    let byte = prop_oneof![Just(0), Just(1), Just(2), Just(5), Just(10), Just(13), Just(0xff), any::<u8>()];
    (any::<bool>(), any::<bool>(), any::<Index>(), 0..24_usize, byte)
}

fn changed(mut files: Files, changes: &[(bool, bool, Index, usize, u8)], cut: Option<Index>) -> Files {
    for (in_log, at_head, index, offset, byte) in changes {
        let page_size = files.page_size;
        let (bytes, step) = if *in_log { (&mut files.log, page_size + 24) } else { (&mut files.file, page_size) };
        let at = if *at_head { index.index(bytes.len() / step) * step + offset } else { index.index(bytes.len()) };
        if let Some(place) = bytes.get_mut(at) {
            *place = *byte;
        }
    }
    if let Some(cut) = cut {
        files.file.truncate(cut.index(files.file.len()));
    }
    files
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, max_shrink_iters: 50, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_parser_that_is_given_anything_comes_to_an_end(
        size in prop_oneof![Just(512_usize), Just(1024), Just(4096)],
        changes in vec(change(), 1..12),
        cut in proptest::option::weighted(0.1, any::<Index>()),
    ) {
        thread_local! {
            static MADE: std::cell::RefCell<Vec<Files>> = const { std::cell::RefCell::new(Vec::new()) };
        }
        let files = MADE.with_borrow_mut(|made| {
            if let Some(files) = made.iter().find(|files| files.page_size == size) {
                return files.clone();
            }
            made.push(files(size));
            made[made.len() - 1].clone()
        });
        let files = changed(files, &changes, cut);
        let all = files.file.len() + files.log.len();
        if let Some(found) = unowned(files.file, &files.log) {
            prop_assert!(found.iter().all(|one| usize::try_from(one.count).unwrap() <= all));
        }
    }

    #[test]
    fn a_parser_that_is_given_noise_comes_to_an_end(mut noise in vec(any::<u8>(), 0..9000), size in 0..8_u32) {
        if let Some(head) = noise.get_mut(16..24) {
            head.copy_from_slice(&[0, 0, 1, 1, 0, 64, 32, 32]);
            let size = u16::try_from((512_u32 << size) & 0xffff).unwrap().max(1);
            head[..2].copy_from_slice(&size.to_be_bytes());
        }
        for bytes in noise.chunks_mut(512) {
            bytes[0] = [2, 5, 10, 13][usize::from(bytes[0] % 4)];
        }
        let _ = unowned(noise.clone(), &noise);
    }
}

#[test]
fn an_audit_of_a_torn_file_gives_findings_or_says_that_it_could_not_run() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("avow.db");
    let files = files(4096);
    let now = "2026-11-22T04:00:00Z".parse().unwrap();
    let asked = |path: &Path| {
        audit(&Question { store: path, history_dir: None, keys: None, inventory: &[], now })
            .map(|report| report.exit_code())
    };
    for at in (0..files.file.len()).step_by(4096 / 3) {
        let mut torn = files.file.clone();
        torn[at..(at + 40).min(files.file.len())].fill(0x5a);
        #[expect(clippy::disallowed_methods, reason = "the test makes what the audit reads")]
        fs::write(&path, &torn).unwrap();
        assert!(matches!(asked(&path), Ok(1) | Err(_)));
    }
}
