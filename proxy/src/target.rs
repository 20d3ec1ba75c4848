//! Where an account's bytes go: a name is resolved by the system, the guard takes out what may not be reached, and the
//! rest is raced for (RFC 8305): families in turn, a new try every quarter of a second, the first that answers wins.
//!
//! The target is known for as long as it takes to reach it.

use std::{net::SocketAddr, time::Duration};

use avow_terms::private::Private;
use shadowsocks::relay::Address;
use tokio::{
    net::{TcpStream, lookup_host},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{event::Event, guard::Guard};

/// How long one address has the field for itself (RFC 8305, section 5).
const HEAD_START: Duration = Duration::from_millis(250);
/// How many addresses of a name are tried.
const MOST: usize = 8;

/// Why a target is not reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unreached {
    /// It may not be: nothing was sent to it.
    Refused,
    /// Its name is not found, or nobody answers in time.
    NoAnswer,
}

impl Unreached {
    /// What is told of a datagram that did not get there.
    pub(crate) fn of_a_datagram(self) -> Event {
        match self {
            Self::Refused => Event::Refused,
            Self::NoAnswer => Event::DatagramDropped,
        }
    }
}

/// The addresses of a target that may be reached, the best first.
pub(crate) async fn locate(target: &Private<Address>, guard: &Guard) -> Result<Private<Vec<SocketAddr>>, Unreached> {
    let found = match target.expose() {
        Address::SocketAddress(address) => vec![*address],
        Address::DomainNameAddress(name, port) => {
            lookup_host((name.as_str(), *port)).await.map_err(|_| Unreached::NoAnswer)?.collect()
        }
    };
    let admitted: Vec<_> = found.iter().filter_map(|address| guard.admit(*address)).collect();
    match (found.is_empty(), admitted.is_empty()) {
        (true, _) => Err(Unreached::NoAnswer),
        (_, true) => Err(Unreached::Refused),
        _ => Ok(Private::new(admitted)),
    }
}

/// Reaches a target, its name to be found included.
pub(crate) async fn connect(
    target: &Private<Address>,
    guard: &Guard,
    at_most: Duration,
) -> Result<TcpStream, Unreached> {
    let reached = timeout(at_most, async {
        let addresses = locate(target, guard).await?;
        race(&in_turn(addresses.expose())).await.ok_or(Unreached::NoAnswer)
    });
    reached.await.unwrap_or(Err(Unreached::NoAnswer))
}

/// Both families in turn, beginning with the one that the system put first.
fn in_turn(addresses: &[SocketAddr]) -> Vec<SocketAddr> {
    let first = addresses.first().is_none_or(SocketAddr::is_ipv6);
    let of = |six: bool| addresses.iter().copied().filter(move |address| address.is_ipv6() == six);
    let (mut one, mut other) = (of(first), of(!first));
    let pairs = std::iter::from_fn(|| match [one.next(), other.next()] {
        [None, None] => None,
        pair => Some(pair.into_iter().flatten()),
    });
    pairs.flatten().take(MOST).collect()
}

async fn race(addresses: &[SocketAddr]) -> Option<TcpStream> {
    if let [only] = addresses {
        return TcpStream::connect(only).await.ok();
    }
    let (mut waiting, mut running) = (addresses.iter().copied(), JoinSet::new());
    loop {
        if let Some(next) = waiting.next() {
            running.spawn(TcpStream::connect(next));
        } else if running.is_empty() {
            return None;
        }
        // The next one starts when one fails, or has had its time. The losers are ended when the set is dropped.
        tokio::select! {
            Some(done) = running.join_next() => if let Ok(Ok(stream)) = done {
                return Some(stream);
            },
            () = sleep(HEAD_START), if waiting.len() > 0 => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpSocket};

    use super::*;

    fn addresses(texts: &[&str]) -> Vec<SocketAddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    #[test]
    fn the_families_take_turns() {
        let found = addresses(&["[2001::1]:1", "[2001::2]:1", "[2001::3]:1", "1.0.0.1:1", "1.0.0.2:1"]);
        let turns = addresses(&["[2001::1]:1", "1.0.0.1:1", "[2001::2]:1", "1.0.0.2:1", "[2001::3]:1"]);
        assert_eq!(in_turn(&found), turns);
        assert_eq!(in_turn(&found[3..]), found[3..]);
        assert_eq!(in_turn(&[]), []);
        assert_eq!(in_turn(&[found[0]; 20]).len(), MOST);
    }

    /// An address that never answers: its queue is full.
    async fn silent() -> (TcpListener, Vec<TcpStream>, SocketAddr) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let (address, mut queue) = (listener.local_addr().unwrap(), Vec::new());
        while let Ok(Ok(stream)) = timeout(Duration::from_millis(300), TcpStream::connect(address)).await {
            queue.push(stream);
        }
        (listener, queue, address)
    }

    #[tokio::test]
    async fn an_address_that_does_not_answer_does_not_keep_the_others_waiting() {
        let (_listener, _queue, silent) = silent().await;
        let open = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let open = open.local_addr().map(|address| (open, address)).unwrap();
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let race = |addresses: Vec<SocketAddr>| async move {
            let reached = timeout(Duration::from_secs(20), race(&addresses)).await.ok().flatten();
            reached.map(|stream| stream.peer_addr().unwrap())
        };
        assert_eq!(race(vec![silent, open.1]).await, Some(open.1));
        assert_eq!(race(vec![closed, silent, open.1]).await, Some(open.1));
        assert_eq!(race(vec![closed, closed]).await, None);
        assert_eq!(race(vec![]).await, None);
    }

    #[tokio::test]
    async fn a_name_that_leads_inside_is_refused_like_its_address() {
        let inside = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = inside.local_addr().unwrap().port();
        let allowing = Guard::new(addresses_of_this_machine(), Vec::new());
        for name in ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f000001"] {
            let target = Private::new(Address::DomainNameAddress(name.to_owned(), port));
            let wait = Duration::from_secs(20);
            assert_eq!(connect(&target, &Guard::default(), wait).await.err(), Some(Unreached::Refused), "{name}");
            assert!(connect(&target, &allowing, wait).await.is_ok(), "{name}");
        }
    }

    fn addresses_of_this_machine() -> Vec<crate::guard::Network> {
        ["127.0.0.0/8", "::1"].map(|network| network.parse().unwrap()).to_vec()
    }
}
