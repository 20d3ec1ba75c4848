//! Datagrams: each is received, its key found, and passed on to its association. Whatever is wrong with one, it is
//! dropped without an answer.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use avow_terms::private::Private;
use shadowsocks::crypto::v2::udp::UdpCipher;
use tokio::{net::UdpSocket, time::sleep};

use crate::{
    association::{Associations, Beginning, Entry, LARGEST, Name, Peer},
    event::Event,
    hints::{leave, turns},
    identify::datagram_name,
    packet::{Opened, Sealer, open_named, open_nameless, opener, salt, session_and_number},
    registry::Access,
    relay::Relay,
    replays::Session as Seen,
    window::Window,
};

/// How long to wait after an error of the socket.
const BREATH: Duration = Duration::from_millis(5);

/// What the receiving side keeps about a session of 2022; the older methods have none.
pub(crate) type Session = Option<(UdpCipher, Mutex<Window>, Seen)>;

/// Receives datagrams until it is dropped.
pub(crate) async fn receive(relay: Arc<Relay>, socket: Arc<UdpSocket>, associations: Arc<Associations<Session>>) {
    relay.opened().await;
    let door = Door { relay, socket, associations };
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
}

/// A datagram that showed a key and was not seen before, and where it belongs.
struct Admitted(Opened, Result<Arc<Entry<Session>>, Beginning<Session>>);

impl Door {
    fn admit(&self, packet: &[u8], peer: &Private<SocketAddr>, room: &mut Vec<u8>) {
        let admitted = match datagram_name(&self.relay.registry.load(), packet) {
            Some((access, head)) => self.named(&access, &head, packet, peer, room),
            None => self.nameless(packet, peer, room),
        };
        let Some(Admitted(opened, place)) = admitted else { return self.relay.tally.count(Event::DatagramSilenced) };
        let entry = place.or_else(|begin| self.associations.open(&self.relay, begin).ok_or(()));
        let passed = entry.is_ok_and(|entry| entry.pass(opened, peer.clone()));
        if !passed {
            self.relay.tally.count(Event::DatagramDropped);
        }
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
        let begin = self.begin(name, Some((cipher, Mutex::new(window), seen)), access, sealer, peer);
        Some(Admitted(opened, Err(begin)))
    }

    fn nameless(&self, packet: &[u8], peer: &Private<SocketAddr>, room: &mut Vec<u8>) -> Option<Admitted> {
        let (registry, hints) = (self.relay.registry.load(), self.relay.hints.load());
        let hint = hints.place(peer);
        let (at, access, opened) = turns(hint, registry.nameless.len()).find_map(|at| {
            let access = registry.nameless.get(at)?;
            Some((at, access, open_nameless(access, packet, room)?))
        })?;
        leave(hint, at);
        // Asked only now, so that strangers cannot fill the memory of what was seen.
        let salt = salt(access.method, packet);
        self.relay.replays.take_datagram(salt).then_some(())?;
        let name = Name::Peer(access.serial, Peer(peer.clone()));
        let place = self.associations.find(&name).ok_or_else(|| {
            let sealer = Sealer::nameless(access);
            self.begin(name, None, access, sealer, peer)
        });
        Some(Admitted(opened, place))
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
