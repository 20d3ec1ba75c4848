//! Sealed sessions on their way from the relay to the store. What passes here cannot be read here.

use std::{
    collections::BTreeMap,
    sync::{Arc, atomic::Ordering},
};

use avow_proxy::{SealTo, SealedSession, Supervisor};
use tokio::sync::Mutex;

use crate::{
    failure::Failure,
    http::{Health, MOST_SESSIONS},
    keeper::Keeper,
    log::Event,
};

/// Sessions that are sealed, and those that the store has not taken yet, by the hour they ended in.
pub(super) struct Sealed {
    keeper: Keeper,
    relay: Arc<Supervisor>,
    to: Option<SealTo>,
    health: Arc<Health>,
    waiting: Mutex<BTreeMap<u64, Vec<SealedSession>>>,
}

impl Sealed {
    /// `to` is what the configuration orders.
    pub(super) fn new(keeper: Keeper, relay: Arc<Supervisor>, to: Option<SealTo>, health: Arc<Health>) -> Self {
        Self { keeper, relay, to, health, waiting: Mutex::default() }
    }

    /// Has the relay seal sessions while the policy in force declares them, and else not. A start is refused by the desk
    /// when it does not; a version that comes into force later takes the order back.
    pub(super) async fn order(&self) -> Result<(), Failure> {
        let Some(to) = self.to else { return Ok(()) };
        let may = self.keeper.at_desk(|desk| desk.may_seal_sessions()).await.flatten().is_ok();
        self.relay.seal_sessions(may.then_some(to)).await.map_err(Failure::could_not)
    }

    /// Stores what the relay sealed since the last time.
    pub(super) async fn store(&self) -> Result<(), Failure> {
        let mut waiting = self.waiting.lock().await;
        for session in self.relay.take_sealed() {
            waiting.entry(session.hour).or_default().push(session);
        }
        if drop_oldest(&mut waiting, MOST_SESSIONS) > 0 {
            Event::SessionsDropped.tell();
        }
        self.count(&waiting);
        if waiting.is_empty() {
            return Ok(());
        }
        let mut sessions = std::mem::take(&mut *waiting);
        let (left, refused) = self
            .keeper
            .at_desk(move |desk| {
                let refused = desk.keep_sealed(&mut sessions);
                (sessions, refused)
            })
            .await?;
        self.count(&left);
        *waiting = left;
        if refused? > 0 {
            Event::SessionsRefused.tell();
        }
        Ok(())
    }

    fn count(&self, waiting: &BTreeMap<u64, Vec<SealedSession>>) {
        self.health.held_sessions.store(many(waiting) as u64, Ordering::Relaxed);
    }
}

fn many(waiting: &BTreeMap<u64, Vec<SealedSession>>) -> usize {
    waiting.values().map(Vec::len).sum()
}

/// What no store has taken for so long may not fill the memory: the oldest go, and how many did is said.
fn drop_oldest(waiting: &mut BTreeMap<u64, Vec<SealedSession>>, most: usize) -> usize {
    let too_many = many(waiting).saturating_sub(most);
    let mut left = too_many;
    while left > 0
        && let Some(mut hour) = waiting.first_entry()
    {
        let gone = left.min(hour.get().len());
        hour.get_mut().drain(..gone);
        left -= gone;
        if hour.get().is_empty() {
            hour.remove();
        }
    }
    too_many
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_sessions_make_room_when_the_store_takes_none() {
        let session = |hour| SealedSession::new(7.try_into().unwrap(), hour, &[0; 82]);
        let mut waiting: BTreeMap<u64, Vec<_>> = BTreeMap::new();
        for hour in [3, 3, 4, 5, 5] {
            waiting.entry(hour).or_default().push(session(hour));
        }
        assert_eq!(drop_oldest(&mut waiting, 5), 0);
        assert_eq!(drop_oldest(&mut waiting, 3), 2);
        assert_eq!(waiting.keys().copied().collect::<Vec<_>>(), [4, 5]);
        assert_eq!(drop_oldest(&mut waiting, 1), 2);
        assert_eq!((many(&waiting), waiting.len()), (1, 1));
    }
}
