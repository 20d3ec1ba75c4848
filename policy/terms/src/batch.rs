//! A batch of counts on its way from a node to the store.

use crate::{account::AccountId, amount::Bytes};

/// What a node counted since its last committed batch.
///
/// The store applies a batch once: `epoch` names one life of the node's counters, `seq` numbers its batches from 1.
#[derive(Clone, PartialEq, Eq)]
pub struct Batch {
    /// The node that counted.
    pub node: u32,
    /// The life of its counters.
    pub epoch: u64,
    /// The number of the batch in that life, from 1.
    pub seq: u64,
    /// What each account moved, in the order of the account numbers; no account twice, none with nothing.
    pub rows: Vec<(AccountId, Bytes)>,
}
