//! The parent's handle on its relay: what to serve, what to stop, whether it lives.

use std::{
    ffi::OsString,
    io,
    net::{SocketAddr, TcpListener, UdpSocket},
    os::fd::OwnedFd,
    path::PathBuf,
    sync::Arc,
    time::Duration,
};

use avow_terms::account::AccountId;
use tokio::sync::{mpsc, oneshot};

use crate::{
    event::Events,
    guard::Network,
    inherited::Estate,
    keeper::{self, Command},
    keys::ServerKeys,
    limits::Limits,
    order::{Admission, Order},
    page::Page,
    replays::Replays,
    sealed_session::SealedSession,
    sessions::SealTo,
    status::Status,
    walls::Raised,
};

/// How many accounts go into one order that says little about each.
const MANY: usize = 4096;

/// The program that calls [`crate::run`], and how it is told to: usually this same program with a hidden command.
pub struct SpawnRelay {
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

/// Keeps a relay running.
///
/// A relay that dies is started again at once with all that it was told, at growing intervals if it dies again and
/// again; the listeners stay open in between. An order is answered when it is carried out, which waits for a relay if
/// none runs. When the last handle is dropped the relay ends.
#[derive(Clone)]
pub struct Supervisor {
    commands: mpsc::Sender<Command>,
    status: Arc<Status>,
}

impl Supervisor {
    /// Starts a relay and the thread that keeps it.
    ///
    /// `lock` is a descriptor that the relay holds as well, so that a lock on it lasts until the relay is gone too.
    /// [`Supervisor::ready`] tells when it serves.
    pub fn start(
        spawn: SpawnRelay,
        tcp: Vec<TcpListener>,
        udp: Vec<UdpSocket>,
        page: &Page,
        replays: &Replays,
        lock: Option<OwnedFd>,
    ) -> io::Result<Self> {
        let estate = Estate { tcp, udp, page: page.file()?, replays: replays.file()?, lock };
        let (commands, orders) = mpsc::channel(64);
        let status = Arc::new(Status::default());
        keeper::start(spawn, estate, orders, Arc::clone(&status))?;
        Ok(Self { commands, status })
    }

    /// Tells who the server is, and its bounds. Nobody is let in before; accounts that are [put](Self::put) first are
    /// served from the first moment on.
    pub async fn configure(&self, keys: ServerKeys, limits: Limits) -> Result<(), SupervisorError> {
        self.order(Order::Configure(keys, limits)).await
    }

    /// Tells which networks may be reached beside the public Internet: none, before this is called. What the relay
    /// listens on is never reached, nor what else of this server is named in `own`.
    pub async fn guard(&self, allowed: Vec<Network>, own: Vec<SocketAddr>) -> Result<(), SupervisorError> {
        self.order(Order::Guard(allowed, own)).await
    }

    /// Has sessions sealed to the abuse desk from now on, or to nobody: the rule, as long as this is not called.
    pub async fn seal_sessions(&self, to: Option<SealTo>) -> Result<(), SupervisorError> {
        self.order(Order::SealTo(to)).await
    }

    /// Takes the sessions that were sealed since the last time.
    #[must_use]
    pub fn take_sealed(&self) -> Vec<SealedSession> {
        self.status.take_sealed()
    }

    /// Serves accounts, each with its keys and no others. Streams of a key that one had and has no more are ended.
    pub async fn put(&self, admissions: Vec<Admission>) -> Result<(), SupervisorError> {
        for order in Order::put(admissions) {
            self.order(order).await?;
        }
        Ok(())
    }

    /// Has accounts that are served stop at these counts of theirs; `None` is no limit.
    pub async fn stop_at(&self, counts: Vec<(AccountId, Option<u64>)>) -> Result<(), SupervisorError> {
        for counts in counts.chunks(MANY) {
            self.order(Order::StopAt(counts.to_vec())).await?;
        }
        Ok(())
    }

    /// Serves an account no more, and returns when all its streams have ended: what it moved is in the page then.
    pub async fn remove(&self, account: AccountId) -> Result<(), SupervisorError> {
        self.order(Order::Remove(account)).await
    }

    /// Ends the relay with its streams and starts another at once, with all that it was told: the way to have it read what
    /// is read before the walls are raised.
    pub async fn renew(&self) -> Result<(), SupervisorError> {
        let (done, answer) = oneshot::channel();
        self.send(Command::Renew(done)).await?;
        answer.await.map_err(|_| SupervisorError::Ended)
    }

    /// Ends the relay: nothing new is accepted, open streams get so long to end by themselves. Returns when the process
    /// is gone.
    pub async fn drain(&self, at_most: Duration) -> Result<(), SupervisorError> {
        let (done, answer) = oneshot::channel();
        self.send(Command::Drain(at_most, done)).await?;
        answer.await.map_err(|_| SupervisorError::Ended)
    }

    /// Waits until a relay runs and has carried out what it was told so far.
    pub async fn ready(&self) -> Result<(), SupervisorError> {
        let mut ready = self.status.ready.subscribe();
        tokio::select! {
            ready = ready.wait_for(|ready| *ready) => ready.map(|_| ()).map_err(|_| SupervisorError::Ended),
            () = self.commands.closed() => Err(SupervisorError::Ended),
        }
    }

    /// Whether a relay runs and serves.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        *self.status.ready.borrow()
    }

    /// The process of the relay, while there is one.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.status.pid()
    }

    /// The walls around the relay that was started last; `None` before the first of them said so.
    #[must_use]
    pub fn walls(&self) -> Option<Raised> {
        self.status.walls()
    }

    /// How often a relay was started.
    #[must_use]
    pub fn starts(&self) -> u64 {
        self.status.starts()
    }

    /// What happened in the relay, and in those before it, until a second ago.
    #[must_use]
    pub fn events(&self) -> Events {
        self.status.events()
    }

    async fn order(&self, order: Order) -> Result<(), SupervisorError> {
        let (done, answer) = oneshot::channel();
        self.send(Command::Order(order, done)).await?;
        match answer.await {
            Ok(true) => Ok(()),
            Ok(false) => Err(SupervisorError::Refused),
            Err(_) => Err(SupervisorError::Ended),
        }
    }

    async fn send(&self, command: Command) -> Result<(), SupervisorError> {
        self.commands.send(command).await.map_err(|_| SupervisorError::Ended)
    }
}

/// Why an order was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SupervisorError {
    /// The relay was ended on purpose and takes no more orders.
    #[error("the relay has been stopped")]
    Ended,
    /// The relay could not do it: the slot is another account's, or the account is not served.
    #[error("the relay refused an order")]
    Refused,
}
