//! Sealed sessions on their way from the relay to the store. What passes here cannot be read here.

use std::{collections::BTreeMap, sync::Arc};

use avow_proxy::{SealTo, SealedSession, Supervisor};
use tokio::sync::Mutex;

use crate::{failure::Failure, keeper::Keeper, log::Event};

/// Sessions that are sealed, and those that the store has not taken yet, by the hour they ended in.
pub(super) struct Sealed {
    keeper: Keeper,
    relay: Arc<Supervisor>,
    to: Option<SealTo>,
    waiting: Mutex<BTreeMap<u64, Vec<SealedSession>>>,
}

impl Sealed {
    /// `to` is what the configuration orders.
    pub(super) fn new(keeper: Keeper, relay: Arc<Supervisor>, to: Option<SealTo>) -> Self {
        Self { keeper, relay, to, waiting: Mutex::default() }
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
        *waiting = left;
        if refused? > 0 {
            Event::SessionsRefused.tell();
        }
        Ok(())
    }
}
