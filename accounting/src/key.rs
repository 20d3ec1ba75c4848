//! The sealing key: where it lies, and how the right one is recognised.
//!
//! The key is a file of 32 bytes that only its owner can read. The store holds a proof: a word that was sealed with the
//! key when both were made. A key that does not open it is another store's, and nothing is done with it.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use rusqlite::{Connection, OptionalExtension, params};

use crate::{
    engine::database,
    error::OpenError,
    seal::{CannotSeal, KEY_LEN, SealingKey},
};

/// The name of the key in the store, and of its file.
const NAME: &str = "access-keys";
const PLACE: &[u8] = b"seal.proof";
const WORD: &[u8] = b"avow";

/// The file of the key in the directory of keys.
pub(crate) fn file(keys: &Path) -> PathBuf {
    keys.join(format!("{NAME}.key"))
}

/// Reads the key of a store.
pub(crate) fn read(path: &Path, keys: &Path) -> Result<SealingKey, OpenError> {
    let key = file(keys);
    let mut opened = File::open(&key).map_err(|source| match source.kind() {
        ErrorKind::NotFound => OpenError::KeyMissing { path: path.into(), key: key.clone() },
        _ => OpenError::File { action: "read", path: key.clone(), source },
    })?;
    let unreadable = |source| OpenError::File { action: "read", path: key.clone(), source };
    if opened.metadata().map_err(unreadable)?.permissions().mode() & 0o077 != 0 {
        return Err(OpenError::KeyExposed { key });
    }
    let mut bytes = Vec::with_capacity(KEY_LEN);
    opened.read_to_end(&mut bytes).map_err(unreadable)?;
    let bytes = bytes.first_chunk().filter(|_| bytes.len() == KEY_LEN).ok_or(CannotSeal);
    bytes.and_then(SealingKey::new).map_err(|CannotSeal| OpenError::NotAKey { key })
}

/// Reads the key, or makes one where there is none: for a new store.
pub(crate) fn read_or_make(path: &Path, keys: &Path) -> Result<SealingKey, OpenError> {
    let key = file(keys);
    if !key.exists() {
        DirBuilder::new().recursive(true).mode(0o700).create(keys).map_err(|source| OpenError::File {
            action: "make the directory",
            path: keys.into(),
            source,
        })?;
        make(keys, &key).map_err(|source| OpenError::File { action: "write", path: key, source })?;
    }
    read(path, keys)
}

/// Writes the proof of a new store.
pub(crate) fn write_proof(connection: &Connection, path: &Path, key: &SealingKey) -> Result<(), OpenError> {
    let proof = key.seal(PLACE, WORD).map_err(|CannotSeal| OpenError::NotAKey { key: path.into() })?;
    connection
        .execute("INSERT INTO seal (name, proof) VALUES (?1, ?2)", params![NAME, proof])
        .map_err(|error| database(path, &error))
        .map(|_| ())
}

/// Refuses a key that is not this store's.
pub(crate) fn check_proof(
    connection: &Connection,
    path: &Path,
    keys: &Path,
    key: &SealingKey,
) -> Result<(), OpenError> {
    let proof: Option<Vec<u8>> = connection
        .query_row("SELECT proof FROM seal WHERE name = ?1", [NAME], |row| row.get(0))
        .optional()
        .map_err(|error| database(path, &error))?;
    match proof.map(|proof| key.open(PLACE, &proof)) {
        Some(Ok(word)) if word.expose() == WORD => Ok(()),
        _ => Err(OpenError::KeyWrong { path: path.into(), key: file(keys) }),
    }
}

/// Makes a key. It gets its name when it is whole and on the disk, so that no crash leaves half of one.
fn make(keys: &Path, key: &Path) -> io::Result<()> {
    let mut bytes = [0; KEY_LEN];
    SystemRandom::new().fill(&mut bytes).map_err(|_| io::Error::other("the system gives no random numbers"))?;
    let half = key.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&half)?;
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&half, key)?;
    File::open(keys)?.sync_all()
}
