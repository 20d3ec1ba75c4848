//! Backups: what is wrong with one is found without a key, and what outlives its deadline is found with them.

use std::{fs, path::PathBuf};

use avow_accounting::{Backup, INVENTORY, Opening};
use avow_audit::{BackupQuestion, BackupReport, CouldNotRun, Finding, Opens, audit_backup};
use proptest::{collection::vec, prelude::*, sample::Index};
use sha2::{Digest, Sha256};

use crate::world::{NOW, World, at};

impl World {
    fn backup(&self) -> PathBuf {
        self.dir.path().join("backup")
    }

    fn back_up(&self) -> Vec<u8> {
        self.open().back_up(&self.backup(), at(NOW), &|_| {}).unwrap();
        fs::read(self.backup()).unwrap()
    }

    /// What the keys of this world open.
    fn opens(&self) -> Vec<Opens> {
        let (store, keys) = (self.store(), self.dir.path().join("keys"));
        let unlocked = Backup::read(&self.backup()).unwrap().unlock(&Opening::new(&store, &keys));
        let parts = unlocked.unwrap().look(&|_| {}).unwrap();
        let of = |part: avow_accounting::Part| Opens {
            name: part.name,
            recorded: part.opened,
            rows: part.rows as u64,
            erased: part.erased as u64,
        };
        parts.into_iter().filter(|part| part.opens).map(of).collect()
    }

    fn look(&self, opens: Option<&[Opens]>, now: &str) -> Result<BackupReport, CouldNotRun> {
        let (file, store) = (self.backup(), self.store());
        let store = store.exists().then_some(store.as_path());
        audit_backup(&BackupQuestion { file: &file, store, inventory: INVENTORY, now: at(now), opens })
    }
}

fn told(report: &BackupReport) -> Vec<String> {
    let clause = |finding: &Finding| finding.clause.map_or_else(String::new, |clause| format!(" {clause}"));
    report.findings.iter().map(|finding| format!("{}{} {}", finding.check, clause(finding), finding.place)).collect()
}

/// Writes the digest anew, as whoever changes a backup can.
fn signed(mut bytes: Vec<u8>) -> Vec<u8> {
    let end = bytes.len() - 64;
    let digest = Sha256::digest(&bytes[..end]);
    bytes[end..end + 32].copy_from_slice(&digest);
    bytes
}

fn find(bytes: &[u8], needle: &[u8]) -> usize {
    bytes.windows(needle.len()).position(|window| window == needle).unwrap()
}

#[test]
fn a_backup_as_it_is_written_is_without_a_finding_and_says_what_it_holds() {
    let world = World::trial();
    world.publish(crate::world::NORTHGATE, NOW);
    world.back_up();
    let report = world.look(Some(&world.opens()), NOW).unwrap();
    assert_eq!((told(&report), report.exit_code()), (vec![], 0));
    assert_eq!((report.versions, report.policy.as_str(), report.made), (1, "northgate", at(NOW)));
    let parts: Vec<_> = report.parts.iter().map(|part| (part.name.as_str(), part.rows, part.opens)).collect();
    assert_eq!(parts, [("account", Some(3), Some(true)), ("month_total_202611_v0", Some(2), Some(true))]);
    assert_eq!(report.parts[1].due, Some(at("2026-12-01T00:00:00Z")));
    // Without the store the policy of the backup governs; without the keys nobody knows what opens.
    world.remove_store();
    let alone = world.look(None, NOW).unwrap();
    assert_eq!((told(&alone), alone.exit_code(), alone.policy.as_str()), (vec![], 3, "northgate"));
    let dead = world.look(Some(&[]), NOW).unwrap();
    assert_eq!((dead.exit_code(), dead.parts[0].opens), (0, Some(false)));
}

#[test]
fn a_bucket_that_is_due_and_still_opens_is_found() {
    let world = World::trial();
    world.back_up();
    let opens = world.opens();
    assert_eq!(told(&world.look(Some(&opens), "2026-11-30T23:59:59Z").unwrap()), Vec::<String>::new());
    let late = world.look(Some(&opens), "2026-12-01T00:00:00Z").unwrap();
    assert_eq!(told(&late), ["backup.overdue S3 month_total_202611_v0"]);
    world.sweep("2026-12-01T00:00:00Z");
    let swept = world.look(Some(&world.opens()), "2026-12-01T00:00:00Z").unwrap();
    assert_eq!((told(&swept), swept.parts[1].opens), (vec![], Some(false)));
}

#[test]
fn bytes_that_belong_to_no_part_are_found() {
    let world = World::trial();
    let whole = world.back_up();
    let opens = world.opens();
    let check = |bytes: Vec<u8>, expected: &str| {
        #[expect(clippy::disallowed_methods, reason = "the test plants what the audit must find")]
        fs::write(world.backup(), bytes).unwrap();
        let report = world.look(Some(&opens), NOW).unwrap();
        assert!(told(&report).iter().any(|told| told.starts_with(expected)), "{expected}: {:?}", told(&report));
        assert_eq!(report.exit_code(), 1);
    };
    let end = whole.len() - 64;
    let with = |at: usize, more: &[u8]| {
        let mut bytes = whole.clone();
        bytes.splice(at..at, more.iter().copied());
        bytes
    };
    check(with(end, b"x"), "backup.digest");
    check(signed(with(end, b"192.0.2.7")), &format!("backup.bytes S0 from byte {end} of"));
    // A block that is longer than a block can be, a part that is no table, and one that is not counted.
    let block = find(&whole, b"month_total_202611_v0") + 21;
    let mut longer = with(block + 4, b"x");
    longer[block + 3] += 1;
    check(signed(longer), "backup.bytes S0");
    let mut renamed = whole.clone();
    renamed[block - 21..block - 10].copy_from_slice(b"visitor_log");
    check(signed(renamed), "backup.part S0 visitor_log_202611_v0");
    check(signed([&whole[..end], &whole[block - 25..]].concat()), "backup.bytes S0");
    check(signed([&whole[..end - 1], &whole[end..]].concat()), "backup.bytes S0");
}

#[test]
fn what_is_no_backup_is_not_audited() {
    let world = World::trial();
    for other in [b"".as_slice(), b"avow backup 1\n\0", b"avow backup 2\n\0\0aaaaaaaaaaaaaaaaaaaaaa", &[0; 300]] {
        #[expect(clippy::disallowed_methods, reason = "the test plants what the audit must find")]
        fs::write(world.backup(), other).unwrap();
        assert!(matches!(world.look(None, NOW), Err(CouldNotRun::NotABackup(_))));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]
    #[test]
    fn whatever_stands_in_a_backup_both_readers_come_to_an_end(
        changes in vec((any::<Index>(), any::<u8>()), 0..6),
        cut in proptest::option::of(any::<Index>()),
        sign in any::<bool>(),
    ) {
        let world = World::trial();
        let whole = world.back_up();
        let mut bytes = whole.clone();
        for (at, byte) in &changes {
            let at = at.index(bytes.len());
            bytes[at] = *byte;
        }
        bytes.truncate(cut.map_or(bytes.len(), |cut| cut.index(whole.len())));
        if sign && bytes.len() > 64 {
            bytes = signed(bytes);
        }
        #[expect(clippy::disallowed_methods, reason = "the test plants what the audit must find")]
        fs::write(world.backup(), &bytes).unwrap();
        let looked = world.look(Some(&[]), NOW);
        let (store, keys) = (world.store(), world.dir.path().join("keys"));
        let read = Backup::read(&world.backup()).and_then(|backup| backup.unlock(&Opening::new(&store, &keys)));
        if bytes == whole {
            prop_assert!(read.is_ok() && looked.unwrap().findings.is_empty());
        } else {
            // Where the digest was written anew, only the keys' owner can tell that it was changed.
            prop_assert!(read.is_err());
            prop_assert!(sign || looked.map_or(true, |report| report.exit_code() == 1));
        }
    }
}
