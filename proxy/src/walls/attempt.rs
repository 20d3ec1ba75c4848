//! Trying what the walls forbid: by a process that stands behind the same walls and was started for nothing else.
//!
//! An attempt does no harm where it succeeds: it writes into a directory made for it, signals with signal 0, and looks at
//! one known byte of its parent.

mod call;
mod tried;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Raised, Wall, raise};

/// Something that a relay must not be able to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attempt {
    /// Read the store of its parent.
    ReadStore,
    /// Read who has an account on the machine.
    ReadUsers,
    /// List a directory.
    ListDirectory,
    /// Make a file.
    MakeFile,
    /// Write into a file that is there.
    WriteFile,
    /// Write into a file that was handed over open.
    WriteHandedOver,
    /// Remove a file.
    RemoveFile,
    /// Start another program.
    StartProgram,
    /// Become another program.
    BecomeProgram,
    /// Become two processes.
    Fork,
    /// Take a port of TCP.
    TakePort,
    /// Take a port of UDP.
    TakeDatagramPort,
    /// Wait for connections on a port that it was not given.
    Listen,
    /// Speak to the service's control socket.
    ControlSocket,
    /// Speak to a socket without a path.
    AbstractSocket,
    /// Send raw packets.
    RawPackets,
    /// Speak to the kernel about the network.
    KernelSocket,
    /// Trace its parent.
    TraceParent,
    /// Copy its parent's memory.
    CopyParent,
    /// Open its parent's memory as a file.
    OpenParent,
    /// Signal its parent.
    SignalParent,
    /// Make a file in memory, which could then be run.
    MemoryFile,
    /// Make memory that can be written and run.
    RunMemory,
    /// Let the kernel work through a queue, past the filter of calls.
    Queue,
    /// Reach the keys that the kernel holds.
    KernelKeys,
    /// Leave for a namespace of its own.
    Namespace,
    /// Change what is mounted.
    Mount,
    /// Allow itself more than it was left.
    RaiseLimit,
    /// Leave its memory behind in a core dump.
    DumpCore,
}

impl Attempt {
    /// Every attempt.
    pub const ALL: [Self; 29] = [
        Self::ReadStore,
        Self::ReadUsers,
        Self::ListDirectory,
        Self::MakeFile,
        Self::WriteFile,
        Self::WriteHandedOver,
        Self::RemoveFile,
        Self::StartProgram,
        Self::BecomeProgram,
        Self::Fork,
        Self::TakePort,
        Self::TakeDatagramPort,
        Self::Listen,
        Self::ControlSocket,
        Self::AbstractSocket,
        Self::RawPackets,
        Self::KernelSocket,
        Self::TraceParent,
        Self::CopyParent,
        Self::OpenParent,
        Self::SignalParent,
        Self::MemoryFile,
        Self::RunMemory,
        Self::Queue,
        Self::KernelKeys,
        Self::Namespace,
        Self::Mount,
        Self::RaiseLimit,
        Self::DumpCore,
    ];

    /// What is tried, in words.
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::ReadStore => "read the store",
            Self::ReadUsers => "read /etc/passwd",
            Self::ListDirectory => "list a directory",
            Self::MakeFile => "make a file",
            Self::WriteFile => "open a file for writing",
            Self::WriteHandedOver => "write to a file handed over",
            Self::RemoveFile => "remove a file",
            Self::StartProgram => "start a program",
            Self::BecomeProgram => "become a program (exec)",
            Self::Fork => "become two processes (fork)",
            Self::TakePort => "take a TCP port",
            Self::TakeDatagramPort => "take a UDP port",
            Self::Listen => "listen",
            Self::ControlSocket => "speak to the control socket",
            Self::AbstractSocket => "speak to an abstract socket",
            Self::RawPackets => "send raw packets",
            Self::KernelSocket => "speak to the kernel (netlink)",
            Self::TraceParent => "trace its parent (ptrace)",
            Self::CopyParent => "copy its parent's memory",
            Self::OpenParent => "open its parent's memory",
            Self::SignalParent => "signal its parent",
            Self::MemoryFile => "make a file in memory (memfd)",
            Self::RunMemory => "make memory that runs",
            Self::Queue => "queue calls (io_uring)",
            Self::KernelKeys => "reach the kernel's keys",
            Self::Namespace => "leave for a namespace",
            Self::Mount => "change mounts",
            Self::RaiseLimit => "raise its own limits",
            Self::DumpCore => "leave a core dump",
        }
    }

    /// Raises these walls around this process and makes the attempt.
    #[must_use]
    pub fn make(self, behind: &[Wall], grounds: &Grounds) -> Outcome {
        if self == Self::DumpCore {
            tried::allow_a_dump();
        }
        let Raised { walls, .. } = raise(behind);
        if !behind.iter().all(|wall| walls.contains(wall)) {
            return Outcome::NoWall;
        }
        match tried::make(self, grounds) {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Refused { reason: reason(error) },
        }
    }
}

/// What attempts are made on. Everything is prepared by the parent, before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grounds {
    /// A directory with a file `present`, for the attempt to do as it likes.
    pub directory: PathBuf,
    /// The store, or a file in its place.
    pub store: PathBuf,
    /// A socket that somebody listens on.
    pub socket: PathBuf,
    /// The name of an abstract socket that the parent listens on.
    pub name: String,
    /// The parent's process.
    pub parent: i32,
    /// Where one byte of the parent's memory is.
    pub memory: usize,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum Outcome {
    /// It succeeded.
    Done,
    /// It was refused.
    Refused {
        /// The error: `EPERM`, `EACCES`.
        reason: String,
    },
    /// The kernel ended the process at once.
    Ended {
        /// The signal.
        signal: i32,
    },
    /// The wall that it was to be made behind cannot be raised here.
    NoWall,
}

impl Outcome {
    /// Whether a wall held.
    #[must_use]
    pub fn held(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Ended { .. })
    }
}

fn reason(error: rustix::io::Errno) -> String {
    use rustix::io::Errno;
    match error {
        Errno::PERM => "EPERM".into(),
        Errno::ACCESS => "EACCES".into(),
        Errno::FBIG => "EFBIG".into(),
        Errno::NOSYS => "ENOSYS".into(),
        other => format!("errno {}", other.raw_os_error()),
    }
}
