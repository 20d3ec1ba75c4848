//! Sealed sessions: use of one account from one address without a pause, kept in memory while it lasts and sealed to the
//! abuse desk when it is over.
//!
//! It is off unless the parent orders it, and while it is off nothing here knows anybody. A stream counts as use from its
//! first byte to its end, a datagram at its moment. What is still open when the relay is killed is lost with it.

use std::{
    collections::HashMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use avow_terms::{account::AccountId, private::Private};
use serde::{Deserialize, Serialize};

use crate::{
    packet::now,
    sealed_session::{DeskPublicKey, SealedSession, SessionRecord},
};

const HOUR: u64 = 3600;

/// To whom sessions are sealed, and what a session is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct SealTo {
    /// The desk's public key.
    pub key: DeskPublicKey,
    /// The number of this server.
    pub server: u16,
    /// How long a pause ends a session.
    pub pause: Duration,
}

/// The sessions of a relay; none are noted until it is told to whom they are sealed.
#[derive(Default)]
pub(crate) struct Sessions(ArcSwapOption<Sink>);

struct Sink {
    to: SealTo,
    open: Mutex<HashMap<(AccountId, IpAddr), Use>>,
}

/// A session that is not over.
struct Use {
    start: u64,
    last: u64,
    /// How many streams are open.
    streams: usize,
}

/// Held while a stream is open.
pub(crate) struct InUse(Arc<Sink>, AccountId, Private<IpAddr>);

impl Sessions {
    /// From now on sessions are sealed to them, or not noted any more. What was noted for somebody else is forgotten.
    pub(crate) fn seal_to(&self, to: Option<SealTo>) {
        if self.0.load().as_ref().map(|sink| sink.to) != to {
            self.0.store(to.map(|to| Arc::new(Sink { to, open: Mutex::default() })));
        }
    }

    /// A stream of an account begins.
    pub(crate) fn stream(&self, account: Option<AccountId>, peer: &Private<IpAddr>) -> Option<InUse> {
        let sink = self.0.load_full()?;
        let account = account?;
        sink.touch(account, peer, |streams| streams + 1);
        Some(InUse(sink, account, peer.clone()))
    }

    /// A datagram of an account came.
    pub(crate) fn datagram(&self, account: impl FnOnce() -> Option<AccountId>, peer: impl FnOnce() -> Private<IpAddr>) {
        if let Some(sink) = self.0.load().as_ref()
            && let Some(account) = account()
        {
            sink.touch(account, &peer(), |streams| streams);
        }
    }

    /// Seals the sessions that are over.
    pub(crate) fn over(&self) -> Vec<SealedSession> {
        let Some(sink) = self.0.load_full() else { return Vec::new() };
        let long_ago = now().saturating_sub(sink.to.pause.as_secs());
        sink.seal(|used| used.streams == 0 && used.last <= long_ago)
    }

    /// Seals every session: the relay ends.
    pub(crate) fn all(&self) -> Vec<SealedSession> {
        self.0.load_full().map(|sink| sink.seal(|_| true)).unwrap_or_default()
    }
}

impl Sink {
    fn touch(&self, account: AccountId, peer: &Private<IpAddr>, streams: impl Fn(usize) -> usize) {
        let now = now();
        let mut open = self.held();
        let used =
            open.entry((account, peer.expose().to_canonical())).or_insert(Use { start: now, last: now, streams: 0 });
        used.last = used.last.max(now);
        used.streams = streams(used.streams);
    }

    fn seal(&self, is_over: impl Fn(&Use) -> bool) -> Vec<SealedSession> {
        let over: Vec<_> = self.held().extract_if(|_, used| is_over(used)).collect();
        let sealed = over.into_iter().filter_map(|((account, address), used)| {
            let end = if used.streams > 0 { now() } else { used.last };
            let (address, server) = (Private::new(address), self.to.server);
            let blob = SessionRecord { address, start: used.start, end, server }.seal(&self.to.key)?;
            Some(SealedSession { account, hour: end / HOUR, blob })
        });
        sealed.collect()
    }

    fn held(&self) -> MutexGuard<'_, HashMap<(AccountId, IpAddr), Use>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for InUse {
    fn drop(&mut self) {
        let Self(sink, account, peer) = self;
        sink.touch(*account, peer, |streams| streams.saturating_sub(1));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sealed_session::DeskKey;

    fn account(number: u32) -> Option<AccountId> {
        AccountId::try_from(number).ok()
    }

    fn address(last: u8) -> Private<IpAddr> {
        Private::new(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn nothing_is_noted_until_it_is_ordered_and_what_was_noted_is_forgotten_when_it_ends() {
        let sessions = Sessions::default();
        assert!(sessions.stream(account(1), &address(1)).is_none());
        sessions.datagram(|| unreachable!("nobody is asked for"), || unreachable!("nor from where"));
        let key = DeskKey::generate().unwrap().public().unwrap();
        sessions.seal_to(Some(SealTo { key, server: 1, pause: Duration::ZERO }));
        drop(sessions.stream(account(1), &address(1)));
        sessions.seal_to(None);
        assert!(sessions.all().is_empty());
    }

    #[test]
    fn a_session_is_one_account_at_one_address_and_is_sealed_when_its_pause_is_over() {
        let (sessions, desk) = (Sessions::default(), DeskKey::generate().unwrap());
        let key = desk.public().unwrap();
        sessions.seal_to(Some(SealTo { key, server: 9, pause: Duration::ZERO }));
        let open = sessions.stream(account(1), &address(1));
        drop(sessions.stream(account(1), &address(1)));
        for (whose, from) in [(1, 2), (2, 1), (2, 1)] {
            sessions.datagram(|| account(whose), || address(from));
        }
        let mut sealed = sessions.over();
        sealed.sort_by_key(|session| session.account.number());
        assert_eq!(
            sealed.iter().map(|session| session.account).collect::<Vec<_>>(),
            [account(1).unwrap(), account(2).unwrap()]
        );
        let opened = desk.open(&sealed[0].blob).unwrap();
        assert_eq!((*opened.address.expose(), opened.server), (*address(2).expose(), 9));
        assert_eq!(opened.end / HOUR, sealed[0].hour);
        // The one that is in use is over when its last stream is.
        assert!(sessions.over().is_empty());
        drop(open);
        assert_eq!(sessions.over().len(), 1);
        assert!(sessions.all().is_empty());
    }

    #[test]
    fn a_pause_that_is_not_over_keeps_a_session_open_until_the_relay_ends() {
        let (sessions, desk) = (Sessions::default(), DeskKey::generate().unwrap());
        let key = desk.public().unwrap();
        sessions.seal_to(Some(SealTo { key, server: 9, pause: Duration::from_secs(900) }));
        drop(sessions.stream(account(1), &address(1)));
        assert!(sessions.over().is_empty());
        assert_eq!(sessions.all().len(), 1);
    }
}
