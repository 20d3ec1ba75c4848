//! Writing a backup: one state of the store, row by row, into a file that is there whole or not at all.

use std::path::Path;

use avow_terms::account::AccountId;
use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use jiff::Timestamp;
use rusqlite::Connection;

use super::{
    error::BackupError,
    file::Writer,
    form::{BLOCK, MAGIC, SALT_LEN, Seals, TAG_LEN, account_column, columns, encode},
};
use crate::{
    bucket::{self, Opened},
    error::{At, StoreError},
    inventory::ACCOUNT,
    progress::{Listener, Steps},
    revisions::document_name,
    seal::{CannotSeal, SealingKey},
    store::Reader,
};

/// What went into a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BackedUp {
    /// How many accounts.
    pub accounts: usize,
    /// How many rows about them, or about nobody.
    pub rows: usize,
    /// How many buckets.
    pub buckets: usize,
    /// How long the file is.
    pub bytes: u64,
}

impl Reader {
    /// Writes everything into a file of its own, each row sealed under the keys it dies with. What is due is to be swept
    /// before. The file is on the disk, and open to its owner only, when this returns.
    ///
    /// # Errors
    /// [`BackupError::Exists`], [`BackupError::File`], [`BackupError::Store`]: then there is no such file.
    pub fn back_up(&self, path: &Path, now: Timestamp, listener: Listener<'_>) -> Result<BackedUp, BackupError> {
        let _view = self.view()?;
        let buckets = bucket::all(&self.connection)?;
        let mut salt = [0; SALT_LEN];
        SystemRandom::new().fill(&mut salt).map_err(|_| StoreError::NoRandom)?;
        let writer = Writer::new(path)?;
        let rows = self.count(&buckets)?;
        let steps = Steps::new(listener, "writing the backup", rows);
        let mut pen = Pen { reader: self, seals: Seals { salt }, writer, steps };
        let backed_up = pen.all(&buckets, now)?;
        let Pen { seals, writer, .. } = pen;
        let key = seals.code_key(self.keys.register.own()).map_err(not_sealed)?;
        let bytes = writer.finish(&key)?;
        Ok(BackedUp { bytes, ..backed_up })
    }

    /// How many rows will be written.
    fn count(&self, buckets: &[Opened]) -> Result<usize, StoreError> {
        let names = buckets.iter().map(|opened| opened.bucket.to_string()).chain([ACCOUNT.name.to_owned()]);
        let of = |name| {
            let sql = format!("SELECT count(*) FROM {name}");
            self.connection.query_row(&sql, [], |row| row.get::<_, usize>(0)).at("store", "count")
        };
        names.map(of).sum()
    }
}

struct Pen<'a> {
    reader: &'a Reader,
    seals: Seals,
    writer: Writer,
    steps: Steps<'a>,
}

impl Pen<'_> {
    fn all(&mut self, buckets: &[Opened], now: Timestamp) -> Result<BackedUp, BackupError> {
        self.writer.put(MAGIC)?;
        self.writer.put(&now.as_millisecond().to_be_bytes())?;
        let salt = self.seals.salt;
        self.writer.put(&salt)?;
        self.writer.value(&self.seals.proof(self.reader.keys.register.own()).map_err(not_sealed)?)?;
        self.cursors()?;
        self.texts()?;
        self.writer.count(buckets.len() + 1)?;
        let accounts = self.part(ACCOUNT.name, &[])?;
        let mut rows = 0;
        for Opened { bucket, at, due } in buckets {
            let due = due.map_or(i64::MAX, Timestamp::as_millisecond);
            let head = [at.as_millisecond().to_be_bytes(), due.to_be_bytes()].concat();
            rows += self.part(&bucket.to_string(), &head)?;
        }
        Ok(BackedUp { accounts, rows, buckets: buckets.len(), bytes: 0 })
    }

    fn cursors(&mut self) -> Result<(), BackupError> {
        let connection = &self.reader.connection;
        let mut statement = connection.prepare("SELECT node, epoch, seq FROM node ORDER BY node").at("node", "read")?;
        let rows = statement
            .query_map([], |row| Ok((row.get::<_, u32>(0)?, row.get::<_, u64>(1)?, row.get::<_, u64>(2)?)))
            .at("node", "read")?;
        let cursors: Vec<_> = rows.collect::<Result<_, _>>().at("node", "read")?;
        self.writer.count(cursors.len())?;
        for (node, epoch, seq) in cursors {
            self.writer.put(&node.to_be_bytes())?;
            self.writer.put(&epoch.to_be_bytes())?;
            self.writer.put(&seq.to_be_bytes())?;
        }
        Ok(())
    }

    /// The texts are published, or will be: they are about nobody.
    fn texts(&mut self) -> Result<(), BackupError> {
        let trial = self.reader.trial()?;
        self.writer.count(trial.iter().len())?;
        if let Some(text) = &trial {
            self.writer.value(text.text.as_bytes())?;
            self.writer.value(text.vocabulary.as_bytes())?;
            self.writer.put(&text.since.as_millisecond().to_be_bytes())?;
        }
        let revisions = self.reader.revisions()?;
        self.writer.count(revisions.len())?;
        for one in &revisions {
            self.writer.put(&one.version.to_be_bytes())?;
            self.writer.value(one.policy.as_bytes())?;
            self.writer.value(document_name(one.document).as_bytes())?;
            self.writer.put(&one.effective.instant().as_millisecond().to_be_bytes())?;
            self.writer.put(&one.published_at.as_millisecond().to_be_bytes())?;
            self.writer.value(one.text.as_bytes())?;
            self.writer.value(one.vocabulary.as_bytes())?;
            self.writer.value(one.previous.as_ref().map_or(&[], |hash| hash.as_slice()))?;
            self.writer.put(&one.hash)?;
        }
        Ok(())
    }

    /// Every row of a table: about an account sealed for it alone, in blocks that are sealed for the table.
    fn part(&mut self, name: &str, head: &[u8]) -> Result<usize, BackupError> {
        let Self { reader, seals, writer, steps } = self;
        let table = table_of(name)?;
        let damaged = StoreError::Damaged { table: table.name };
        let key = seals.block_key(&reader.keys, name).map_err(not_sealed)?;
        writer.value(name.as_bytes())?;
        let mut blocks = Blocks { writer, seals, key, name, number: 0, waiting: head.to_vec() };
        blocks.flush()?;
        let (column, place) = (account_column(table), seals.row(name));
        let mut statement = read(&reader.connection, &format!("SELECT {} FROM {name}", columns(table)))?;
        let mut rows = statement.query([]).at("store", "read")?;
        let mut count = 0;
        while let Some(row) = rows.next().at("store", "read")? {
            let values = encode(row, table.columns.len()).at("store", "read")?.ok_or_else(|| damaged.clone())?;
            let (tag, sealed) = match column {
                None => ([0; TAG_LEN], values),
                Some(column) => {
                    let number: u32 = row.get(column).at("store", "read")?;
                    let account = AccountId::try_from(number).map_err(|_| damaged.clone())?;
                    let tag = seals.tag(&reader.keys, account).map_err(not_sealed)?;
                    let key = seals.row_key(&reader.keys, account, name).map_err(not_sealed)?;
                    (tag, key.seal_exact(&place, values).map_err(not_sealed)?)
                }
            };
            blocks.add(&tag, &sealed)?;
            count += 1;
            steps.step();
        }
        blocks.finish()?;
        Ok(count)
    }
}

fn read<'c>(connection: &'c Connection, sql: &str) -> Result<rusqlite::Statement<'c>, StoreError> {
    connection.prepare(sql).at("store", "read")
}

/// The declared table of a part.
pub(super) fn table_of(name: &str) -> Result<&'static avow_terms::inventory::Table, StoreError> {
    if name == ACCOUNT.name {
        return Ok(&ACCOUNT);
    }
    let bucket: Result<bucket::Bucket, _> = name.parse();
    bucket.map(|bucket| bucket.family.table()).map_err(|_| StoreError::Damaged { table: "bucket" })
}

/// The blocks of one part, each a number of rows.
struct Blocks<'a> {
    writer: &'a mut Writer,
    seals: &'a Seals,
    key: SealingKey,
    name: &'a str,
    number: u64,
    waiting: Vec<u8>,
}

impl Blocks<'_> {
    fn add(&mut self, tag: &[u8], sealed: &[u8]) -> Result<(), BackupError> {
        let length = u32::try_from(sealed.len()).map_err(|_| StoreError::Seal { table: "store" })?;
        self.waiting.extend(tag);
        self.waiting.extend(length.to_be_bytes());
        self.waiting.extend(sealed);
        if self.waiting.len() < BLOCK { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<(), BackupError> {
        let sealed = self.key.seal(&self.seals.block(self.name, self.number), &self.waiting).map_err(not_sealed)?;
        self.waiting.clear();
        self.number += 1;
        self.writer.value(&sealed)
    }

    fn finish(mut self) -> Result<(), BackupError> {
        if !self.waiting.is_empty() {
            self.flush()?;
        }
        self.writer.value(&[])
    }
}

fn not_sealed(CannotSeal: CannotSeal) -> StoreError {
    StoreError::Seal { table: "store" }
}
