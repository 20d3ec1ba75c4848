//! Whose slot is where: what the cells of a page say, in a form that is looked up and not searched.

use std::collections::HashMap;

use avow_terms::account::AccountId;

use super::mapping::Cell;

/// The slots that were given out, and where to look for a fresh one.
pub(super) struct Slots {
    of: HashMap<AccountId, usize>,
    /// Every place before this one was given out at some time.
    next: usize,
    /// Places that were given back without having counted.
    back: Vec<usize>,
}

impl Slots {
    /// What the cells say.
    pub(super) fn of(cells: &[Cell]) -> Self {
        let of = cells.iter().enumerate().filter_map(|(place, cell)| Some((cell.account()?, place)));
        Self { of: of.collect(), next: 0, back: Vec::new() }
    }

    /// Where an account counts.
    pub(super) fn find(&self, account: AccountId) -> Option<usize> {
        self.of.get(&account).copied()
    }

    /// Whoever counts.
    pub(super) fn accounts(&self) -> impl Iterator<Item = AccountId> + '_ {
        self.of.keys().copied()
    }

    /// Gives an account a slot that never counted; `None` when there is none left.
    pub(super) fn give(&mut self, account: AccountId, cells: &[Cell]) -> Option<usize> {
        while let Some(place) = self.back.pop() {
            if cells.get(place).is_some_and(Cell::is_fresh) {
                self.of.insert(account, place);
                return Some(place);
            }
        }
        let ahead = cells.get(self.next..)?.iter().position(Cell::is_fresh);
        let place = self.next + ahead?;
        self.next = place + 1;
        self.of.insert(account, place);
        Some(place)
    }

    /// Takes an account's slot back.
    pub(super) fn take_back(&mut self, account: AccountId) -> Option<usize> {
        let place = self.of.remove(&account)?;
        self.back.push(place);
        Some(place)
    }
}
