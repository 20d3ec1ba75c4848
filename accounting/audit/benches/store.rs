//! How fast the store writes and wipes, and how large it is, beside plain SQLite in the same run and beside its limits.
//!
//! A million accounts with random numbers. Never part of CI; `just bench` runs it in release and exits with 1 if anything
//! is over its limit.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a bench prints what it measured"
)]

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    time::{Duration, Instant},
};

use avow_accounting::{AccountRecord, NewAccount, Store};
use avow_terms::{
    account::AccountId,
    amount::Bytes,
    batch::Batch,
    history::History,
    permit::{Events, Facts, Form, NodePlace, Permit, Record},
    private::Private,
    reading,
    rules::Rules,
    source::Source,
    vocabulary::Vocabulary,
};
use rusqlite::{Connection, OpenFlags, params};

const ACCOUNTS: usize = 1_000_000;
const MIB: u64 = 1 << 20;
/// The settings of the store.
const SETTINGS: &str = "PRAGMA page_size = 4096; PRAGMA auto_vacuum = NONE; PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL; PRAGMA secure_delete = ON; PRAGMA temp_store = MEMORY; PRAGMA journal_size_limit = 0;
    PRAGMA wal_autocheckpoint = 4000; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA foreign_keys = ON";

type Rows = Vec<(AccountId, Bytes)>;

fn main() -> ExitCode {
    println!("| what | measured | limit | beside it |\n| --- | --- | --- | --- |");
    let bench = Bench::new();
    let mut over = false;
    for (touched, rounds) in [(1_000, 15), (100_000, 7), (ACCOUNTS, 5)] {
        over |= bench.flush(touched, rounds);
    }
    over |= bench.size(1, 20.0);
    over |= bench.size(100, 20.0);
    over |= bench.sweep();
    if over { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

struct Bench {
    rules: Arc<Rules>,
    accounts: Vec<AccountId>,
}

impl Bench {
    fn new() -> Self {
        let vocabulary = include_str!("../../../policy-docs/vocabulary.md");
        let (vocabulary, _) = Vocabulary::read(Source::new("vocabulary.md", vocabulary));
        let text = include_str!("../../../policy-docs/northgate/privacy.md");
        let policy = reading::read(Source::new("privacy.md", text), &vocabulary).policy().unwrap();
        let rules = Arc::new(Rules::compile(Arc::new(policy), Arc::new(vocabulary), 0).unwrap());
        let mut chance = Chance(1);
        let mut accounts: Vec<AccountId> = Vec::new();
        while accounts.len() < ACCOUNTS {
            let left = ACCOUNTS - accounts.len();
            accounts.extend((0..left).filter_map(|_| AccountId::from_random(chance.next() as u32)));
            accounts.sort_unstable();
            accounts.dedup();
        }
        Self { rules, accounts }
    }

    fn permit<R: Record>(&self, when: &str) -> Permit<R> {
        let now = when.parse().unwrap();
        let events = Events::default();
        let facts = Facts { now, recorded: now, events, place: NodePlace::Home, form: Form::Sealed, consent: false };
        self.rules.permit(&facts).unwrap()
    }

    /// A store in which all accounts exist.
    fn store(&self) -> (tempfile::TempDir, PathBuf, Store) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("avow.db");
        let mut store = Store::open(&path, &dir.path().join("keys")).unwrap();
        let permit = self.permit::<AccountRecord>("2026-10-01T00:00:00Z");
        let keys = |number: &AccountId| NewAccount { number: *number, keys: Private::new(vec![0; 64]) };
        store.add_accounts(permit, &self.accounts.iter().map(keys).collect::<Vec<_>>()).unwrap();
        empty_log(&raw(&path));
        (dir, path, store)
    }

    /// Amounts of some accounts, in the order in which the page of counters gives them.
    fn rows(&self, chance: &mut Chance, count: usize) -> Rows {
        let mut rows: Rows = if count == ACCOUNTS {
            self.accounts.iter().map(|account| (*account, chance.amount())).collect()
        } else {
            (0..count).map(|_| (self.accounts[chance.next() as usize % ACCOUNTS], chance.amount())).collect()
        };
        rows.sort_unstable();
        rows.dedup_by_key(|row| row.0);
        rows
    }

    /// One flush beside a plain loop, in pairs.
    fn flush(&self, touched: usize, rounds: u64) -> bool {
        let mut chance = Chance(2);
        let (dir, _, mut store) = self.store();
        let plain = raw(&dir.path().join("plain.db"));
        plain.execute_batch("CREATE TABLE month_total (account INTEGER PRIMARY KEY, bytes INTEGER NOT NULL CHECK (bytes >= 0)) STRICT, WITHOUT ROWID").unwrap();
        let epoch = store.begin_epoch(1).unwrap().epoch;
        let all = self.rows(&mut chance, ACCOUNTS);
        plain_flush(&plain, &all);
        let month = "2026-11-22T03:00:00Z";
        store.add_traffic(self.permit(month), &Batch { node: 1, epoch, seq: 1, rows: all }).unwrap();
        let (mut ours, mut theirs, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        let memory = Memory::begin();
        for round in 0..rounds {
            let rows = self.rows(&mut chance, touched);
            let batch = Batch { node: 1, epoch, seq: round + 2, rows };
            let plainly = |times: &mut Vec<Duration>| times.push(timed(|| plain_flush(&plain, &batch.rows)));
            if round % 2 == 0 {
                plainly(&mut theirs);
            }
            let permit = self.permit(month);
            ours.push(timed(|| assert!(store.add_traffic(permit, &batch).is_ok())));
            if round % 2 == 1 {
                plainly(&mut theirs);
            }
            ratios.push(ours[ours.len() - 1].as_secs_f64() / theirs[theirs.len() - 1].as_secs_f64());
        }
        let peak = memory.peak();
        assert_eq!(stored(&dir.path().join("avow.db")), ACCOUNTS);
        let what = format!("a flush of {touched} touched accounts of a million");
        let beside = format!("{}: {:.1} ms", "a plain loop of upserts", milliseconds(median(&mut theirs)));
        let ratio = middle(&mut ratios);
        line(
            &what,
            &format!("{:.1} ms, {ratio:.2} times", milliseconds(median(&mut ours))),
            ratio,
            1.25,
            "1.25 times",
            &beside,
        ) | (touched == ACCOUNTS
            && memory_line(
                "memory of the process in these flushes, with a million keys and a batch of 16 MB",
                peak,
                384,
            ))
    }

    /// How much room a total takes, if the accounts come in so many flushes.
    fn size(&self, flushes: usize, limit: f64) -> bool {
        let (_dir, path, mut store) = self.store();
        let empty = pages(&path);
        let mut chance = Chance(3);
        let mut accounts = self.accounts.clone();
        for place in (1..accounts.len()).rev() {
            accounts.swap(place, chance.next() as usize % (place + 1));
        }
        let epoch = store.begin_epoch(1).unwrap().epoch;
        for (index, part) in accounts.chunks(ACCOUNTS / flushes).enumerate() {
            let mut rows: Rows = part.iter().map(|account| (*account, chance.amount())).collect();
            rows.sort_unstable();
            let batch = Batch { node: 1, epoch, seq: index as u64 + 1, rows };
            store.add_traffic(self.permit("2026-11-22T03:00:00Z"), &batch).unwrap();
        }
        assert_eq!(stored(&path), ACCOUNTS);
        let bytes = (pages(&path) - empty) as f64 * 4096.0 / ACCOUNTS as f64;
        let what = format!("bytes of a month total, the accounts in {flushes} flushes");
        line(&what, &format!("{bytes:.1}"), bytes, limit, &format!("{limit:.0}"), "random numbers of 31 bits")
    }

    /// A sweep of a million rows beside a million that stay, with the scrub and the audit of every byte.
    fn sweep(&self) -> bool {
        let mut ratios = Vec::new();
        let (mut ours, mut theirs, mut audits) = (Vec::new(), Vec::new(), Vec::new());
        let (mut peak, mut audit_peak, mut size) = (0, 0, 0);
        for seed in 0..3 {
            let (dir, path, mut store) = self.store();
            let mut chance = Chance(seed);
            let epoch = store.begin_epoch(1).unwrap().epoch;
            for (seq, when) in [(1, "2026-10-22T03:00:00Z"), (2, "2026-11-22T03:00:00Z")] {
                let rows = self.rows(&mut chance, ACCOUNTS);
                store.add_traffic(self.permit(when), &Batch { node: 1, epoch, seq, rows }).unwrap();
            }
            empty_log(&raw(&path));
            let copy = dir.path().join("copy.db");
            fs::copy(&path, &copy).unwrap();
            size = fs::metadata(&copy).unwrap().len();
            let plain = raw(&copy);
            theirs.push(timed(|| {
                plain.execute_batch("VACUUM").unwrap();
                empty_log(&plain);
            }));
            drop(plain);
            let history = History::new(Some(Arc::clone(&self.rules)), Vec::new());
            let memory = Memory::begin();
            let swept = timed(|| {
                let swept = store.sweep(&history, "2026-11-22T04:00:00Z".parse().unwrap()).unwrap();
                assert_eq!((swept.buckets, swept.rows), (1, ACCOUNTS));
            });
            peak = peak.max(memory.peak());
            let memory = Memory::begin();
            audits.push(timed(|| {
                let found = avow_audit::unowned(fs::read(&path).unwrap(), &[]).unwrap();
                assert_eq!(found, []);
            }));
            audit_peak = audit_peak.max(memory.peak());
            ours.push(swept + audits[audits.len() - 1]);
            ratios.push(ours[ours.len() - 1].as_secs_f64() / theirs[theirs.len() - 1].as_secs_f64());
        }
        let what = format!(
            "a sweep of a million rows beside a million, with the scrub and the audit of every byte ({:.1} ms of it)",
            milliseconds(median(&mut audits))
        );
        let beside =
            format!("VACUUM of the same file ({} MiB): {:.1} ms", size / MIB, milliseconds(median(&mut theirs)));
        let ratio = middle(&mut ratios);
        line(
            &what,
            &format!("{:.1} ms, {ratio:.2} times", milliseconds(median(&mut ours))),
            ratio,
            2.0,
            "2 times",
            &beside,
        ) | memory_line("memory of the process in the sweep and the scrub, with a million keys", peak, 384)
            | memory_line(
                "memory of the process in the audit of every byte, with a million keys, the file taken off",
                audit_peak.saturating_sub(size),
                384,
            )
    }
}

/// How many totals of November there are: a bench of a store that stores nothing would be a fast one.
fn stored(path: &Path) -> usize {
    raw(path).query_row("SELECT count(*) FROM month_total_202611_v0", [], |row| row.get(0)).unwrap()
}

/// The plain loop: one prepared statement, one transaction.
fn plain_flush(plain: &Connection, rows: &Rows) {
    plain.execute_batch("BEGIN IMMEDIATE").unwrap();
    let mut upsert = plain
        .prepare_cached(
            "INSERT INTO month_total (account, bytes) VALUES (?1, ?2)
             ON CONFLICT (account) DO UPDATE SET bytes = bytes + excluded.bytes",
        )
        .unwrap();
    for (account, Bytes(bytes)) in rows {
        upsert.execute(params![account.number(), i64::try_from(*bytes).unwrap()]).unwrap();
    }
    plain.execute_batch("COMMIT").unwrap();
}

fn raw(path: &Path) -> Connection {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = Connection::open_with_flags(path, flags).unwrap();
    connection.execute_batch(SETTINGS).unwrap();
    connection
}

fn empty_log(connection: &Connection) {
    let busy: i64 = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0)).unwrap();
    assert_eq!(busy, 0);
}

fn pages(path: &Path) -> u64 {
    raw(path)
        .query_row("SELECT page_count - freelist_count FROM pragma_page_count, pragma_freelist_count", [], |row| {
            row.get(0)
        })
        .unwrap()
}

fn timed(work: impl FnOnce()) -> Duration {
    let start = Instant::now();
    work();
    start.elapsed()
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn middle(ratios: &mut [f64]) -> f64 {
    ratios.sort_unstable_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

/// Prints a line; says whether it is over its limit.
fn line(what: &str, measured: &str, value: f64, limit: f64, limit_text: &str, beside: &str) -> bool {
    let over = value > limit;
    println!("| {what} | {measured}{} | {limit_text} | {beside} |", if over { " **over**" } else { "" });
    over
}

fn memory_line(what: &str, bytes: u64, limit: u64) -> bool {
    let measured = format!("{:.1} MiB", bytes as f64 / MIB as f64);
    line(what, &measured, bytes as f64, (limit * MIB) as f64, &format!("{limit} MiB"), "")
}

/// The most memory this process takes from now on, all of it: the keys of a million accounts among it.
struct Memory;

impl Memory {
    fn begin() -> Self {
        #[expect(clippy::disallowed_methods, reason = "the kernel forgets the peak before")]
        fs::write("/proc/self/clear_refs", "5").unwrap();
        Self
    }

    fn peak(self) -> u64 {
        kibibytes("VmHWM:") * 1024
    }
}

fn kibibytes(of: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(of)).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

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

    /// From some kilobytes to a hundred gigabytes, each magnitude as likely.
    fn amount(&mut self) -> Bytes {
        let most = 1 << (10 + self.next() % 27);
        Bytes(1 + self.next() % most)
    }
}
