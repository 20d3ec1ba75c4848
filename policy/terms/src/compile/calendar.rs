//! Retention as Cedar can decide it, and the dates that only a calendar can tell.
//!
//! Cedar subtracts instants and compares them; it knows no months. So every month that a policy counts becomes a date
//! that is handed in with the facts, under its canonical name: `@month.end[UTC]`, `@account.closed+P3M`.

use cedar_policy::pst::Expr;
use jiff::{Timestamp, tz::TimeZone};

use super::{
    expression::{and, duration, fact, has, reached, since},
    schema::{ANCHORS, event_name},
};
use crate::{
    permit::{Due, Events},
    retention::{Anchor, Period, Retention},
};

/// A date that is handed in with the facts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Dated {
    /// Its canonical name.
    pub(crate) name: String,
    /// The event it is counted from; none where it is counted from recording, and so always there.
    pub(crate) event: Option<&'static str>,
    /// Whether it is the end of a month.
    pub(crate) is_month_end: bool,
    retention: Retention,
}

impl Dated {
    /// The date, if what it is counted from has happened.
    pub(crate) fn of(&self, recorded: Timestamp, events: &Events, zone: &TimeZone) -> Option<Timestamp> {
        match self.retention.due(recorded, events, zone) {
            Due::At(date) => Some(date),
            Due::When(_) => None,
        }
    }
}

/// The dates a retention needs.
pub(crate) fn dates(retention: &Retention) -> Vec<Dated> {
    let counted = |anchor: Anchor, is_month_end| Dated {
        name: retention.to_string(),
        event: ANCHORS.iter().find(|(known, _)| *known == anchor).map(|(_, name)| *name),
        is_month_end,
        retention: retention.clone(),
    };
    match retention {
        Retention::After { period: Period::Months(_), anchor } => vec![counted(*anchor, false)],
        Retention::Law { at_most, anchor, .. } => dates(&Retention::After { period: *at_most, anchor: *anchor }),
        Retention::MonthEnd { .. } => vec![counted(Anchor::Recorded, true)],
        Retention::Earlier(one, other) => [dates(one), dates(other)].concat(),
        _ => Vec::new(),
    }
}

/// When a retention is over: over as soon as one of these is true. None where it never begins, because nothing is
/// stored.
pub(crate) fn over(retention: &Retention) -> Option<Vec<Expr>> {
    let one = |over: Expr| Some(vec![over]);
    match retention {
        Retention::NotStored | Retention::Memory { .. } | Retention::Until { anchor: Anchor::Recorded } => None,
        Retention::Until { anchor } => {
            let event = event_name(*anchor)?;
            one(and(has(event), reached(fact("now"), fact(event))))
        }
        Retention::After { period: Period::Minutes(minutes), anchor } => {
            let length = duration(&in_words_of_cedar(*minutes));
            match event_name(*anchor) {
                None => one(reached(since(fact("now"), fact("recorded")), length)),
                Some(event) => one(and(has(event), reached(since(fact("now"), fact(event)), length))),
            }
        }
        Retention::After { period: Period::Months(_), anchor } => {
            let date = retention.to_string();
            match event_name(*anchor) {
                None => one(reached(fact("now"), fact(&date))),
                Some(_) => one(and(has(&date), reached(fact("now"), fact(&date)))),
            }
        }
        Retention::MonthEnd { .. } => one(reached(fact("now"), fact(&retention.to_string()))),
        Retention::Earlier(one, other) => Some([over(one)?, over(other)?].concat()),
        Retention::Law { at_most, anchor, .. } => over(&Retention::After { period: *at_most, anchor: *anchor }),
    }
}

fn in_words_of_cedar(minutes: u32) -> String {
    match minutes {
        whole if whole % (24 * 60) == 0 => format!("{}d", whole / (24 * 60)),
        whole if whole % 60 == 0 => format!("{}h", whole / 60),
        minutes => format!("{minutes}m"),
    }
}
