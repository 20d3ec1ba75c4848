//! What time was seen here before: a clock that is behind it is wrong, or was wrong then.
//!
//! The store knows when anything was recorded. Weeks may pass in which nothing is, so the instant of the last sweep is
//! written down beside it, to the minute and in a file of its own. It is about nobody.

use std::fs;

use jiff::Timestamp;

use super::Desk;
use crate::{
    clock,
    data_dir::{DataDir, write_whole},
    failure::Failure,
};

/// How far apart two sweeps must be for the later one to be written down, in seconds.
const APART: i64 = 60;

/// When the last sweep was, if that is written down.
pub(super) fn last_sweep(data: &DataDir) -> Option<Timestamp> {
    fs::read_to_string(data.last_sweep()).ok()?.trim().parse().ok()
}

impl Desk {
    /// That the clock is not behind what the store has seen: deadlines would come late by as much.
    ///
    /// # Errors
    /// If it is, by more than a minute.
    pub fn may_know_the_time(&self) -> Result<(), Failure> {
        let (now, recorded) = (clock::now(), self.store.last_seen().map_err(Failure::could_not)?);
        let seen = [recorded, self.swept].into_iter().flatten().max();
        match seen.filter(|seen| seen.duration_since(now).as_secs() > 60) {
            None => Ok(()),
            Some(seen) => Err(Failure::refused(format!(
                "the clock shows {}, and the store was in use at {}",
                now.strftime("%Y-%m-%dT%H:%MZ"),
                seen.strftime("%Y-%m-%dT%H:%MZ")
            ))
            .help(
                "set the clock of this machine; if it ran ahead when the store was in use and is right now, start once \
                 with `--clock-is-right`, and what was recorded then counts as recorded now",
            )),
        }
    }

    /// Writes down that there was a sweep. A disk that does not take it now takes that of a later one.
    pub(super) fn note_sweep(&mut self, now: Timestamp) {
        let apart = self.swept.map(|last| now.duration_since(last).as_secs().abs());
        if apart.is_none_or(|apart| apart >= APART) {
            let text = now.strftime("%Y-%m-%dT%H:%MZ\n").to_string();
            if write_whole(&self.data.last_sweep(), text.as_bytes()).is_ok() {
                self.swept = Some(now);
            }
        }
    }
}
