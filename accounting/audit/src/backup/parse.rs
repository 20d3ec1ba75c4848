//! The form of a backup, read without a key: `docs/backup.md` says what stands where. It shares nothing with the writer.
//!
//! Every reading answers nothing where the bytes end. What does not read as the form says, and all that follows it, belongs
//! to nobody and is counted.

use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::published::Entry;

/// A backup, as far as it can be read.
pub(super) struct Parsed {
    /// When it was made.
    pub(super) made: Timestamp,
    /// The text on trial, its vocabulary, and since when.
    pub(super) trial: Option<Trial>,
    /// Every table.
    pub(super) parts: Vec<Span>,
    /// Whether the digest at its end is that of all before it.
    pub(super) digest: bool,
    /// What belongs to no part: from which byte on, and how many.
    pub(super) unowned: Option<(u64, u64)>,
    /// The published versions.
    pub(super) entries: Vec<Entry>,
}

/// One table of a backup.
pub(super) struct Span {
    /// Its name.
    pub(super) name: String,
    /// How many bytes it takes.
    pub(super) bytes: u64,
}

/// What a backup begins with.
const MAGIC: &[u8] = b"avow backup 1\n\0\0";
/// The digest, and the code behind it.
const END: usize = 64;

/// Reads a backup; `None` if it is none.
pub(super) fn parse(bytes: &[u8]) -> Option<Parsed> {
    let body = bytes.strip_prefix(MAGIC)?;
    let made = Timestamp::from_millisecond(i64::from_be_bytes(*body.first_chunk()?)).ok()?;
    let (all, end) = bytes.split_at_checked(bytes.len().checked_sub(END)?)?;
    let digest = end.starts_with(Sha256::digest(all).as_slice());
    let mut parsed = Parsed { made, trial: None, parts: Vec::new(), digest, unowned: None, entries: Vec::new() };
    let mut left = all.get(MAGIC.len() + 8..)?;
    // What goes wrong is not read, nor is anything behind it.
    let read = parsed.read(&mut left);
    if read.is_none() || !left.is_empty() {
        let size = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        parsed.unowned = Some((size(all.len() - left.len()), size(left.len())));
    }
    Some(parsed)
}

/// The bytes that are left to read.
type Left<'a> = &'a [u8];
/// Something that was read, and what is left.
type Read<'a, T> = Option<(T, Left<'a>)>;
/// A text on trial, its vocabulary, and since when.
type Trial = (String, String, i64);

impl Parsed {
    /// Reads everything between the first line and the end.
    fn read(&mut self, left: &mut Left<'_>) -> Option<()> {
        *left = seals(left)?;
        *left = cursors(left)?;
        (self.trial, *left) = trial(left)?;
        let revisions;
        (revisions, *left) = count(left)?;
        for _ in 0..revisions {
            let entry;
            (entry, *left) = entry_of(left)?;
            self.entries.push(entry);
        }
        let parts;
        (parts, *left) = count(left)?;
        for _ in 0..parts {
            let part;
            (part, *left) = span(left)?;
            self.parts.push(part);
        }
        Some(())
    }
}

/// The salt, and the proof of the keys.
fn seals(left: Left<'_>) -> Option<Left<'_>> {
    let (_, left) = left.split_at_checked(32)?;
    let (proof, left) = value(left)?;
    // A nonce, eleven letters and a tag.
    (proof.len() == 12 + 11 + 16).then_some(left)
}

/// The cursors: a node, its life and its batch.
fn cursors(left: Left<'_>) -> Option<Left<'_>> {
    let (count, left) = count(left)?;
    Some(left.split_at_checked(count.checked_mul(20)?)?.1)
}

fn trial(left: Left<'_>) -> Read<'_, Option<Trial>> {
    match count(left)? {
        (0, left) => Some((None, left)),
        (1, left) => {
            let (words, left) = text(left)?;
            let (vocabulary, left) = text(left)?;
            let (since, left) = time(left)?;
            Some((Some((words, vocabulary, since)), left))
        }
        _ => None,
    }
}

/// A published version.
fn entry_of(left: Left<'_>) -> Read<'_, Entry> {
    let (version, left) = left.split_first_chunk()?;
    let (policy, left) = text(left)?;
    let (document, left) = text(left)?;
    let (effective, left) = time(left)?;
    let (published_at, left) = time(left)?;
    let (words, left) = text(left)?;
    let (vocabulary, left) = text(left)?;
    let (previous, left) = value(left)?;
    let (hash, left) = left.split_at_checked(32)?;
    let previous = match previous.len() {
        0 => None,
        32 => Some(previous.to_vec()),
        _ => return None,
    };
    let (version, hash) = (u32::from_be_bytes(*version), hash.to_vec());
    Some((Entry { version, policy, document, effective, published_at, text: words, vocabulary, previous, hash }, left))
}

/// A table: its name, then blocks until an empty one.
fn span(left: Left<'_>) -> Read<'_, Span> {
    let before = left.len();
    let (name, mut left) = text(left)?;
    loop {
        let (block, rest) = value(left)?;
        left = rest;
        match block.len() {
            0 => break,
            // A nonce, whole blocks of what is padded, and a tag.
            length if length > 28 && (length - 28).is_multiple_of(256) => {}
            _ => return None,
        }
    }
    Some((Span { name, bytes: u64::try_from(before - left.len()).ok()? }, left))
}

/// A number of four bytes.
fn count(left: Left<'_>) -> Read<'_, usize> {
    let (number, left) = left.split_first_chunk()?;
    Some((usize::try_from(u32::from_be_bytes(*number)).ok()?, left))
}

/// A value with its length before it.
fn value(left: Left<'_>) -> Read<'_, &[u8]> {
    let (length, left) = count(left)?;
    left.split_at_checked(length)
}

fn text(left: Left<'_>) -> Read<'_, String> {
    let (bytes, left) = value(left)?;
    Some((String::from_utf8(bytes.to_vec()).ok()?, left))
}

/// Milliseconds since 1970.
fn time(left: Left<'_>) -> Read<'_, i64> {
    let (number, left) = left.split_first_chunk()?;
    Some((i64::from_be_bytes(*number), left))
}
