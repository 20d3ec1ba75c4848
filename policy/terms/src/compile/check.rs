//! What a policy may not say, because no rule could be made of it that a reader would expect.

use jiff::tz::TimeZone;

use super::{Work, calendar::dates};
use crate::{
    code::Code,
    problem::problem,
    retention::{Period, Retention},
    term::Term,
};

/// The longest period a policy may state: the rules are made for a few centuries.
const CENTURY: (u32, u16) = (100 * 365 * 24 * 60, 100 * 12);

impl Work<'_> {
    /// One item for one purpose stands in one row: of two, which one would a reader believe?
    pub(super) fn once(&mut self, term: &Term, code: &Code, purpose: &Code) {
        let kept = self.compiled.kept.get(code).into_iter().flatten();
        let Some(earlier) = kept.into_iter().find(|kept| kept.purpose == *purpose).cloned() else { return };
        let message = format!("`{code}` is kept for `{purpose}` by {} already", earlier.clause);
        let twice = problem(&self.policy.source, term.said_at, "kept-twice", message)
            .related(&self.policy.source, earlier.said_at, "the row that keeps it")
            .help("keep it for one purpose in one row, with one \"How long\"");
        self.problems.push(twice);
    }

    /// The dates a retention needs, or why it cannot be dated.
    pub(super) fn datable(&mut self, term: &Term, retention: &Retention) {
        if let Some(reason) = undatable(retention) {
            self.problems.push(problem(&self.policy.source, term.said_at, "undatable", reason));
        }
        for date in dates(retention) {
            if !self.compiled.dates.contains(&date) {
                self.compiled.dates.push(date);
            }
        }
    }
}

/// Why no instant can be computed for a retention, if none can.
fn undatable(retention: &Retention) -> Option<String> {
    let too_long = |period: &Period| match *period {
        Period::Minutes(minutes) => minutes > CENTURY.0,
        Period::Months(months) => months > CENTURY.1,
    };
    match retention {
        Retention::After { period, .. } | Retention::Law { at_most: period, .. } if too_long(period) => {
            Some("a period is at most a hundred years".into())
        }
        Retention::MonthEnd { zone } if TimeZone::get(zone).is_err() => {
            Some(format!("`{zone}` is not a time zone of the IANA database"))
        }
        Retention::Earlier(one, other) => undatable(one).or_else(|| undatable(other)),
        _ => None,
    }
}
