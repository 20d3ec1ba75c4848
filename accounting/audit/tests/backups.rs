//! What was erased is in no backup and in no restored store: random lives of stores by the real writer.
//!
//! After each life a backup holds no text of anybody, living or erased; a store that is restored from one that was made
//! before the last erasures gives back what lives, and nothing else; and the audit's parser finds no byte in it without an
//! owner.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::{collections::BTreeMap, fs, path::Path, sync::Arc};

use avow_accounting::{AccountRecord, Backup, Email, MonthTotal, NewAccount, Opening, Restoring, Store};
use avow_audit::unowned;
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

const NOW: &str = "2026-11-25T12:00:00Z";
/// Every text begins with this.
const MARK: &str = "erase-";

/// A stream of numbers that a seed repeats.
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from((self.0 >> 33) % u64::try_from(bound).unwrap()).unwrap()
    }
}

/// What lives: for each account its address, if it gave one, and what it moved.
type Living = BTreeMap<AccountId, (Option<String>, u64)>;

struct Life {
    chance: Chance,
    dir: tempfile::TempDir,
    store: Store,
    rules: Arc<Rules>,
    living: Living,
    texts: u64,
    seq: u64,
}

fn rules() -> Arc<Rules> {
    let (vocabulary, _) = Vocabulary::read(Source::new("v", include_str!("../../../policy-docs/vocabulary.md")));
    let source = Source::new("p", include_str!("../../../policy-docs/northgate/privacy.md"));
    let policy = reading::read(source, &vocabulary).policy().unwrap();
    Arc::new(Rules::compile(Arc::new(policy), Arc::new(vocabulary), 1).unwrap())
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

impl Life {
    fn new(seed: u64, rules: &Arc<Rules>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Store::open(&dir.path().join("avow.db"), &dir.path().join("keys")).unwrap();
        store.begin_epoch(1).unwrap();
        Self { chance: Chance(seed), dir, store, rules: rules.clone(), living: Living::new(), texts: 0, seq: 0 }
    }

    fn permit<R: Record>(&self) -> Permit<R> {
        let (now, place) = (at(NOW), NodePlace::Home);
        let facts = Facts { now, recorded: now, events: Events::default(), place, form: Form::Sealed, consent: true };
        self.rules.permit(&facts).unwrap()
    }

    fn anybody(&mut self) -> Option<AccountId> {
        let count = self.living.len();
        (count > 0).then(|| *self.living.keys().nth(self.chance.below(count)).unwrap())
    }

    fn add(&mut self) {
        let number = self.store.draw_number().unwrap();
        let keys = Private::new(format!("{MARK}keys").into_bytes());
        let permit = self.permit::<AccountRecord>();
        self.store.add_account(permit, &NewAccount { number, keys }).unwrap();
        self.living.insert(number, (None, 0));
    }

    fn step(&mut self) {
        let Some(account) = self.anybody() else { return self.add() };
        match self.chance.below(8) {
            0..2 => self.add(),
            2..5 => {
                self.texts += 1;
                let address = format!("{MARK}{}@mail.example", self.texts.wrapping_mul(0x9e37_79b9_7f4a_7c15));
                let permit = self.permit::<Email>();
                self.store.set_email(permit, account, &Private::new(address.clone())).unwrap();
                self.living.get_mut(&account).unwrap().0 = Some(address);
            }
            5..7 => {
                self.seq += 1;
                let epoch = self.store.cursor(1).unwrap().unwrap().epoch;
                let batch = Batch { node: 1, epoch, seq: self.seq, rows: vec![(account, Bytes(self.seq))] };
                let permit = self.permit::<MonthTotal>();
                self.store.add_traffic(permit, &batch).unwrap();
                self.living.get_mut(&account).unwrap().1 += self.seq;
            }
            _ => self.forget(account),
        }
    }

    fn forget(&mut self, account: AccountId) {
        self.store.remove_account(account).unwrap();
        self.living.remove(&account);
    }
}

/// No text of anybody stands in any file of a directory.
#[track_caller]
fn names_nobody(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            assert!(!bytes.windows(MARK.len()).any(|window| window == MARK.as_bytes()), "{}", path.display());
        }
    }
}

/// One life: changes, a backup, erasures, a restore.
fn one(seed: u64, rules: &Arc<Rules>) {
    let mut life = Life::new(seed, rules);
    for _ in 0..20 + life.chance.below(40) {
        life.step();
    }
    let backup = life.dir.path().join("backup");
    life.store.back_up(&backup, at(NOW), &|_| {}).unwrap();
    names_nobody(life.dir.path());
    let before = life.living.len();
    for _ in 0..life.chance.below(5) {
        if let Some(account) = life.anybody() {
            life.forget(account);
        }
    }
    let Life { dir, store, living, .. } = life;
    drop(store);
    let (path, keys) = (dir.path().join("avow.db"), dir.path().join("keys"));
    let opening = Opening::new(&path, &keys);
    let history = History::new(None, vec![("2026-01-01T00:00Z".parse().unwrap(), rules.clone())]);
    let restoring = Restoring { history: &history, now: at(NOW), replace: true, older: false };
    let restored = Backup::read(&backup).unwrap().unlock(&opening).unwrap();
    let restored = restored.restore(&opening, &restoring, &|_| {}).unwrap();
    assert_eq!((restored.accounts, restored.erased_accounts), (living.len(), before - living.len()));
    names_nobody(dir.path());
    assert_eq!(unowned(fs::read(&path).unwrap(), &[]).unwrap(), []);
    let store = Store::open(&path, &keys).unwrap();
    let found = store.accounts().unwrap().into_iter().map(|account| {
        let address = store.email(account.number).unwrap().map(Private::into_inner);
        (account.number, (address, store.month_total(account.number, at(NOW), &TimeZone::UTC).unwrap().0))
    });
    assert_eq!(found.collect::<Living>(), living);
}

fn many(seeds: std::ops::Range<u64>) {
    let rules = rules();
    for seed in seeds {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| one(seed, &rules)))
            .unwrap_or_else(|_| panic!("the life of seed {seed}"));
    }
}

#[test]
fn what_was_erased_is_in_no_backup_and_comes_back_from_none() {
    many(0..40);
}

#[test]
#[ignore = "some minutes: just long"]
fn what_was_erased_is_in_no_backup_and_comes_back_from_none_of_a_thousand() {
    many(1000..2000);
}
