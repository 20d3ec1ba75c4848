//! A conversation in datagrams: what one client sends through one key, and what comes back.
//!
//! It is known by the key and the client's session (2022) or the client's address, lives in memory only, and is over
//! when nothing was said for some minutes or its key is withdrawn.

use std::{
    cell::RefCell,
    collections::{HashMap, hash_map},
    future::pending,
    hash::{Hash, Hasher},
    io,
    net::SocketAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use avow_terms::private::Private;
use rustix::net::{AddressFamily, SocketFlags, SocketType};
use shadowsocks::relay::Address;
use tokio::{
    net::UdpSocket,
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use crate::{
    event::Event,
    packet::{Opened, Sealer},
    registry::{Access, Watch},
    relay::Relay,
    target::{self, Unreached},
};

/// The largest datagram there is.
pub(crate) const LARGEST: usize = 65_536;
/// How many datagrams wait for a name to be resolved.
const WAITING: usize = 64;
/// How many answers are passed on before something else gets its turn.
const IN_A_ROW: usize = 32;
/// How long a name may take to resolve, and for how long its address is used again.
const NAME_TAKES: Duration = Duration::from_secs(5);
const NAME_LASTS: Duration = Duration::from_secs(60);

thread_local! {
    /// Room for one answer on its way; one for each thread, not for each association.
    static ROOM: RefCell<Vec<u8>> = RefCell::new(vec![0; LARGEST]);
}

/// How an association is known. The first number is the serial of the key: two accounts never share one.
#[derive(PartialEq, Eq, Hash, Clone)]
pub(crate) enum Name {
    /// By the session that a client of 2022 chose.
    Session(u64, u64),
    /// By the address that a client of an older method sends from.
    Peer(u64, Peer),
}

/// An address to compare with, and for nothing else.
#[derive(Clone)]
pub(crate) struct Peer(pub(crate) Private<SocketAddr>);

impl PartialEq for Peer {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose() == other.0.expose()
    }
}

impl Eq for Peer {}

impl Hash for Peer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.expose().hash(state);
    }
}

/// Every association of a relay, each with what its receiving side needs.
pub(crate) struct Associations<S>(Mutex<HashMap<Name, Arc<Entry<S>>>>);

impl<S> Default for Associations<S> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

/// The receiving side of an association.
pub(crate) struct Entry<S> {
    /// What the receiving side keeps about it.
    pub(crate) session: S,
    /// Where the client was heard last.
    peer: Mutex<Private<SocketAddr>>,
    outbox: mpsc::Sender<Opened>,
}

/// What a new association is made of.
pub(crate) struct Beginning<S> {
    pub(crate) name: Name,
    pub(crate) session: S,
    pub(crate) access: Arc<Access>,
    pub(crate) sealer: Sealer,
    pub(crate) peer: Private<SocketAddr>,
    /// The socket that the client is heard on.
    pub(crate) socket: Arc<UdpSocket>,
}

impl<S: Send + Sync + 'static> Associations<S> {
    pub(crate) fn find(&self, name: &Name) -> Option<Arc<Entry<S>>> {
        self.held().get(name).cloned()
    }

    /// Opens an association; `None` when there are too many, or another socket opened it in this very moment.
    pub(crate) fn open(self: &Arc<Self>, relay: &Arc<Relay>, begin: Beginning<S>) -> Option<Arc<Entry<S>>> {
        let (outbox, inbox) = mpsc::channel(WAITING);
        let Beginning { name, session, access, sealer, peer, socket } = begin;
        let entry = Arc::new(Entry { session, peer: Mutex::new(peer), outbox });
        {
            let mut held = self.held();
            if held.len() >= relay.limits.load().associations {
                relay.tally.count(Event::AssociationRefused);
                return None;
            }
            match held.entry(name.clone()) {
                hash_map::Entry::Occupied(_) => return None,
                hash_map::Entry::Vacant(place) => place.insert(Arc::clone(&entry)),
            };
        }
        let Some(seat) = access.allowance.association(relay.limits.load().account_associations) else {
            relay.tally.count(Event::AssociationRefused);
            self.forget(&name);
            return None;
        };
        relay.tally.count(Event::AssociationOpened);
        let watch = access.watch();
        let talk = Talk {
            relay: Arc::clone(relay),
            access,
            sealer,
            socket,
            entry: Arc::clone(&entry),
            inbox,
            outside: Outside::default(),
            known: None,
        };
        let associations = Arc::clone(self);
        tokio::spawn(async move {
            talk.until(watch, || associations.forget(&name)).await;
            drop(seat);
        });
        Some(entry)
    }

    fn forget(&self, name: &Name) {
        self.held().remove(name);
    }

    fn held(&self) -> MutexGuard<'_, HashMap<Name, Arc<Entry<S>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Entry<S> {
    /// Passes on what the client sent, from where it is now; false when there is no room.
    pub(crate) fn pass(&self, opened: Opened, peer: Private<SocketAddr>) -> bool {
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner) = peer;
        self.outbox.try_send(opened).is_ok()
    }

    fn peer(&self) -> SocketAddr {
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner).expose()
    }
}

/// The sending side of an association: a task of its own.
struct Talk<S> {
    relay: Arc<Relay>,
    access: Arc<Access>,
    sealer: Sealer,
    socket: Arc<UdpSocket>,
    entry: Arc<Entry<S>>,
    inbox: mpsc::Receiver<Opened>,
    outside: Outside,
    /// The name that was sent to last, and where it was found.
    known: Option<(Private<Address>, Private<SocketAddr>, Instant)>,
}

/// The sockets towards targets, opened when they are needed.
#[derive(Default)]
struct Outside {
    four: Option<UdpSocket>,
    six: Option<UdpSocket>,
}

impl<S> Talk<S> {
    async fn until(mut self, mut watch: Watch, forget: impl FnOnce()) {
        let allowance = Arc::clone(&self.access.allowance);
        tokio::select! {
            biased;
            () = watch.withdrawn() => self.relay.tally.count(Event::Withdrawn),
            () = allowance.used_up() => self.relay.tally.count(Event::UsedUp),
            () = self.talk() => {}
        }
        forget();
        // Only now is the key free of this association: the watch is held until here.
        drop(watch);
    }

    async fn talk(&mut self) {
        let life = self.relay.limits.load().association_life();
        let mut last = Instant::now();
        loop {
            tokio::select! {
                opened = self.inbox.recv() => match opened {
                    Some(opened) => self.outward(opened).await,
                    None => return,
                },
                () = readable(self.outside.four.as_ref()) => self.inward(true).await,
                () = readable(self.outside.six.as_ref()) => self.inward(false).await,
                () = sleep_until(last + life) => return,
            }
            last = Instant::now();
        }
    }

    async fn outward(&mut self, opened: Opened) {
        match self.send(&opened).await {
            Ok(()) => {}
            Err(Unreached::NoAnswer) => self.relay.tally.count(Event::DatagramDropped),
            Err(Unreached::Refused) => self.relay.tally.count(Event::Refused),
        }
    }

    async fn send(&mut self, opened: &Opened) -> Result<(), Unreached> {
        let to = self.locate(&opened.target).await?;
        let socket = self.outside.towards(*to.expose()).map_err(|_| Unreached::NoAnswer)?;
        let held = self.access.allowance.hold(opened.payload.len()).await.ok_or(Unreached::NoAnswer)?;
        let sent = socket.send_to(&opened.payload, to.expose()).await.map_err(|_| Unreached::NoAnswer)?;
        held.taken(sent);
        Ok(())
    }

    async fn locate(&mut self, target: &Private<Address>) -> Result<Private<SocketAddr>, Unreached> {
        if let Address::SocketAddress(address) = target.expose() {
            return self.relay.guard.load().admit(*address).map(Private::new).ok_or(Unreached::Refused);
        }
        if let Some((name, address, since)) = &self.known
            && name.expose() == target.expose()
            && since.elapsed() < NAME_LASTS
        {
            return Ok(address.clone());
        }
        let guard = self.relay.guard.load_full();
        let found = timeout(NAME_TAKES, target::locate(target, &guard)).await.map_err(|_| Unreached::NoAnswer)??;
        let address = Private::new(*found.expose().first().ok_or(Unreached::NoAnswer)?);
        self.known = Some((target.clone(), address.clone(), Instant::now()));
        Ok(address)
    }

    /// Passes answers on to the client.
    async fn inward(&mut self, four: bool) {
        for _ in 0..IN_A_ROW {
            let outside = if four { &self.outside.four } else { &self.outside.six };
            let Some(outside) = outside else { return };
            let answer = ROOM.with_borrow_mut(|room| {
                let (length, from) = outside.try_recv_from(room).ok()?;
                let sealed = self.sealer.seal(&self.relay.replays, from, room.get(..length)?)?;
                Some((length, sealed))
            });
            let Some((length, sealed)) = answer else { return };
            let Some(held) = self.access.allowance.hold(length).await else {
                self.relay.tally.count(Event::DatagramDropped);
                continue;
            };
            match self.socket.send_to(&sealed, self.entry.peer()).await {
                Ok(_) => held.taken(length),
                Err(_) => self.relay.tally.count(Event::DatagramDropped),
            }
        }
    }
}

impl Outside {
    fn towards(&mut self, to: SocketAddr) -> io::Result<&UdpSocket> {
        let (socket, family) = match to {
            SocketAddr::V4(_) => (&mut self.four, AddressFamily::INET),
            SocketAddr::V6(_) => (&mut self.six, AddressFamily::INET6),
        };
        match socket {
            Some(socket) => Ok(socket),
            none => Ok(none.insert(outside(family)?)),
        }
    }
}

/// A socket that takes its port when it sends for the first time: behind the walls nothing can be bound.
fn outside(family: AddressFamily) -> io::Result<UdpSocket> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = rustix::net::socket_with(family, SocketType::DGRAM, flags, None)?;
    UdpSocket::from_std(socket.into())
}

/// Waits until something came; for ever where there is no socket.
async fn readable(socket: Option<&UdpSocket>) {
    match socket {
        // An error is met again, and dealt with, when it is read.
        Some(socket) => drop(socket.readable().await),
        None => pending().await,
    }
}
