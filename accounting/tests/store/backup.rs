//! Backups: everything that lives comes back, nothing that was erased does, and whatever is wrong is told before anything is
//! touched.

use std::{
    cell::Cell,
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    sync::Arc,
};

use avow_accounting::{
    AccountRecord, Applied, BackedUp, Backup, BackupError, Evidence, MonthTotal, OpenError, Opening, Part, Progress,
    Restored, Restoring, SealedBlob, StoreError,
};
use avow_terms::{account::AccountId, amount::Bytes, payment::Payment, plan::Plan, private::Private, rules::Rules};

use crate::{
    records::{private, world as shipped_world},
    world::{NODE, World, account, at, batch, history, holds, open, permit},
};

const NOW: &str = "2026-11-25T12:00:00Z";
const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";

/// A store without its connection: what is on the disk.
struct Closed {
    dir: tempfile::TempDir,
    rules: Arc<Rules>,
}

impl World {
    fn backup(&self) -> PathBuf {
        self.dir.path().join("backup")
    }

    fn back_up(&self) -> BackedUp {
        self.store.back_up(&self.backup(), at(NOW), &|_| {}).unwrap()
    }

    fn close(self) -> Closed {
        Closed { dir: self.dir, rules: self.rules }
    }
}

impl Closed {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Restores at an instant; `replace` and `older` as told.
    fn restore(&self, now: &str, replace: bool, older: bool) -> Result<Restored, BackupError> {
        let (store, keys) = (self.path("avow.db"), self.path("keys"));
        let opening = Opening::new(&store, &keys);
        let versions = history(&[("2026-01-01T00:00Z", &self.rules)]);
        let restoring = Restoring { history: &versions, now: at(now), replace, older };
        Backup::read(&self.path("backup"))?.unlock(&opening)?.restore(&opening, &restoring, &|_| {})
    }

    fn lose_the_store(&self) {
        fs::remove_file(self.path("avow.db")).unwrap();
    }

    fn open(self) -> World {
        let store = open(self.dir.path()).unwrap();
        World { dir: self.dir, store, rules: self.rules }
    }

    fn look(&self) -> Vec<Part> {
        let (store, keys) = (self.path("avow.db"), self.path("keys"));
        let unlocked = Backup::read(&self.path("backup")).unwrap().unlock(&Opening::new(&store, &keys));
        unlocked.unwrap().look(&|_| {}).unwrap()
    }

    /// Every file, byte for byte.
    fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(self.dir.path())
    }
}

fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files(&path));
        } else {
            all.insert(path.clone(), fs::read(path).unwrap());
        }
    }
    all
}

/// Three accounts, two of which moved something in a month.
fn world() -> World {
    let mut world = World::keeping_totals("Until the end of the calendar month (UTC)");
    for number in [7, 8, 9] {
        world.add(account(number), SECRET, at(NOW));
    }
    world.count(&[(account(7), 500), (account(8), 600)], at(NOW));
    world
}

#[test]
fn everything_that_lives_comes_back_as_it_was() {
    let mut world = shipped_world("northgate");
    world.store.set_email(world.allowed(), account(7), &private("anna@mail.example")).unwrap();
    let plan = Plan { month_bytes: Some(Bytes(1 << 40)), ends: None, devices: Some(5) };
    world.store.set_plan(world.allowed(), account(7), &plan).unwrap();
    world.store.block(world.allowed(), account(8)).unwrap();
    let payments = [r#"{"id": "TX-778", "created": 1795608000}"#, r#"{"id": "TX-779", "created": 1795608000}"#];
    let payments = payments.map(|answer| Payment::read(answer).unwrap());
    for payment in &payments {
        world.store.add_payment(world.allowed(), account(7), payment).unwrap();
    }
    let blob = SealedBlob { account: account(8), blob: b"noise".to_vec() };
    world.store.add_sealed_sessions(world.allowed(), &[blob]).unwrap();
    let evidence = Evidence { version: 2, accepted: 10, digest: [7; 32] };
    world.store.keep_evidence(world.allowed(), &evidence).unwrap();
    world.count(&[(account(7), 500)], at(NOW));
    let done = world.back_up();
    assert_eq!((done.accounts, done.rows, done.buckets), (2, 8, 7));
    let kept = [7, 8].map(|number| world.store.kept(account(number)).unwrap());
    let hours = world.store.sealed_sessions().unwrap();

    let closed = world.close();
    closed.lose_the_store();
    let restored = closed.restore(NOW, false, false).unwrap();
    assert_eq!((restored.accounts, restored.rows, restored.buckets), (2, 8, 7));
    assert_eq!((restored.erased_accounts, restored.erased_rows, restored.erased_buckets), (0, 0, 0));
    let world = closed.open();
    assert_eq!(world.store.email(account(7)).unwrap().unwrap().expose(), "anna@mail.example");
    assert_eq!(world.store.plan(account(7)), Ok(Some(plan)));
    assert_eq!(world.store.blocked_accounts(), Ok(vec![account(8)]));
    assert_eq!(world.store.payments(account(7)), Ok(payments.to_vec()));
    assert_eq!(world.store.evidence(), Ok(vec![evidence]));
    assert_eq!(world.store.sealed_sessions().unwrap().len(), hours.len());
    assert_eq!([7, 8].map(|number| world.store.kept(account(number)).unwrap()), kept, "with their deadlines");
    assert_eq!(world.total(account(7), at(NOW)), 500);
    assert_eq!(world.store.account(account(8)).unwrap().unwrap().keys.expose(), b"keys");
}

#[test]
fn names_are_found_after_a_restore_and_passwords_open() {
    let mut world = shipped_world("lantern");
    world.store.set_username(world.allowed(), account(7), &private("Anna Blum")).unwrap();
    world.store.set_password(world.allowed(), account(7), &private("correct horse")).unwrap();
    world.back_up();
    let closed = world.close();
    closed.lose_the_store();
    closed.restore(NOW, false, false).unwrap();
    let world = closed.open();
    assert_eq!(world.store.account_of_username(&private("anna blum")), Ok(Some(account(7))));
    assert!(world.store.check_password(account(7), &private("correct horse")).unwrap());
}

#[test]
fn a_backup_names_nobody_and_is_open_to_its_owner_only() {
    let mut world = shipped_world("northgate");
    let number = 0x1234_5678;
    world.add(account(number), SECRET, at(NOW));
    world.store.set_email(world.allowed(), account(number), &private("anna@mail.example")).unwrap();
    world.count(&[(account(number), 0x5566_7788_99aa)], at(NOW));
    let done = world.back_up();
    let bytes = fs::read(world.backup()).unwrap();
    assert_eq!(done.bytes, bytes.len() as u64);
    let count = 0x5566_7788_99aa_u64.to_be_bytes();
    for value in [&number.to_be_bytes()[..], &number.to_le_bytes(), b"anna", SECRET, &count] {
        assert!(!holds(&bytes, value), "{value:?}");
    }
    assert!(holds(&bytes, b"email_202611_v1"), "what buckets there are is in the clear");
    for key in files(&world.dir.path().join("keys")).values() {
        assert!(key.chunks(64).skip(1).all(|slot| !holds(&bytes, &slot[4..36])), "no key is in it");
    }
    assert_eq!(fs::metadata(world.backup()).unwrap().permissions().mode() & 0o777, 0o600);
    let again = world.store.back_up(&world.backup(), at(NOW), &|_| {});
    assert!(matches!(again, Err(BackupError::Exists { .. })));
    assert_eq!(fs::read(world.backup()).unwrap(), bytes, "what is there is never written over");
    assert!(!world.dir.path().join("backup.new").exists());
    let nowhere = world.store.back_up(&world.dir.path().join("no/where"), at(NOW), &|_| {}).unwrap_err();
    assert!(nowhere.to_string().ends_with("no/where.new`: there is no such file or directory"), "{nowhere}");
}

#[test]
fn an_account_that_was_forgotten_since_stays_forgotten() {
    let mut world = world();
    world.back_up();
    let before = fs::read(world.backup()).unwrap();
    world.store.remove_account(account(8)).unwrap();
    let closed = world.close();
    let parts = closed.look();
    assert_eq!(parts.iter().map(|part| (part.rows, part.erased)).collect::<Vec<_>>(), [(2, 1), (1, 1)]);
    closed.lose_the_store();
    let restored = closed.restore(NOW, false, false).unwrap();
    assert_eq!((restored.accounts, restored.erased_accounts, restored.erased_rows), (2, 1, 1));
    let mut world = closed.open();
    assert!(world.store.account(account(8)).unwrap().is_none());
    assert_eq!([7, 8].map(|number| world.total(account(number), at(NOW))), [500, 0]);
    assert_eq!(fs::read(world.backup()).unwrap(), before, "the backup itself was never touched");
    // The number may be drawn again: another account never gets what the one before had.
    world.add(account(8), b"other", at(NOW));
    let closed = world.close();
    assert!(matches!(closed.restore(NOW, true, false), Err(BackupError::NewerAccounts { count: 1 })));
    assert_eq!(closed.restore(NOW, true, true).unwrap().erased_accounts, 1);
    assert!(closed.open().store.account(account(8)).unwrap().is_none());
}

#[test]
fn a_month_that_ended_since_stays_erased_and_one_that_is_due_is_swept_before_anybody_sees_it() {
    let mut world = world();
    world.back_up();
    let rules = world.rules.clone();
    world.store.sweep(&history(&[("2026-01-01T00:00Z", &rules)]), at("2026-12-01T00:00:00Z")).unwrap();
    let closed = world.close();
    assert_eq!(closed.look().iter().map(|part| part.opens).collect::<Vec<_>>(), [true, false]);
    let restored = closed.restore("2026-12-01T00:00:00Z", true, false).unwrap();
    assert_eq!((restored.buckets, restored.erased_buckets, restored.swept.buckets), (0, 1, 0));
    let world = closed.open();
    assert_eq!(world.total(account(7), at(NOW)), 0);

    // The same without a sweep in between: the key is still there.
    let world = self::world();
    world.back_up();
    let closed = world.close();
    closed.lose_the_store();
    let restored = closed.restore("2026-12-01T00:00:00Z", false, false).unwrap();
    assert_eq!((restored.buckets, restored.rows, restored.swept.buckets, restored.swept.rows), (0, 0, 1, 2));
    assert!(!closed.path("keys/month_total_202611_v1.key").exists(), "its key went with it");
    assert_eq!(closed.look().iter().map(|part| part.opens).collect::<Vec<_>>(), [true, false]);
    assert_eq!(closed.open().total(account(7), at(NOW)), 0);
}

#[test]
fn a_bucket_that_was_begun_anew_under_its_name_opens_no_older_backup() {
    let mut world = World::keeping_totals("1 day after it was recorded");
    world.add(account(7), SECRET, at(NOW));
    world.count(&[(account(7), 5)], at(NOW));
    world.back_up();
    world.count(&[(account(7), 6)], at("2026-11-27T11:00:00Z"));
    let closed = world.close();
    assert_eq!(closed.look().iter().map(|part| part.opens).collect::<Vec<_>>(), [true, false]);
    let restored = closed.restore("2026-11-27T11:00:00Z", true, false).unwrap();
    assert_eq!((restored.buckets, restored.erased_buckets), (0, 1));
    assert_eq!(closed.open().total(account(7), at(NOW)), 0);
}

#[test]
fn nothing_is_counted_twice_after_a_restore() {
    let mut world = world();
    let before = world.store.cursor(NODE).unwrap().unwrap();
    world.back_up();
    world.count(&[(account(7), 40)], at(NOW));
    let closed = world.close();
    let restored = closed.restore("2026-11-25T12:01:00Z", true, false).unwrap();
    assert_eq!(restored.accounts, 3);
    let mut world = closed.open();
    assert_eq!(world.total(account(7), at(NOW)), 500, "what was counted after the backup is lost");
    let cursor = world.store.cursor(NODE).unwrap().unwrap();
    assert_eq!((cursor.epoch > before.epoch + 1_000_000, cursor.seq), (true, 0));
    // Whatever the node sent before, or sends again: it belongs to a life that is over.
    for (epoch, seq) in [(before.epoch, before.seq), (before.epoch, before.seq + 1), (before.epoch, before.seq + 2)] {
        let permit = world.permit::<MonthTotal>(at(NOW));
        let again = world.store.add_traffic(permit, &batch(epoch, seq, &[(account(7), 40)]));
        assert_eq!(again, Err(StoreError::Fenced));
    }
    let begun = world.store.begin_epoch(NODE).unwrap();
    let permit = world.permit::<MonthTotal>(at(NOW));
    let next = world.store.add_traffic(permit, &batch(begun.epoch, 1, &[(account(7), 1)]));
    assert_eq!(next, Ok(Applied::Written));
    assert_eq!(world.total(account(7), at(NOW)), 501);
    // A second restore of the same backup gives the same.
    let closed = world.close();
    closed.restore("2026-11-25T12:02:00Z", true, false).unwrap();
    let world = closed.open();
    assert_eq!(world.total(account(7), at(NOW)), 500);
    assert!(world.store.cursor(NODE).unwrap().unwrap().epoch > begun.epoch, "its lives are fenced too");
}

#[test]
fn a_store_that_is_there_is_left_unless_it_is_to_be_replaced() {
    let mut world = world();
    world.back_up();
    world.store.remove_account(account(7)).unwrap();
    let closed = world.close();
    let before = closed.files();
    assert!(matches!(closed.restore(NOW, false, true), Err(BackupError::StoreExists { .. })));
    assert_eq!(closed.files(), before);
    // An account that the backup does not know would lose its key: that is said before.
    let mut world = closed.open();
    world.add(account(11), SECRET, at(NOW));
    let closed = world.close();
    let before = closed.files();
    assert!(matches!(closed.restore(NOW, true, false), Err(BackupError::NewerAccounts { count: 1 })));
    assert_eq!(closed.files(), before, "and nothing is left behind");
    let restored = closed.restore(NOW, true, true).unwrap();
    assert_eq!((restored.accounts, restored.lost_accounts, restored.erased_accounts), (2, 1, 1));
    let register = fs::read(closed.path("keys/accounts.key")).unwrap();
    assert!(!holds(&register, &11_u32.to_be_bytes()), "the key of what is lost is destroyed");
    assert_eq!(fs::read_dir(closed.dir.path()).unwrap().count(), 3, "the store, its keys, the backup");
}

#[test]
fn whatever_is_wrong_with_a_backup_is_told_and_nothing_is_touched() {
    let world = world();
    world.back_up();
    let closed = world.close();
    closed.lose_the_store();
    let whole = fs::read(closed.path("backup")).unwrap();
    let before = closed.files();
    let refused = |bytes: &[u8]| {
        fs::write(closed.path("backup"), bytes).unwrap();
        let refused = closed.restore(NOW, false, false).unwrap_err();
        fs::write(closed.path("backup"), &whole).unwrap();
        assert_eq!(closed.files(), before, "{refused}");
        refused
    };
    for at in (0..whole.len()).step_by(7).chain([16, whole.len() - 1]) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        let error = refused(&flipped);
        let told = matches!(error, BackupError::Damaged { .. })
            || at < 16 && matches!(error, BackupError::NotABackup { .. } | BackupError::Newer { .. });
        assert!(told, "byte {at}: {error}");
    }
    for length in (1..whole.len()).step_by(11) {
        assert!(matches!(refused(&whole[..length]), BackupError::Damaged { .. }), "{length} bytes");
    }
    assert!(matches!(refused(&[whole.as_slice(), b"x"].concat()), BackupError::Damaged { .. }));
    assert!(matches!(refused(b""), BackupError::NotABackup { .. }));
    assert!(matches!(refused(b"SQLite format 3\0"), BackupError::NotABackup { .. }));
    let newer = [b"avow backup 2\n\0\0".as_slice(), &whole[16..]].concat();
    assert!(matches!(refused(&newer), BackupError::Newer { .. }));
    // Whoever has no key can compute the digest anew, and not what stands behind it.
    let mut forged = whole.clone();
    forged[20] ^= 1;
    let end = forged.len() - 64;
    let digest = digest_of(&forged[..end]);
    forged[end..end + 32].copy_from_slice(&digest);
    assert!(matches!(refused(&forged), BackupError::Damaged { .. }));
    assert!(closed.restore(NOW, false, false).is_ok(), "the whole one is taken");
}

fn digest_of(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref().to_vec()
}

#[test]
fn without_its_keys_a_backup_opens_for_nobody() {
    let mut world = world();
    world.back_up();
    world.store.rotate_keys(&|_| ()).unwrap();
    let closed = world.close();
    let before = closed.files();
    let rotated = closed.restore(NOW, true, true).unwrap_err();
    assert!(matches!(rotated, BackupError::OtherKeys { .. }), "{rotated}");
    assert_eq!(closed.files(), before);
    let other = self::world().close();
    fs::copy(closed.path("backup"), other.path("backup")).unwrap();
    assert!(matches!(other.restore(NOW, true, true), Err(BackupError::OtherKeys { .. })));
    fs::remove_file(closed.path("keys/accounts.key")).unwrap();
    let missing = closed.restore(NOW, true, true).unwrap_err();
    assert!(matches!(missing, BackupError::Open(OpenError::KeyMissing { .. })), "{missing}");
}

#[test]
fn what_an_interrupted_restore_left_is_destroyed_and_it_can_be_repeated() {
    let world = world();
    world.back_up();
    let closed = world.close();
    // As if it had stopped between the two steps: the store is away, its log and the new one are still there.
    fs::rename(closed.path("avow.db"), closed.path("avow.db-replaced")).unwrap();
    for left in ["avow.db-restoring", "avow.db-restoring-wal", "avow.db-wal", "avow.db-shm"] {
        fs::write(closed.path(left), "left").unwrap();
    }
    assert!(matches!(open(closed.dir.path()), Err(OpenError::KeysOfAnother { .. })), "no new store takes its place");
    closed.restore(NOW, false, false).unwrap();
    assert_eq!(fs::read_dir(closed.dir.path()).unwrap().count(), 3);
    // As if it had stopped after the last step.
    fs::write(closed.path("avow.db-replaced"), "left").unwrap();
    let world = closed.open();
    assert!(!world.dir.path().join("avow.db-replaced").exists());
    assert_eq!(world.total(account(7), at(NOW)), 500);
}

#[test]
fn writing_restoring_sweeping_and_forgetting_tell_how_far_they_have_got() {
    let told = Cell::new(Vec::new());
    let listener = |progress: Progress| {
        let mut all = told.take();
        all.push(progress);
        told.set(all);
    };
    #[track_caller]
    fn ended(told: &Cell<Vec<Progress>>, doing: &str) {
        let all = told.take();
        let of: Vec<_> = all.iter().filter(|progress| progress.doing == doing).collect();
        assert!(of.last().is_some_and(|last| last.done == last.of), "{doing}: {all:?}");
    }
    let mut world = World::keeping_totals("Until the end of the calendar month (UTC)");
    let accounts: Vec<AccountId> = (1..=20_000).map(account).collect();
    let new = accounts.iter().map(|&number| avow_accounting::NewAccount { number, keys: Private::new(vec![0; 300]) });
    let allowed = permit::<AccountRecord>(&world.rules, at(NOW));
    world.store.add_accounts(allowed, &new.collect::<Vec<_>>()).unwrap();
    let counts: Vec<_> = accounts.iter().map(|&number| (number, 5)).collect();
    world.count(&counts, at(NOW));
    world.store.back_up(&world.backup(), at(NOW), &listener).unwrap();
    ended(&told, "writing the backup");
    let versions = history(&[("2026-01-01T00:00Z", &world.rules.clone())]);
    world.store.remove_account_telling(account(5), &listener).unwrap();
    ended(&told, "wiping what no row owns");
    world.store.sweep_telling(&versions, at("2026-12-01T00:00:00Z"), &listener).unwrap();
    ended(&told, "erasing what is due, bucket by bucket");
    let closed = world.close();
    let (store, keys) = (closed.path("avow.db"), closed.path("keys"));
    let opening = Opening::new(&store, &keys);
    let restoring = Restoring { history: &versions, now: at(NOW), replace: true, older: false };
    let unlocked = Backup::read(&closed.path("backup")).unwrap().unlock(&opening).unwrap();
    unlocked.restore(&opening, &restoring, &listener).unwrap();
    ended(&told, "reading the backup, in MiB");
    assert_eq!(closed.open().store.accounts().unwrap().len(), 19_999);
}
