//! Scrubbing: every byte of the file that no live row owns becomes zero.
//!
//! SQLite zeroes what it deletes, and not the copies that it left in the unused part of a page when it moved rows to
//! make room. So the pages themselves are walked, through the table `sqlite_dbpage`, in one transaction: what is left
//! over in a page of a b-tree, behind the end of an overflow chain, on the list of free pages, and pages that nothing
//! leads to. Only pages that change are written. A file whose pages contradict each other is left as it was.
//!
//! In memory are one page, one bit per page and the pages on the way down one tree; never the file.

mod page;

use rusqlite::{Connection, Statement, Transaction, TransactionBehavior, params};

use self::page::{Layout, word};
use crate::{
    error::{At, StoreError},
    progress::{Listener, Steps},
};

/// The name that errors give what is not one table.
const STORE: &str = "store";
/// Nothing may stand in the page of this byte: SQLite locks it.
const LOCK_BYTE: u32 = 1 << 30;

/// Zeroes every byte that no live row owns, in a transaction of its own; says how many pages were changed.
///
/// The log keeps the old pages until it is emptied.
///
/// # Errors
/// [`StoreError::Pages`] if the pages of the file contradict each other, [`StoreError::Database`]; nothing is then
/// changed.
pub fn scrub(connection: &Connection, listener: Listener<'_>) -> Result<u32, StoreError> {
    let transaction =
        Transaction::new_unchecked(connection, TransactionBehavior::Immediate).at(STORE, "begin to scrub")?;
    let changed = Scrub::new(&transaction, listener)?.all()?;
    if changed > 0 {
        transaction.commit().at(STORE, "commit")?;
    }
    Ok(changed)
}

struct Scrub<'c> {
    connection: &'c Connection,
    read: Statement<'c>,
    write: Statement<'c>,
    steps: Steps<'c>,
    /// The page at hand.
    page: Vec<u8>,
    layout: Layout,
    usable: usize,
    pages: Seen,
    changed: u32,
}

impl<'c> Scrub<'c> {
    fn new(connection: &'c Connection, listener: Listener<'c>) -> Result<Self, StoreError> {
        let number = |pragma: &str| -> Result<u32, StoreError> {
            connection.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0)).at(STORE, "read a setting")
        };
        let prepare = |sql| connection.prepare(sql).at(STORE, "reach its pages");
        // A file that moves its pages has pages that say where the others went, which this does not know.
        if number("auto_vacuum")? != 0 {
            return Err(StoreError::Pages);
        }
        let pages = Seen::new(number("page_count")?, LOCK_BYTE / number("page_size")?.max(1) + 1);
        Ok(Self {
            connection,
            read: prepare("SELECT data FROM sqlite_dbpage WHERE pgno = ?1")?,
            write: prepare("UPDATE sqlite_dbpage SET data = ?2 WHERE pgno = ?1")?,
            steps: Steps::new(listener, "wiping what no row owns", usize::try_from(pages.count).unwrap_or(0)),
            pages,
            page: Vec::new(),
            layout: Layout::default(),
            usable: 0,
            changed: 0,
        })
    }

    fn all(mut self) -> Result<u32, StoreError> {
        if self.pages.count == 0 {
            return Ok(0);
        }
        let (trunk, roots) = self.begin()?;
        self.free_list(trunk)?;
        self.tree(1)?;
        for root in roots {
            self.tree(root)?;
        }
        for number in 1..=self.pages.count {
            if self.pages.is_new(number) {
                self.load(number)?;
                self.keep(number, 0)?;
            }
        }
        Ok(self.changed)
    }

    /// Looks at the first page, which is not counted yet: how much of a page is used, where the free pages begin, and
    /// the roots of all trees.
    fn begin(&mut self) -> Result<(u32, Vec<u32>), StoreError> {
        self.fetch(1)?;
        let reserved = *self.page.get(20).ok_or(StoreError::Pages)?;
        self.usable = self.page.len().saturating_sub(usize::from(reserved));
        let trunk = word(&self.page, 32).filter(|_| self.usable >= 480).ok_or(StoreError::Pages)?;
        let mut statement = self
            .connection
            .prepare("SELECT rootpage FROM sqlite_schema WHERE rootpage > 0")
            .at(STORE, "read its schema")?;
        let roots = statement.query_map([], |row| row.get(0)).at(STORE, "read its schema")?;
        let roots = roots.collect::<rusqlite::Result<_>>().at(STORE, "read its schema")?;
        Ok((trunk, roots))
    }

    /// The list of free pages: of a trunk remain the next one and the numbers of its leaves, of a leaf nothing.
    fn free_list(&mut self, mut trunk: u32) -> Result<(), StoreError> {
        while trunk > 0 {
            self.load(trunk)?;
            let next = word(&self.page, 0).ok_or(StoreError::Pages)?;
            let count = word(&self.page, 4).and_then(|count| usize::try_from(count).ok()).ok_or(StoreError::Pages)?;
            let end = count.checked_mul(4).map(|leaves| leaves + 8).filter(|end| *end <= self.usable);
            let end = end.ok_or(StoreError::Pages)?;
            let leaves: Option<Vec<u32>> = (0..count).map(|index| word(&self.page, 8 + 4 * index)).collect();
            self.keep(trunk, end)?;
            for leaf in leaves.ok_or(StoreError::Pages)? {
                self.load(leaf)?;
                self.keep(leaf, 0)?;
            }
            trunk = next;
        }
        Ok(())
    }

    fn tree(&mut self, root: u32) -> Result<(), StoreError> {
        let mut below = vec![root];
        while let Some(number) = below.pop() {
            self.load(number)?;
            let Self { layout, page, usable, .. } = self;
            layout.read(page, number == 1, *usable).ok_or(StoreError::Pages)?;
            let mut changed = false;
            let mut end = 0;
            for owned in &layout.owned {
                changed |= zero(page, end, owned.start);
                end = owned.end;
            }
            let length = page.len();
            changed |= zero(page, end, length);
            if number == 1 {
                // What the header of the file reserves for later.
                changed |= zero(page, 72, 92);
            }
            below.extend(&layout.children);
            let chains = std::mem::take(&mut layout.chains);
            if changed {
                self.put(number)?;
            }
            for (first, bytes) in &chains {
                self.chain(*first, *bytes)?;
            }
            self.layout.chains = chains;
        }
        Ok(())
    }

    /// A chain of overflow pages: what stands behind its last byte goes.
    fn chain(&mut self, first: u32, bytes: u64) -> Result<(), StoreError> {
        let (mut number, mut left) = (first, usize::try_from(bytes).map_err(|_| StoreError::Pages)?);
        while left > 0 {
            self.load(number)?;
            let here = left.min(self.usable - 4);
            left -= here;
            let next = word(&self.page, 0).ok_or(StoreError::Pages)?;
            self.keep(number, 4 + here)?;
            number = next;
        }
        if number == 0 { Ok(()) } else { Err(StoreError::Pages) }
    }

    /// Reads a page that was not seen before. Nothing leads to a page twice.
    fn load(&mut self, number: u32) -> Result<(), StoreError> {
        if !self.pages.is_new(number) {
            return Err(StoreError::Pages);
        }
        self.pages.mark(number);
        self.steps.step();
        self.fetch(number)
    }

    fn fetch(&mut self, number: u32) -> Result<(), StoreError> {
        let page = &mut self.page;
        let take = |row: &rusqlite::Row<'_>| {
            let bytes = row.get_ref(0)?.as_blob()?;
            page.clear();
            page.extend_from_slice(bytes);
            Ok(())
        };
        self.read.query_row([number], take).at(STORE, "read a page")
    }

    /// Zeroes the page at hand from a byte on, and puts it back if that changed it.
    fn keep(&mut self, number: u32, start: usize) -> Result<(), StoreError> {
        let end = self.page.len();
        if zero(&mut self.page, start, end) { self.put(number) } else { Ok(()) }
    }

    fn put(&mut self, number: u32) -> Result<(), StoreError> {
        self.changed += 1;
        self.write.execute(params![number, self.page]).at(STORE, "write a page").map(|_| ())
    }
}

/// Zeroes some bytes; says whether any was not zero.
fn zero(page: &mut [u8], start: usize, end: usize) -> bool {
    let Some(bytes) = page.get_mut(start..end) else { return false };
    let left = bytes.iter().any(|byte| *byte != 0);
    if left {
        bytes.fill(0);
    }
    left
}

/// The pages that something leads to, one bit each.
struct Seen {
    bits: Vec<u64>,
    count: u32,
    lock: u32,
}

impl Seen {
    fn new(count: u32, lock: u32) -> Self {
        let words = usize::try_from(count / 64 + 1).unwrap_or(0);
        Self { bits: vec![0; words], count, lock }
    }

    /// Whether it is a page of the file that was not seen yet.
    fn is_new(&self, number: u32) -> bool {
        let word = usize::try_from(number / 64).ok().and_then(|word| self.bits.get(word));
        (1..=self.count).contains(&number)
            && number != self.lock
            && word.is_some_and(|bits| bits >> (number % 64) & 1 == 0)
    }

    fn mark(&mut self, number: u32) {
        if let Some(bits) = usize::try_from(number / 64).ok().and_then(|word| self.bits.get_mut(word)) {
            *bits |= 1 << (number % 64);
        }
    }
}
