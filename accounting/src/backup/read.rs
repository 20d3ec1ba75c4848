//! Reading a backup: what is in it, and what of it still opens.
//!
//! What a key that is destroyed had sealed is counted where it can be, and passed over: it opens for nobody any more.

use std::{collections::HashMap, path::Path};

use avow_terms::{account::AccountId, minute::Minute, revision::Revision};
use aws_lc_rs::hmac;
use jiff::Timestamp;
use rusqlite::types::Value;

use super::{
    error::BackupError,
    file::{End, Source},
    form::{SALT_LEN, Seals, TAG_LEN, Tag, account_column, decode, take_value},
    write::table_of,
};
use crate::{
    bucket::{Bucket, instant},
    inventory::ACCOUNT,
    keys::Keys,
    open::Opening,
    progress::{Listener, Steps},
    revisions::{TrialText, document},
    traffic::Cursor,
};

/// A backup that is whole. What is in the clear has been read; no key was asked for.
pub struct Backup {
    source: Source,
    end: End,
    seals: Seals,
    proof: Vec<u8>,
    parts: u32,
    /// Where the parts begin, and where they end.
    body: (u64, u64),
    /// When it was made.
    pub made: Timestamp,
    /// The text on trial, if there was one.
    pub trial: Option<TrialText>,
    /// The published versions.
    pub revisions: Vec<Revision>,
    pub(super) cursors: Vec<(u32, Cursor)>,
}

/// A backup, and the keys that it is sealed under.
pub struct Unlocked {
    pub(super) backup: Backup,
    pub(super) keys: Keys,
}

/// One table of a backup, as far as the keys that are left open it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// The name of the table: `account`, or of a bucket.
    pub name: String,
    /// Whether its key is there: else nothing in it opens any more.
    pub opens: bool,
    /// When its first row was recorded, of a bucket that opens.
    pub opened: Option<Timestamp>,
    /// When the bucket is due, as far as it was known.
    pub due: Option<Timestamp>,
    /// The rows that open.
    pub rows: usize,
    /// The rows of accounts that were erased since: they do not.
    pub erased: usize,
}

/// Whoever takes what opens.
pub(super) trait Take {
    /// A part that opens begins.
    fn begin(&mut self, keys: &Keys, part: &Part) -> Result<(), BackupError>;
    /// A row of it.
    fn row(&mut self, part: &Part, values: Vec<Value>) -> Result<(), BackupError>;
    /// It is over; or it did not open.
    fn end(&mut self, part: Part);
}

impl Backup {
    /// Reads a backup, if all of it is there.
    ///
    /// # Errors
    /// [`BackupError::NotABackup`], [`BackupError::Newer`], [`BackupError::Damaged`], [`BackupError::File`]
    pub fn read(path: &Path) -> Result<Self, BackupError> {
        let (mut source, end) = Source::open(path)?;
        let all = source.left() + 16;
        let made = time(&mut source)?;
        let seals = Seals { salt: source.array::<SALT_LEN>()? };
        let proof = source.value()?;
        let cursors = (0..source.u32()?).map(|_| {
            let node = source.u32()?;
            Ok((node, Cursor { epoch: source.u64()?, seq: source.u64()? }))
        });
        let cursors = cursors.collect::<Result<_, BackupError>>()?;
        let trial = match source.u32()? {
            0 => None,
            1 => Some(TrialText {
                text: source.text()?.into(),
                vocabulary: source.text()?.into(),
                since: time(&mut source)?,
            }),
            _ => return Err(source.damaged()),
        };
        let revisions = (0..source.u32()?).map(|_| revision(&mut source)).collect::<Result<_, _>>()?;
        let parts = source.u32()?;
        let body = (all - source.left(), all);
        Ok(Self { source, end, seals, proof, parts, body, made, trial, revisions, cursors })
    }

    /// Takes the keys of a directory to it. No key is changed.
    ///
    /// # Errors
    /// [`BackupError::OtherKeys`] if it was sealed under others, [`BackupError::Open`] if a key cannot be read,
    /// [`BackupError::Damaged`] if it was not written by whoever has the keys.
    pub fn unlock(self, opening: &Opening<'_>) -> Result<Unlocked, BackupError> {
        let is_right = |own: &_| self.seals.proves(own, &self.proof);
        let keys = Keys::find(opening.keys, opening.wrapping.as_ref(), is_right)?;
        let other = || BackupError::OtherKeys { path: self.source.path().into(), keys: opening.keys.into() };
        let keys = keys.ok_or_else(other)?;
        let key = self.seals.code_key(keys.register.own()).map_err(|_| self.source.damaged())?;
        hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, &key), &self.end.digest, &self.end.code)
            .map_err(|_| self.source.damaged())?;
        Ok(Unlocked { backup: self, keys })
    }
}

impl Unlocked {
    /// Looks at every part.
    ///
    /// # Errors
    /// [`BackupError::Damaged`], [`BackupError::File`]
    pub fn look(&mut self, listener: Listener<'_>) -> Result<Vec<Part>, BackupError> {
        let mut look = Look(Vec::new());
        self.walk(&mut look, listener)?;
        Ok(look.0)
    }

    /// The texts of the backup.
    #[must_use]
    pub fn backup(&self) -> &Backup {
        &self.backup
    }

    pub(super) fn walk(&mut self, take: &mut dyn Take, listener: Listener<'_>) -> Result<(), BackupError> {
        let accounts = self.accounts()?;
        let Self { backup: Backup { source, seals, parts, body, .. }, keys, .. } = self;
        source.to(body.0, body.1)?;
        let megabytes = |bytes: u64| usize::try_from(bytes >> 20).unwrap_or(usize::MAX);
        let mut steps = Steps::new(listener, "reading the backup, in MiB", megabytes(body.1 - body.0));
        let mut told = 0;
        for _ in 0..*parts {
            let name = source.text()?;
            let table = table_of(&name).map_err(|_| source.damaged())?;
            let mut walk = Walk { source, seals, keys, accounts: &accounts, table };
            walk.part(name, take, &mut |left| {
                let done = megabytes(body.1 - body.0 - left);
                (told..done).for_each(|_| steps.step());
                told = done.max(told);
            })?;
        }
        if source.left() == 0 { Ok(()) } else { Err(source.damaged()) }
    }

    /// Where each account that has a key is found.
    fn accounts(&self) -> Result<HashMap<Tag, AccountId>, BackupError> {
        let Self { backup: Backup { source, seals, .. }, keys, .. } = self;
        let numbers = keys.register.accounts().filter_map(|number| AccountId::try_from(number).ok());
        numbers.map(|account| Ok((seals.tag(keys, account).map_err(|_| source.damaged())?, account))).collect()
    }
}

/// The walk through one part.
struct Walk<'a> {
    source: &'a mut Source,
    seals: &'a Seals,
    keys: &'a Keys,
    accounts: &'a HashMap<Tag, AccountId>,
    table: &'static avow_terms::inventory::Table,
}

impl Walk<'_> {
    fn part(&mut self, name: String, take: &mut dyn Take, told: &mut dyn FnMut(u64)) -> Result<(), BackupError> {
        let mut part = Part { name, opens: false, opened: None, due: None, rows: 0, erased: 0 };
        let key = self.seals.block_key(self.keys, &part.name);
        let first = self.source.value()?;
        // A bucket of the same name that was begun anew has another key: this one is gone like any other.
        let head = key.and_then(|key| Ok((key.open(&self.seals.block(&part.name, 0), &first)?, key)));
        let Ok((head, key)) = head else {
            if part.name == ACCOUNT.name {
                return Err(self.source.damaged());
            }
            while self.source.skip()? {
                told(self.source.left());
            }
            take.end(part);
            return Ok(());
        };
        part.opens = true;
        if part.name != ACCOUNT.name {
            (part.opened, part.due) = self.head(head.expose())?;
        }
        take.begin(self.keys, &part)?;
        for number in 1.. {
            let sealed = self.source.value()?;
            if sealed.is_empty() {
                break;
            }
            let block = key.open(&self.seals.block(&part.name, number), &sealed);
            let block = block.map_err(|_| self.source.damaged())?;
            self.rows(block.expose(), &mut part, take)?;
            told(self.source.left());
        }
        take.end(part);
        Ok(())
    }

    /// When a bucket was opened and is due.
    fn head(&self, head: &[u8]) -> Result<(Option<Timestamp>, Option<Timestamp>), BackupError> {
        let damaged = || self.source.damaged();
        let (opened, due) = head.split_first_chunk().ok_or_else(damaged)?;
        let due = i64::from_be_bytes(due.try_into().map_err(|_| damaged())?);
        let at = |milliseconds| instant("bucket", milliseconds).map_err(|_| damaged());
        let due = if due == i64::MAX { None } else { Some(at(due)?) };
        Ok((Some(at(i64::from_be_bytes(*opened))?), due))
    }

    fn rows(&self, mut block: &[u8], part: &mut Part, take: &mut dyn Take) -> Result<(), BackupError> {
        while !block.is_empty() {
            let next = block.split_first_chunk::<TAG_LEN>().and_then(|(tag, rest)| Some((tag, take_value(rest)?)));
            let (tag, (sealed, rest)) = next.ok_or_else(|| self.source.damaged())?;
            match self.row(tag, sealed, &part.name)? {
                Some(values) => {
                    take.row(part, values)?;
                    part.rows += 1;
                }
                None => part.erased += 1,
            }
            block = rest;
        }
        Ok(())
    }

    /// The values of a row; none if its account is gone.
    fn row(&self, tag: &Tag, sealed: &[u8], part: &str) -> Result<Option<Vec<Value>>, BackupError> {
        let damaged = || self.source.damaged();
        let width = self.table.columns.len();
        let Some(column) = account_column(self.table) else {
            return decode(sealed, width).map(Some).ok_or_else(damaged);
        };
        let Some(&account) = self.accounts.get(tag) else { return Ok(None) };
        let key = self.seals.row_key(self.keys, account, part).map_err(|_| damaged())?;
        let opened = key.open_exact(&self.seals.row(part), sealed).map_err(|_| damaged())?;
        let values = decode(opened.expose(), width).ok_or_else(damaged)?;
        // The tag and the row name the same account, else the row is not where it was put.
        let own = matches!(values.get(column), Some(Value::Integer(number)) if *number == i64::from(account.number()));
        if own { Ok(Some(values)) } else { Err(damaged()) }
    }
}

struct Look(Vec<Part>);

impl Take for Look {
    fn begin(&mut self, _: &Keys, _: &Part) -> Result<(), BackupError> {
        Ok(())
    }

    fn row(&mut self, _: &Part, _: Vec<Value>) -> Result<(), BackupError> {
        Ok(())
    }

    fn end(&mut self, part: Part) {
        self.0.push(part);
    }
}

impl Part {
    /// The bucket it is; none where it is the accounts.
    pub(super) fn bucket(&self) -> Option<Bucket> {
        self.name.parse().ok()
    }
}

fn time(source: &mut Source) -> Result<Timestamp, BackupError> {
    let milliseconds = source.i64()?;
    instant("backup", milliseconds).map_err(|_| source.damaged())
}

fn revision(source: &mut Source) -> Result<Revision, BackupError> {
    let (version, policy, name) = (source.u32()?, source.text()?, source.text()?);
    let document = document(&name).map_err(|_| source.damaged())?;
    let (effective, published_at) = (time(source)?, time(source)?);
    let effective = Minute::exactly(effective).ok_or_else(|| source.damaged())?;
    let (text, vocabulary) = (source.text()?.into(), source.text()?.into());
    let previous = match source.value()?.as_slice() {
        [] => None,
        hash => Some(hash.try_into().map_err(|_| source.damaged())?),
    };
    let hash = source.array()?;
    Ok(Revision { policy, document, version, effective, published_at, text, vocabulary, previous, hash })
}
