//! What a store does when it is opened: with nothing there, with itself there, and with something else there.

use std::{
    env, fs,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::Command,
};

use avow_accounting::{OpenError, Reader, Store};
use rusqlite::Connection;
use tempfile::TempDir;

struct Place {
    dir: TempDir,
}

impl Place {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn store(&self) -> PathBuf {
        self.dir.path().join("avow.db")
    }

    fn keys(&self) -> PathBuf {
        self.dir.path().join("keys")
    }

    fn key(&self) -> PathBuf {
        self.keys().join("accounts.key")
    }

    fn open(&self) -> Result<Store, OpenError> {
        Store::open(&self.store(), &self.keys())
    }

    /// A place with a store in it, closed.
    fn with_store() -> Self {
        let place = Self::new();
        drop(place.open().unwrap());
        place
    }

    /// Changes the closed store behind Avow's back.
    fn tamper(&self, sql: &str) {
        Connection::open(self.store()).unwrap().execute_batch(sql).unwrap();
    }

    /// Every file under the directory, with its bytes.
    fn files(&self) -> Vec<(PathBuf, Vec<u8>)> {
        let mut files = Vec::new();
        let mut directories = vec![self.dir.path().to_owned()];
        while let Some(directory) = directories.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    directories.push(path);
                } else {
                    files.push((path.clone(), fs::read(path).unwrap()));
                }
            }
        }
        files.sort();
        files
    }

    /// Opening is refused in these words (`DIR` stands for the directory), and every file stays as it is.
    fn refuses(&self, expected: &str) {
        let before = self.files();
        let error = self.open().unwrap_err().to_string();
        assert_eq!(error.replace(&self.dir.path().display().to_string(), "DIR"), expected);
        assert!(self.files() == before, "a refused store was changed");
        assert!(Reader::open(&self.store(), &self.keys()).is_err());
        assert!(self.files() == before, "a refused store was changed by looking at it");
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_new_store_is_for_its_owner_only() {
    let place = Place::new();
    let store = place.open().unwrap();
    assert_eq!(format!("{store:?}"), "Store");
    assert_eq!([mode(&place.store()), mode(&place.keys()), mode(&place.key())], [0o600, 0o700, 0o600]);
    assert_eq!(mode(&place.dir.path().join("avow.db-wal")), 0o600);
    drop(store);
    let names: Vec<_> = place.files().into_iter().map(|(path, _)| path).collect();
    assert_eq!(names, [place.store(), place.key()]);
}

#[test]
fn a_store_opens_again_and_nothing_changes() {
    let place = Place::with_store();
    let before = place.files();
    drop(place.open().unwrap());
    drop(Reader::open(&place.store(), &place.keys()).unwrap());
    assert!(place.files() == before);
}

#[test]
fn an_empty_file_becomes_a_store() {
    let place = Place::new();
    fs::write(place.store(), "").unwrap();
    drop(place.open().unwrap());
    drop(place.open().unwrap());
}

#[test]
fn a_reader_sees_what_another_writes_and_makes_no_store() {
    let place = Place::new();
    let error = Reader::open(&place.store(), &place.keys()).unwrap_err();
    assert!(matches!(error, OpenError::File { .. }), "{error}");
    assert_eq!(place.files(), []);
    let mut store = place.open().unwrap();
    let reader = Reader::open(&place.store(), &place.keys()).unwrap();
    assert_eq!(reader.cursor(1).unwrap(), None);
    let begun = store.begin_epoch(1).unwrap();
    assert_eq!(reader.cursor(1).unwrap(), Some(begun));
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let words = "`DIR/avow.db` is not a store of Avow: move it away, or name another data directory";
    for content in ["Dear diary".to_owned(), "x".repeat(10_000)] {
        let place = Place::new();
        fs::write(place.store(), content).unwrap();
        place.refuses(words);
    }
    for sql in ["CREATE TABLE t (x)", "PRAGMA user_version = 1", "PRAGMA application_id = 7; CREATE TABLE t (x)"] {
        let place = Place::new();
        place.tamper(sql);
        place.refuses(words);
    }
}

#[test]
fn a_store_of_a_newer_schema_is_refused() {
    let place = Place::with_store();
    place.tamper("PRAGMA user_version = 7");
    place.refuses(
        "`DIR/avow.db` was written by a newer Avow (schema 7, this one knows 2): use that version, or restore a backup",
    );
}

#[test]
fn every_difference_from_the_inventory_is_refused() {
    for (sql, difference) in [
        ("ALTER TABLE account ADD COLUMN ip TEXT", "the table `account` has other columns"),
        ("CREATE TABLE note (text TEXT)", "the table `note` is not declared"),
        ("CREATE INDEX by_time ON account (recorded)", "the index `by_time` is not declared"),
        ("CREATE VIEW v AS SELECT 1", "the view `v` is not declared"),
        ("CREATE TRIGGER t AFTER DELETE ON account BEGIN SELECT 1; END", "the trigger `t` is not declared"),
        ("DROP TABLE node", "the table `node` is missing"),
        (
            "CREATE TABLE month_total_202610_v1 (account INTEGER PRIMARY KEY, bytes INTEGER)",
            "the table `month_total_202610_v1` is not declared",
        ),
        (
            "INSERT INTO bucket (name, opened) VALUES ('month_total_202610_v1', 0)",
            "the table `month_total_202610_v1` is missing",
        ),
        (
            "INSERT INTO bucket (name, opened) VALUES ('month_total_202613_v1', 0)",
            "a bucket has a name that no bucket can have",
        ),
    ] {
        let place = Place::with_store();
        place.tamper(sql);
        place.refuses(&format!(
            "`DIR/avow.db` does not hold what this Avow declares: {difference}; nothing was changed: restore a backup"
        ));
    }
}

#[test]
fn a_store_whose_keys_are_missing_is_refused() {
    let place = Place::with_store();
    fs::remove_file(place.key()).unwrap();
    place.refuses(
        "`DIR/keys/accounts.key` is missing, and what is sealed with it opens with nothing else: put it back from a copy",
    );
}

#[test]
fn keys_that_are_none_or_anothers_are_refused() {
    let place = Place::with_store();
    let right = fs::read(place.key()).unwrap();
    fs::write(place.key(), [7; 31]).unwrap();
    place.refuses(
        "`DIR/keys/accounts.key` is not a file of keys, or not a whole one: put the right one back from a copy",
    );
    let other = Place::with_store();
    fs::copy(other.key(), place.key()).unwrap();
    place.refuses(
        "`DIR/keys/accounts.key` is not the key that `DIR/avow.db` is sealed with: put the right one back from a copy",
    );
    fs::write(place.key(), right).unwrap();
    fs::set_permissions(place.key(), fs::Permissions::from_mode(0o640)).unwrap();
    place.refuses("`DIR/keys/accounts.key` is open to other users: `chmod 600` it");
}

#[test]
fn a_key_that_is_left_over_is_used_and_never_replaced() {
    let place = Place::with_store();
    let key = fs::read(place.key()).unwrap();
    fs::remove_file(place.store()).unwrap();
    drop(place.open().unwrap());
    assert_eq!(fs::read(place.key()).unwrap(), key);
}

#[test]
fn a_file_of_another_page_size_is_refused() {
    let place = Place::with_store();
    place.tamper("PRAGMA journal_mode = DELETE; PRAGMA page_size = 8192; VACUUM");
    place.refuses("`DIR/avow.db`: the setting `page_size` is `8192` and must be `4096`: restore a backup");
}

#[test]
fn a_crashed_store_that_is_refused_keeps_its_log() {
    let place = Place::with_store();
    let crashed = Place::new();
    let writer = Connection::open(place.store()).unwrap();
    writer.execute_batch("CREATE TABLE note (text TEXT)").unwrap();
    fs::create_dir(crashed.keys()).unwrap();
    for name in ["avow.db", "avow.db-wal", "keys/accounts.key"] {
        fs::copy(place.dir.path().join(name), crashed.dir.path().join(name)).unwrap();
    }
    let before = [fs::read(crashed.store()).unwrap(), fs::read(crashed.dir.path().join("avow.db-wal")).unwrap()];
    assert!(!before[1].is_empty());
    assert!(matches!(crashed.open().unwrap_err(), OpenError::Schema { .. }));
    let after = [fs::read(crashed.store()).unwrap(), fs::read(crashed.dir.path().join("avow.db-wal")).unwrap()];
    assert!(before == after);
}

#[test]
fn the_log_of_a_crash_is_moved_into_the_file_before_anything_is_added_to_it() {
    let place = Place::with_store();
    let crashed = Place::new();
    let mut writer = place.open().unwrap();
    let begun = writer.begin_epoch(1).unwrap();
    fs::create_dir(crashed.keys()).unwrap();
    for name in ["avow.db", "avow.db-wal", "keys/accounts.key"] {
        fs::copy(place.dir.path().join(name), crashed.dir.path().join(name)).unwrap();
    }
    let log = crashed.dir.path().join("avow.db-wal");
    assert!(fs::metadata(&log).unwrap().len() > 0, "there is no log to move");
    let store = crashed.open().unwrap();
    assert_eq!(fs::metadata(&log).unwrap().len(), 0);
    assert_eq!(store.cursor(1).unwrap(), Some(begun));
}

#[test]
fn a_damaged_store_is_refused_and_so_is_one_that_was_cut() {
    let place = Place::with_store();
    let whole = fs::read(place.store()).unwrap();
    let mut damaged = whole.clone();
    damaged[2 * 4096..2 * 4096 + 64].fill(0xA5);
    for content in [&damaged[..], &whole[..whole.len() - 4096]] {
        fs::write(place.store(), content).unwrap();
        let before = place.files();
        assert!(matches!(place.open().unwrap_err(), OpenError::Damaged { .. }));
        assert!(place.files() == before);
    }
}

/// Where the test below tells itself, run again as somebody without rights, which directory to try.
const UNWRITABLE: &str = "AVOW_TEST_UNWRITABLE";
const NOBODY: u32 = 65_534;

/// Root may write everywhere, so the test runs itself again as nobody.
#[test]
fn a_directory_that_cannot_be_written_is_named() {
    if let Some(dir) = env::var_os(UNWRITABLE) {
        let dir = PathBuf::from(dir);
        let error = Store::open(&dir.join("avow.db"), &dir.join("keys")).unwrap_err().to_string();
        let expected = format!("cannot make `{}`: Permission denied (os error 13)", dir.join("avow.db").display());
        assert_eq!(error, expected);
        return;
    }
    let place = Place::new();
    fs::set_permissions(place.dir.path(), fs::Permissions::from_mode(0o555)).unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    fs::set_permissions(elsewhere.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = elsewhere.path().join("opening");
    fs::copy(env::current_exe().unwrap(), &program).unwrap();
    let mut again = Command::new(program);
    again.args(["--exact", "opening::a_directory_that_cannot_be_written_is_named"]);
    again.env(UNWRITABLE, place.dir.path()).current_dir("/");
    if fs::metadata("/proc/self").unwrap().uid() == 0 {
        again.uid(NOBODY).gid(NOBODY);
    }
    let output = again.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    assert_eq!(place.files(), []);
}
