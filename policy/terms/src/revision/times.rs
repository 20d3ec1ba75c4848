//! From when a version may apply: at its minute, after the last, and never sooner than notices were promised.

use jiff::{SignedDuration, Timestamp, ToSpan, tz::TimeZone};

use super::gate::refused;
use crate::{
    conflict::Published,
    diff::Side,
    minute::Minute,
    policy::Effective,
    problem::{Place, Problem},
    retention::Period,
    term::Promise,
};

/// The minute from which the candidate applies if it is published now.
pub(super) fn effective(side: Side<'_>, own: &[&Published], now: Timestamp) -> Result<Minute, Box<Problem>> {
    let wrong = |code, message: String, help: String| Err(refused(side, "effective", code, message, help).into());
    let minute = match side.policy.header.effective {
        Effective::At(minute) => minute,
        Effective::OnPublication if own.is_empty() => return next_minute(side, now),
        Effective::OnPublication => {
            let message = "only a first version may apply on publication".to_owned();
            return wrong("effective-without-minute", message, "write a minute: `effective: 2026-12-01T09:30Z`".into());
        }
    };
    if minute.instant() < now {
        let help = "a version applies from a minute that is still to come; write a later one".into();
        return wrong("effective-past", format!("`{minute}` is over"), help);
    }
    if let Some(last) = own.iter().max_by_key(|one| one.effective).filter(|last| minute <= last.effective) {
        let message = format!("`{minute}` is not later than `{}`, when the last version applies", last.effective);
        return wrong("effective-not-later", message, "write a later minute".into());
    }
    match noticed(own, now) {
        Some((earliest, notice)) if minute.instant() < earliest => Err(too_soon(side, minute, earliest, notice).into()),
        _ => Ok(minute),
    }
}

fn next_minute(side: Side<'_>, now: Timestamp) -> Result<Minute, Box<Problem>> {
    let never =
        || refused(side, "effective", "effective-past", "there is no later minute", "set the clock right").into();
    Minute::at_or_after(now).ok_or_else(never)
}

/// A promise to write to users before a version applies.
struct Notice {
    lead: Period,
    version: u32,
    place: Place,
}

/// The earliest instant that the notice promised in any published version leaves, and that promise.
fn noticed(own: &[&Published], now: Timestamp) -> Option<(Timestamp, Notice)> {
    let promised = own.iter().flat_map(|published| {
        let side = Side { policy: &published.policy, vocabulary: &published.vocabulary };
        let header = &published.policy.header;
        published.policy.terms.iter().filter_map(move |term| match &term.promise {
            Promise::Measure { measure, lead: Some(lead), .. } if measure.as_str() == "notice" => {
                let place = side.clause(term.clause);
                let earliest = later(now, *lead, header.zone.as_deref());
                Some((earliest, Notice { lead: *lead, version: header.version, place }))
            }
            _ => None,
        })
    });
    promised.max_by_key(|(earliest, _)| *earliest)
}

/// An instant some period later. Past the end of time it is the end of time: a promise that long is never over.
fn later(now: Timestamp, period: Period, zone: Option<&str>) -> Timestamp {
    let later = match period {
        Period::Minutes(minutes) => now.checked_add(SignedDuration::from_mins(i64::from(minutes))).ok(),
        Period::Months(months) => {
            let zone = TimeZone::get(zone.unwrap_or("UTC")).unwrap_or(TimeZone::UTC);
            now.to_zoned(zone).checked_add(i64::from(months).months()).ok().map(|zoned| zoned.timestamp())
        }
    };
    later.unwrap_or(Timestamp::MAX)
}

fn too_soon(side: Side<'_>, minute: Minute, earliest: Timestamp, notice: Notice) -> Problem {
    let Notice { lead, version, place } = notice;
    let lead = lead.phrase();
    let message = format!("`{minute}` is less than {lead} ahead");
    let help = match Minute::at_or_after(earliest) {
        Some(earliest) => format!("published now, it can apply from {earliest} at the earliest"),
        None => "published now, it can never apply".into(),
    };
    let mut problem = refused(side, "effective", "notice-too-short", message, help);
    problem.related.push((place, format!("version {version} promised notice at least {lead} ahead")));
    problem
}
