//! The border between two months, or two versions: what is counted when it passes ends a batch there, also while the store
//! takes none.
//!
//! The end of a month is the instant at which a count that is stored now would be due. Counts that come to the store after
//! it are of a month that is over, and are dropped. What was counted before a version came into force is not the same as
//! what is counted after it (`desk/books.rs`): so no batch holds both.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use avow_accounting::MonthTotal;
use avow_proxy::Page;
use avow_terms::{
    code::Code,
    minute::Minute,
    permit::{Due, Events, Record},
};
use jiff::Timestamp;
use tokio::time;

use super::books::wait;
use crate::{clock, standing::Standing};

/// How often to look whether the border has moved: a version may have been published that is in force in a moment.
const LOOK: Duration = Duration::from_secs(1);

/// Ends a batch at every border.
pub(super) async fn mark(page: Arc<Page>, standing: Arc<ArcSwap<Standing>>) {
    loop {
        let now = clock::now();
        let border = border(&standing.load(), now);
        time::sleep(wait(border, now, LOOK)).await;
        if let Some(border) = border.filter(|border| *border <= clock::now()) {
            page.mark(border.as_millisecond());
        }
    }
}

/// When a month total that is stored now is due, or another version comes into force, whichever is first.
fn border(standing: &Standing, now: Timestamp) -> Option<Timestamp> {
    let change = standing.history().next_change(now).map(Minute::instant);
    [month_end(standing, now), change].into_iter().flatten().min()
}

/// None while it waits for an event, or may not be stored.
fn month_end(standing: &Standing, now: Timestamp) -> Option<Timestamp> {
    let code = Code::literal(MonthTotal::CODES.first()?);
    match standing.in_force(now)?.due(&code, now, &Events::default())? {
        Due::At(due) if due > now => Some(due),
        Due::At(_) | Due::When(_) => None,
    }
}
