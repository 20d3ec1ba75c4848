//! A store in a directory of its own, under policies that are read, compiled and asked as in the service.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use avow_accounting::{AccountRecord, MonthTotal, NewAccount, OpenError, Store};
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
use jiff::{Timestamp, tz::TimeZone};
use tempfile::TempDir;

/// The node that counts.
pub(crate) const NODE: u32 = 1;

/// A store and the rules it is under.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) store: Store,
    pub(crate) rules: Arc<Rules>,
}

impl World {
    /// A new store under version 1 of a policy that keeps month totals this long.
    pub(crate) fn keeping_totals(how_long: &str) -> Self {
        Self::under(rules(1, how_long))
    }

    /// A new store under these rules.
    pub(crate) fn under(rules: Arc<Rules>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = open(dir.path()).unwrap();
        Self { dir, store, rules }
    }

    /// Closes the store and opens it again.
    pub(crate) fn reopen(self) -> Self {
        let Self { dir, store, rules } = self;
        drop(store);
        let store = open(dir.path()).unwrap();
        Self { dir, store, rules }
    }

    /// A permit of the rules, for what is recorded now.
    pub(crate) fn permit<R: Record>(&self, now: Timestamp) -> Permit<R> {
        permit(&self.rules, now)
    }

    /// Adds an account with these keys.
    pub(crate) fn add(&mut self, number: AccountId, keys: &[u8], now: Timestamp) {
        let permit = self.permit::<AccountRecord>(now);
        self.store.add_account(permit, &NewAccount { number, keys: Private::new(keys.to_vec()) }).unwrap();
    }

    /// Counts traffic, in the next batch of the node.
    pub(crate) fn count(&mut self, rows: &[(AccountId, u64)], now: Timestamp) {
        let cursor = match self.store.cursor(NODE).unwrap() {
            Some(cursor) => cursor,
            None => self.store.begin_epoch(NODE).unwrap(),
        };
        let permit = self.permit::<MonthTotal>(now);
        self.store.add_traffic(permit, &batch(cursor.epoch, cursor.seq + 1, rows)).unwrap();
    }

    /// What an account moved in the month of an instant in UTC.
    pub(crate) fn total(&self, account: AccountId, now: Timestamp) -> u64 {
        self.store.month_total(account, now, &TimeZone::UTC).unwrap().0
    }

    /// Every byte of every file of the store.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let files = fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().path());
        files.filter(|path: &PathBuf| path.is_file()).flat_map(|path| fs::read(path).unwrap()).collect()
    }
}

/// Opens the store of a directory.
pub(crate) fn open(dir: &Path) -> Result<Store, OpenError> {
    Store::open(&dir.join("avow.db"), &dir.join("keys"))
}

/// The permit of these rules for what is recorded now.
pub(crate) fn permit<R: Record>(rules: &Rules, now: Timestamp) -> Permit<R> {
    let facts = Facts {
        now,
        recorded: now,
        events: Events::default(),
        place: NodePlace::Home,
        form: Form::Sealed,
        consent: false,
    };
    rules.permit(&facts).unwrap()
}

/// Whether these bytes stand anywhere in those.
pub(crate) fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The last millisecond before an instant.
pub(crate) fn before(instant: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(instant.as_millisecond() - 1).unwrap()
}

pub(crate) fn account(number: u32) -> AccountId {
    number.try_into().unwrap()
}

pub(crate) fn batch(epoch: u64, seq: u64, rows: &[(AccountId, u64)]) -> Batch {
    let rows = rows.iter().map(|&(account, bytes)| (account, Bytes(bytes))).collect();
    Batch { node: NODE, epoch, seq, rows }
}

/// The rules of a small policy, as a version: accounts until they are deleted, month totals this long.
pub(crate) fn rules(version: u32, totals: &str) -> Arc<Rules> {
    compile(version, totals, "Until the account is deleted")
}

/// The rules of a small policy that keeps accounts and month totals this long.
pub(crate) fn compile(version: u32, totals: &str, accounts: &str) -> Arc<Rules> {
    let vocabulary = vocabulary();
    let source = Source::new("policy.md", sample(totals, accounts));
    let policy = reading::read(source, &vocabulary).policy().unwrap();
    Arc::new(Rules::compile(Arc::new(policy), vocabulary, version).unwrap())
}

/// The text of that policy.
pub(crate) fn sample(totals: &str, accounts: &str) -> String {
    include_str!("policy.md").replace("TOTALS", totals).replace("ACCOUNTS", accounts)
}

/// The vocabulary of the project.
pub(crate) fn vocabulary() -> Arc<Vocabulary> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../policy-docs/vocabulary.md");
    let (vocabulary, problems) = Vocabulary::read(Source::new("vocabulary.md", fs::read_to_string(path).unwrap()));
    assert_eq!(problems, []);
    Arc::new(vocabulary)
}

/// A history of these versions, each from its minute on.
pub(crate) fn history(versions: &[(&str, &Arc<Rules>)]) -> History {
    History::new(None, versions.iter().map(|(minute, rules)| (minute.parse().unwrap(), Arc::clone(rules))).collect())
}
