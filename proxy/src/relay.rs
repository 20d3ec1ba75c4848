//! The relay: a process that serves what it is told to, until its parent tells it to end or is gone.

use std::{io, net::SocketAddr, num::NonZero, sync::Arc, thread, time::Duration};

use arc_swap::ArcSwap;
use tokio::{
    io::AsyncWriteExt,
    net::{TcpListener, UdpSocket, UnixStream},
    signal::unix::{Signal, SignalKind, signal},
    sync::{mpsc, watch},
    task::JoinSet,
    time::{interval, timeout},
};

use crate::{
    clerk::Clerk,
    event::Tally,
    guard::Guard,
    hints::Hints,
    inherited::Inherited,
    limits::Limits,
    lines::Lines,
    order::Answer,
    page::{Page, PageError},
    registry::Registry,
    replays::Replays,
    sessions::Sessions,
    tcp,
    threshold::Threshold,
    trial::Trials,
    udp,
    walls::{self, Raised, Wall},
};

/// How long the parent may take to hear what is sealed last.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// Serves what the parent orders. Returns when the parent orders to drain or closes the control socket.
pub fn run(inherited: Inherited) -> Result<(), RelayError> {
    // From here on the relay dies with the thread that started it. If that is gone already, the control socket is
    // closed, and the first look at it ends the relay.
    rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL)).map_err(io::Error::from)?;
    as_many_descriptors_as_may_be();
    let workers = thread::available_parallelism().map_or(1, NonZero::get);
    // The pair of sockets through which every runtime of a process learns of signals is made with the first of them;
    // behind the walls it could not be.
    drop(tokio::runtime::Builder::new_current_thread().enable_all().build()?);
    let raised = walls::raise(&Wall::ALL);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build()?;
    let served = runtime.block_on(serve(inherited, raised));
    // A name that is still being looked up is not waited for.
    runtime.shutdown_background();
    served
}

/// What the connections and datagrams of a relay share.
pub(crate) struct Relay {
    pub(crate) registry: ArcSwap<Registry>,
    pub(crate) limits: ArcSwap<Limits>,
    pub(crate) guard: ArcSwap<Guard>,
    /// What it listens on.
    pub(crate) doors: Vec<SocketAddr>,
    pub(crate) hints: ArcSwap<Hints>,
    pub(crate) tally: Tally,
    /// Remembers what was seen, so that nothing is taken twice.
    pub(crate) replays: Replays,
    /// What is noted for the abuse desk, where that is ordered.
    pub(crate) sessions: Sessions,
    /// Whether anybody is let in. Until then clients wait in the system's queue: a relay that does not know the accounts
    /// yet would take them for strangers.
    pub(crate) open: watch::Sender<bool>,
    /// Whoever serves a key holds a receiver; nobody is left when it is closed. Strangers hold none: a drain does not
    /// wait for them.
    pub(crate) serving: watch::Sender<()>,
    /// Where those stand who showed no key.
    pub(crate) threshold: Arc<Threshold>,
    /// Where keys of the older methods are tried.
    pub(crate) trials: Trials,
}

impl Relay {
    pub(crate) fn new(doors: Vec<SocketAddr>, replays: Replays) -> Self {
        Self {
            registry: ArcSwap::default(),
            limits: ArcSwap::default(),
            guard: ArcSwap::from_pointee(Guard::new(Vec::new(), doors.clone())),
            doors,
            hints: ArcSwap::default(),
            tally: Tally::default(),
            replays,
            sessions: Sessions::default(),
            open: watch::Sender::new(false),
            serving: watch::Sender::new(()),
            threshold: Arc::default(),
            trials: Trials::default(),
        }
    }

    /// Waits until somebody is let in.
    pub(crate) async fn opened(&self) {
        // The sender is here, so it cannot be gone.
        let _ = self.open.subscribe().wait_for(|open| *open).await;
    }
}

/// A stream takes two descriptors, and what a shell allows at first is little.
fn as_many_descriptors_as_may_be() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    // Where it may not be, there are as many as there were.
    let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

async fn serve(inherited: Inherited, raised: Raised) -> Result<(), RelayError> {
    let _deaf = deaf()?;
    let Inherited { control, tcp, udp, page, replays, _lock } = inherited;
    control.set_nonblocking(true)?;
    let (orders, mut answers) = UnixStream::from_std(control)?.into_split();
    let addresses = tcp.iter().map(|door| door.local_addr()).chain(udp.iter().map(|door| door.local_addr()));
    let relay = Arc::new(Relay::new(addresses.collect::<Result<_, _>>()?, Replays::open(replays)?));
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
    let _ = answer.send(Answer::Ready { walls: raised });
    let writer = async {
        while let Some(answer) = written.recv().await {
            let last = matches!(answer, Answer::Over);
            if answers.write_all(&answer.line()).await.is_err() || last {
                break;
            }
        }
    };
    tokio::pin!(writer);
    let clerk = Clerk::new(Arc::clone(&relay), Page::open(page)?, answer.clone());
    let patience = tokio::select! {
        patience = clerk.obey(Lines::new(orders)) => patience,
        () = &mut writer => Duration::ZERO,
        () = renew_hints(&relay) => Duration::ZERO,
    };
    doors.shutdown().await;
    // What is still open after that ends with the process.
    let _ = timeout(patience, relay.serving.closed()).await;
    let sealed = relay.sessions.all();
    if !sealed.is_empty() {
        for answered in sealed.into_iter().map(Answer::Sealed).chain([Answer::Over]) {
            // Nobody listens when the parent is gone.
            let _ = answer.send(answered);
        }
        let _ = timeout(LAST_WORDS, writer).await;
    }
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
