//! The relay's side of the control socket: takes the parent's orders, one after the other, and says when each is carried
//! out. An account is served no more when its last stream has ended, not when that was ordered.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use avow_terms::account::AccountId;
use tokio::{net::unix::OwnedReadHalf, sync::mpsc, time::interval};

use crate::{
    event::Events,
    keys::{AccountKeys, ServerKeys},
    lines::Lines,
    order::{Answer, Order},
    page::{Page, Slot},
    registry::{Access, Registry},
    relay::Relay,
};

/// Carries out the orders, one after the other.
pub(crate) struct Clerk {
    relay: Arc<Relay>,
    page: Page,
    accounts: BTreeMap<AccountId, Vec<Arc<Access>>>,
    keys: Option<ServerKeys>,
    answer: mpsc::UnboundedSender<Answer>,
}

/// An order that is carried out once the registry is published and these have nothing open any more.
struct Carried {
    id: u64,
    well: bool,
    withdrawn: Vec<Arc<Access>>,
}

impl Clerk {
    pub(crate) fn new(relay: Arc<Relay>, page: Page, answer: mpsc::UnboundedSender<Answer>) -> Self {
        Self { relay, page, accounts: BTreeMap::new(), keys: None, answer }
    }

    /// Returns how long open streams may go on.
    pub(crate) async fn obey(mut self, mut orders: Lines<OwnedReadHalf>) -> Duration {
        let mut carried = Vec::new();
        let mut every_second = interval(Duration::from_secs(1));
        let mut told = Events::default();
        loop {
            let line = tokio::select! {
                line = orders.next() => line,
                _ = every_second.tick() => {
                    self.tell(&mut told);
                    continue;
                }
            };
            // A closed socket is a parent that is gone; what cannot be read is no parent of ours.
            let Ok(Some(line)) = line else { return Duration::ZERO };
            let Ok((id, order)) = Order::read(&line) else { return Duration::ZERO };
            if let Order::Drain(milliseconds) = order {
                return Duration::from_millis(milliseconds);
            }
            carried.push(self.carry_out(id, order));
            // A thousand accounts told at once are published once.
            if !orders.has_line() {
                self.publish(std::mem::take(&mut carried));
            }
        }
    }

    fn carry_out(&mut self, id: u64, order: Order) -> Carried {
        let (well, withdrawn) = match order {
            Order::Configure(keys, limits) => {
                self.keys = Some(keys);
                self.relay.limits.store(Arc::new(limits));
                (true, Vec::new())
            }
            Order::Put(account, slot, keys) => self.put(account, slot, &keys),
            Order::Remove(account) => (true, self.accounts.remove(&account).unwrap_or_default()),
            Order::Drain(_) => (false, Vec::new()),
        };
        Carried { id, well, withdrawn }
    }

    /// Keys that the account had before stay what they are, with their open streams.
    fn put(&mut self, account: AccountId, slot: Slot, keys: &AccountKeys) -> (bool, Vec<Arc<Access>>) {
        let Some(counter) = self.page.counter(slot, account) else { return (false, Vec::new()) };
        let mut had = self.accounts.remove(&account).unwrap_or_default();
        let has = keys.0.iter().map(|key| match had.iter().position(|access| access.is_for(key, &counter)) {
            Some(place) => had.swap_remove(place),
            None => Arc::new(Access::new(key, counter.clone())),
        });
        let has = has.collect();
        self.accounts.insert(account, has);
        (true, had)
    }

    fn publish(&self, carried: Vec<Carried>) {
        self.relay.registry.store(Arc::new(Registry::new(self.keys.as_ref(), self.accounts.values().flatten())));
        if self.keys.is_some() {
            self.relay.open.send_replace(true);
        }
        for Carried { id, well, withdrawn } in carried {
            let answer = self.answer.clone();
            tokio::spawn(async move {
                for access in withdrawn {
                    access.withdraw().await;
                }
                // Nobody listens when the relay is ending.
                let _ = answer.send(Answer::Done { id, well });
            });
        }
    }

    fn tell(&self, told: &mut Events) {
        let events = self.relay.tally.events();
        if events != *told {
            *told = events;
            let _ = self.answer.send(Answer::Events { events });
        }
    }
}
