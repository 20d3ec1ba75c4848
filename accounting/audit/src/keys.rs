//! The keys of a store: each belongs to something that lives, opens it, and nobody else can read it.
//!
//! What is destroyed in a copy of the store is destroyed by its key, so a key that stayed is as bad as a row that stayed.
//! Every sealed value is opened, with code of the audit's own; what it says is handed on in memory and told to nobody.

mod look;
mod open;
mod place;
mod ring;

use std::{path::Path, thread, time::Duration};

use avow_terms::{clause::ClauseId, code::Code, inventory::Table, key_place::KeyPlace};

use self::ring::Ring;
use crate::{
    clauses::{Clauses, stored},
    copy::{self, Copy, CouldNotRun, reason},
    dates::Dates,
    found::Findings,
    limit::codes_of,
    published::Published,
    report::{Keys, NotChecked},
    schema::{Live, declared},
};

/// The keys to audit.
#[derive(Debug, Clone, Copy)]
pub struct KeysAt<'a> {
    /// The directory they lie in.
    pub directory: &'a Path,
    /// The secret that their files are wrapped with, if the system handed one over.
    pub credential: Option<&'a Credential>,
}

/// The secret that files of keys are wrapped with. It is shown to nobody.
pub struct Credential([u8; 32]);

impl Credential {
    /// `None` if it is not 32 bytes.
    #[must_use]
    pub fn new(secret: &[u8]) -> Option<Self> {
        secret.try_into().ok().map(Self)
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credential")
    }
}

/// One thing that is wrong with the keys.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Wrong {
    check: &'static str,
    /// The table it is about, if it is about one.
    table: Option<String>,
    what: String,
    place: String,
    remedy: &'static str,
}

/// What was seen of the keys.
#[derive(Debug)]
pub(crate) struct Seen {
    wrong: Vec<Wrong>,
    place: KeyPlace,
    wrapped: bool,
    files: u64,
    accounts: u64,
    buckets: u64,
    opened: u64,
    /// Why some of it could not be looked at.
    closed: Option<&'static str>,
}

/// Who is told what a sealed value says: its table, its account (0 where it is about none), the value.
pub(crate) type Told<'t> = dyn FnMut(&Live<'_>, u32, &[u8]) + 't;

/// How often the store and its keys are looked at before what does not fit is said, and the pause between. A key is made
/// before its bucket and destroyed after it, so whoever looks in between sees one that belongs to nothing.
const LOOKS: usize = 3;
const PAUSE: Duration = Duration::from_millis(400);

/// Copies a store at a moment at which its keys stood still, and looks at both.
pub(crate) fn together(
    store: &Path,
    inventory: &[Table],
    at: Option<&KeysAt<'_>>,
) -> Result<(Copy, Result<Looked, NotChecked>), CouldNotRun> {
    let not = |why: String| NotChecked { what: "the keys".into(), why };
    let Some(at) = at else { return Ok((copy::copy(store)?, Err(not("no directory of keys was given".into())))) };
    let mut look = 1;
    loop {
        let before = Ring::read(at.directory, store);
        let copy = copy::copy(store)?;
        let after = Ring::read(at.directory, store);
        let (before, after) = match (before, after) {
            (Ok(before), Ok(after)) => (before, after),
            (_, Err(error)) | (Err(error), _) => {
                return Ok((copy, Err(not(format!("their directory cannot be read: {}", error.kind())))));
            }
        };
        let still = before == after;
        let mut dates = Dates::default();
        let seen = look::look(&copy.connection, inventory, &after, at, &mut |table, account, value| {
            dates.note(table, account, value);
        });
        let seen = match seen {
            Ok(seen) => seen,
            Err(error) => return Ok((copy, Err(not(reason(&error))))),
        };
        if (still && seen.wrong.is_empty()) || look == LOOKS {
            return Ok((copy, Ok(Looked { seen, dates })));
        }
        look += 1;
        thread::sleep(PAUSE);
    }
}

/// What was seen of the keys, and what the values that they opened say of time.
pub(crate) struct Looked {
    pub(crate) seen: Seen,
    pub(crate) dates: Dates,
}

impl Seen {
    /// Says what is wrong, with the clause of what the key is for.
    pub(crate) fn report(
        &self,
        inventory: &[Table],
        published: &Published,
        clauses: &Clauses<'_>,
        now: jiff::Timestamp,
        findings: &mut Findings,
    ) {
        let sealed = clauses.measure("encrypt-at-rest");
        for wrong in &self.wrong {
            let codes =
                wrong.table.as_deref().and_then(|name| declared(name, inventory)).map(|(table, _)| codes_of(table));
            let of = |code: &Code| stored(published.governing(now)?, code).next().map(|(clause, _)| clause);
            let own = codes.as_deref().and_then(<[Code]>::last).and_then(of);
            let broken: Vec<ClauseId> = own.or_else(|| clauses.complete()).into_iter().chain(sealed).collect();
            findings.add(wrong.check, broken, &wrong.what, &wrong.place, wrong.remedy);
        }
    }

    /// What could not be looked at.
    pub(crate) fn not_checked(&self) -> Option<NotChecked> {
        self.closed.map(|why| NotChecked { what: "whether the keys open what they are for".into(), why: why.into() })
    }

    /// Where they lie, what that covers, and how many there are.
    pub(crate) fn keys(&self) -> Keys {
        let mut not_covered = vec![
            "month totals are not sealed: a copy of the store that was taken before they were erased still has them",
            "a copy of the keys that somebody made elsewhere",
        ];
        if self.place == KeyPlace::SameDevice {
            not_covered.push("a key that lay on this disk may stand in a freed block of it, like anything else");
        }
        if self.place == KeyPlace::OtherDevice {
            not_covered.push("a freed block of the device of the keys may still hold a key");
        }
        Keys {
            place: self.place,
            covers: self.place.covers(),
            not_covered,
            wrapped: self.wrapped,
            files: self.files,
            accounts: self.accounts,
            buckets: self.buckets,
            opened: self.opened,
        }
    }
}

fn size(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
