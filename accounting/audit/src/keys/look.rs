//! Looking at the files of keys beside the store they belong to, file by file and value by value.

use std::collections::{BTreeMap, BTreeSet};

use avow_terms::inventory::Table;
use rusqlite::Connection;

use super::{
    Credential, KeysAt, Ring, Seen, Told, Wrong,
    open::{self, Sealing},
    place,
    ring::{self, Slots},
    size,
};
use crate::{
    columns::is_system,
    found::shown,
    schema::{self, Live},
    values::counted,
};

/// The register of the accounts' keys, and the one that a rotation writes.
const ACCOUNTS: &str = "accounts";
const NEXT: &str = "accounts-next";
/// The keys that the relay shows its clients, which seal nothing.
const RELAY: [&str; 2] = ["relay.json", "relay.new"];

const START: &str = "start `avow up`, which destroys it, and find out why it had not";
const GONE: &str = "restore the key from where its copy is, or forget what it sealed: nobody can open it";
const MODE: &str = "let its owner alone read it, and give whoever else could have read it up: `avow keys rotate`";

/// Looks at the keys beside the store they belong to.
pub(super) fn look(
    store: &Connection,
    inventory: &[Table],
    ring: &Ring,
    at: &KeysAt<'_>,
    told: &mut Told<'_>,
) -> rusqlite::Result<Seen> {
    let tables = schema::tables(store, inventory)?;
    let mut look = Look { store, ring, wrong: Vec::new(), opened: 0, closed: None };
    look.modes();
    let register = look.register(at.credential)?;
    let accounts: BTreeSet<u32> = numbers(store)?;
    if let Some(register) = &register {
        look.accounts(register, &accounts);
    }
    let live: Vec<&Live<'_>> = tables.iter().filter(|table| table.period.is_some()).collect();
    let buckets = look.buckets(&live, at.credential)?;
    look.strangers(&live);
    look.proofs(&live)?;
    let keys = Opening { register: register.as_ref(), buckets: &buckets };
    for table in tables.iter().filter(|table| is_sealed(table)) {
        look.open(table, &keys, told)?;
    }
    let of = |slots: &Slots| slots.numbers().count();
    Ok(Seen {
        place: place::of(ring),
        wrapped: ring.files.iter().any(|file| file.is_wrapped()),
        files: size(ring.files.len()),
        accounts: size(register.as_ref().map_or(0, of)),
        buckets: size(buckets.len()),
        opened: look.opened,
        closed: look.closed,
        wrong: look.wrong,
    })
}

/// The keys that values are opened with.
struct Opening<'a> {
    register: Option<&'a Slots>,
    buckets: &'a BTreeMap<String, [u8; 32]>,
}

struct Look<'a> {
    store: &'a Connection,
    ring: &'a Ring,
    wrong: Vec<Wrong>,
    opened: u64,
    closed: Option<&'static str>,
}

impl Look<'_> {
    fn add(&mut self, check: &'static str, table: Option<&str>, what: &str, place: &str, remedy: &'static str) {
        let (table, what, place) = (table.map(str::to_owned), what.to_owned(), place.to_owned());
        self.wrong.push(Wrong { check, table, what, place, remedy });
    }

    /// Nobody but the owner of the store reads a key.
    fn modes(&mut self) {
        let Ring { files, directory, .. } = self.ring;
        let all = files.iter().map(|file| (format!("keys/{}", shown(&file.name)), &file.about));
        for (place, about) in all.chain([("keys/".to_owned(), directory)]) {
            if about.mode & 0o077 != 0 {
                self.add("key.mode", None, "others than its owner may reach it", &place, MODE);
            }
            if about.owner != self.ring.store.owner {
                self.add("key.owner", None, "it belongs to somebody else than the store", &place, MODE);
            }
            if !about.plain && place != "keys/" {
                self.add("key.unknown", None, "it is a link or no file, where a key should be", &place, MODE);
            }
        }
    }

    /// The register: its own key proves itself, every byte of it belongs to a key.
    fn register(&mut self, credential: Option<&Credential>) -> rusqlite::Result<Option<Slots>> {
        let place = format!("keys/{ACCOUNTS}.key");
        let Some(file) = self.ring.file(ACCOUNTS) else {
            let used = proof(self.store, ACCOUNTS)?.is_some();
            if used {
                self.add(
                    "key.missing",
                    Some("account"),
                    "the register of the accounts' keys is not there",
                    &place,
                    GONE,
                );
            }
            return Ok(None);
        };
        let slots = match Slots::read(&file.bytes, credential) {
            Ok(slots) => slots,
            Err(ring::Unread::Wrapped) => {
                self.closed =
                    Some("they are wrapped with a credential that this audit was not handed, or not with this one");
                return Ok(Slots::numbered(&file.bytes));
            }
            Err(ring::Unread::Form) => {
                self.add("key.wrong", Some("account"), "it holds no register of keys", &place, GONE);
                return Ok(None);
            }
        };
        if slots.leftover > 0 {
            let what = format!("{} of it belong to no key", counted(slots.leftover, "byte"));
            self.add("key.leftover", Some("account"), &what, &place, START);
        }
        if slots.twice > 0 {
            let what = format!("{} in it twice", counted(slots.twice, "account"));
            self.add("key.orphan", Some("account"), &what, &place, START);
        }
        if !self.proves(ACCOUNTS, slots.own.as_ref())? {
            let what = "it is not the register that this store was sealed with";
            self.add("key.wrong", Some("account"), what, &place, GONE);
        }
        Ok(Some(slots))
    }

    /// Every account has a key, and every key an account.
    fn accounts(&mut self, register: &Slots, accounts: &BTreeSet<u32>) {
        let place = format!("keys/{ACCOUNTS}.key");
        let with_key: BTreeSet<u32> = register.numbers().collect();
        let without = size(accounts.difference(&with_key).count());
        let gone = size(with_key.difference(accounts).count());
        if without > 0 {
            let what = format!("{} without a key", counted(without, "account"));
            self.add("key.missing", Some("account"), &what, &place, GONE);
        }
        if gone > 0 {
            let what = format!("{} of accounts that are not there", counted(gone, "key"));
            self.add("key.orphan", Some("account"), &what, &place, START);
        }
    }

    /// Every bucket has a key, and it proves itself.
    fn buckets(
        &mut self,
        live: &[&Live<'_>],
        credential: Option<&Credential>,
    ) -> rusqlite::Result<BTreeMap<String, [u8; 32]>> {
        let mut keys = BTreeMap::new();
        for table in live {
            let name = table.name.as_str();
            let place = format!("keys/{name}.key");
            let Some(file) = self.ring.file(name) else {
                self.add("key.missing", Some(name), "the bucket has no key", &place, GONE);
                continue;
            };
            match Slots::read(&file.bytes, credential) {
                Ok(slots) if slots.is_one_key() => {
                    if self.proves(name, slots.own.as_ref())? {
                        keys.extend(slots.own.map(|key| (name.to_owned(), key)));
                    } else {
                        self.add(
                            "key.wrong",
                            Some(name),
                            "it is not the key that the bucket was sealed with",
                            &place,
                            GONE,
                        );
                    }
                    if slots.leftover > 0 {
                        let what = format!("{} of it belong to no key", counted(slots.leftover, "byte"));
                        self.add("key.leftover", Some(name), &what, &place, START);
                    }
                }
                Err(ring::Unread::Wrapped) => {
                    self.closed =
                        Some("they are wrapped with a credential that this audit was not handed, or not with this one");
                }
                Ok(_) | Err(ring::Unread::Form) => {
                    self.add("key.wrong", Some(name), "it holds no key", &place, GONE);
                }
            }
        }
        Ok(keys)
    }

    /// Files that belong to nothing that lives.
    fn strangers(&mut self, live: &[&Live<'_>]) {
        let known = |name: &str| {
            let stem = name.strip_suffix(".key");
            RELAY.contains(&name)
                || stem.is_some_and(|stem| stem == ACCOUNTS || live.iter().any(|table| table.name == stem))
        };
        for file in self.ring.files.iter().filter(|file| !known(&file.name)) {
            let place = format!("keys/{}", shown(&file.name));
            let stem = file.name.strip_suffix(".key").or_else(|| file.name.strip_suffix(".new")).unwrap_or("");
            if stem == NEXT || stem == ACCOUNTS {
                let what = "a register that a rotation of the keys left, or is writing";
                self.add("key.orphan", Some("account"), what, &place, START);
            } else if stem.rsplit_once("_v").is_some() && file.name.ends_with(".key") {
                let what =
                    "the key of a bucket that is not there: what it sealed can be opened in every copy of the store";
                self.add("key.orphan", Some(stem), what, &place, START);
            } else {
                self.add("key.unknown", None, "a file among the keys that belongs to nothing", &place, START);
            }
        }
        for name in &self.ring.directories {
            let place = format!("keys/{}/", shown(name));
            self.add("key.unknown", None, "a directory among the keys", &place, START);
        }
    }

    /// Proofs of keys of buckets that are not there.
    fn proofs(&mut self, live: &[&Live<'_>]) -> rusqlite::Result<()> {
        let mut statement = self.store.prepare("SELECT name FROM seal ORDER BY name")?;
        let names: Vec<String> = statement.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
        for name in names {
            if name != ACCOUNTS && !live.iter().any(|table| table.name == name) {
                self.add("key.proof", Some(&name), "the proof of a key that is not needed", "seal.name", START);
            }
        }
        Ok(())
    }

    fn proves(&self, name: &str, key: Option<&[u8; 32]>) -> rusqlite::Result<bool> {
        let proof = proof(self.store, name)?;
        let opened = key.zip(proof).and_then(|(key, proof)| Sealing::of(key)?.open(b"seal.proof", &proof));
        Ok(opened.is_some_and(|word| word == b"avow"))
    }

    /// Opens every value of a table.
    fn open(&mut self, table: &Live<'_>, keys: &Opening<'_>, told: &mut Told<'_>) -> rusqlite::Result<()> {
        let Some(sealed) = open::Column::of(table) else { return Ok(()) };
        let bucket = keys.buckets.get(&table.name);
        if (table.period.is_some() && bucket.is_none()) || (sealed.by_account && keys.register.is_none()) {
            // The key is missing or wrong, or wrapped: said already.
            return Ok(());
        }
        let mut statement = self.store.prepare(&sealed.sql)?;
        let mut rows = statement.query([])?;
        let mut wrong = 0;
        while let Some(row) = rows.next()? {
            let (account, number): (u32, u32) = (row.get(0)?, row.get(1)?);
            let value = row.get_ref(2)?.as_blob().unwrap_or(&[]);
            let of_account = keys.register.and_then(|register| register.key(account));
            if sealed.by_account && of_account.is_none() {
                continue;
            }
            let key =
                if sealed.by_account { Sealing::of_both(of_account, bucket) } else { bucket.and_then(Sealing::of) };
            match key.and_then(|key| key.open(&sealed.place(account, number), value)) {
                Some(value) => {
                    self.opened += 1;
                    told(table, account, &value);
                }
                None => wrong += 1,
            }
        }
        if wrong > 0 {
            let what = format!("{} that its own key does not open", counted(wrong, "value"));
            self.add("key.opens", Some(&table.name), &what, &format!("{}.{}", table.name, sealed.name), GONE);
        }
        Ok(())
    }
}

/// Whether a table has values that are sealed.
fn is_sealed(table: &Live<'_>) -> bool {
    table.declared.is_some_and(|declared| declared.columns.iter().any(|column| !is_system(column)))
        && open::Column::of(table).is_some()
}

fn proof(store: &Connection, name: &str) -> rusqlite::Result<Option<Vec<u8>>> {
    let mut statement = store.prepare_cached("SELECT proof FROM seal WHERE name = ?1")?;
    let mut rows = statement.query([name])?;
    rows.next()?.map(|row| row.get(0)).transpose()
}

fn numbers(store: &Connection) -> rusqlite::Result<BTreeSet<u32>> {
    store.prepare("SELECT number FROM account")?.query_map([], |row| row.get(0))?.collect()
}
