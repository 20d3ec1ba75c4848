//! How every command ends.

use std::process::{ExitCode, Termination};

/// The exit codes of every command. They are documented in `avow --help` and do not change meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 0: done; the text is clean; the promises are kept.
    Done,
    /// 1: the answer is no: a problem in a text, a refused change, a broken promise.
    No,
    /// 2: it could not run: usage, a missing file or store, a port in use.
    CouldNotRun,
    /// 3: an audit could not complete a check that a promise rests on.
    Undetermined,
}

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::No => 1,
            Self::CouldNotRun => 2,
            Self::Undetermined => 3,
        }
    }
}

impl Termination for Exit {
    fn report(self) -> ExitCode {
        ExitCode::from(self.code())
    }
}
