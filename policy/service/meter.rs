//! How far something long has got, on standard error: nothing in the first two seconds; then one line at a terminal, which
//! is written over, and elsewhere a line every ten seconds.

use std::{
    io::{self, IsTerminal, Write},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use avow_accounting::Progress;

use crate::screen::{Format, Screen};

/// Whoever is told how far something long has got.
pub type Telling = Arc<dyn Fn(Progress) + Send + Sync>;

/// What is over sooner is not told.
const SOON: Duration = Duration::from_secs(2);
/// How often a line at a terminal is written over.
const OFTEN: Duration = Duration::from_millis(200);
/// How often there is a line where nobody may be looking.
const SELDOM: Duration = Duration::from_secs(10);

/// Says how far something long has got.
#[derive(Debug)]
pub struct Meter {
    to: Option<To>,
    state: Mutex<State>,
}

/// Where it is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum To {
    Terminal,
    File,
}

#[derive(Debug, Default)]
struct State {
    /// What is being done, and since when.
    doing: Option<(String, Instant)>,
    /// When it was last said.
    said: Option<Instant>,
}

/// Nobody.
#[must_use]
pub fn nobody() -> Telling {
    Arc::new(|_| ())
}

impl Meter {
    /// A meter that writes to standard error; it is silent where a program reads what is printed.
    #[must_use]
    pub fn new(screen: Screen) -> Arc<Self> {
        let to = if io::stderr().is_terminal() { To::Terminal } else { To::File };
        Arc::new(Self { to: (screen.format == Format::Human).then_some(to), state: Mutex::default() })
    }

    /// The meter, for whoever tells it.
    #[must_use]
    pub fn telling(self: &Arc<Self>) -> Telling {
        let meter = self.clone();
        Arc::new(move |Progress { doing, done, of }| meter.told(doing, done, of))
    }

    /// So much is done of so much.
    pub fn told(&self, doing: &str, done: usize, of: usize) {
        let Some(to) = self.to else { return };
        let text =
            self.state.lock().unwrap_or_else(PoisonError::into_inner).next(to, (doing, done, of), Instant::now());
        if let Some(text) = text {
            // Nobody may be reading, which stops nothing.
            let _ = write!(io::stderr(), "{text}").and_then(|()| io::stderr().flush());
        }
    }
}

impl State {
    /// What to write now, if anything.
    fn next(&mut self, to: To, (doing, done, of): (&str, usize, usize), now: Instant) -> Option<String> {
        let since = match &self.doing {
            Some((known, since)) if known == doing && done > 0 => *since,
            _ => {
                *self = Self { doing: Some((doing.into(), now)), said: None };
                now
            }
        };
        let over = done == of;
        let pause = if to == To::Terminal { OFTEN } else { SELDOM };
        let due = match self.said {
            None => !over && now.duration_since(since) >= SOON,
            Some(_) if over => true,
            Some(said) => now.duration_since(said) >= pause,
        };
        if over {
            self.doing = None;
        }
        if !due {
            return None;
        }
        self.said = Some(now);
        let (before, after) = match (to, over) {
            (To::Terminal, false) => ("\r\u{1b}[K", ""),
            (To::Terminal, true) => ("\r\u{1b}[K", "\n"),
            (To::File, _) => ("", "\n"),
        };
        let dots = if over { "" } else { " ..." };
        Some(format!("{before}avow: {doing}: {done} of {of}{dots}{after}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written at these milliseconds, when so much of 100 is done.
    fn written(to: To, told: &[(u64, usize)]) -> Vec<(u64, String)> {
        let (mut state, start) = (State::default(), Instant::now());
        let said = |&(at, done): &(u64, usize)| {
            Some((at, state.next(to, ("wiping", done, 100), start + Duration::from_millis(at))?))
        };
        told.iter().filter_map(said).collect()
    }

    #[test]
    fn what_is_over_within_two_seconds_is_not_told() {
        for to in [To::Terminal, To::File] {
            assert_eq!(written(to, &[(0, 0), (900, 50), (1999, 99), (2100, 100)]), []);
        }
    }

    #[test]
    fn a_terminal_has_one_line_that_is_written_over() {
        let written = written(To::Terminal, &[(0, 0), (2000, 10), (2100, 20), (2200, 30), (2300, 100)]);
        let line = |text: &str| format!("\r\u{1b}[Kavow: wiping: {text}");
        assert_eq!(
            written,
            [(2000, line("10 of 100 ...")), (2200, line("30 of 100 ...")), (2300, line("100 of 100\n"))]
        );
    }

    #[test]
    fn elsewhere_there_is_a_line_every_ten_seconds() {
        let written = written(To::File, &[(0, 0), (2000, 10), (5000, 20), (11_999, 30), (12_000, 40), (13_000, 100)]);
        let line = |text: &str| format!("avow: wiping: {text}\n");
        assert_eq!(
            written,
            [(2000, line("10 of 100 ...")), (12_000, line("40 of 100 ...")), (13_000, line("100 of 100"))]
        );
    }

    #[test]
    fn what_begins_anew_has_two_seconds_again() {
        assert_eq!(written(To::File, &[(0, 0), (1000, 100), (5000, 0), (6000, 10), (7000, 20)]).len(), 1);
    }
}
