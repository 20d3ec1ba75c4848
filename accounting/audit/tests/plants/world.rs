//! A store made by the real writer, to be changed behind its back.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use avow_accounting::{
    AccountRecord, Decision, Evidence, INVENTORY, MonthTotal, NewAccount, SealedBlob, SessionTotal, Step, Store, scrub,
};
use avow_audit::{CouldNotRun, Credential, KeysAt, Question, Report, audit};
use avow_terms::{
    account::AccountId,
    amount::Bytes,
    batch::Batch,
    conflict,
    history::History,
    payment::{Payment, Transaction},
    permit::{Events, Facts, Form, NodePlace, Record},
    plan::Plan,
    policy::{Document, Policy},
    private::Private,
    reading,
    revision::{self, Revision},
    rules::Rules,
    source::Source,
    vocabulary::Vocabulary,
};
use jiff::Timestamp;
use rusqlite::Connection;
use tempfile::TempDir;

pub(crate) const NORTHGATE: &str = include_str!("../../../../policy-docs/northgate/privacy.md");
pub(crate) const VOCABULARY: &str = include_str!("../../../../policy-docs/vocabulary.md");
/// When the accounts are opened and the bytes counted.
pub(crate) const START: &str = "2026-11-22T03:00:00Z";
/// When the audit runs, unless a test says otherwise.
pub(crate) const NOW: &str = "2026-11-22T04:00:00Z";

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// A data directory.
pub(crate) struct World {
    pub(crate) dir: TempDir,
    pub(crate) inventory: &'static [avow_terms::inventory::Table],
    /// What the keys are wrapped with, if they are.
    pub(crate) credential: Option<Credential>,
}

impl World {
    /// A store with nothing in it but the Northgate policy on trial.
    pub(crate) fn empty() -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap(), inventory: INVENTORY, credential: None };
        world.open().set_trial(NORTHGATE, VOCABULARY, at(START)).unwrap();
        world
    }

    /// The same with three accounts, two of which moved something this month.
    pub(crate) fn trial() -> Self {
        let world = Self::empty();
        world.use_it(0, START);
        world
    }

    /// Opens three accounts and counts bytes of two of them.
    pub(crate) fn use_it(&self, version: u32, when: &str) {
        let rules = rules(version);
        let mut store = self.open();
        let accounts: Vec<AccountId> = (0..3).map(|_| store.draw_number().unwrap()).collect();
        for number in &accounts {
            let keys = Private::new(b"keys of the devices".to_vec());
            store.add_account(permit::<AccountRecord>(&rules, when), &NewAccount { number: *number, keys }).unwrap();
        }
        let mut rows = vec![(accounts[0], Bytes(4_111_111_111_111_111)), (accounts[1], Bytes(7))];
        rows.sort();
        let epoch = store.begin_epoch(1).unwrap().epoch;
        let batch = Batch { node: 1, epoch, seq: 1, rows };
        store.add_traffic(permit::<MonthTotal>(&rules, when), &batch).unwrap();
    }

    /// The same with a policy of this text on trial, and an account with a record of each kind, all written at `START`.
    pub(crate) fn with_records(text: &str) -> Self {
        let world = Self { dir: tempfile::tempdir().unwrap(), inventory: INVENTORY, credential: None };
        let mut store = world.open();
        store.set_trial(text, VOCABULARY, at(START)).unwrap();
        let rules = compiled(text, 0);
        let number = store.draw_number().unwrap();
        let keys = Private::new(b"keys of the devices".to_vec());
        store.add_account(permit::<AccountRecord>(&rules, START), &NewAccount { number, keys }).unwrap();
        let day = "2026-11-22".parse().unwrap();
        store.block(permit(&rules, START), number).unwrap();
        store.add_case_step(permit(&rules, START), number, Step { day, decision: Decision::Blocked }).unwrap();
        store.remember_code(permit(&rules, START), number, &Private::new("ABCD-EFGH".into())).unwrap();
        let plan = Plan { ends: Some(at("2026-12-31T00:00:00Z")), ..Plan::default() };
        store.set_plan(permit(&rules, START), number, &plan).unwrap();
        let transaction = Transaction::new("TX-0001").unwrap();
        store.add_payment(permit(&rules, START), number, &Payment { day, transaction }).unwrap();
        let blob = SealedBlob { account: number, blob: vec![7; 82] };
        store.add_sealed_sessions(permit(&rules, START), &[blob]).unwrap();
        let evidence = Evidence { version: 1, accepted: 1, digest: [9; 32] };
        store.keep_evidence(permit(&rules, START), &evidence).unwrap();
        if let Some(permit) = try_permit::<SessionTotal>(&rules, START) {
            let epoch = store.begin_epoch(1).unwrap().epoch;
            let batch = Batch { node: 1, epoch, seq: 1, rows: vec![(number, Bytes(5))] };
            store.add_counts(None, Some(permit), &batch).unwrap();
        }
        store.wipe_unowned(&|_| {}).unwrap();
        drop(store);
        world
    }

    /// The one bucket of a family.
    pub(crate) fn bucket(&self, family: &str) -> String {
        let sql = "SELECT name FROM bucket WHERE name GLOB ?1 || '_[0-9]*'";
        plain(&self.store()).query_row(sql, [family], |row| row.get(0)).unwrap()
    }

    /// The file of a key.
    pub(crate) fn key(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("keys/{name}.key"))
    }

    /// Publishes a text through the real gate, with its copy in `history/`.
    pub(crate) fn publish(&self, text: &str, when: &str) {
        let mut store = self.open();
        let earlier = store.revisions().unwrap();
        let versions: Vec<conflict::Published> = earlier.iter().map(promised).collect();
        let (policy, vocabulary) = read(text, VOCABULARY);
        let last = earlier.iter().rfind(|one| one.document == policy.header.document);
        let (new, _) = revision::publish(&policy, &vocabulary, &versions, last, at(when)).unwrap();
        store.append_revision(&new).unwrap();
        if new.document == Document::Privacy {
            self.write(&format!("history/v{}.md", new.version), text.as_bytes());
        }
    }

    /// Lets the real sweeper drop what is due.
    pub(crate) fn sweep(&self, now: &str) {
        let mut store = self.open();
        let rules = |version, text: &str, vocabulary: &str| {
            let (policy, vocabulary) = read(text, vocabulary);
            Arc::new(Rules::compile(Arc::new(policy), Arc::new(vocabulary), version).unwrap())
        };
        let trial = store.trial().unwrap().map(|trial| rules(0, &trial.text, &trial.vocabulary));
        let published = store.revisions().unwrap().into_iter();
        let published = published.map(|one| (one.effective, rules(one.version, &one.text, &one.vocabulary)));
        store.sweep(&History::new(trial, published.collect()), at(now)).unwrap();
    }

    pub(crate) fn open(&self) -> Store {
        Store::open(&self.store(), &self.dir.path().join("keys")).unwrap()
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.dir.path().join("avow.db")
    }

    pub(crate) fn remove_store(&self) {
        #[expect(clippy::disallowed_methods, reason = "the test loses its store")]
        fs::remove_file(self.store()).unwrap();
    }

    /// Changes the store behind the writer's back, and leaves no byte behind that would tell.
    pub(crate) fn tamper(&self, sql: &str) {
        let connection = plain(&self.store());
        connection.execute_batch(sql).unwrap();
        scrub(&connection, &|_| {}).unwrap();
    }

    /// Changes the definition of a table behind SQLite's back too.
    pub(crate) fn redefine(&self, table: &str, from: &str, to: &str) {
        let connection = plain(&self.store());
        connection.execute_batch("PRAGMA writable_schema = ON").unwrap();
        let sql = "UPDATE sqlite_schema SET sql = replace(sql, ?2, ?3) WHERE name = ?1";
        assert_eq!(connection.execute(sql, [table, from, to]).unwrap(), 1);
        scrub(&connection, &|_| {}).unwrap();
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        let path = self.dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        #[expect(clippy::disallowed_methods, reason = "the test plants what the audit must find")]
        fs::write(path, bytes).unwrap();
    }

    pub(crate) fn audit(&self) -> Report {
        self.audit_at(NOW)
    }

    pub(crate) fn audit_at(&self, now: &str) -> Report {
        self.try_audit(now).unwrap()
    }

    pub(crate) fn try_audit(&self, now: &str) -> Result<Report, CouldNotRun> {
        let history = self.dir.path().join("history");
        let history_dir = history.exists().then_some(history.as_path());
        let directory = self.dir.path().join("keys");
        let keys = Some(KeysAt { directory: &directory, credential: self.credential.as_ref() });
        audit(&Question { store: &self.store(), history_dir, keys, inventory: self.inventory, now: at(now) })
    }
}

fn promised(revision: &Revision) -> conflict::Published {
    let (policy, vocabulary) = read(&revision.text, &revision.vocabulary);
    conflict::Published {
        policy: Arc::new(policy),
        vocabulary: Arc::new(vocabulary),
        effective: revision.effective,
        published_at: revision.published_at,
    }
}

fn read(text: &str, vocabulary: &str) -> (Policy, Vocabulary) {
    let (vocabulary, problems) = Vocabulary::read(Source::new("vocabulary.md", vocabulary));
    assert!(problems.is_empty());
    (reading::read(Source::new("privacy.md", text), &vocabulary).policy().unwrap(), vocabulary)
}

/// SQLite as anybody has it.
pub(crate) fn plain(path: &Path) -> Connection {
    Connection::open_with_flags(path, rusqlite::OpenFlags::default()).unwrap()
}

/// The rules of Northgate's text, compiled once for each version.
pub(crate) fn rules(version: u32) -> Arc<Rules> {
    static COMPILED: [OnceLock<Arc<Rules>>; 3] = [const { OnceLock::new() }; 3];
    COMPILED[version as usize].get_or_init(|| compiled(NORTHGATE, version)).clone()
}

/// The rules of a text.
fn compiled(text: &str, version: u32) -> Arc<Rules> {
    let (policy, vocabulary) = read(text, VOCABULARY);
    Arc::new(Rules::compile(Arc::new(policy), Arc::new(vocabulary), version).unwrap())
}

fn permit<R: Record>(rules: &Rules, when: &str) -> avow_terms::permit::Permit<R> {
    try_permit(rules, when).unwrap()
}

fn try_permit<R: Record>(rules: &Rules, when: &str) -> Option<avow_terms::permit::Permit<R>> {
    let now = at(when);
    let events = Events { session_end: Some(now), payment: Some(now), ..Events::default() };
    let facts = Facts { now, recorded: now, events, place: NodePlace::Home, form: Form::Sealed, consent: false };
    rules.permit(&facts).ok()
}

/// The findings of a report as `check clause[+also..] place`.
pub(crate) fn told(report: &Report) -> Vec<String> {
    let one = |finding: &avow_audit::Finding| {
        let clauses: Vec<String> = finding.clause.iter().chain(&finding.also).map(ToString::to_string).collect();
        format!("{} {} {}", finding.check, clauses.join("+"), finding.place)
    };
    report.findings.iter().map(one).collect()
}

/// The audit finds this, with this clause first, and says so with exit code 1 and a broken line.
#[track_caller]
pub(crate) fn breaks(report: &Report, check: &str, clause: &str) {
    let clause = clause.parse().unwrap();
    let found = report.findings.iter().any(|finding| finding.check == check && finding.clause == Some(clause));
    assert!(found, "{:#?}", told(report));
    assert_eq!(report.exit_code(), 1);
    let line = report.promises.iter().find(|line| line.clause == clause).unwrap();
    assert_eq!(line.verdict, avow_audit::Verdict::Broken, "{line:?}");
}

/// The audit finds nothing.
#[track_caller]
pub(crate) fn clean(report: &Report) {
    assert_eq!(told(report), Vec::<String>::new());
    assert_eq!(report.exit_code(), 0, "{:#?}", report.promises);
}
