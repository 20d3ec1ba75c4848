//! A conversation in datagrams: what one client sends through one key, and what comes back.
//!
//! It is known by the key and the client's session (2022) or the client's address, lives in memory only, and is over
//! when nothing was said for some minutes or its key is withdrawn.

mod outside;
mod talk;

use std::{
    collections::{HashMap, hash_map},
    hash::{Hash, Hasher},
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use avow_terms::private::Private;
use bytes::Bytes;
use shadowsocks::relay::Address;
use tokio::{net::UdpSocket, sync::mpsc, time::Instant};

use self::{outside::Outside, talk::Talk};
use crate::{
    event::Event,
    guard::Guard,
    packet::{Opened, Sealer},
    registry::Access,
    relay::Relay,
    target::Unreached,
};

/// The largest datagram there is.
pub(crate) const LARGEST: usize = 65_536;
/// How many datagrams wait for a name to be resolved.
const WAITING: usize = 64;

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
    access: Arc<Access>,
    /// Where the client was heard last.
    peer: Mutex<Private<SocketAddr>>,
    outside: Outside,
    /// Whether it is not over yet; held while a datagram is sent without the association's task, so that nothing of a
    /// key that is withdrawn is on its way when the task says that it is over.
    lives: Mutex<bool>,
    /// What cannot be sent at once.
    outbox: mpsc::Sender<Waiting>,
    began: Instant,
    /// When something came or went, in milliseconds since it began.
    last: AtomicU64,
}

/// A datagram that waits for its target to be found, or for room to send it.
struct Waiting {
    target: Private<Address>,
    payload: Bytes,
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
        let entry = Arc::new(Entry {
            session,
            access: Arc::clone(&access),
            peer: Mutex::new(peer),
            outside: Outside::default(),
            lives: Mutex::new(true),
            outbox,
            began: Instant::now(),
            last: AtomicU64::new(0),
        });
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
        let talk = Talk::new(relay, Arc::clone(&entry), sealer, socket, inbox);
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
    /// Passes on what the client sent, from where it is now: at once where nothing has to be waited for, and else through
    /// the association's task.
    pub(crate) fn pass(
        &self,
        guard: &Guard,
        opened: Opened,
        room: &[u8],
        peer: Private<SocketAddr>,
    ) -> Result<(), Unreached> {
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner) = peer;
        self.touch();
        let payload = opened.payload(room);
        if self.send_at_once(guard, &opened.target, payload)? {
            return Ok(());
        }
        let waiting = Waiting { payload: Bytes::copy_from_slice(payload), target: opened.target };
        self.outbox.try_send(waiting).map_err(|_| Unreached::NoAnswer)
    }

    /// Whether it could be sent without waiting: to an address, from a socket that is open and has room, by an account
    /// of which nobody holds what is left.
    fn send_at_once(&self, guard: &Guard, target: &Private<Address>, payload: &[u8]) -> Result<bool, Unreached> {
        let Address::SocketAddress(address) = target.expose() else { return Ok(false) };
        let to = Private::new(guard.admit(*address).ok_or(Unreached::Refused)?);
        let Some(socket) = self.outside.open_towards(&to) else { return Ok(false) };
        let lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        if !*lives {
            return Err(Unreached::NoAnswer);
        }
        let Some(held) = self.access.allowance.try_hold(payload.len()) else { return Ok(false) };
        match socket.try_send_to(payload, *to.expose()) {
            Ok(sent) => held.taken(sent),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(_) => return Err(Unreached::NoAnswer),
        }
        Ok(true)
    }

    /// From now on nothing is sent any more.
    fn end(&self) {
        *self.lives.lock().unwrap_or_else(PoisonError::into_inner) = false;
    }

    fn peer(&self) -> SocketAddr {
        *self.peer.lock().unwrap_or_else(PoisonError::into_inner).expose()
    }

    /// Something came or went.
    fn touch(&self) {
        let now = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(now, Ordering::Relaxed);
    }

    /// When something came or went last.
    fn last(&self) -> Instant {
        self.began + Duration::from_millis(self.last.load(Ordering::Relaxed))
    }
}
