//! What sealed values say of time: the day of a payment or a session, the end of a plan. Known to an audit that has the
//! keys; it keeps the first day of each table and no other value.

use std::collections::BTreeMap;

use avow_terms::{inventory::Column, plan::Plan};
use jiff::{Span, Timestamp, civil::Date};

use crate::schema::Live;

/// The events that rows tell of.
#[derive(Debug, Default)]
pub(crate) struct Dates {
    /// The first day that a row of a table is dated with.
    first: BTreeMap<String, Date>,
    /// When the plan of an account ends.
    ends: BTreeMap<u32, Timestamp>,
}

impl Dates {
    /// Notes what a value says.
    pub(crate) fn note(&mut self, table: &Live<'_>, account: u32, value: &[u8]) {
        let carries = |code: &str| {
            let columns = table.declared.map_or(&[][..], |declared| declared.columns);
            columns.iter().flat_map(Column::codes).any(|carried| carried == code)
        };
        if carries("account.plan") {
            let ends = Plan::decode(value).ok().and_then(|plan| plan.ends);
            self.ends.extend(ends.map(|ends| (account, ends)));
        } else if (carries("payment.date") || carries("session.date"))
            && let Some(day) = day(value)
        {
            let first = self.first.entry(table.name.clone()).or_insert(day);
            *first = day.min(*first);
        }
    }

    /// The first day of a table.
    pub(crate) fn first(&self, table: &str) -> Option<Date> {
        self.first.get(table).copied()
    }

    /// When the subscription of an account ends.
    pub(crate) fn ends(&self, account: u32) -> Option<Timestamp> {
        self.ends.get(&account).copied()
    }
}

/// The day that begins a value: as days since the first of 1970.
fn day(value: &[u8]) -> Option<Date> {
    let days = i32::from_be_bytes(*value.first_chunk()?);
    Date::constant(1970, 1, 1).checked_add(Span::new().try_days(days).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_counted_from_1970() {
        assert_eq!(day(&[0, 0, 0, 0, 9]), Some(Date::constant(1970, 1, 1)));
        assert_eq!(day(&20_782_i32.to_be_bytes()), Some(Date::constant(2026, 11, 25)));
        assert_eq!(day(&[0, 0, 0]), None);
        assert_eq!(day(&[0x7f; 4]), None);
    }
}
