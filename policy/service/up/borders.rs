//! The border between two months: what is counted when it passes ends a batch there, also while the store takes none.
//!
//! The instant is the one at which a count that is stored now would be due. Counts that come to the store after it are
//! of a month that is over, and are dropped.

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use avow_accounting::MonthTotal;
use avow_proxy::Page;
use avow_terms::{
    code::Code,
    permit::{Due, Events, Record},
};
use jiff::Timestamp;
use tokio::time;

use super::books::wait;
use crate::{clock, standing::Standing};

/// How often to look whether the border has moved: another version may be in force.
const LOOK: Duration = Duration::from_secs(60);

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

/// When a month total that is stored now is due; none while it waits for an event, or may not be stored.
fn border(standing: &Standing, now: Timestamp) -> Option<Timestamp> {
    let code = Code::literal(MonthTotal::CODES.first()?);
    match standing.in_force(now)?.due(&code, now, &Events::default())? {
        Due::At(due) if due > now => Some(due),
        Due::At(_) | Due::When(_) => None,
    }
}
