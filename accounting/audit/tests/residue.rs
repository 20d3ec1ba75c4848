//! What was erased is nowhere: random databases under the store's own settings, changed at random, then scrubbed.
//!
//! After the scrub no erased text stands in the file, its log, its index, a copy or a temporary file; the audit's parser,
//! which knows nothing of the scrubber, finds no byte without an owner; and what lives is as it was.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, clippy::print_stdout, reason = "tests")]

use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use avow_accounting::scrub;
use avow_audit::{Unowned, unowned};
use rusqlite::{Connection, OpenFlags, params, types::Value};

/// The settings of the store, but for the size of its pages.
const SETTINGS: &str = "PRAGMA auto_vacuum = NONE; PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF;
    PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 0; PRAGMA trusted_schema = OFF;
    PRAGMA cell_size_check = ON";
const PAGE_SIZES: [usize; 8] = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
/// Every text begins with this, and has a number that no other text has.
const MARK: &str = "erase-";

/// A stream of numbers that a seed repeats.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// One database, and what lives in it.
struct Database {
    chance: Chance,
    connection: Connection,
    dir: tempfile::TempDir,
    page_size: usize,
    texts: u64,
    tables: Vec<String>,
    /// Most rows are shorter than this.
    longest: usize,
}

impl Database {
    fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let dir = tempfile::tempdir().unwrap();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
        let connection = Connection::open_with_flags(dir.path().join("a.db"), flags).unwrap();
        let page_size = PAGE_SIZES[chance.below(PAGE_SIZES.len())];
        connection.execute_batch(&format!("PRAGMA page_size = {page_size}; {SETTINGS}")).unwrap();
        let longest = [20, 200, page_size / 2, page_size * 3][chance.below(4)].max(20);
        Self { chance, connection, dir, page_size, texts: 0, tables: Vec::new(), longest }
    }

    /// A text that was never written before.
    fn text(&mut self) -> String {
        self.texts += 1;
        let mut text = format!("{MARK}{:016x}-", self.texts.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let length = if self.chance.below(20) == 0 { self.longest * 4 } else { self.longest };
        let length = self.chance.below(length);
        while text.len() < length {
            text.push('x');
        }
        text
    }

    fn run(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
    }

    fn create(&mut self) {
        let name = format!("t{}", self.chance.next() % 100_000);
        if self.tables.contains(&name) {
            return;
        }
        // Long statements make a schema of several pages.
        let mut columns = String::new();
        for number in 0..self.chance.below(30) {
            let _ = write!(columns, ", unused_column_{number} TEXT DEFAULT 'nothing stands here'");
        }
        match self.chance.below(4) {
            0 => {
                self.run(&format!("CREATE TABLE {name} (k INTEGER PRIMARY KEY, v TEXT{columns}) STRICT, WITHOUT ROWID"))
            }
            1 => self.run(&format!("CREATE TABLE {name} (k INTEGER, v TEXT, PRIMARY KEY (v, k)) WITHOUT ROWID")),
            2 => self.run(&format!(
                "CREATE TABLE {name} (k INTEGER UNIQUE, v TEXT{columns}); CREATE INDEX i{name} ON {name} (v)"
            )),
            _ => self.run(&format!("CREATE TABLE {name} (k INTEGER PRIMARY KEY, v TEXT{columns}) STRICT")),
        }
        self.tables.push(name);
    }

    fn step(&mut self) {
        if self.tables.is_empty() || self.chance.below(25) == 0 {
            self.create();
        }
        let place = self.chance.below(self.tables.len());
        let table = self.tables[place].clone();
        match self.chance.below(24) {
            0..10 => {
                self.run("BEGIN");
                for _ in 0..self.chance.below(60) {
                    let key = self.chance.below(400);
                    let text = self.text();
                    let sql = format!("INSERT OR REPLACE INTO {table} (k, v) VALUES (?1, ?2)");
                    self.connection.prepare_cached(&sql).unwrap().execute(params![key, text]).unwrap();
                }
                let end = if self.chance.below(8) == 0 { "ROLLBACK" } else { "COMMIT" };
                self.run(end);
            }
            10..15 => {
                let (from, to) = (self.chance.below(400), self.chance.below(60));
                for key in from..from + to {
                    let text = self.text();
                    let sql = format!("UPDATE OR IGNORE {table} SET v = ?2 WHERE k = ?1");
                    self.connection.prepare_cached(&sql).unwrap().execute(params![key, text]).unwrap();
                }
            }
            15..20 => {
                let (by, rest) = (1 + self.chance.below(5), self.chance.below(3));
                self.run(&format!("DELETE FROM {table} WHERE k % {by} = {rest}"));
            }
            20 => {
                let (from, to) = (self.chance.below(400), self.chance.below(200));
                self.run(&format!("DELETE FROM {table} WHERE k BETWEEN {from} AND {}", from + to));
            }
            21 => {
                self.run(&format!("DROP TABLE {table}"));
                self.tables.swap_remove(place);
            }
            22 if self.chance.below(4) == 0 => self.run("VACUUM"),
            _ => self.run("PRAGMA wal_checkpoint(PASSIVE)"),
        }
    }

    /// Every row of every table.
    fn rows(&self) -> BTreeMap<String, Vec<Vec<Value>>> {
        let all = self.tables.iter().map(|table| {
            let mut statement = self.connection.prepare(&format!("SELECT * FROM {table} ORDER BY k, v")).unwrap();
            let columns = statement.column_count();
            let rows = statement.query_map([], |row| (0..columns).map(|column| row.get(column)).collect()).unwrap();
            (table.clone(), rows.map(Result::unwrap).collect())
        });
        all.collect()
    }

    fn path(&self) -> std::path::PathBuf {
        self.dir.path().join("a.db")
    }

    fn unowned(&self) -> Vec<Unowned> {
        let log = fs::read(self.dir.path().join("a.db-wal")).unwrap_or_default();
        unowned(fs::read(self.path()).unwrap(), &log).unwrap()
    }

    fn empty_the_log(&self) {
        let answer: (i64, i64, i64) = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
            .unwrap();
        assert_eq!(answer, (0, 0, 0));
    }

    fn check(&self) {
        let sound: String = self.connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
        assert_eq!(sound, "ok");
    }
}

/// The beginnings of the texts that stand in some bytes. One that goes on in another page is none: the parser counts it.
fn texts(bytes: &[u8]) -> BTreeSet<&[u8]> {
    let mut found = BTreeSet::new();
    let mut at = 0;
    while let Some(next) = bytes[at..].iter().position(|byte| *byte == MARK.as_bytes()[0]) {
        at += next;
        if let Some((text, _)) = bytes[at..].split_at_checked(MARK.len() + 17)
            && text.starts_with(MARK.as_bytes())
            && text[MARK.len()..MARK.len() + 16].iter().all(u8::is_ascii_hexdigit)
            && text.ends_with(b"-")
        {
            found.insert(text);
        }
        at += 1;
    }
    found
}

/// Whether the process holds a file of SQLite's that has no name, or one in the directory for such files.
fn temporary_files() -> bool {
    let open = fs::read_dir("/proc/self/fd").unwrap().filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    open.into_iter().any(|path| path.to_string_lossy().contains("etilqs"))
}

/// What was erased is in none of the files of a directory.
#[track_caller]
fn gone(living: &BTreeSet<Vec<u8>>, dir: &Path) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        let left = texts(&bytes).into_iter().filter(|text| !living.contains(*text)).count();
        assert_eq!(left, 0, "erased texts in {}", path.display());
    }
}

/// Changes a database at random and scrubs it, twice; says how many bytes had no owner before.
fn one(seed: u64) -> u64 {
    let mut database = Database::new(seed);
    let mut before = 0;
    for _ in 0..2 {
        for _ in 0..20 + database.chance.below(60) {
            database.step();
        }
        database.empty_the_log();
        before += database.unowned().iter().map(|one| one.count).sum::<u64>();
        let rows = database.rows();
        let last = Cell::new(0);
        scrub(&database.connection, &|progress| last.set(progress.of - progress.done)).unwrap();
        assert_eq!(last.get(), 0, "the end of it was told");
        assert_eq!(database.unowned(), [], "the log still holds the old pages, and no row that is gone");
        database.empty_the_log();
        assert_eq!(database.unowned(), []);
        assert!(database.rows() == rows, "the scrub changed a row");
        database.check();
        let living: Vec<u8> = rows.values().flatten().flatten().flat_map(bytes_of).collect();
        let living: BTreeSet<Vec<u8>> = texts(&living).into_iter().map(Vec::from).collect();
        fs::copy(database.path(), database.dir.path().join("copy")).unwrap();
        database.run(&format!("VACUUM INTO '{}'", database.dir.path().join("vacuumed").display()));
        gone(&living, database.dir.path());
        assert!(!temporary_files());
        for copy in ["copy", "vacuumed"] {
            #[expect(clippy::disallowed_methods, reason = "the test removes the copies it made")]
            fs::remove_file(database.dir.path().join(copy)).unwrap();
        }
        assert_eq!(scrub(&database.connection, &|_| {}).unwrap(), 0, "a second scrub finds nothing");
    }
    assert_eq!(
        database.connection.query_row("PRAGMA page_size", [], |row| row.get::<_, usize>(0)).unwrap(),
        database.page_size
    );
    before
}

fn bytes_of(value: &Value) -> Vec<u8> {
    match value {
        Value::Text(text) => text.as_bytes().to_vec(),
        _ => Vec::new(),
    }
}

/// Many databases, on as many threads as there are processors.
fn many(seeds: std::ops::Range<u64>) {
    let threads = std::thread::available_parallelism().map_or(2, usize::from).min(4) as u64;
    let count = seeds.end - seeds.start;
    let before: u64 = std::thread::scope(|scope| {
        let work = |thread: u64| {
            let seeds = seeds.clone().filter(move |seed| seed % threads == thread);
            scope.spawn(move || {
                seeds
                    .map(|seed| {
                        std::panic::catch_unwind(|| one(seed)).unwrap_or_else(|_| panic!("the database of seed {seed}"))
                    })
                    .sum::<u64>()
            })
        };
        let threads: Vec<_> = (0..threads).map(work).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    println!("{count} databases, {before} bytes without an owner before, none after");
    assert!(before > count, "SQLite leaves bytes behind, else this shows nothing");
}

#[test]
fn what_was_erased_is_nowhere_in_two_hundred_databases() {
    many(0..200);
}

#[test]
#[ignore = "some minutes: just long"]
fn what_was_erased_is_nowhere_in_two_thousand_databases() {
    many(1000..3000);
}
