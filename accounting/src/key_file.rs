//! A file of keys: one line that says what it is, then slots of 64 bytes, each with a number and a key.
//!
//! Slots are overwritten in place, so that a key which is destroyed is zero in the file itself. A file may be wrapped:
//! then each key in it is sealed with a key that the system hands over at the start and that is stored elsewhere.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, ErrorKind, Read, Write},
    os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::Arc,
};

use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey},
    rand::{SecureRandom, SystemRandom},
};

use crate::error::OpenError;

/// The bytes of a key.
pub(crate) const KEY_LEN: usize = 32;
/// The bytes of a slot: it lies in one sector of the disk, so that it is written as a whole.
pub(crate) const SLOT: usize = 64;
const NUMBER_LEN: usize = size_of::<u32>();
const PLAIN: &[u8] = b"avow keys 1 plain\n";
const WRAPPED: &[u8] = b"avow keys 1 wrapped\n";

/// A key. It has no Debug.
pub(crate) type KeyBytes = [u8; KEY_LEN];

/// The key that wraps the files of keys.
#[derive(Clone)]
pub struct Wrapping(Arc<RandomizedNonceKey>);

/// A credential that cannot wrap: it is too short to be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a credential that wraps the keys must be 32 random bytes")]
pub struct NotAWrapping;

impl Wrapping {
    /// Takes the secret that a credential holds.
    ///
    /// # Errors
    /// [`NotAWrapping`] if it is not 32 bytes.
    pub fn new(secret: &[u8]) -> Result<Self, NotAWrapping> {
        let secret: &KeyBytes = secret.try_into().map_err(|_| NotAWrapping)?;
        RandomizedNonceKey::new(&AES_256_GCM, secret).map(|key| Self(Arc::new(key))).map_err(|_| NotAWrapping)
    }
}

/// What a file of keys holds.
pub(crate) struct Contents {
    /// The number and the key in each slot; none where a slot is free.
    pub(crate) slots: Vec<Option<(u32, KeyBytes)>>,
    /// Whether the keys in it are wrapped.
    pub(crate) wrapped: bool,
}

/// Draws a key.
pub(crate) fn draw() -> io::Result<KeyBytes> {
    let mut key = [0; KEY_LEN];
    SystemRandom::new().fill(&mut key).map_err(|_| io::Error::other("the system gives no random numbers"))?;
    Ok(key)
}

/// Reads a file of keys, if its owner alone can.
pub(crate) fn read(path: &Path, wrapping: Option<&Wrapping>) -> Result<Contents, OpenError> {
    parse(&bytes(path)?, wrapping).map_err(|wrong| match wrong {
        Wrong::Form => OpenError::NotAKey { key: path.into() },
        Wrong::Wrapped => OpenError::KeyWrapped { key: path.into() },
    })
}

/// Reads a file that holds one key and nothing else, as the first schema had it.
pub(crate) fn read_bare(path: &Path) -> Result<KeyBytes, OpenError> {
    bytes(path)?.try_into().map_err(|_| OpenError::NotAKey { key: path.into() })
}

fn bytes(path: &Path) -> Result<Vec<u8>, OpenError> {
    let unreadable = |source: io::Error| match source.kind() {
        ErrorKind::NotFound => OpenError::KeyMissing { key: path.into() },
        _ => OpenError::File { action: "read", path: path.into(), source },
    };
    let mut file = File::open(path).map_err(unreadable)?;
    if file.metadata().map_err(unreadable)?.permissions().mode() & 0o077 != 0 {
        return Err(OpenError::KeyExposed { key: path.into() });
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

/// Writes a file of keys that is there whole or not at all. It begins with these slots.
pub(crate) fn make(path: &Path, slots: &[(u32, KeyBytes)], wrapping: Option<&Wrapping>) -> io::Result<()> {
    let half = half(path);
    let _ = fs::remove_file(&half);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half)?;
    let mut bytes = header(wrapping.is_some()).to_vec();
    for (number, key) in slots {
        bytes.extend(slot(*number, key, wrapping)?);
    }
    file.write_all(&bytes)?;
    file.sync_all()?;
    fs::rename(&half, path)?;
    sync_directory_of(path)
}

/// Puts a key into a slot, or zeros where there is none. It is on the disk when the file is synced.
pub(crate) fn put(
    file: &File,
    place: usize,
    entry: Option<(u32, &KeyBytes)>,
    wrapping: Option<&Wrapping>,
) -> io::Result<()> {
    let bytes = match entry {
        Some((number, key)) => slot(number, key, wrapping)?,
        None => [0; SLOT],
    };
    let offset = u64::try_from((place + 1).saturating_mul(SLOT)).unwrap_or(u64::MAX);
    file.write_all_at(&bytes, offset)
}

/// Overwrites a file of keys with zeros and removes it. One that is not there is destroyed already.
pub(crate) fn destroy(path: &Path) -> io::Result<()> {
    let file = match OpenOptions::new().write(true).open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    let mut left = file.metadata()?.len();
    let mut writer = io::BufWriter::new(&file);
    while left > 0 {
        let zeros = [0; SLOT];
        let next = left.min(SLOT as u64);
        writer.write_all(zeros.get(..usize::try_from(next).unwrap_or(SLOT)).unwrap_or(&zeros))?;
        left -= next;
    }
    writer.flush()?;
    file.sync_all()?;
    fs::remove_file(path)?;
    sync_directory_of(path)
}

/// Removes what an interrupted [`make`] left of a file.
pub(crate) fn destroy_half(path: &Path) -> io::Result<()> {
    destroy(&half(path))
}

fn half(path: &Path) -> PathBuf {
    path.with_extension("new")
}

fn sync_directory_of(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}

fn header(wrapped: bool) -> [u8; SLOT] {
    let mut header = [0; SLOT];
    let words = if wrapped { WRAPPED } else { PLAIN };
    header.iter_mut().zip(words).for_each(|(place, byte)| *place = *byte);
    header
}

enum Wrong {
    /// It is no file of keys, or not a whole one.
    Form,
    /// It is wrapped, and not with this key.
    Wrapped,
}

fn parse(bytes: &[u8], wrapping: Option<&Wrapping>) -> Result<Contents, Wrong> {
    let (head, rest) = bytes.split_at_checked(SLOT).ok_or(Wrong::Form)?;
    let wrapped = match head {
        head if head == header(false) => false,
        head if head == header(true) => true,
        _ => return Err(Wrong::Form),
    };
    let wrapping = wrapping.filter(|_| wrapped);
    if wrapped && wrapping.is_none() {
        return Err(Wrong::Wrapped);
    }
    // The last slot may have been cut off while the machine stopped; no account was let in with it.
    let slots = rest.chunks_exact(SLOT).map(|slot| opened(slot, wrapping)).collect::<Result<_, _>>()?;
    Ok(Contents { slots, wrapped })
}

fn slot(number: u32, key: &KeyBytes, wrapping: Option<&Wrapping>) -> io::Result<[u8; SLOT]> {
    let mut body = key.to_vec();
    if let Some(Wrapping(wrapping)) = wrapping {
        let place = Aad::from(number.to_be_bytes());
        let cannot = |_| io::Error::other("the keys cannot be wrapped");
        let nonce = wrapping.seal_in_place_append_tag(place, &mut body).map_err(cannot)?;
        body.splice(0..0, nonce.as_ref().iter().copied());
    }
    let mut slot = [0; SLOT];
    slot.iter_mut().zip(number.to_be_bytes().iter().chain(&body)).for_each(|(place, byte)| *place = *byte);
    Ok(slot)
}

fn opened(slot: &[u8], wrapping: Option<&Wrapping>) -> Result<Option<(u32, KeyBytes)>, Wrong> {
    if slot.iter().all(|byte| *byte == 0) {
        return Ok(None);
    }
    let (number, body) = slot.split_first_chunk::<NUMBER_LEN>().ok_or(Wrong::Form)?;
    let key = match wrapping {
        None => body.first_chunk().copied().ok_or(Wrong::Form)?,
        Some(Wrapping(wrapping)) => {
            let (nonce, sealed) = body.split_at_checked(NONCE_LEN).ok_or(Wrong::Form)?;
            let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| Wrong::Form)?;
            let opened = wrapping.open_in_place(nonce, Aad::from(*number), &mut sealed.to_vec()).map(|key| {
                let mut bytes = [0; KEY_LEN];
                bytes.iter_mut().zip(&*key).for_each(|(place, byte)| *place = *byte);
                bytes
            });
            opened.map_err(|_| Wrong::Wrapped)?
        }
    };
    Ok(Some((u32::from_be_bytes(*number), key)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapping(byte: u8) -> Wrapping {
        Wrapping::new(&[byte; KEY_LEN]).unwrap()
    }

    fn keys(contents: &Contents) -> Vec<Option<(u32, KeyBytes)>> {
        contents.slots.clone()
    }

    #[test]
    fn keys_are_read_as_they_were_written_and_a_free_slot_is_zero() {
        for wrapping in [None, Some(wrapping(9))] {
            let dir = tempfile::tempdir().unwrap();
            let path = dir.path().join("a.key");
            make(&path, &[(0, [1; KEY_LEN]), (7, [2; KEY_LEN])], wrapping.as_ref()).unwrap();
            let file = OpenOptions::new().write(true).open(&path).unwrap();
            put(&file, 2, Some((8, &[3; KEY_LEN])), wrapping.as_ref()).unwrap();
            put(&file, 1, None, wrapping.as_ref()).unwrap();
            let contents = read(&path, wrapping.as_ref()).ok().unwrap();
            assert_eq!(keys(&contents), [Some((0, [1; KEY_LEN])), None, Some((8, [3; KEY_LEN]))]);
            assert_eq!(contents.wrapped, wrapping.is_some());
            let bytes = fs::read(&path).unwrap();
            assert_eq!(bytes[2 * SLOT..3 * SLOT], [0; SLOT]);
            assert_eq!(bytes.windows(KEY_LEN).any(|window| window == [1; KEY_LEN]), wrapping.is_none());
            destroy(&path).unwrap();
            assert!(!path.exists());
            destroy(&path).unwrap();
        }
    }

    #[test]
    fn a_wrapped_file_opens_with_its_own_credential_only() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        make(&path, &[(0, [1; KEY_LEN])], Some(&wrapping(9))).unwrap();
        for other in [None, Some(wrapping(8))] {
            assert!(matches!(read(&path, other.as_ref()), Err(OpenError::KeyWrapped { .. })));
        }
        assert!(Wrapping::new(b"short").is_err());
    }

    #[test]
    fn a_slot_that_was_cut_off_is_no_key() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.key");
        make(&path, &[(0, [1; KEY_LEN]), (7, [2; KEY_LEN])], None).unwrap();
        let bytes = fs::read(&path).unwrap();
        fs::write(&path, &bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(keys(&read(&path, None).ok().unwrap()), [Some((0, [1; KEY_LEN]))]);
    }
}
