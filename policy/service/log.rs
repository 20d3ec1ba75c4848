//! What the service tells its log: a closed list of events, none of which can hold a personal value.
//!
//! There is no free text here and no field for an address, an account or a destination. The `log` crate, through which
//! dependencies write, is compiled out, and the subscriber below takes the events of this file only: no setting of the
//! environment can widen it.

use std::{fmt, io};

use avow_terms::minute::Minute;
use tracing_subscriber::{filter::Targets, fmt::time::FormatTime, layer::SubscriberExt, util::SubscriberInitExt};

use crate::clock;

const _: () = assert!(matches!(log::STATIC_MAX_LEVEL, log::LevelFilter::Off), "`log` must be compiled out");

/// The target of every event of this service.
const TARGET: &str = "avow";

/// Everything the service may say about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// It is ready for clients.
    Ready,
    /// The relay process ended and was started again.
    RelayRestarted,
    /// The files that names are looked up with were replaced: the relay is started again.
    ResolverReplaced,
    /// A wall around the relay cannot be raised on this kernel.
    WallMissing {
        /// What the kernel calls it.
        wall: &'static str,
    },
    /// Counts were found that an earlier life had not yet stored; they are stored now.
    CountsRecovered,
    /// Counts were found that do not belong to this store; they are dropped.
    CountsOfAnotherStore,
    /// Counts could not be stored; they are kept and tried again.
    CountsHeld,
    /// Counts that were held are stored.
    CountsStored,
    /// The policy in force allows no month totals: what was counted is dropped.
    CountsRefused,
    /// Counts were due before they could be stored: their month is over. They are dropped.
    CountsOver,
    /// The policy in force keeps nothing that limits of a month are measured by: accounts that have one are not let in.
    LimitsUnmeasured,
    /// The wall clock was set while the service ran; it is not followed.
    ClockSet,
    /// The wall clock and the time that has passed agree again, or the machine's time service vouched for it.
    ClockAgrees,
    /// The policy in force does not declare sealed sessions: those that came are dropped.
    SessionsRefused,
    /// The store has taken no sealed sessions for so long that the oldest had to go.
    SessionsDropped,
    /// Buckets that were due are gone.
    Swept {
        /// How many buckets.
        buckets: usize,
        /// How many rows were in them.
        rows: usize,
    },
    /// A sweep failed; it is tried again.
    SweepFailed,
    /// A version was published.
    Published {
        /// The version.
        version: u32,
        /// When it will be in force.
        effective: Minute,
    },
    /// A version is in force.
    InForce {
        /// The version; 0 is a text on trial.
        version: u32,
    },
    /// It read its configuration again.
    Reloaded,
    /// Its configuration has a problem; it goes on with the one before.
    NotReloaded,
    /// It was told to stop and lets open streams finish.
    Draining,
    /// It stopped; everything counted is stored.
    Stopped,
}

impl Event {
    /// Writes the event.
    pub fn tell(self) {
        match self {
            Self::Ready => tracing::info!(target: TARGET, "ready"),
            Self::RelayRestarted => tracing::warn!(target: TARGET, "the relay ended and was started again"),
            Self::ResolverReplaced => tracing::info!(
                target: TARGET,
                "the files of the system's resolver were replaced: the relay is started again to read them"
            ),
            Self::WallMissing { wall } => {
                tracing::warn!(target: TARGET, wall, "a wall around the relay is missing; `avow walls` says more");
            }
            Self::CountsRecovered => tracing::info!(target: TARGET, "stored what an earlier life had counted"),
            Self::CountsOfAnotherStore => {
                tracing::warn!(target: TARGET, "the counts that were found belong to another store; they are dropped");
            }
            Self::CountsHeld => {
                tracing::warn!(target: TARGET, "cannot store counts now; they are kept and tried again")
            }
            Self::CountsStored => tracing::info!(target: TARGET, "the counts that were held are stored"),
            Self::CountsRefused => {
                tracing::warn!(target: TARGET, "the policy in force keeps no month totals: what is counted is dropped");
            }
            Self::CountsOver => {
                tracing::warn!(target: TARGET, "counts of a month that is over came too late to be stored; they are dropped");
            }
            Self::LimitsUnmeasured => tracing::error!(
                target: TARGET,
                "the policy in force keeps no whole month totals: accounts with a limit of a month are not let in"
            ),
            Self::ClockSet => tracing::warn!(
                target: TARGET,
                "the wall clock was set and is not followed: deadlines go by the time that has passed"
            ),
            Self::ClockAgrees => tracing::info!(target: TARGET, "the wall clock is followed again"),
            Self::SessionsRefused => {
                tracing::warn!(target: TARGET, "the policy in force keeps no sealed sessions: those that came are dropped");
            }
            Self::SessionsDropped => {
                tracing::warn!(target: TARGET, "too many sealed sessions wait for the store: the oldest are dropped");
            }
            Self::Swept { buckets, rows } => tracing::info!(target: TARGET, buckets, rows, "erased what was due"),
            Self::SweepFailed => tracing::error!(target: TARGET, "a sweep failed; it is tried again"),
            Self::Published { version, effective } => {
                tracing::info!(target: TARGET, version, effective = %effective, "a version was published");
            }
            Self::InForce { version: 0 } => tracing::info!(target: TARGET, "a text is on trial: it binds nobody"),
            Self::InForce { version } => tracing::info!(target: TARGET, version, "a version is in force"),
            Self::Reloaded => tracing::info!(target: TARGET, "the configuration was read again"),
            Self::NotReloaded => {
                tracing::error!(target: TARGET, "the configuration has a problem; the one before stays");
            }
            Self::Draining => tracing::info!(target: TARGET, "stopping: open streams may finish"),
            Self::Stopped => tracing::info!(target: TARGET, "stopped; everything counted is stored"),
        }
    }
}

/// Starts the log on standard error. A second start changes nothing.
pub fn start(colour: bool) {
    let events = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(colour)
        .with_target(false)
        .with_timer(AvowTime);
    let ours = Targets::new().with_target(TARGET, tracing::Level::INFO);
    let _ = tracing_subscriber::registry().with(tracing_subscriber::Layer::with_filter(events, ours)).try_init();
}

/// The clock's time, to the second, in UTC.
struct AvowTime;

impl FormatTime for AvowTime {
    fn format_time(&self, writer: &mut tracing_subscriber::fmt::format::Writer<'_>) -> fmt::Result {
        write!(writer, "{}", clock::now().strftime("%Y-%m-%dT%H:%M:%SZ"))
    }
}
