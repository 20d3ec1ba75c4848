//! The relay: a process that serves what it is told to, until its parent tells it to end or is gone.

use std::{collections::BTreeMap, io, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use avow_terms::account::AccountId;
use shadowsocks::{
    config::{ReplayAttackPolicy, ServerType},
    context::{Context, SharedContext},
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, UdpSocket, UnixStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, watch},
    task::JoinSet,
    time::{interval, timeout},
};

use crate::{
    event::{Events, Tally},
    hints::Hints,
    inherited::Inherited,
    keys::{AccountKeys, ServerKeys},
    limits::Limits,
    lines::Lines,
    order::{Answer, Order},
    page::{Page, PageError, Slot},
    registry::{Access, Registry},
    tcp, udp,
};

/// Serves what the parent orders. Returns when the parent orders to drain or closes the control socket.
pub fn run(inherited: Inherited) -> Result<(), RelayError> {
    // From here on the relay dies with the thread that started it. If that is gone already, the control socket is
    // closed, and the first look at it ends the relay.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).map_err(io::Error::from)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let served = runtime.block_on(serve(inherited));
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    served
}

/// What the connections and datagrams of a relay share.
pub(crate) struct Relay {
    pub(crate) registry: ArcSwap<Registry>,
    pub(crate) limits: ArcSwap<Limits>,
    pub(crate) hints: ArcSwap<Hints>,
    pub(crate) tally: Tally,
    /// Remembers the salts of streams, so that none is taken twice.
    pub(crate) streams_seen: SharedContext,
    /// The same for datagrams. Apart, so that a flood of datagrams cannot make it forget streams.
    pub(crate) datagrams_seen: Context,
    /// Whoever serves something holds a receiver; nobody is left when it is closed.
    pub(crate) serving: watch::Sender<()>,
    /// How many connections are met with silence now.
    pub(crate) silenced: std::sync::atomic::AtomicUsize,
}

impl Relay {
    fn new() -> Self {
        Self {
            registry: ArcSwap::default(),
            limits: ArcSwap::default(),
            hints: ArcSwap::default(),
            tally: Tally::default(),
            streams_seen: Arc::new(rejecting_replays()),
            datagrams_seen: rejecting_replays(),
            serving: watch::Sender::new(()),
            silenced: std::sync::atomic::AtomicUsize::new(0),
        }
    }
}

fn rejecting_replays() -> Context {
    let mut context = Context::new(ServerType::Server);
    context.set_replay_attack_policy(ReplayAttackPolicy::Reject);
    context
}

async fn serve(inherited: Inherited) -> Result<(), RelayError> {
    let _deaf = deaf()?;
    let Inherited { control, tcp, udp, page, _lock } = inherited;
    control.set_nonblocking(true)?;
    let (orders, mut answers) = UnixStream::from_std(control)?.into_split();
    let relay = Arc::new(Relay::new());
    let mut doors = JoinSet::new();
    for listener in tcp {
        listener.set_nonblocking(true)?;
        doors.spawn(tcp::accept(Arc::clone(&relay), TcpListener::from_std(listener)?));
    }
    let associations = Arc::default();
    for socket in udp {
        socket.set_nonblocking(true)?;
        let socket = Arc::new(UdpSocket::from_std(socket)?);
        doors.spawn(udp::receive(Arc::clone(&relay), socket, Arc::clone(&associations)));
    }
    let (answer, mut written) = mpsc::unbounded_channel::<Answer>();
    let _ = answer.send(Answer::Ready);
    let writer = async {
        while let Some(answer) = written.recv().await {
            if answers.write_all(&answer.line()).await.is_err() {
                break;
            }
        }
    };
    let clerk =
        Clerk { relay: Arc::clone(&relay), page: Page::open(page)?, accounts: BTreeMap::new(), keys: None, answer };
    let patience = tokio::select! {
        patience = clerk.obey(Lines::new(orders)) => patience,
        () = writer => Duration::ZERO,
        () = renew_hints(&relay) => Duration::ZERO,
    };
    doors.shutdown().await;
    // What is still open after that ends with the process.
    let _ = timeout(patience, relay.serving.closed()).await;
    Ok(())
}

/// The signals that the parent acts on. They reach the whole group of processes when somebody presses ctrl-c; the relay
/// holds them and does nothing, since the parent drains it.
fn deaf() -> io::Result<[Signal; 3]> {
    Ok([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?, signal(SignalKind::hangup())?])
}

/// Which key an address used last is known for an hour at most.
async fn renew_hints(relay: &Relay) {
    let mut hourly = interval(Duration::from_secs(3600));
    loop {
        hourly.tick().await;
        relay.hints.store(Arc::default());
    }
}

/// Carries out the orders, one after the other.
struct Clerk {
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
    /// Returns how long open streams may go on.
    async fn obey(mut self, mut orders: Lines<tokio::net::unix::OwnedReadHalf>) -> Duration {
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

/// Why a relay ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    /// The system refused.
    #[error("the relay cannot run: {0}")]
    Io(#[from] io::Error),
    /// The counter page is none.
    #[error(transparent)]
    Page(#[from] PageError),
}
