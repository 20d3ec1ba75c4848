//! What a store holds: every column of every table, and the data code it carries.
//!
//! The store declares its inventory; the audit is handed it and compares it with the live schema and with the policy,
//! both ways. Columns are not in the policy: legal names data, engineers name columns.

/// A table, or a family of bucket tables that differ only in the period they are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// The name; in a family, `{}` stands for the period: `month_total_{}`.
    pub name: &'static str,
    /// The statement that creates it, as SQLite stores it; `{}` as in the name.
    pub ddl: &'static str,
    /// Its columns, in order.
    pub columns: &'static [Column],
}

/// A column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: &'static str,
    /// The data code it carries: `usage.month_total`, or a code under `system.` for what is about no account.
    pub code: &'static str,
    /// The other codes it carries: of several things that are sealed together.
    pub also: &'static [&'static str],
}

impl Column {
    /// Every code it carries.
    pub fn codes(&self) -> impl Iterator<Item = &'static str> + use<> {
        std::iter::once(self.code).chain(self.also.iter().copied())
    }
}
