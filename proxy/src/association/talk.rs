//! The task of an association: sends what had to wait, and seals what comes back, until it is over.

use std::{cell::RefCell, net::SocketAddr, pin::pin, sync::Arc, time::Duration};

use avow_terms::private::Private;
use shadowsocks::relay::Address;
use tokio::{
    net::UdpSocket,
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use super::{Entry, LARGEST, Waiting, outside::readable};
use crate::{
    event::Event,
    packet::Sealer,
    registry::Watch,
    relay::Relay,
    target::{self, Unreached},
};

/// How many answers are passed on before something else gets its turn.
const IN_A_ROW: usize = 32;
/// How long a name may take to resolve, and for how long its address is used again.
const NAME_TAKES: Duration = Duration::from_secs(5);
const NAME_LASTS: Duration = Duration::from_secs(60);

thread_local! {
    /// Room for one answer on its way; one for each thread, not for each association.
    static ROOM: RefCell<Vec<u8>> = RefCell::new(vec![0; LARGEST]);
}

/// What the task has.
pub(super) struct Talk<S> {
    relay: Arc<Relay>,
    entry: Arc<Entry<S>>,
    sealer: Sealer,
    /// The socket that the client is heard on.
    socket: Arc<UdpSocket>,
    inbox: mpsc::Receiver<Waiting>,
    /// The name that was sent to last, and where it was found.
    known: Option<Known>,
}

/// Where a name was found, and when.
type Known = (Private<Address>, Private<SocketAddr>, Instant);

impl<S> Talk<S> {
    pub(super) fn new(
        relay: &Arc<Relay>,
        entry: Arc<Entry<S>>,
        sealer: Sealer,
        socket: Arc<UdpSocket>,
        inbox: mpsc::Receiver<Waiting>,
    ) -> Self {
        Self { relay: Arc::clone(relay), entry, sealer, socket, inbox, known: None }
    }

    pub(super) async fn until(mut self, mut watch: Watch, forget: impl FnOnce()) {
        let allowance = Arc::clone(&self.entry.access.allowance);
        tokio::select! {
            biased;
            () = watch.withdrawn() => self.relay.tally.count(Event::Withdrawn),
            () = allowance.used_up() => self.relay.tally.count(Event::UsedUp),
            () = self.talk() => {}
        }
        forget();
        self.entry.end();
        // Only now is the key free of this association: the watch is held until here.
        drop(watch);
    }

    async fn talk(&mut self) {
        let life = self.relay.limits.load().association_life();
        let mut silence = pin!(sleep_until(Instant::now() + life));
        loop {
            let outside = &self.entry.outside;
            tokio::select! {
                waiting = self.inbox.recv() => match waiting {
                    Some(waiting) => self.outward(waiting).await,
                    None => return,
                },
                () = readable(outside.four.get()) => self.inward(true).await,
                () = readable(outside.six.get()) => self.inward(false).await,
                () = &mut silence => {
                    let end = self.entry.last() + life;
                    if end <= Instant::now() {
                        return;
                    }
                    silence.as_mut().reset(end);
                    continue;
                }
            }
            self.entry.touch();
        }
    }

    async fn outward(&mut self, waiting: Waiting) {
        if let Err(unreached) = self.send(&waiting).await {
            self.relay.tally.count(unreached.of_a_datagram());
        }
    }

    async fn send(&mut self, waiting: &Waiting) -> Result<(), Unreached> {
        let to = self.locate(&waiting.target).await?;
        let Entry { outside, access, .. } = &*self.entry;
        let socket = outside.towards(&to).map_err(|_| Unreached::NoAnswer)?;
        let held = access.allowance.hold(waiting.payload.len()).await.ok_or(Unreached::NoAnswer)?;
        let sent = socket.send_to(&waiting.payload, to.expose()).await.map_err(|_| Unreached::NoAnswer)?;
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
        let Entry { outside, access, .. } = &*self.entry;
        let Some(outside) = (if four { &outside.four } else { &outside.six }).get() else { return };
        for _ in 0..IN_A_ROW {
            let answer = ROOM.with_borrow_mut(|room| {
                let (length, from) = outside.try_recv_from(room).ok()?;
                let sealed = self.sealer.seal(&self.relay.replays, from, room.get(..length)?)?;
                Some((length, sealed))
            });
            let Some((length, sealed)) = answer else { return };
            let Some(held) = access.allowance.hold(length).await else {
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
