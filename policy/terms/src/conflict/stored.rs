//! What the candidate would keep, against what an earlier version let be kept.

use super::{Breach, Earlier, Promised, narrow_or_separate};
use crate::{
    code::Code,
    diff::Side,
    policy::Guarantee,
    problem::Place,
    retention::Retention,
    term::{Origin, Promise, Term},
};

/// A (code, purpose) of a row.
#[derive(Clone, Copy)]
struct Item<'a> {
    term: &'a Term,
    data: &'a Code,
    purpose: &'a Code,
    origin: Origin,
    retention: &'a Retention,
}

pub(super) fn breaches<'a>(candidate: Side<'a>, promised: Promised<'a>, level: Guarantee) -> Vec<Breach<'a>> {
    let allowed: Vec<Item<'a>> = items(promised.side).collect();
    let kept = items(candidate).flat_map(|item| codes(candidate, promised.side, item));
    kept.filter_map(|item| breach(candidate, promised, level, &allowed, item)).collect()
}

fn items(side: Side<'_>) -> impl Iterator<Item = Item<'_>> {
    side.policy.terms.iter().filter_map(|term| match &term.promise {
        Promise::Stored { data, purpose, origin, retention, .. } => {
            Some(Item { term, data, purpose, origin: *origin, retention })
        }
        _ => None,
    })
}

/// The row's code, and the codes that a later vocabulary has put under it.
fn codes<'a>(candidate: Side<'a>, earlier: Side<'a>, item: Item<'a>) -> impl Iterator<Item = Item<'a>> {
    let moved = move |code: &&Code| candidate.covers(item.data, code) && !earlier.covers(item.data, code);
    let known = earlier.data().filter(move |code| *code != item.data).filter(moved);
    std::iter::once(item.data).chain(known).map(move |data| Item { data, ..item })
}

fn breach<'a>(
    candidate: Side<'a>,
    promised: Promised<'a>,
    level: Guarantee,
    allowed: &[Item<'a>],
    item: Item<'a>,
) -> Option<Breach<'a>> {
    let clause = item.term.clause;
    if let Some(place) = promised.never(candidate, item.data) {
        let message = format!("{clause} keeps {{}}, which was promised never to be kept");
        let help = "take it out: a promise never to keep something has no end".into();
        return Some(told(candidate, "kept-despite-never", item, message, earlier(promised, place, None), help));
    }
    let rows: Vec<Item<'a>> = allowed.iter().filter(|row| promised.side.covers(row.data, item.data)).copied().collect();
    if level < Guarantee::Published || rows.iter().any(|row| row.allows(item)) {
        return None;
    }
    let Some(row) = rows.iter().max_by_key(|row| row.alike(item)).copied() else {
        return unlisted(candidate, promised, item);
    };
    let place = promised.side.place(row.term.said_at);
    let whole = promised.side.clause(row.term.clause);
    let (code, message, promise, help) = if row.purpose != item.purpose {
        let message = format!("{clause} keeps {{}} for `{}` too", item.purpose);
        ("purpose-added", message, earlier(promised, whole, None), "take the purpose out")
    } else if !item.retention.no_longer_than(row.retention) {
        let message = format!("{clause} keeps {{}} {}, longer than promised before", item.retention.phrase());
        ("kept-longer", message, earlier(promised, place, Some(row.retention)), "shorten it")
    } else {
        let message = format!("{clause} takes {{}} from somewhere else than promised before");
        ("origin-widened", message, earlier(promised, whole, None), "put back where it comes from")
    };
    Some(told(candidate, code, item, message, promise, narrow_or_separate(help)))
}

impl Item<'_> {
    /// Whether a row of an earlier version lets this be kept.
    fn allows(self, item: Item<'_>) -> bool {
        self.alike(item) == (true, true, true)
    }

    fn alike(self, item: Item<'_>) -> (bool, bool, bool) {
        let origin = item.origin == self.origin || item.origin == Origin::User;
        (self.purpose == item.purpose, item.retention.no_longer_than(self.retention), origin)
    }
}

/// Something no row names: against a version that called its table complete.
fn unlisted<'a>(candidate: Side<'a>, promised: Promised<'a>, item: Item<'a>) -> Option<Breach<'a>> {
    let complete = promised.side.policy.terms.iter().find(|term| term.promise == Promise::Complete)?;
    if candidate.vocabulary.is_system(item.data) {
        return None;
    }
    let message = format!("{} keeps {{}}, which the complete table did not name", item.term.clause);
    let place = promised.side.place(complete.said_at);
    let help = narrow_or_separate("take it out");
    Some(told(candidate, "not-in-complete-table", item, message, earlier(promised, place, None), help))
}

fn earlier<'a>(promised: Promised<'a>, place: Place, retention: Option<&'a Retention>) -> Earlier<'a> {
    let words = retention.map(Retention::phrase).unwrap_or_default();
    Earlier { published: promised.published, place, words, retention }
}

fn told<'a>(
    candidate: Side<'a>,
    code: &'static str,
    item: Item<'a>,
    message: String,
    promise: Earlier<'a>,
    help: String,
) -> Breach<'a> {
    let cell = code == "kept-longer";
    let place = if cell { candidate.place(item.term.said_at) } else { candidate.clause(item.term.clause) };
    Breach { code, place, message, codes: [item.data].into(), promise, help }
}
