//! Plans in the relay: a limit is a count at which an account stops, and an account whose plan has ended is not served.
//!
//! The count stays the same while batches are stored: what a batch adds to the month it adds to the counter's base. So
//! the relay is told anew only when a plan, the month or what may be counted changes.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use avow_terms::{account::AccountId, amount::Bytes};
use jiff::Timestamp;
use tokio::time;

use super::{books::wait, switchboard::Switchboard};
use crate::{
    clock,
    desk::{Desk, Left, PlansNow},
    failure::Failure,
    log::Event,
};

/// How often the page may have moved on before the totals were looked at with it.
const TRIES: u32 = 20;

/// How often to look each second after a month has turned: longer than counts wait for the store.
const SOON: u32 = 20;

/// What the relay is to be told about accounts with a plan.
#[derive(Default)]
pub(super) struct Ceilings {
    /// The count at which each stops; `None` is no limit.
    pub(super) accounts: BTreeMap<AccountId, Ceiling>,
    next: Option<Timestamp>,
    /// Whether a limit is measured by nothing.
    unmeasured: bool,
}

/// What the plan of an account comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ceiling {
    /// It is not let in: its plan has ended, or nothing measures its limit.
    NotLetIn,
    /// It stops at this count, if there is one.
    At(Option<u64>),
}

/// What came of applying plans.
#[derive(Clone, Copy)]
struct Applied {
    next: Option<Timestamp>,
    unmeasured: bool,
}

/// Applies plans when they come to something else by themselves, and looks whether the clock was set.
pub(super) async fn apply(board: Arc<Switchboard>, longest: Duration) {
    // What was counted before a month turned may come to the store a moment after: then it is looked at again.
    let (mut turns, mut soon, mut told) = (None, 0, false);
    loop {
        let applied = board.apply_plans().await.ok();
        if let Some(Applied { unmeasured, .. }) = applied {
            if unmeasured && !told {
                Event::LimitsUnmeasured.tell();
            }
            told = unmeasured;
        }
        let next = applied.map(|applied| applied.next);
        if turns.is_some_and(|turns: Timestamp| turns <= clock::now()) {
            soon = SOON;
        }
        turns = next.flatten();
        soon = soon.saturating_sub(1);
        let longest = if soon > 0 { Duration::from_secs(1) } else { longest };
        // A store that cannot be read now is asked again soon.
        let sleep = next.map_or(Duration::from_secs(1), |next| wait(next, clock::now(), longest));
        let _ = time::timeout(sleep, board.plans_changed.notified()).await;
    }
}

impl Switchboard {
    /// Has the relay serve by the plans as they are now; says when they come to something else.
    async fn apply_plans(&self) -> Result<Applied, Failure> {
        let mut admitted = self.admitted.lock().await;
        let Ceilings { accounts, next, unmeasured } = self.ceilings(None).await?;
        let (mut told, mut back) = (Vec::new(), Vec::new());
        for (&account, &ceiling) in &accounts {
            match (ceiling, admitted.get(&account)) {
                (Ceiling::NotLetIn, Some(_)) => self.withdraw(account, &mut admitted).await?,
                (Ceiling::At(_), None) => back.push(account),
                (Ceiling::At(at), Some(before)) if *before != at => told.push((account, at)),
                _ => {}
            }
        }
        // What kept an account out may be gone from the store: its deadline came.
        let free: Vec<_> =
            self.turned_away().iter().filter(|account| !accounts.contains_key(account)).copied().collect();
        back.extend(self.that_exist(free).await?);
        if !told.is_empty() {
            self.relay.stop_at(told.clone()).await.map_err(Failure::could_not)?;
            admitted.extend(told);
        }
        if !back.is_empty() {
            self.admit_new(back, &mut admitted).await?;
        }
        Ok(Applied { next, unmeasured })
    }

    /// Has the relay serve one account by its plan as it is now.
    pub(super) async fn apply_plan_of(
        &self,
        account: AccountId,
        admitted: &mut BTreeMap<AccountId, Option<u64>>,
    ) -> Result<(), Failure> {
        match self.ceilings(Some(account)).await?.accounts.get(&account) {
            Some(Ceiling::NotLetIn) if admitted.contains_key(&account) => self.withdraw(account, admitted).await?,
            Some(Ceiling::NotLetIn) => {}
            _ => self.admit_new(vec![account], admitted).await?,
        }
        self.plans_changed.notify_one();
        Ok(())
    }

    /// The relay serves an account no more; its slot stays, so that what it moved is stored.
    async fn withdraw(
        &self,
        account: AccountId,
        admitted: &mut BTreeMap<AccountId, Option<u64>>,
    ) -> Result<(), Failure> {
        self.relay.remove(account).await.map_err(Failure::could_not)?;
        admitted.remove(&account);
        self.turned_away().insert(account);
        Ok(())
    }

    /// Those of these accounts that are still there; the others need not be remembered.
    async fn that_exist(&self, mut accounts: Vec<AccountId>) -> Result<Vec<AccountId>, Failure> {
        if accounts.is_empty() {
            return Ok(accounts);
        }
        accounts.iter().for_each(|account| _ = self.turned_away().remove(account));
        let there = move |desk: &mut Desk| {
            accounts.retain(|account| desk.keys_of(*account).is_ok());
            accounts
        };
        self.keeper.at_desk(there).await
    }

    /// What the plans come to, of one account or of all that have one.
    pub(super) async fn ceilings(&self, only: Option<AccountId>) -> Result<Ceilings, Failure> {
        for _ in 0..TRIES {
            let plans = self.keeper.at_desk(move |desk| desk.plans_now(only)).await.flatten()?;
            if let Some(ceilings) = self.over_page(&plans) {
                return Ok(ceilings);
            }
        }
        Err(Failure::could_not("the counts move faster than the store"))
    }

    /// `None` when the page has moved on since the totals were read.
    fn over_page(&self, plans: &PlansNow) -> Option<Ceilings> {
        let PlansNow { cursor, ref accounts, next } = *plans;
        // The store may not have seen a batch of this epoch yet.
        let seq = cursor.filter(|(epoch, _)| *epoch == self.page.epoch()).map_or(0, |(_, seq)| seq);
        let counted = self.page.counted_by(seq)?;
        let before = |account: AccountId| counted.get(&account).map_or(0, |Bytes(bytes)| *bytes);
        let ceiling = |&(account, left): &(AccountId, Left)| {
            let ceiling = match left {
                Left::Unlimited => Ceiling::At(None),
                Left::Bytes(left) => Ceiling::At(Some(left.saturating_add(before(account)))),
                Left::Blocked | Left::Ended | Left::Unmeasured => Ceiling::NotLetIn,
            };
            (account, ceiling)
        };
        let unmeasured = accounts.iter().any(|(_, left)| *left == Left::Unmeasured);
        Some(Ceilings { accounts: accounts.iter().map(ceiling).collect(), next, unmeasured })
    }
}
