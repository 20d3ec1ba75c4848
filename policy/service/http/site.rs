//! What the pages and answers are made from.

use std::sync::Arc;

use arc_swap::ArcSwap;
use avow_terms::permit::NodePlace;

use super::{Health, Metrics, Sums};
use crate::standing::Standing;

/// What the pages and answers are made from.
pub struct Site {
    /// The versions and which of them is in force; swapped when one is published.
    pub standing: Arc<ArcSwap<Standing>>,
    /// Whether counts reach the store.
    pub health: Arc<Health>,
    /// What the relay did.
    pub relay: Arc<dyn Sums>,
    /// Sums for a scraper.
    pub metrics: Metrics,
    /// Whether this node stands in the policy's home country.
    pub place: NodePlace,
}
