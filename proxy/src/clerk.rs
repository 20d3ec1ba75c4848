//! The relay's side of the control socket: takes the parent's orders, one after the other, and says when each is carried
//! out. An account is served no more when its last stream has ended, not when that was ordered.

use std::{collections::HashMap, sync::Arc, time::Duration};

use avow_terms::account::AccountId;
use tokio::{net::unix::OwnedReadHalf, sync::mpsc, time::interval};

use crate::{
    allowance::Allowance,
    event::Events,
    guard::Guard,
    lines::Lines,
    order::{Admission, Answer, Order},
    page::Page,
    registry::{Access, Register},
    relay::Relay,
};

/// Carries out the orders, one after the other.
pub(crate) struct Clerk {
    relay: Arc<Relay>,
    page: Page,
    accounts: HashMap<AccountId, Served>,
    register: Register,
    answer: mpsc::UnboundedSender<Answer>,
}

/// An account that is served.
struct Served {
    allowance: Arc<Allowance>,
    keys: Vec<Arc<Access>>,
}

impl Clerk {
    pub(crate) fn new(relay: Arc<Relay>, page: Page, answer: mpsc::UnboundedSender<Answer>) -> Self {
        Self { relay, page, accounts: HashMap::new(), register: Register::default(), answer }
    }

    /// Returns how long open streams may go on.
    pub(crate) async fn obey(mut self, mut orders: Lines<OwnedReadHalf>) -> Duration {
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
            self.carry_out(id, order);
        }
    }

    /// An order is carried out when what it withdrew has nothing open any more.
    fn carry_out(&mut self, id: u64, order: Order) {
        let (mut well, mut withdrawn) = (true, Vec::new());
        match order {
            Order::Configure(keys, limits) => {
                self.relay.limits.store(Arc::new(limits));
                self.relay.registry.store(Arc::new(self.register.view(Some(&keys))));
                self.relay.open.send_replace(true);
            }
            Order::Guard(allowed, mut own) => {
                own.extend_from_slice(&self.relay.doors);
                self.relay.guard.store(Arc::new(Guard::new(allowed, own)));
            }
            Order::Put(admissions) => {
                well = admissions
                    .into_iter()
                    .map(|admission| self.put(admission, &mut withdrawn))
                    .fold(true, |a, b| a & b);
            }
            Order::StopAt(counts) => {
                for (account, count) in counts {
                    match self.accounts.get(&account) {
                        Some(served) => served.allowance.stop_at(count),
                        None => well = false,
                    }
                }
            }
            Order::SealTo(to) => self.relay.sessions.seal_to(to),
            Order::Remove(account) => {
                withdrawn = self.accounts.remove(&account).map(|served| served.keys).unwrap_or_default();
            }
            Order::Drain(_) => well = false,
        }
        self.answer_when_ended(Answer::Done { id, well }, withdrawn);
    }

    /// Keys that the account had before stay what they are, with their open streams; those that it has no more are
    /// withdrawn. False when the slot is not the account's.
    fn put(&mut self, admission: Admission, withdrawn: &mut Vec<Arc<Access>>) -> bool {
        let Admission { account, slot, keys, stop_at } = admission;
        let Some(counter) = self.page.counter(slot, account) else { return false };
        let (allowance, mut had) = match self.accounts.remove(&account) {
            Some(Served { allowance, keys }) if *allowance.counter() == counter => (allowance, keys),
            other => {
                withdrawn.extend(other.into_iter().flat_map(|served| served.keys));
                (Arc::new(Allowance::new(counter)), Vec::new())
            }
        };
        allowance.stop_at(stop_at);
        let has = keys.0.iter().map(|key| match had.iter().position(|access| access.is_for(key)) {
            Some(place) => had.swap_remove(place),
            None => {
                let access = Arc::new(Access::new(key, Arc::clone(&allowance)));
                self.register.add(&access);
                access
            }
        });
        let keys = has.collect();
        self.accounts.insert(account, Served { allowance, keys });
        withdrawn.append(&mut had);
        true
    }

    fn answer_when_ended(&self, done: Answer, withdrawn: Vec<Arc<Access>>) {
        let answer = self.answer.clone();
        if withdrawn.is_empty() {
            // Nobody listens when the relay is ending.
            let _ = answer.send(done);
            return;
        }
        withdrawn.iter().for_each(|access| self.register.remove(access));
        tokio::spawn(async move {
            for access in withdrawn {
                access.withdraw().await;
            }
            let _ = answer.send(done);
        });
    }

    fn tell(&self, told: &mut Events) {
        for sealed in self.relay.sessions.over() {
            let _ = self.answer.send(Answer::Sealed(sealed));
        }
        let events = self.relay.tally.events();
        if events != *told {
            *told = events;
            let _ = self.answer.send(Answer::Events { events });
        }
    }
}
