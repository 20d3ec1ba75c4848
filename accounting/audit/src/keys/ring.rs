//! The files of a directory of keys, read once, and the slots in them.
//!
//! A file begins with one line in 64 bytes that says what it is; then come slots of 64 bytes, each a number and a key, or
//! zeros. In a wrapped file the key of a slot is itself sealed.

use std::{collections::HashMap, fs, io, os::unix::fs::MetadataExt, path::Path};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

use super::Credential;

const SLOT: usize = 64;
const PLAIN: &[u8] = b"avow keys 1 plain\n";
const WRAPPED: &[u8] = b"avow keys 1 wrapped\n";
/// No file of keys is longer: a slot for every number that an account can have would be.
const LONGEST: u64 = 1 << 30;

/// Everything that lies in a directory of keys.
#[derive(PartialEq, Eq)]
pub(crate) struct Ring {
    pub(super) directory: About,
    pub(super) store: About,
    pub(super) files: Vec<KeyFile>,
    pub(super) directories: Vec<String>,
}

/// One file. It has no Debug.
#[derive(PartialEq, Eq)]
pub(super) struct KeyFile {
    pub(super) name: String,
    pub(super) about: About,
    pub(super) bytes: Vec<u8>,
}

/// Whose a file is, and who may reach it.
#[derive(PartialEq, Eq)]
pub(super) struct About {
    pub(super) owner: u32,
    pub(super) mode: u32,
    pub(super) device: u64,
    pub(super) plain: bool,
}

/// Why a file of keys gives no keys.
pub(super) enum Unread {
    /// It is none.
    Form,
    /// It is wrapped, with another secret or with one that is not at hand.
    Wrapped,
}

/// The slots of a file.
#[derive(Default)]
pub(super) struct Slots {
    /// The first key: of the register itself, or of the bucket.
    pub(super) own: Option<[u8; 32]>,
    keys: HashMap<u32, Option<[u8; 32]>>,
    /// How many slots there are, free or not.
    count: usize,
    /// How many accounts are in it twice.
    pub(super) twice: u64,
    /// How many bytes are not zero and belong to no key.
    pub(super) leftover: u64,
}

impl Ring {
    /// Reads a directory, and what is to be known of the store it belongs to.
    pub(crate) fn read(directory: &Path, store: &Path) -> io::Result<Self> {
        let about = |path: &Path| fs::symlink_metadata(path).map(|about| About::of(&about));
        let mut ring = Self {
            directory: fs::metadata(directory).map(|about| About::of(&about))?,
            store: fs::metadata(store).map(|about| About::of(&about))?,
            files: Vec::new(),
            directories: Vec::new(),
        };
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            if entry.file_type()?.is_dir() {
                ring.directories.push(name);
                continue;
            }
            let about = match about(&entry.path()) {
                // It was destroyed a moment ago: the next reading says so too.
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                about => about?,
            };
            // The relay's keys open nothing that is stored.
            let is_key = about.plain && name.ends_with(".key");
            let bytes = if is_key { bytes(&entry.path())? } else { Vec::new() };
            ring.files.push(KeyFile { name, about, bytes });
        }
        ring.files.sort_by(|one, other| one.name.cmp(&other.name));
        ring.directories.sort();
        Ok(ring)
    }

    /// The file of a key.
    pub(super) fn file(&self, stem: &str) -> Option<&KeyFile> {
        self.files.iter().find(|file| file.name.strip_suffix(".key") == Some(stem))
    }
}

impl KeyFile {
    /// Whether what is in it is wrapped.
    pub(super) fn is_wrapped(&self) -> bool {
        self.bytes.starts_with(WRAPPED)
    }
}

impl About {
    fn of(about: &fs::Metadata) -> Self {
        Self { owner: about.uid(), mode: about.mode() & 0o7777, device: about.dev(), plain: about.is_file() }
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    use io::Read as _;
    let mut bytes = Vec::new();
    match fs::File::open(path) {
        Ok(file) => file.take(LONGEST).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    Ok(bytes)
}

impl Slots {
    /// Reads the slots of a file.
    pub(super) fn read(bytes: &[u8], credential: Option<&Credential>) -> Result<Self, Unread> {
        let (head, rest) = bytes.split_at_checked(SLOT).ok_or(Unread::Form)?;
        let wrapping = match (is_head(head, PLAIN), is_head(head, WRAPPED)) {
            (true, _) => None,
            (_, true) => {
                let credential = credential.ok_or(Unread::Wrapped)?;
                Some(RandomizedNonceKey::new(&AES_256_GCM, &credential.0).map_err(|_| Unread::Wrapped)?)
            }
            _ => return Err(Unread::Form),
        };
        Self::of(
            rest,
            |number, body| match &wrapping {
                None => Ok(body.first_chunk().copied()),
                Some(wrapping) => unwrapped(number, body, wrapping).map(Some).ok_or(Unread::Wrapped),
            },
            wrapping.is_none(),
        )
    }

    /// The numbers of a wrapped file, which are not wrapped themselves.
    pub(super) fn numbered(bytes: &[u8]) -> Option<Self> {
        Self::of(bytes.get(SLOT..)?, |_, _| Ok(None), false).ok()
    }

    fn of(
        rest: &[u8],
        mut key_of: impl FnMut(u32, &[u8]) -> Result<Option<[u8; 32]>, Unread>,
        plain: bool,
    ) -> Result<Self, Unread> {
        let mut slots = Self::default();
        let (all, cut) = rest.as_chunks::<SLOT>();
        for (place, slot) in all.iter().enumerate() {
            slots.count += 1;
            if *slot == [0; SLOT] {
                continue;
            }
            let (number, body) = slot.split_first_chunk().ok_or(Unread::Form)?;
            let number = u32::from_be_bytes(*number);
            let key = key_of(number, body)?;
            if plain {
                slots.leftover += not_zero(body.get(32..).unwrap_or(&[]));
            }
            match (place, number) {
                (0, 0) => slots.own = key,
                (0, _) | (_, 0) => return Err(Unread::Form),
                _ if slots.keys.insert(number, key).is_some() => slots.twice += 1,
                _ => {}
            }
        }
        slots.leftover += not_zero(cut);
        Ok(slots)
    }

    /// The key of an account.
    pub(super) fn key(&self, account: u32) -> Option<&[u8; 32]> {
        self.keys.get(&account)?.as_ref()
    }

    /// The accounts that have one.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        self.keys.keys().copied()
    }

    /// Whether there is one key in the file and no slot besides.
    pub(super) fn is_one_key(&self) -> bool {
        self.count == 1 && self.own.is_some()
    }
}

fn unwrapped(number: u32, body: &[u8], wrapping: &RandomizedNonceKey) -> Option<[u8; 32]> {
    let (nonce, sealed) = body.split_at_checked(NONCE_LEN)?;
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let mut sealed = sealed.to_vec();
    let key = wrapping.open_in_place(nonce, Aad::from(number.to_be_bytes()), &mut sealed).ok()?;
    (&*key).try_into().ok()
}

fn is_head(head: &[u8], words: &[u8]) -> bool {
    head.strip_prefix(words).is_some_and(|rest| rest.iter().all(|byte| *byte == 0))
}

fn not_zero(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.iter().filter(|byte| **byte != 0).count()).unwrap_or(u64::MAX)
}
