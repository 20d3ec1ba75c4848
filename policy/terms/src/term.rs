//! One promise, with the clause and the words that made it.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::{
    clause::ClauseId,
    code::Code,
    legal::{Country, LegalBasis},
    retention::{Period, Retention},
    source::Span,
};

/// A promise together with the words that made it, so that every refusal, rule and finding can quote the policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Term {
    /// The clause.
    pub clause: ClauseId,
    /// The words that made it: the clause, or the cell of a row that says it.
    pub said_at: Span,
    /// What was promised.
    pub promise: Promise,
}

/// What a term promises. A row with several codes or purposes makes a term for each (code, purpose).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Promise {
    /// N: never kept, in any form.
    Never {
        /// What is never kept, descendants included.
        data: BTreeSet<Code>,
        /// Except these, and what descends from them.
        except: BTreeSet<Code>,
    },
    /// A row of "What we keep".
    Stored {
        /// What is kept.
        data: Code,
        /// Why.
        purpose: Code,
        /// Where it comes from.
        origin: Origin,
        /// How long.
        retention: Retention,
        /// Only after the user agreed (a `consent` clause names this code).
        consent: bool,
        /// On what legal grounds, if the row says it.
        #[serde(skip_serializing_if = "BTreeSet::is_empty")]
        legal_basis: BTreeSet<LegalBasis>,
        /// Where else it goes, if the row says it.
        #[serde(skip_serializing_if = "Option::is_none")]
        transfer: Option<BTreeSet<Country>>,
    },
    /// S0: the table is complete.
    Complete,
    /// A row of "Who else sees it".
    Share {
        /// The recipient, in the policy's words.
        recipient: String,
        /// What they see: codes, or, through clause references, the codes of those clauses.
        data: BTreeSet<Code>,
        /// Why.
        purpose: Code,
        /// When, in the policy's words.
        when: String,
        /// On what legal grounds, if the row says it.
        #[serde(skip_serializing_if = "BTreeSet::is_empty")]
        legal_basis: BTreeSet<LegalBasis>,
        /// Where the recipient takes it, if the row says it; to no other country if it is empty.
        #[serde(skip_serializing_if = "Option::is_none")]
        transfer: Option<BTreeSet<Country>>,
    },
    /// A measure without a table: `no-disclosure`, `store-nothing-abroad`, `tls`, `notice`, `history` ...
    Measure {
        /// The measure.
        measure: Code,
        /// The data it is about, if it names any.
        data: BTreeSet<Code>,
        /// "at least 1 day ahead"
        lead: Option<Period>,
    },
    /// A row of "Your rights".
    Right {
        /// The right: `delete`, `access` ...
        right: Code,
        /// "Answered within"
        answer_within: Period,
    },
}

/// Where stored data comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// "You give it"
    User,
    /// "Collected automatically"
    Automatic,
    /// "Payment processor"
    Processor,
    /// "Derived"
    Derived,
}
