//! The configuration: one TOML file, with a default for every key. A key nobody knows is an error.

mod abuse_desk;
mod listen;

pub use abuse_desk::AbuseDesk;
pub use listen::Listen;

use std::{net::SocketAddr, ops::Range, path::PathBuf, time::Duration};

use avow_proxy::{Limits, Network};
use avow_terms::{
    permit::NodePlace,
    problem::{Place, Problem, Severity},
    source::{Source, Span},
};
use jiff::SignedDuration;
use serde::Deserialize;

use crate::{cli::Data, data_dir, failure::Failure, texts};

/// The documented sample, with every key at its default.
pub const SAMPLE: &str = include_str!("avow.sample.toml");

/// Everything that can be changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The tunnel.
    pub relay: Relay,
    /// The policy page and the decisions.
    pub web: Web,
    /// The policy.
    pub policy: Policy,
    /// The books.
    pub books: Books,
    /// The store.
    pub store: Store,
    /// What is kept in memory only.
    pub runtime: Runtime,
    /// The abuse desk.
    pub desk: AbuseDesk,
}

/// The tunnel.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Relay {
    /// Where clients connect, TCP and UDP: one address or several.
    pub listen: Listen,
    /// The host in the links of accounts; without it, the first address of `listen`.
    pub public_host: Option<String>,
    /// The networks that accounts may reach although they are private.
    pub allow_private: Vec<Network>,
    /// How long a connection that shows no key is met with silence.
    pub silence_seconds: Seconds,
    /// How long a destination may take to answer.
    pub connect_seconds: Seconds,
    /// How long a stream may be open without a byte.
    pub idle_seconds: Seconds,
    /// How long a UDP association may be idle.
    pub udp_idle_seconds: Seconds,
    /// How many UDP associations there may be at once.
    pub udp_associations: usize,
    /// How many UDP associations one account may have.
    pub account_udp_associations: u32,
    /// How many streams one account may have open.
    pub account_streams: u32,
    /// How many connections that showed no key may be open.
    pub unproven: usize,
    /// How many keys of the older methods are tried in a second for clients that are not known.
    pub trials_per_second: u32,
    /// How long open streams may go on after the service was told to stop.
    pub drain_seconds: Seconds,
    /// Whether to serve without a wall that this kernel does not have.
    pub walls: Walls,
}

/// What to do where a wall around the relay cannot be raised.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Walls {
    /// Serve, and say at every start and in every audit what is missing.
    #[default]
    BestEffort,
    /// Do not serve.
    Required,
}

/// The policy page and the decisions.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Web {
    /// Where the service answers HTTP.
    pub listen: SocketAddr,
}

/// The policy.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Policy {
    /// The text that a first start puts on trial; without it, the one that is built in.
    pub trial: Option<PathBuf>,
    /// Whether this node stands in the policy's home country.
    pub place: NodePlace,
}

/// The books.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Books {
    /// How often counts go into the store.
    pub flush_seconds: Seconds,
    /// How often the sweeper looks, besides the instants at which something is due.
    pub sweep_seconds: Seconds,
    /// How many accounts the counter page holds.
    pub accounts: u32,
    /// How long a pause ends a session, where the policy keeps totals of sessions.
    pub session_pause_seconds: Seconds,
}

impl Books {
    /// How long a pause ends a session.
    #[must_use]
    pub fn session_pause(&self) -> SignedDuration {
        SignedDuration::from_secs(self.session_pause_seconds.0.into())
    }
}

/// The store.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Store {
    /// The directory of the keys that its values are sealed with.
    pub keys: Option<PathBuf>,
}

/// What is kept in memory only.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Runtime {
    /// A directory on tmpfs for the counter page.
    pub directory: Option<PathBuf>,
}

/// A number of seconds from 1 to 86400.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
pub struct Seconds(u32);

impl Seconds {
    /// The seconds as a duration.
    #[must_use]
    pub fn duration(self) -> Duration {
        Duration::from_secs(self.0.into())
    }
}

impl TryFrom<u32> for Seconds {
    type Error = &'static str;

    fn try_from(seconds: u32) -> Result<Self, Self::Error> {
        if (1..=86400).contains(&seconds) { Ok(Self(seconds)) } else { Err("a number of seconds from 1 to 86400") }
    }
}

impl Default for Relay {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8388)).into(),
            public_host: None,
            allow_private: Vec::new(),
            silence_seconds: Seconds(60),
            connect_seconds: Seconds(10),
            idle_seconds: Seconds(4 * 3600),
            udp_idle_seconds: Seconds(300),
            udp_associations: 4096,
            account_udp_associations: 1024,
            account_streams: 1024,
            unproven: 1024,
            trials_per_second: 50_000,
            drain_seconds: Seconds(5),
            walls: Walls::BestEffort,
        }
    }
}

impl Relay {
    /// The bounds that the relay is told.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            silence: self.silence_seconds.duration(),
            connect: self.connect_seconds.duration(),
            idle: self.idle_seconds.duration(),
            idle_datagrams: self.udp_idle_seconds.duration(),
            associations: self.udp_associations,
            account_associations: self.account_udp_associations,
            account_streams: self.account_streams,
            silenced: self.unproven,
            trials: self.trials_per_second,
        }
    }
}

impl Default for Web {
    fn default() -> Self {
        Self { listen: SocketAddr::from(([127, 0, 0, 1], 8080)) }
    }
}

impl Default for Policy {
    fn default() -> Self {
        Self { trial: None, place: NodePlace::Home }
    }
}

impl Default for Books {
    fn default() -> Self {
        Self {
            flush_seconds: Seconds(10),
            sweep_seconds: Seconds(60),
            accounts: 65536,
            session_pause_seconds: Seconds(900),
        }
    }
}

impl Config {
    /// The keys that differ and are only read at a start.
    #[must_use]
    pub fn differs_for_good(&self, other: &Self) -> Vec<&'static str> {
        let (own, others) = (&self.relay, &other.relay);
        let keys = [
            ("`listen` and `walls` under `[relay]`", own.listen != others.listen || own.walls != others.walls),
            ("`[web]`", self.web != other.web),
            ("`[policy]`", self.policy != other.policy),
            ("`[books]`", self.books != other.books),
            ("`[store]`", self.store != other.store),
            ("`[runtime]`", self.runtime != other.runtime),
            ("`[desk]`", self.desk != other.desk),
        ];
        keys.into_iter().filter_map(|(key, differs)| differs.then_some(key)).collect()
    }

    /// Reads the configuration: the file that was named, else `avow.toml` in the data directory, else the defaults.
    ///
    /// # Errors
    /// If a named file is not there, or a file has a problem; the problem is shown where it stands.
    pub fn load(data: &Data) -> Result<Self, Failure> {
        let usual = data_dir::config(&data.dir);
        let path = match &data.config {
            Some(named) => named,
            None if usual.exists() => &usual,
            None => return Ok(Self::default()),
        };
        Self::read(texts::file(path)?)
    }

    /// Reads a configuration.
    ///
    /// # Errors
    /// Its first problem.
    pub fn read(source: Source) -> Result<Self, Failure> {
        toml::from_str(&source.text).map_err(|error| Failure::Problems(vec![problem(source, &error)]))
    }
}

fn problem(source: Source, error: &toml::de::Error) -> Problem {
    let span = error.span().unwrap_or(0..0);
    let Range { start, end } = entry(&source.text, &span, error.message()).unwrap_or(span);
    Problem {
        code: "config",
        severity: Severity::Error,
        message: error.message().trim_end_matches('.').replace('\n', "; "),
        place: Place { source, span: Span { start, end } },
        related: Vec::new(),
        help: Some("policy/service/avow.sample.toml lists every key with its default".into()),
    }
}

/// The entry of a list that a message is about: of a list, the library knows where it begins.
fn entry(text: &str, list: &Range<usize>, message: &str) -> Option<Range<usize>> {
    let about = message.split('`').nth(1)?;
    let place = ['"', '\''].into_iter().find_map(|quote| {
        let quoted = format!("{quote}{about}{quote}");
        Some((text.get(list.clone())?.find(&quoted)?, quoted.len()))
    });
    place.map(|(place, length)| list.start + place..list.start + place + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem_of(text: &str) -> String {
        match Config::read(Source::new("avow.toml", text)) {
            Err(Failure::Problems(problems)) => format!("{} {}", problems[0].place.location(), problems[0].message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_sample_says_every_default() {
        assert_eq!(Config::read(Source::new("sample", SAMPLE)).unwrap(), Config::default());
    }

    #[test]
    fn the_sample_says_every_key() {
        let uncommented: String =
            SAMPLE.lines().map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n").collect();
        let config = Config::read(Source::new("sample", uncommented)).unwrap();
        assert!(
            config.relay.public_host.is_some()
                && config.policy.trial.is_some()
                && config.store.keys.is_some()
                && config.runtime.directory.is_some()
                && config.desk.public_key.is_some()
        );
    }

    #[test]
    fn an_unknown_key_is_an_error_where_it_stands() {
        assert!(
            problem_of("[relay]\nlisten = \"127.0.0.1:1\"\nlog_addresses = true\n")
                .starts_with("avow.toml:3:1 unknown field `log_addresses`")
        );
        assert_eq!(
            problem_of("[relay]\nallow_private = [\"10.0.0.0/8\", \"10.1.2.3/16\"]\n"),
            "avow.toml:2:32 `10.1.2.3/16` does not begin its network: bits are set after the first 16"
        );
        assert!(
            problem_of("[relay]\nallow_private = [\n  '10.0.0.0/8',\n  'ten',\n]\n")
                .starts_with("avow.toml:4:3 `ten` is not a network")
        );
        assert!(
            problem_of("[relay]\nlisten = [\"[::]:8388\", \"localhost:8388\"]\n")
                .starts_with("avow.toml:2:24 `localhost:8388` is not an address to listen on")
        );
        assert!(
            problem_of("[books]\nflush_seconds = 0\n")
                .starts_with("avow.toml:2:17 a number of seconds from 1 to 86400")
        );
    }
}
