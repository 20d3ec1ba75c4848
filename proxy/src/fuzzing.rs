//! What must hold whatever bytes a stranger or an account sends. Only in builds for fuzzing and for tests: nothing of it
//! is shipped, and it is how the fuzz targets reach what is not public.
//!
//! The first bytes of an input say what is done with the rest: thrown at the relay as it is, or sealed by an account as
//! its words, whole, changed or cut. What an account's words mean is said here a second time, in the plainest way.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    missing_docs,
    reason = "a property that does not hold must fail"
)]

#[path = "../fuzz/forge.rs"]
#[expect(dead_code, reason = "the tests against the real relay use the rest")]
mod forge;

use std::{
    fs::File,
    io::Write,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    os::{fd::OwnedFd, unix::net::UnixStream},
    sync::Arc,
    time::Duration,
};

use avow_terms::{account::AccountId, private::Private};
use shadowsocks::{
    config::ServerConfig,
    relay::{Address, udprelay::crypto_io::decrypt_server_payload},
};
use tokio::{
    net::TcpStream,
    runtime::{Builder, Runtime},
    task::yield_now,
    time::Instant,
};

use crate::{
    AccessKey, Limits, Method, Page, ServerKeys,
    allowance::Allowance,
    identify::datagram_name,
    link,
    packet::{Sealer, open_named, open_nameless, opener, salt, session_and_number},
    registry::{Access, Register},
    relay::Relay,
    replays::Replays,
    tcp::{Welcome, welcome},
};
use forge::Words;

/// How many greetings one memory of salts is asked about: it forgets by chance, once in a million.
const GREETINGS: u64 = 10_000;
/// What says what to do with the rest of an input.
const CONTROLS: usize = 8;
/// So near to the border a clock is on either side of it, by the time it is looked at.
const AT_THE_BORDER: std::ops::RangeInclusive<i64> = 28..=33;

/// A relay without sockets, with one account for each method.
pub struct Bench {
    accounts: Vec<(Arc<Access>, ServerConfig)>,
    server: ServerKeys,
    relay: Relay,
    runtime: Runtime,
    greetings: u64,
    /// Makes a file in memory.
    file: fn() -> File,
}

/// What an input says to do.
struct Input<'a> {
    at: usize,
    what: u8,
    words: Words,
    place: usize,
    pieces: usize,
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    fn read(data: &'a [u8]) -> Option<Self> {
        let (controls, rest) = data.split_first_chunk::<CONTROLS>()?;
        let [at, what, clock, kind, padding @ .., place, pieces] = *controls;
        // Mostly honest, so that what comes after is looked at too.
        let words = Words {
            kind: kind.saturating_sub(0xef),
            clock: i64::from(i8::from_be_bytes([clock])) / 3,
            padding: u16::from_be_bytes(padding),
            body: rest.to_vec(),
        };
        Some(Self {
            at: usize::from(at) % Method::ALL.len(),
            what,
            words,
            place: place.into(),
            pieces: pieces.into(),
            rest,
        })
    }
}

impl Bench {
    #[must_use]
    pub fn new(file: fn() -> File) -> Self {
        let page = Page::create(file(), 1, 8, 0).unwrap();
        let server = ServerKeys::generate();
        let accounts = Method::ALL.into_iter().zip(1..).map(|(method, number)| {
            let account = AccountId::try_from(number).unwrap();
            let counter = page.counter(page.slot_for(account).unwrap(), account).unwrap();
            let key = AccessKey::generate(1, method);
            let config = ServerConfig::from_url(link("127.0.0.1", 1, &key, &server, "").expose()).unwrap();
            (Arc::new(Access::new(&key, Arc::new(Allowance::new(counter)))), config)
        });
        let accounts: Vec<_> = accounts.collect();
        let runtime = Builder::new_current_thread().enable_all().build().unwrap();
        let mut bench = Self { accounts, server, relay: fresh(file), runtime, greetings: 0, file };
        bench.forget();
        bench
    }

    /// A relay that has seen nothing yet.
    fn forget(&mut self) {
        self.relay = fresh(self.file);
        self.relay.limits.store(Arc::new(Limits { trials: u32::MAX, ..Limits::default() }));
        let register = Register::default();
        self.accounts.iter().for_each(|(access, _)| register.add(access));
        self.relay.registry.store(Arc::new(register.view(Some(&self.server))));
    }

    /// The head reader: whatever comes first on a connection.
    pub fn head(&mut self, data: &[u8]) {
        let Some(input) = Input::read(data) else { return };
        self.greetings += 1;
        if self.greetings.is_multiple_of(GREETINGS) {
            self.forget();
        }
        let (access, config) = &self.accounts[input.at];
        let mut sent = forge::stream(config, self.greetings, &input.words);
        match input.what % 4 {
            0 => {
                assert!(self.greet(input.rest, input.pieces).is_none(), "a stranger was let in");
                return;
            }
            1 => {
                let at = (input.place << 3 | input.pieces & 7) % sent.len();
                sent[at] ^= 1 << (input.pieces % 8);
                assert!(self.greet(&sent, input.pieces).is_none(), "byte {at} was changed, and nobody saw");
                return;
            }
            2 => {
                sent.truncate((input.place << 3 | input.pieces & 7) % sent.len());
                assert!(self.greet(&sent, input.pieces).is_none(), "half a greeting was enough");
                return;
            }
            _ => {}
        }
        let welcomed = self.greet(&sent, input.pieces);
        if access.method.is_2022() && AT_THE_BORDER.contains(&input.words.clock.abs()) {
            return;
        }
        let meant = said_to_a_stream(access.method, &input.words);
        assert_eq!(welcomed.is_some(), meant.is_some(), "what was said was taken for something else");
        if let (Some(welcomed), Some((target, payload))) = (welcomed, meant) {
            assert!(*welcomed.greeting.target.expose() == target, "another target");
            assert!(payload.starts_with(welcomed.greeting.inflow.first()), "another payload");
            assert_eq!(payload.is_empty(), welcomed.greeting.inflow.first().is_empty(), "the payload is lost");
            assert!(Arc::ptr_eq(&welcomed.access, access), "another account");
            assert!(self.greet(&sent, input.pieces).is_none(), "a recording was let in");
        }
    }

    /// Sends this, in pieces, and nothing more.
    fn greet(&self, sent: &[u8], pieces: usize) -> Option<Welcome> {
        self.runtime.block_on(async {
            let (mut client, server) = UnixStream::pair().unwrap();
            // The descriptor of a socket is all that is needed of it.
            let server = std::net::TcpStream::from(OwnedFd::from(server));
            server.set_nonblocking(true).unwrap();
            let server = TcpStream::from_std(server).unwrap();
            let peer = Private::new(Ipv4Addr::LOCALHOST.into());
            let until = Instant::now() + Duration::from_secs(20);
            let sending = async {
                for piece in sent.chunks(sent.len() / (1 + pieces % 4) + 1) {
                    client.write_all(piece).unwrap();
                    yield_now().await;
                }
                drop(client);
            };
            tokio::join!(welcome(&self.relay, &server, peer, until), sending).0
        })
    }

    /// The codec of datagrams.
    pub fn datagram(&mut self, data: &[u8]) {
        let Some(input) = Input::read(data) else { return };
        let (access, config) = &self.accounts[input.at];
        let (session, number) = (u64::from(data[0]) << 56 | u64::from(data[7]), u64::from(data[6]));
        let mut sent = forge::datagram(config, session, number, &input.words);
        let at = (input.place << 3 | input.pieces & 7) % sent.len();
        match input.what % 5 {
            0 => return assert!(self.open(input.rest).is_none(), "a stranger was let in"),
            1 => {
                sent[at] ^= 1 << (input.pieces % 8);
                return assert!(self.open(&sent).is_none(), "byte {at} was changed, and nobody saw");
            }
            2 => return assert!(self.open(&sent[..at]).is_none(), "half a datagram was enough"),
            3 => return self.answer(access, config, session, input.rest),
            _ => {}
        }
        if access.method.is_2022() && AT_THE_BORDER.contains(&input.words.clock.abs()) {
            return;
        }
        let (opened, meant) = (self.open(&sent), said_in_a_datagram(access.method, &input.words));
        assert_eq!(opened.is_some(), meant.is_some(), "what was said was taken for something else");
        if let (Some(opened), Some((target, payload))) = (opened, meant) {
            assert!(opened.target == target && opened.payload == payload, "another target, or another payload");
            assert!(Arc::ptr_eq(&opened.access, access), "another account");
            assert!(!access.method.is_2022() || opened.session == Some((session, number)), "another session");
        }
    }

    fn open(&self, packet: &[u8]) -> Option<Said> {
        let (registry, mut room) = (self.relay.registry.load(), Vec::new());
        if let Some((access, head)) = datagram_name(&registry, packet) {
            let session = session_and_number(&head);
            let opened = open_named(&opener(&access, session.0), &head, packet, &mut room)?;
            let payload = opened.payload(&room).to_vec();
            return Some(Said { target: opened.target.into_inner(), payload, access, session: Some(session) });
        }
        (0..self.accounts.len()).find_map(|place| {
            let access = registry.nameless.get(place)?;
            let opened = open_nameless(&access, packet, &mut room)?;
            let payload = opened.payload(&room).to_vec();
            Some(Said { target: opened.target.into_inner(), payload, access, session: None })
        })
    }

    /// What is sealed for a client is opened by a client as others write it, and by the relay not at all.
    fn answer(&self, access: &Access, config: &ServerConfig, session: u64, payload: &[u8]) {
        let from = match payload.first() {
            Some(first) if first % 2 == 0 => SocketAddr::from((Ipv4Addr::from([*first; 4]), 80)),
            _ => SocketAddr::from((Ipv6Addr::LOCALHOST, 65_535)),
        };
        let sealer =
            if access.method.is_2022() { Sealer::named(access, session) } else { Some(Sealer::nameless(access)) };
        let mut sealer = sealer.unwrap();
        for number in 0..2 {
            let sealed = sealer.seal(&self.relay.replays, from, payload).unwrap();
            let mut packet = sealed.clone();
            let context = shadowsocks::context::Context::new(shadowsocks::config::ServerType::Local);
            let (length, said, control) =
                decrypt_server_payload(&context, config.method(), config.key(), &mut packet).unwrap();
            assert!(said == Address::SocketAddress(from) && packet[..length] == *payload, "another answer");
            if let Some(control) = control {
                assert!(control.client_session_id == session && control.packet_id == number, "another session");
            }
            if access.method.is_2022() {
                assert!(self.open(&sealed).is_none(), "an answer was taken for a question");
            } else {
                let taken = self.relay.replays.take_datagram(salt(access.method, &sealed));
                assert!(!taken, "an answer that comes back would be taken for a question");
            }
        }
    }
}

fn fresh(file: fn() -> File) -> Relay {
    Relay::new(Vec::new(), Replays::create(file()).unwrap())
}

/// What a datagram turned out to be.
struct Said {
    target: Address,
    payload: Vec<u8>,
    access: Arc<Access>,
    session: Option<(u64, u64)>,
}

fn is_of_this_minute(words: &Words) -> bool {
    words.kind == 0 && words.clock.abs() <= 30
}

/// What words at the beginning of a stream mean: a target and a payload.
fn said_to_a_stream(method: Method, words: &Words) -> Option<(Address, Vec<u8>)> {
    if !method.is_2022() {
        return address(&words.body).map(|(target, payload)| (target, payload.to_vec()));
    }
    // What is no target swallows the length of the padding, which may then make it one.
    let variable = forge::variable(words);
    let (target, rest) = address(&variable)?;
    let (padding, rest) = rest.split_first_chunk()?;
    let payload = rest.get(usize::from(u16::from_be_bytes(*padding))..)?;
    (is_of_this_minute(words) && !rest.is_empty()).then(|| (target, payload.to_vec()))
}

/// The same for a datagram.
fn said_in_a_datagram(method: Method, words: &Words) -> Option<(Address, Vec<u8>)> {
    if !method.is_2022() {
        return address(&words.body).map(|(target, payload)| (target, payload.to_vec()));
    }
    let padded = words.body.get(usize::from(words.padding)..).filter(|_| is_of_this_minute(words))?;
    address(padded).map(|(target, payload)| (target, payload.to_vec()))
}

/// The address that bytes begin with, and what is left.
fn address(bytes: &[u8]) -> Option<(Address, &[u8])> {
    let (host, rest) = match bytes.split_first()? {
        (1, rest) => rest.split_first_chunk::<4>().map(|(host, rest)| (Ok(Ipv4Addr::from(*host).into()), rest))?,
        (4, rest) => rest.split_first_chunk::<16>().map(|(host, rest)| (Ok(Ipv6Addr::from(*host).into()), rest))?,
        (3, rest) => {
            let (length, rest) = rest.split_first()?;
            let (name, rest) = rest.split_at_checked((*length).into())?;
            (Err(String::from_utf8(name.to_vec()).ok()?), rest)
        }
        _ => return None,
    };
    let (port, rest) = rest.split_first_chunk()?;
    let port = u16::from_be_bytes(*port);
    let address = match host {
        Ok(host) => Address::SocketAddress(SocketAddr::new(host, port)),
        Err(name) => Address::DomainNameAddress(name, port),
    };
    Some((address, rest))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    /// Replays the corpus of a target: what was found once is looked at by every test run.
    #[expect(clippy::disallowed_methods, reason = "the corpus is files; the relay itself opens none")]
    fn replay(target: &str, property: impl Fn(&mut Bench, &[u8])) {
        let mut bench = Bench::new(|| tempfile::tempfile().unwrap());
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
        let files: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|file| file.unwrap().path()).collect();
        assert!(files.len() >= 50, "only {} inputs in {}: the replay shows nothing", files.len(), folder.display());
        for file in files {
            property(&mut bench, &std::fs::read(file).unwrap());
        }
    }

    #[test]
    fn whatever_of_the_corpus_comes_first_on_a_connection_is_met_as_it_should_be() {
        replay("head", Bench::head);
    }

    #[test]
    fn whatever_of_the_corpus_comes_as_a_datagram_is_met_as_it_should_be() {
        replay("datagram", Bench::datagram);
    }
}
