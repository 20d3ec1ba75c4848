//! What lies beside the store: a second database, an old journal or a memory dump would keep what the store has erased.
//!
//! Files are known by their first bytes as well as by their names. The keys where they belong are looked at in `keys`.

use std::{
    fs::{self, DirEntry, File},
    io::Read,
    path::{Path, PathBuf},
};

use crate::{
    audit::Question,
    clauses::Clauses,
    found::{Findings, shown},
};

/// What was looked at.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// Files beside the store.
    pub(crate) files: u64,
    /// Files that are none of Avow's, and none that could be told to hold a copy.
    pub(crate) unknown: u64,
    /// Directories that could not be read.
    pub(crate) closed: u64,
}

/// Names that belong into a data directory.
const KNOWN: [&str; 3] = ["avow.toml", "control.sock", "last-sweep"];
/// Directories that do. What is in the first is never opened.
const KEYS: &str = "keys";
const HISTORY: &str = "history";
/// How deep directories are followed.
const DEPTH: usize = 3;
/// Endings that only databases and their journals have.
const ENDINGS: [&str; 9] = [".db", ".sqlite", ".sqlite3", ".db3", "-wal", "-shm", "-journal", ".db.bak", ".db-old"];

/// Looks at every file beside the store.
pub(crate) fn check(question: &Question<'_>, clauses: &Clauses<'_>, findings: &mut Findings) -> Seen {
    let mut seen = Seen::default();
    let store = question.store;
    let keys = question.keys.map(|keys| keys.directory);
    let directory = store.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut walk = Walk { store, keys, clauses, findings, seen: &mut seen };
    walk.directory(directory, "", DEPTH);
    seen
}

struct Walk<'a, 'c> {
    store: &'a Path,
    /// The directory of keys, which is looked at elsewhere.
    keys: Option<&'a Path>,
    clauses: &'a Clauses<'c>,
    findings: &'a mut Findings,
    seen: &'a mut Seen,
}

impl Walk<'_, '_> {
    fn directory(&mut self, path: &Path, within: &str, depth: usize) {
        let Ok(entries) = fs::read_dir(path) else {
            self.seen.closed += 1;
            return;
        };
        let mut entries: Vec<DirEntry> = entries.filter_map(Result::ok).collect();
        entries.sort_by_key(DirEntry::file_name);
        for entry in entries {
            let name = entry.file_name().to_string_lossy().into_owned();
            let place = if within.is_empty() { name.clone() } else { format!("{within}/{name}") };
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && depth > 0 => self.directory(&entry.path(), &place, depth - 1),
                Ok(kind) if kind.is_dir() => self.seen.closed += 1,
                Ok(_) => self.file(&entry.path(), within, &name, &place),
                Err(_) => self.seen.closed += 1,
            }
        }
    }

    fn file(&mut self, path: &Path, within: &str, name: &str, place: &str) {
        let is_store = path.file_name() == self.store.file_name() && within.is_empty();
        let own = |ending: &str| within.is_empty() && ended(self.store, ending).as_deref() == Some(name);
        if is_store || own("-wal") || own("-shm") {
            return;
        }
        self.seen.files += 1;
        let among_keys = self.keys.map_or(within == KEYS, |keys| path.parent() == Some(keys));
        let key = among_keys && Path::new(name).extension().is_some_and(|ending| ending == "key");
        let kind = if key { None } else { suspicious(path, name) };
        let known = among_keys || (within.is_empty() && KNOWN.contains(&name)) || within == HISTORY;
        match kind {
            Some((check, what)) => {
                let remedy = "remove it with all its copies, and find out what made it";
                self.findings.add(check, self.clauses.complete(), what, &shown(place), remedy);
            }
            None if known => {}
            None => self.seen.unknown += 1,
        }
    }
}

/// What a file is, if it can keep what the store erases.
fn suspicious(path: &Path, name: &str) -> Option<(&'static str, &'static str)> {
    let mut start = [0_u8; 18];
    let read =
        if fs::symlink_metadata(path).is_ok_and(|about| about.is_file()) { first_bytes(path, &mut start) } else { 0 };
    let start = start.get(..read).unwrap_or(&[]);
    let ending = |endings: &[&str]| endings.iter().any(|ending| name.to_ascii_lowercase().ends_with(ending));
    // A journal begins with one of these; in the magic of the write-ahead log the last bit is the byte order.
    let rollback = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];
    let log = [[0x37, 0x7f, 0x06, 0x82], [0x37, 0x7f, 0x06, 0x83]];
    if start.starts_with(b"SQLite format 3\0") {
        Some(("file.database", "a database beside the store"))
    } else if start.starts_with(&rollback)
        || log.iter().any(|magic| start.starts_with(magic))
        || ending(&["-journal", "-wal"])
    {
        Some(("file.journal", "a journal, which keeps pages that were erased"))
    } else if start.starts_with(b"\x7fELF") && start.get(16) == Some(&4) {
        Some(("file.dump", "a memory dump"))
    } else if start.starts_with(b"avow keys 1 ") {
        Some(("file.keys", "a copy of keys, which are destroyed where they belong and not here"))
    } else if ending(&ENDINGS) {
        Some(("file.database", "a file named as a database, beside the store"))
    } else {
        None
    }
}

fn first_bytes(path: &Path, start: &mut [u8]) -> usize {
    File::open(path).and_then(|mut file| file.read(start)).unwrap_or(0)
}

/// The name of the store with something behind it.
fn ended(store: &Path, ending: &str) -> Option<String> {
    Some(format!("{}{ending}", PathBuf::from(store.file_name()?).display()))
}
