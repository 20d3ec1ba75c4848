//! The walls around the relay, looked at: from outside, by what the kernel says of the running process, and from inside,
//! by a process that stands behind the same walls and tries what they forbid.
//!
//! What is looked at here is the relay; what it carries is not: sockets are counted by their kind, never by an address.

mod outside;
mod tried;

use std::path::Path;

use avow_proxy::Wall;
use serde::Serialize;

use crate::{
    cli::Data,
    control,
    data_dir::DataDir,
    desk::{Done, Request},
    failure::Failure,
};

pub use self::{
    outside::Look,
    tried::{Trial, attempt},
};

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Found {
    /// The walls that this kernel, or this container, does not raise.
    pub missing: Vec<Wall>,
    /// What the running relay shows from outside; `None` when no service runs.
    pub relay: Option<Relay>,
    /// What was tried behind the same walls.
    pub trials: Vec<Trial>,
}

/// The running relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Relay {
    /// Its process.
    pub pid: u32,
    /// Its version of landlock, by its own word: the kernel does not show it from outside.
    pub landlock: u32,
    /// The walls that could not be raised around it, by its own word.
    pub missing: Vec<Wall>,
    /// What was looked at.
    pub looks: Vec<Look>,
}

impl Found {
    /// Whether every wall holds.
    #[must_use]
    pub fn hold(&self) -> bool {
        self.missing.is_empty()
            && self.relay.as_ref().is_none_or(|relay| relay.looks.iter().all(|look| look.holds != Some(false)))
            && self.trials.iter().all(Trial::held)
    }
}

/// Looks at the relay of the service that runs here, if one does, and tries what must not succeed.
///
/// # Errors
/// If no attempt can be made here.
pub fn look(data: &Data) -> Result<Found, Failure> {
    let directory = DataDir::of(data)?;
    let relay = relay(data)?;
    let (missing, trials) = tried::all(&directory)?;
    Ok(Found { missing, relay, trials })
}

/// The relay of the service that runs here, as it looks from outside.
///
/// # Errors
/// If the service does not answer.
pub fn relay(data: &Data) -> Result<Option<Relay>, Failure> {
    let Some(Done::Relay(view)) = control::ask_running(data, Request::ShowRelay)? else { return Ok(None) };
    let proc = Path::new("/proc").join(view.pid.to_string());
    let directory = DataDir::of(data)?;
    let looks = outside::look(&proc, &directory, &view.walls)?;
    Ok(Some(Relay { pid: view.pid, landlock: view.walls.landlock, missing: view.walls.missing().collect(), looks }))
}
