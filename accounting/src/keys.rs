//! The key directory: the register of the accounts' keys, and one small file for the key of each bucket.
//!
//! A key is on the disk before the first row that needs it is committed, and is destroyed after the commit that removed
//! the last one. Whatever a crash leaves in between is a key without rows, which the next start destroys. The store holds
//! a proof for each file, a word that was sealed with its key, by which the right key is known before anything is done.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, DirBuilder},
    io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use avow_terms::account::AccountId;
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    bucket::Bucket,
    engine::database,
    error::{At, OpenError, StoreError},
    inventory::{ACCOUNT, SEAL},
    key_file::{self, Contents, KeyBytes, Wrapping},
    register::Register,
    seal::{CannotSeal, SealingKey, derive},
};

/// The name of the register, in the store and as a file.
const ACCOUNTS: &str = "accounts";
/// The register that a rotation writes before it takes the place of the other.
const NEXT: &str = "accounts-next";
/// The one key of the first schema.
const FIRST: &str = "access-keys";
const PLACE: &[u8] = b"seal.proof";
const WORD: &[u8] = b"avow";

/// The keys of a store.
pub(crate) struct Keys {
    directory: PathBuf,
    wrapping: Option<Wrapping>,
    pub(crate) register: Register,
    pub(crate) buckets: BTreeMap<String, KeyBytes>,
}

/// The file of a key.
pub(crate) fn file(directory: &Path, name: &str) -> PathBuf {
    directory.join(format!("{name}.key"))
}

impl Keys {
    /// That no store is begun where the keys of another lie. Changes nothing.
    pub(crate) fn refuse_those_of_another(directory: &Path, wrapping: Option<&Wrapping>) -> Result<(), OpenError> {
        let path = file(directory, ACCOUNTS);
        if path.exists() && Register::read(&path, wrapping)?.accounts().next().is_some() {
            return Err(OpenError::KeysOfAnother { key: path });
        }
        Ok(())
    }

    /// Makes the keys of a new store. A register that an interrupted start left is used; one with keys of accounts is
    /// another store's, which may still be needed.
    pub(crate) fn make(directory: &Path, wrapping: Option<&Wrapping>) -> Result<Self, OpenError> {
        let path = file(directory, ACCOUNTS);
        if !path.exists() {
            make_directory(directory)?;
            Register::make(&path, wrapping).map_err(|source| not_written(&path, source))?;
        }
        let register = Register::read(&path, wrapping)?;
        if register.accounts().next().is_some() {
            return Err(OpenError::KeysOfAnother { key: path });
        }
        Ok(Self::of(directory, wrapping, register))
    }

    /// Makes the keys of a store of the first schema: one for each of these accounts.
    pub(crate) fn make_for(directory: &Path, wrapping: Option<&Wrapping>, accounts: &[u32]) -> Result<Self, OpenError> {
        let path = file(directory, ACCOUNTS);
        let made = key_file::destroy(&path).and_then(|()| Register::make_for(&path, accounts, wrapping));
        made.map_err(|source| not_written(&path, source))?;
        Ok(Self::of(directory, wrapping, Register::read(&path, wrapping)?))
    }

    /// Reads the keys of a store: those that its proofs ask for. Changes nothing.
    pub(crate) fn read(
        connection: &Connection,
        path: &Path,
        directory: &Path,
        wrapping: Option<&Wrapping>,
    ) -> Result<Self, OpenError> {
        let register = right_register(connection, path, directory, wrapping)?;
        let mut keys = Self::of(directory, wrapping, register);
        for name in live_buckets(connection).map_err(|error| database(path, &error))? {
            let key = read_one(&file(directory, &name), wrapping)?;
            if !proves(connection, path, &name, &key)? {
                return Err(OpenError::KeyWrong { path: path.into(), key: file(directory, &name) });
            }
            keys.buckets.insert(name, key);
        }
        keys.check_accounts(connection, path)?;
        Ok(keys)
    }

    /// Reads every key that a directory holds, for a store that is not there yet. Changes nothing. Of two registers it takes
    /// the one that is the right one; none if neither is.
    pub(crate) fn find(
        directory: &Path,
        wrapping: Option<&Wrapping>,
        is_right: impl Fn(&KeyBytes) -> bool,
    ) -> Result<Option<Self>, OpenError> {
        let next = file(directory, NEXT);
        let next = if next.exists() { Register::read(&next, wrapping).ok() } else { None };
        let register = match next.filter(|register| is_right(register.own())) {
            Some(register) => register,
            None => Register::read(&file(directory, ACCOUNTS), wrapping)?,
        };
        if !is_right(register.own()) {
            return Ok(None);
        }
        let mut keys = Self::of(directory, wrapping, register);
        let names = keys.files_of_buckets().map_err(|source| unreadable(directory, source))?;
        for name in names.into_iter().filter(|name| file(directory, name).exists()) {
            let key = read_one(&file(directory, &name), wrapping)?;
            keys.buckets.insert(name, key);
        }
        Ok(Some(keys))
    }

    /// Finishes what a crash interrupted, and makes it possible to change the keys: of two registers the right one
    /// stays, and keys of accounts and buckets that are not there are destroyed.
    pub(crate) fn take(&mut self, connection: &Connection) -> Result<(), OpenError> {
        self.finish_rotation().map_err(|source| not_written(&file(&self.directory, ACCOUNTS), source))?;
        self.register.open_for_writing()?;
        self.settle(connection).map_err(|error| OpenError::Keys { directory: self.directory.clone(), error })
    }

    /// Destroys the keys of accounts and buckets that are not in the store.
    pub(crate) fn settle(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let live: BTreeSet<u32> = numbers(connection).at(ACCOUNT.name, "read")?;
        let gone: Vec<u32> = self.register.accounts().filter(|account| !live.contains(account)).collect();
        self.forget(gone.into_iter())?;
        self.settle_buckets(connection)
    }

    /// Destroys the keys of buckets that are not in the store, and of none that is.
    pub(crate) fn settle_buckets(&mut self, connection: &Connection) -> Result<(), StoreError> {
        let live = live_buckets(connection).at("bucket", "read")?;
        for name in self.files_of_buckets().map_err(|error| of_keys("read", &error))? {
            if !live.contains(&name) {
                let path = file(&self.directory, &name);
                let destroyed = key_file::destroy(&path).and_then(|()| key_file::destroy_half(&path));
                destroyed.map_err(|error| of_keys("destroy", &error))?;
                self.buckets.remove(&name);
            }
        }
        Ok(())
    }

    /// Gives these accounts keys, on the disk, before their rows are committed.
    pub(crate) fn add(&mut self, accounts: impl Iterator<Item = AccountId>) -> Result<(), StoreError> {
        self.register.add(accounts).map_err(|error| not_kept(&error))
    }

    /// Destroys the keys of these accounts, after the commit that removed their rows.
    pub(crate) fn forget(&mut self, accounts: impl Iterator<Item = u32>) -> Result<(), StoreError> {
        self.register.forget(accounts).map_err(|error| of_keys("destroy", &error))
    }

    /// Gives a bucket a key, on the disk, before the bucket is committed, and writes its proof. A key that an interrupted
    /// try left sealed nothing.
    pub(crate) fn add_bucket(&mut self, connection: &Connection, bucket: Bucket) -> Result<(), StoreError> {
        let name = bucket.to_string();
        let key = match self.buckets.get(&name) {
            Some(key) => *key,
            None => {
                let key = key_file::draw().map_err(|_| StoreError::NoRandom)?;
                let made = key_file::make(&file(&self.directory, &name), &[(0, key)], self.wrapping.as_ref());
                made.map_err(|error| not_kept(&error))?;
                key
            }
        };
        write_proof(connection, &name, &key)?;
        self.buckets.insert(name, key);
        Ok(())
    }

    /// Whether an account has a key: then it is there.
    pub(crate) fn knows(&self, account: AccountId) -> bool {
        self.register.key(account).is_some()
    }

    /// A key for digests by which something is found. It lives as long as the register.
    pub(crate) fn digests(&self, purpose: &[u8]) -> Result<KeyBytes, CannotSeal> {
        derive(self.register.own(), self.register.own(), purpose)
    }

    /// The key that seals a value of an account, of a bucket, or of an account in a bucket: then it is made of both.
    pub(crate) fn sealing(&self, account: Option<AccountId>, bucket: Option<&str>) -> Result<SealingKey, CannotSeal> {
        let account = account.map(|account| self.register.key(account).ok_or(CannotSeal)).transpose()?;
        let bucket = bucket.map(|bucket| self.buckets.get(bucket).ok_or(CannotSeal)).transpose()?;
        match (account, bucket) {
            (Some(account), Some(bucket)) => SealingKey::of_both(account, bucket),
            (Some(key), None) | (None, Some(key)) => SealingKey::new(key),
            (None, None) => Err(CannotSeal),
        }
    }

    /// Writes the proof of the register.
    pub(crate) fn prove_register(&self, connection: &Connection) -> Result<(), StoreError> {
        write_proof(connection, ACCOUNTS, self.register.own())
    }

    /// Writes the proof of the key that a bucket has.
    pub(crate) fn prove_bucket(&self, connection: &Connection, name: &str) -> Result<(), StoreError> {
        let key = self.buckets.get(name).ok_or(StoreError::Seal { table: SEAL.name })?;
        write_proof(connection, name, key)
    }

    /// Where they lie.
    pub(crate) fn directory(&self) -> &Path {
        &self.directory
    }

    /// The key that files of keys are wrapped with.
    pub(crate) fn wrapping(&self) -> Option<&Wrapping> {
        self.wrapping.as_ref()
    }

    /// How many buckets have one.
    pub(crate) fn buckets(&self) -> usize {
        self.buckets.len()
    }

    /// Where a rotation writes the register that is to be.
    pub(crate) fn next_register(&self) -> PathBuf {
        file(&self.directory, NEXT)
    }

    /// Puts the register that a rotation wrote in the place of the one before, which is destroyed. The proof of the new
    /// one is committed.
    pub(crate) fn finish_rotation(&mut self) -> io::Result<()> {
        let (path, next) = (file(&self.directory, ACCOUNTS), self.next_register());
        if self.register.path() == next {
            key_file::destroy(&path)?;
            fs::rename(&next, &path)?;
            fs::File::open(&self.directory)?.sync_all()?;
            self.register.moved_to(&path);
        }
        // What a rotation left that was never committed, and the one key of the first schema.
        [next, path, file(&self.directory, FIRST)].iter().try_for_each(|path| key_file::destroy_half(path))?;
        key_file::destroy(&self.next_register())?;
        key_file::destroy(&file(&self.directory, FIRST))
    }

    /// The same keys of buckets, with another register.
    pub(crate) fn with_register(&self, register: Register) -> Self {
        let mut keys = Self::of(&self.directory, self.wrapping(), register);
        keys.buckets.clone_from(&self.buckets);
        keys
    }

    fn of(directory: &Path, wrapping: Option<&Wrapping>, register: Register) -> Self {
        Self { directory: directory.into(), wrapping: wrapping.cloned(), register, buckets: BTreeMap::new() }
    }

    /// Every account has a key.
    fn check_accounts(&self, connection: &Connection, path: &Path) -> Result<(), OpenError> {
        let with_key: BTreeSet<u32> = self.register.accounts().collect();
        let live = numbers(connection).map_err(|error| database(path, &error))?;
        if live.is_subset(&with_key) {
            return Ok(());
        }
        Err(OpenError::AccountKeyMissing { path: path.into(), key: self.register.path().into() })
    }

    /// The buckets that have a file of a key.
    fn files_of_buckets(&self) -> io::Result<Vec<String>> {
        let names = fs::read_dir(&self.directory)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()));
        let names: Vec<String> = names.collect::<io::Result<_>>()?;
        let stems = names.iter().filter_map(|name| name.strip_suffix(".key").or_else(|| name.strip_suffix(".new")));
        Ok(stems.filter(|stem| stem.parse::<Bucket>().is_ok()).map(str::to_owned).collect())
    }
}

/// The key of a store of the first schema, if its proof opens with it.
pub(crate) fn first_key(connection: &Connection, path: &Path, directory: &Path) -> Result<SealingKey, OpenError> {
    let key_path = file(directory, FIRST);
    let bytes = key_file::read_bare(&key_path)?;
    if proves(connection, path, FIRST, &bytes)? {
        return SealingKey::new(&bytes).map_err(|CannotSeal| OpenError::NotAKey { key: key_path });
    }
    Err(OpenError::KeyWrong { path: path.into(), key: key_path })
}

/// Removes the proof of the first schema.
pub(crate) fn remove_first_proof(connection: &Connection) -> Result<(), StoreError> {
    connection.execute("DELETE FROM seal WHERE name = ?1", [FIRST]).at(SEAL.name, "delete").map(|_| ())
}

/// Removes the proof of a bucket that is dropped.
pub(crate) fn remove_proof(connection: &Connection, bucket: Bucket) -> Result<(), StoreError> {
    connection.execute("DELETE FROM seal WHERE name = ?1", [bucket.to_string()]).at(SEAL.name, "delete").map(|_| ())
}

/// The register that the store's proof belongs to: after a rotation that a crash interrupted it may be the next one.
fn right_register(
    connection: &Connection,
    path: &Path,
    directory: &Path,
    wrapping: Option<&Wrapping>,
) -> Result<Register, OpenError> {
    let usual = file(directory, ACCOUNTS);
    let next = file(directory, NEXT);
    if next.exists()
        && let Ok(register) = Register::read(&next, wrapping)
        && proves(connection, path, ACCOUNTS, register.own())?
    {
        return Ok(register);
    }
    let register = Register::read(&usual, wrapping)?;
    if proves(connection, path, ACCOUNTS, register.own())? {
        return Ok(register);
    }
    Err(OpenError::KeyWrong { path: path.into(), key: usual })
}

/// The key in a file that holds one.
fn read_one(path: &Path, wrapping: Option<&Wrapping>) -> Result<KeyBytes, OpenError> {
    let Contents { slots, .. } = key_file::read(path, wrapping)?;
    match slots.as_slice() {
        [Some((_, key))] => Ok(*key),
        _ => Err(OpenError::NotAKey { key: path.into() }),
    }
}

fn proves(connection: &Connection, path: &Path, name: &str, key: &KeyBytes) -> Result<bool, OpenError> {
    let proof: Option<Vec<u8>> = connection
        .query_row("SELECT proof FROM seal WHERE name = ?1", [name], |row| row.get(0))
        .optional()
        .map_err(|error| database(path, &error))?;
    let word = proof.map(|proof| SealingKey::new(key)?.open(PLACE, &proof));
    Ok(matches!(word, Some(Ok(word)) if word.expose() == WORD))
}

fn write_proof(connection: &Connection, name: &str, key: &KeyBytes) -> Result<(), StoreError> {
    let proof = SealingKey::new(key).and_then(|key| key.seal(PLACE, WORD));
    let proof = proof.map_err(|CannotSeal| StoreError::Seal { table: SEAL.name })?;
    connection
        .execute(
            "INSERT INTO seal (name, proof) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET proof = excluded.proof",
            params![name, proof],
        )
        .at(SEAL.name, "insert")
        .map(|_| ())
}

fn numbers(connection: &Connection) -> rusqlite::Result<BTreeSet<u32>> {
    connection.prepare("SELECT number FROM account ORDER BY number")?.query_map([], |row| row.get(0))?.collect()
}

fn live_buckets(connection: &Connection) -> rusqlite::Result<BTreeSet<String>> {
    connection.prepare("SELECT name FROM bucket")?.query_map([], |row| row.get(0))?.collect()
}

fn make_directory(directory: &Path) -> Result<(), OpenError> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(|source| OpenError::File {
        action: "make the directory",
        path: directory.into(),
        source,
    })
}

fn unreadable(path: &Path, source: io::Error) -> OpenError {
    OpenError::File { action: "read", path: path.into(), source }
}

fn not_written(path: &Path, source: io::Error) -> OpenError {
    OpenError::File { action: "write", path: path.into(), source }
}

pub(crate) fn not_kept(error: &io::Error) -> StoreError {
    StoreError::KeyNotWritten { reason: error.kind() }
}

pub(crate) fn of_keys(operation: &'static str, error: &io::Error) -> StoreError {
    StoreError::Keys { operation, reason: error.kind() }
}

/// Keys that were written a moment ago cannot be read.
pub(crate) fn not_read() -> StoreError {
    StoreError::Keys { operation: "read", reason: io::ErrorKind::Other }
}
