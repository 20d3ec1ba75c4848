//! Datagrams: each is received, its key found, and passed on to its association. Whatever is wrong with one, it is
//! dropped without an answer.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use avow_terms::private::Private;
use shadowsocks::crypto::v2::udp::UdpCipher;
use tokio::{net::UdpSocket, sync::Semaphore, time::sleep};

use crate::{
    association::{Associations, Beginning, Entry, LARGEST, Name, Peer},
    event::Event,
    identify::datagram_name,
    packet::{Opened, Sealer, open_named, open_nameless, opener, salt, session_and_number},
    registry::Access,
    relay::Relay,
    replays::Session as Seen,
    target::Unreached,
    trial::hinted,
    window::Window,
};

/// How long to wait after an error of the socket.
const BREATH: Duration = Duration::from_millis(5);

/// How many datagrams may wait for their key to be found.
const SEARCHES: usize = 256;

/// What the receiving side keeps about a session of 2022; the older methods have none.
pub(crate) type Session = Option<(UdpCipher, Mutex<Window>, Seen)>;

/// Receives datagrams until it is dropped.
pub(crate) async fn receive(relay: Arc<Relay>, socket: Arc<UdpSocket>, associations: Arc<Associations<Session>>) {
    relay.opened().await;
    let door = Arc::new(Door { relay, socket, associations, searches: Arc::new(Semaphore::new(SEARCHES)) });
    let (mut packet, mut room) = (vec![0; LARGEST], Vec::with_capacity(LARGEST));
    loop {
        match door.socket.recv_from(&mut packet).await.map(|(length, peer)| (length, Private::new(peer))) {
            Ok((length, peer)) => door.admit(packet.get(..length).unwrap_or_default(), &peer, &mut room),
            Err(_) => sleep(BREATH).await,
        }
    }
}

/// One socket that clients send to.
struct Door {
    relay: Arc<Relay>,
    socket: Arc<UdpSocket>,
    associations: Arc<Associations<Session>>,
    /// For how many datagrams a key is searched for at once.
    searches: Arc<Semaphore>,
}

/// A datagram that showed a key and was not seen before, and where it belongs.
struct Admitted(Opened, Result<Arc<Entry<Session>>, Beginning<Session>>);

impl Door {
    /// A client whose key has to be searched for is not waited for.
    fn admit(self: &Arc<Self>, packet: &[u8], peer: &Private<SocketAddr>, room: &mut Vec<u8>) {
        let admitted = match datagram_name(&self.relay.registry.load(), packet) {
            Some((access, head)) => self.named(&access, &head, packet, peer, room),
            None => match self.hinted(packet, peer, room) {
                Some((access, opened)) => self.nameless(&access, opened, packet, peer),
                None => return self.search(packet, peer),
            },
        };
        self.pass(admitted, room, peer);
    }

    fn pass(&self, admitted: Option<Admitted>, room: &[u8], peer: &Private<SocketAddr>) {
        let Some(Admitted(opened, place)) = admitted else { return self.relay.tally.count(Event::DatagramSilenced) };
        let entry = place.or_else(|begin| self.associations.open(&self.relay, begin).ok_or(Unreached::NoAnswer));
        let passed = entry.and_then(|entry| entry.pass(&self.relay.guard.load(), opened, room, peer.clone()));
        if let Err(unreached) = passed {
            self.relay.tally.count(unreached.of_a_datagram());
        }
    }

    /// The key of an older method that was used last from there: by this very association, or by another from its host.
    fn hinted(&self, packet: &[u8], peer: &Private<SocketAddr>, room: &mut Vec<u8>) -> Option<(Arc<Access>, Opened)> {
        let (registry, hints) = (self.relay.registry.load(), self.relay.hints.load());
        let mut opens = |access: &Access| open_nameless(access, packet, room);
        let [exactly, host] = [hints.line(peer), hints.line(&host(peer))];
        hinted(&registry.nameless, exactly, &mut opens).or_else(|| {
            let found = hinted(&registry.nameless, host, &mut opens)?;
            exactly.leave(host.read()?);
            Some(found)
        })
    }

    /// Searches for the key aside, for as many datagrams as there are places.
    fn search(self: &Arc<Self>, packet: &[u8], peer: &Private<SocketAddr>) {
        let Ok(place) = Arc::clone(&self.searches).try_acquire_owned() else {
            return self.relay.tally.count(Event::DatagramSilenced);
        };
        let (door, packet, peer) = (Arc::clone(self), packet.to_vec(), peer.clone());
        tokio::spawn(async move {
            let (registry, hints) = (door.relay.registry.load_full(), door.relay.hints.load_full());
            let (host, a_second) = (hints.line(&host(&peer)), door.relay.limits.load().trials);
            let mut room = Vec::new();
            let opens = |access: &Access| open_nameless(access, &packet, &mut room);
            let found = door.relay.trials.find(&registry.nameless, host, a_second, opens).await;
            let admitted = found.and_then(|(access, opened)| {
                hints.line(&peer).leave(host.read()?);
                door.nameless(&access, opened, &packet, &peer)
            });
            door.pass(admitted, &room, &peer);
            drop(place);
        });
    }

    fn named(
        &self,
        access: &Arc<Access>,
        head: &[u8; 16],
        packet: &[u8],
        peer: &Private<SocketAddr>,
        room: &mut Vec<u8>,
    ) -> Option<Admitted> {
        let (session, number) = session_and_number(head);
        let name = Name::Session(access.serial, session);
        if let Some(entry) = self.associations.find(&name) {
            let (cipher, window, seen) = entry.session.as_ref()?;
            let fresh = window.lock().unwrap_or_else(PoisonError::into_inner).is_fresh(number);
            let opened = fresh.then(|| open_named(cipher, head, packet, room)).flatten()?;
            let taken = window.lock().unwrap_or_else(PoisonError::into_inner).take(number);
            if taken {
                self.note(access, peer);
                self.relay.replays.advance(seen, number);
            }
            return taken.then_some(Admitted(opened, Ok(entry)));
        }
        let cipher = opener(access, session);
        let opened = open_named(&cipher, head, packet, room)?;
        // A session goes on where it was when its association was forgotten, or the relay before this one was killed.
        let seen = self.relay.replays.session(&access.key, session);
        let mut window = Window::after(self.relay.replays.reached(&seen));
        let sealer = Sealer::named(access, session).filter(|_| window.take(number))?;
        self.relay.replays.advance(&seen, number);
        // Only now, so that it cannot be sent again later.
        if access.allowance.is_used_up() {
            return None;
        }
        self.note(access, peer);
        let begin = self.begin(name, Some((cipher, Mutex::new(window), seen)), access, sealer, peer);
        Some(Admitted(opened, Err(begin)))
    }

    fn nameless(
        &self,
        access: &Arc<Access>,
        opened: Opened,
        packet: &[u8],
        peer: &Private<SocketAddr>,
    ) -> Option<Admitted> {
        // Asked only now, so that strangers cannot fill the memory of what was seen.
        let salt = salt(access.method, packet);
        self.relay.replays.take_datagram(salt).then_some(())?;
        if access.allowance.is_used_up() {
            return None;
        }
        let name = Name::Peer(access.serial, Peer(peer.clone()));
        let place = self.associations.find(&name).ok_or_else(|| {
            let sealer = Sealer::nameless(access);
            self.begin(name, None, access, sealer, peer)
        });
        self.note(access, peer);
        Some(Admitted(opened, place))
    }

    /// For the abuse desk, where that is ordered.
    fn note(&self, access: &Access, peer: &Private<SocketAddr>) {
        let account = || access.allowance.counter().account();
        self.relay.sessions.datagram(account, || Private::new(peer.expose().ip()));
    }

    fn begin(
        &self,
        name: Name,
        session: Session,
        access: &Arc<Access>,
        sealer: Sealer,
        peer: &Private<SocketAddr>,
    ) -> Beginning<Session> {
        let (access, socket) = (Arc::clone(access), Arc::clone(&self.socket));
        Beginning { name, session, access, sealer, peer: peer.clone(), socket }
    }
}

/// Where a client sends from, without the port.
fn host(peer: &Private<SocketAddr>) -> Private<IpAddr> {
    Private::new(peer.expose().ip())
}
