//! The configuration of a running service, and how it changes: at `avow reload`, or when the service is hung up on.
//!
//! Limits, timeouts, the guard and the host in links change at once and touch no stream that is open. A configuration
//! with a problem changes nothing. What is only read at a start is named, and stays as it was.

use std::{net::SocketAddr, sync::Arc};

use arc_swap::ArcSwap;
use avow_proxy::{ServerKeys, Supervisor};
use tokio::sync::Mutex;

use super::sockets;
use crate::{config::Config, desk::Done, failure::Failure, keeper::Keeper};

/// Reads the configuration as it is now, with what the command line said.
pub type Loader = Box<dyn Fn() -> Result<Config, Failure> + Send + Sync>;

/// The configuration of a running service.
pub(super) struct Live {
    pub(super) load: Loader,
    pub(super) now: ArcSwap<Config>,
    pub(super) relay: Arc<Supervisor>,
    pub(super) keeper: Keeper,
    /// Where the policy page is.
    pub(super) web: SocketAddr,
    /// One reload at a time.
    pub(super) turn: Mutex<()>,
}

impl Live {
    /// Tells the relay its bounds, and what may be reached.
    ///
    /// # Errors
    /// If the relay was stopped.
    pub(super) async fn tell_relay(&self, config: &Config) -> Result<(), Failure> {
        let (allowed, own) = (config.relay.allow_private.clone(), sockets::own(self.web, config));
        self.relay.guard(allowed, own).await.map_err(Failure::could_not)?;
        let keys = self.keeper.at_desk(|desk| desk.relay_keys()).await?;
        // The first of these opens the doors, so that nobody is taken for a stranger who is told a moment later.
        self.relay.configure(ServerKeys::clone(&keys), config.relay.limits()).await.map_err(Failure::could_not)
    }

    /// Reads the configuration again, and says what a restart is needed for.
    ///
    /// # Errors
    /// The problems of the configuration, each where it stands; then nothing was changed.
    pub(super) async fn reload(&self) -> Result<Done, Failure> {
        let _turn = self.turn.lock().await;
        let new = Arc::new((self.load)()?);
        let restart = self.now.load().differs_for_good(&new);
        self.tell_relay(&new).await?;
        let config = Arc::clone(&new);
        self.keeper.at_desk(move |desk| desk.reached_by(&config)).await?;
        self.now.store(new);
        Ok(Done::Reloaded { restart: restart.into_iter().map(str::to_owned).collect() })
    }
}
