//! The walls around the relay: what the kernel keeps from this process, whatever runs in it.
//!
//! Three kinds, raised before the first byte of a client is read, and none can be taken down again: **calls** (seccomp:
//! only the system calls that carrying bytes takes), **files** (landlock: no file but what the system's resolver reads, no
//! port to listen on, no signal to anybody outside), **privileges** (no capability, none to gain, no core dump, nothing
//! written to a file, not even to one that was handed over).
//!
//! What they cannot give: a relay that turned hostile could still dial out, with whatever it knows. It knows the keys of
//! the accounts and the addresses of those connected; the walls see to it that it can keep nothing and learn nothing else.

mod attempt;
mod calls;
mod files;
mod privileges;

use serde::{Deserialize, Serialize};

pub use self::{
    attempt::{Attempt, Grounds, Outcome},
    files::ResolverFiles,
};

/// One kind of wall.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wall {
    /// System calls: seccomp.
    Calls,
    /// Files, ports and signals: landlock.
    Files,
    /// Capabilities, limits and core dumps.
    Privileges,
}

impl Wall {
    /// Every wall.
    pub const ALL: [Self; 3] = [Self::Calls, Self::Files, Self::Privileges];

    /// What the kernel calls it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Calls => "seccomp",
            Self::Files => "landlock",
            Self::Privileges => "privileges",
        }
    }
}

/// Which walls stand.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Raised {
    /// Those that stand.
    pub walls: Vec<Wall>,
    /// The version of landlock that the kernel and this program have in common; 0 when there is none.
    pub landlock: u32,
}

impl Raised {
    /// The walls that do not stand.
    pub fn missing(&self) -> impl Iterator<Item = Wall> + '_ {
        Wall::ALL.into_iter().filter(|wall| !self.walls.contains(wall))
    }

    /// What the kernel's landlock does not know yet, in words. The other walls keep these too.
    pub fn gaps(&self) -> impl Iterator<Item = &'static str> + '_ {
        let since =
            [(3, "shortening a file"), (4, "ports to listen on"), (5, "devices"), (6, "signals and abstract sockets")];
        let here = self.walls.contains(&Wall::Files);
        since.into_iter().filter(move |(version, _)| here && self.landlock < *version).map(|(_, what)| what)
    }
}

/// Raises walls around this process, and says which of them stand.
///
/// To be called while this process has one thread: landlock binds the thread that asks for it, and those it starts.
#[must_use]
pub(crate) fn raise(wanted: &[Wall]) -> Raised {
    let mut raised = Raised::default();
    let mut note = |wall, stands| {
        if stands {
            raised.walls.push(wall);
        }
    };
    if wanted.contains(&Wall::Privileges) {
        note(Wall::Privileges, privileges::drop_all());
    }
    let landlock = if wanted.contains(&Wall::Files) { files::shut() } else { 0 };
    if wanted.contains(&Wall::Files) {
        note(Wall::Files, landlock > 0);
    }
    // The last, since it takes away what the others are raised with.
    if wanted.contains(&Wall::Calls) {
        note(Wall::Calls, calls::shut());
    }
    Raised { landlock, ..raised }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_stand_is_named() {
        let old = Raised { walls: vec![Wall::Calls, Wall::Files], landlock: 3 };
        assert_eq!(old.missing().collect::<Vec<_>>(), [Wall::Privileges]);
        assert_eq!(old.gaps().collect::<Vec<_>>(), ["ports to listen on", "devices", "signals and abstract sockets"]);
        assert_eq!(Raised::default().gaps().count(), 0, "a wall that is missing has no gaps");
    }
}
