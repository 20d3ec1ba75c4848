//! What was seen already: the salts of streams and datagrams, and how far each session of datagrams has come.
//!
//! It is a file on tmpfs that the caller opened and that both processes map, as the counter page is, so a recording is
//! refused also by the relay that takes the place of a killed one, and after the service was started anew. It is of one
//! size: when a line of it is full the oldest entry gives way, so it holds hours of an ordinary load and more than the
//! minute in which the edition of 2022 takes a recording for new, up to some thousand connections a second.
//!
//! Nothing in it tells an address or an account: an entry is 48 bits of a hash, under a key of the file's own, of a random
//! salt or of a random session and its key, and a time counted since the machine was started. Only what was sealed with a
//! key that is served comes in, so that strangers cannot fill it.

mod mapping;

use std::{fs::File, io, os::fd::OwnedFd, sync::atomic::Ordering};

use self::mapping::Mapping;
use crate::keys::random;

/// The memory of what was seen, shared with the relay.
pub struct Replays {
    mapping: Mapping,
    key: [u8; 32],
    file: File,
}

/// Where something is remembered: its line, and what tells it from the others there.
#[derive(Clone, Copy)]
struct Print {
    line: u64,
    tag: u64,
}

/// A session of datagrams as it is remembered.
pub(crate) struct Session(Print);

/// How many steps of the time in an entry are a second. The 16 bits go round in 68 minutes: an entry older than that may
/// look younger than it is, and so stays longer than one as old.
const STEPS: i64 = 16;
/// So often a line may change under somebody's hands before that is taken for a replay.
const TRIES: usize = 16;

impl Replays {
    /// Makes a new memory in a file, in which nothing was seen. Whatever the file held is gone.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn create(file: File) -> io::Result<Self> {
        file.set_len(0)?;
        let mapping = Mapping::create(&file, &random())?;
        Ok(Self { key: mapping.key(), mapping, file })
    }

    /// Takes up a memory that exists.
    ///
    /// # Errors
    /// If the file is something else, or the system refuses.
    pub fn open(file: File) -> io::Result<Self> {
        let mapping = Mapping::open(&file)?;
        Ok(Self { key: mapping.key(), mapping, file })
    }

    /// Another handle of its file, for the relay.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn file(&self) -> io::Result<OwnedFd> {
        self.file.try_clone().map(OwnedFd::from)
    }

    /// Takes the salt of a stream; false when it came before.
    pub(crate) fn take_stream(&self, salt: &[u8]) -> bool {
        self.take(Mapping::stream_line, self.print(b"s", salt))
    }

    /// Takes the salt of a datagram; false when it came before. Apart, so that a flood of datagrams cannot make it forget
    /// streams.
    pub(crate) fn take_datagram(&self, salt: &[u8]) -> bool {
        self.take(Mapping::datagram_line, self.print(b"d", salt))
    }

    /// A session of datagrams under a key.
    pub(crate) fn session(&self, key: &[u8], session: u64) -> Session {
        Session(self.print(&session.to_be_bytes(), key))
    }

    /// The first number that was never above any seen in a session; 0 for one that is not remembered.
    pub(crate) fn reached(&self, session: &Session) -> u64 {
        let pairs = self.mapping.session_line(session.0.line);
        let known = pairs.iter().find(|[entry, _]| entry.load(Ordering::Acquire) >> 16 == session.0.tag);
        known.map_or(0, |[_, next]| next.load(Ordering::Acquire))
    }

    /// A datagram with this number was taken.
    pub(crate) fn advance(&self, session: &Session, number: u64) {
        let (Print { line, tag }, now) = (session.0, now());
        let pairs = self.mapping.session_line(line);
        for _ in 0..TRIES {
            let seen = pairs.iter().map(|[entry, next]| (entry.load(Ordering::Acquire), entry, next));
            let Some((old, entry, next)) = seen.max_by_key(|(old, ..)| (*old >> 16 == tag, age(*old, now))) else {
                return;
            };
            let new = tag << 16 | u64::from(now);
            let mine = old >> 16 == tag;
            if old == new || entry.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                if !mine {
                    // What another session had reached must not bind this one.
                    next.store(0, Ordering::Release);
                }
                next.fetch_max(number.saturating_add(1), Ordering::AcqRel);
                return;
            }
        }
    }

    fn take<'a>(&'a self, line: impl Fn(&'a Mapping, u64) -> &'a [mapping::Word], print: Print) -> bool {
        let (cells, now) = (line(&self.mapping, print.line), now());
        let first = (print.tag % 8) as usize;
        for _ in 0..TRIES {
            let mut oldest = None;
            for cell in cells.iter().cycle().skip(first).take(cells.len()) {
                let entry = cell.load(Ordering::Acquire);
                if entry >> 16 == print.tag {
                    return false;
                }
                // Of those that are equally old, the first after a place that the salt itself says: two that take the
                // same salt at once choose the same place, and only one of them gets it.
                if oldest.is_none_or(|(_, oldest)| age(entry, now) > age(oldest, now)) {
                    oldest = Some((cell, entry));
                }
            }
            let Some((cell, old)) = oldest else { return false };
            let new = print.tag << 16 | u64::from(now);
            if cell.compare_exchange(old, new, Ordering::AcqRel, Ordering::Acquire).is_ok() {
                return true;
            }
        }
        false
    }

    fn print(&self, kind: &[u8], what: &[u8]) -> Print {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(kind).update(what);
        let mut words = [0; 16];
        hasher.finalize_xof().fill(&mut words);
        let hash = u128::from_be_bytes(words);
        let (line, tag) = ((hash >> 64) as u64, hash as u64 >> 16);
        // An entry of zeros is an empty one.
        Print { line, tag: tag.max(1) }
    }
}

/// How many steps ago an entry was made; an empty one is older than any.
fn age(entry: u64, now: u16) -> u32 {
    if entry == 0 { u32::MAX } else { now.wrapping_sub(entry as u16).into() }
}

/// The steps since the machine was started, which every process counts alike.
fn now() -> u16 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    (time.tv_sec * STEPS + time.tv_nsec * STEPS / 1_000_000_000) as u16
}

#[cfg(test)]
mod tests;
