//! Permission as a value: the proof that the terms in force allow one kind of record.

use std::{fmt, marker::PhantomData};

use jiff::{Timestamp, tz::TimeZone};
use serde::{Deserialize, Serialize};

use crate::{clause::ClauseId, code::Code, retention::Anchor};

/// A kind of record that a store can write, and every data code that writing it keeps.
pub trait Record {
    /// What a person calls it: `month total`.
    const NAME: &'static str;
    /// The data codes it carries.
    const CODES: &'static [&'static str];
    /// The purpose it is written for.
    const PURPOSE: &'static str;
    /// The part of the system that writes it.
    const SERVICE: Service;
}

/// A part of the operator's system that acts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Service {
    /// The tunnel.
    Relay,
    /// The store of counts.
    Accounting,
    /// Sign-up and sign-in.
    Registration,
    /// Payments.
    Billing,
    /// Whoever looks into attacks.
    AbuseDesk,
    /// The user's own pages.
    Portal,
    /// Notices and codes by mail.
    Mail,
}

/// What is known about a record at the moment of a decision. Absent events have not happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The instant of the decision.
    pub now: Timestamp,
    /// When it was recorded; for a write, `now`.
    pub recorded: Timestamp,
    /// The events that ended or started a period.
    #[serde(default)]
    pub events: Events,
    /// Whether the node that holds it stands in the home country.
    pub place: NodePlace,
    /// The form it is kept in.
    pub form: Form,
    /// Whether the user agreed to it.
    #[serde(default)]
    pub consent: bool,
}

/// When each anchor's event happened, as far as it has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Events {
    /// The session ended.
    pub session_end: Option<Timestamp>,
    /// The payment was made.
    pub payment: Option<Timestamp>,
    /// The account was closed.
    pub account_closed: Option<Timestamp>,
    /// The account was deleted.
    pub account_deleted: Option<Timestamp>,
    /// The user logged out.
    pub logged_out: Option<Timestamp>,
    /// The subscription ended.
    pub subscription_end: Option<Timestamp>,
    /// The financial year of the record ends.
    pub financial_year_end: Option<Timestamp>,
}

/// Where a node stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NodePlace {
    /// In the home country of the policy.
    Home,
    /// Elsewhere.
    Abroad,
}

/// The form in which data is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As it is.
    Plain,
    /// Sealed at rest.
    Sealed,
    /// A one-way digest.
    Digest,
}

/// When a record is due to be erased.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Due {
    /// At this instant: from it on, the record must be gone.
    At(Timestamp),
    /// When an event happens that has not happened yet.
    When(Anchor),
}

/// Proof that the terms in force allow one `R`, and until when.
///
/// Only the rules make one, and the store takes it by value. It fits one kind of record and one version of the policy.
#[must_use]
pub struct Permit<R> {
    pub(crate) version: u32,
    pub(crate) recorded: Timestamp,
    pub(crate) due: Due,
    pub(crate) clauses: Vec<ClauseId>,
    pub(crate) zone: TimeZone,
    pub(crate) of: PhantomData<fn(R)>,
}

impl<R: Record> Permit<R> {
    /// The version of the policy it was granted under; 0 is a text on trial.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The instant it counts as recorded.
    #[must_use]
    pub fn recorded(&self) -> Timestamp {
        self.recorded
    }

    /// When what is written under it is due.
    #[must_use]
    pub fn due(&self) -> Due {
        self.due
    }

    /// The zone whose calendar the policy counts months in.
    #[must_use]
    pub fn zone(&self) -> &TimeZone {
        &self.zone
    }

    /// The clauses that allow it.
    #[must_use]
    pub fn clauses(&self) -> &[ClauseId] {
        &self.clauses
    }
}

/// Says what was allowed, for any kind of record.
impl<R> fmt::Debug for Permit<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by: Vec<String> = self.clauses.iter().map(ToString::to_string).collect();
        f.debug_struct("Permit")
            .field("version", &self.version)
            .field("due", &self.due)
            .field("by", &by)
            .finish_non_exhaustive()
    }
}

/// Why a record may not be stored, in the policy's words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize)]
#[error("{record}: `{code}` for `{purpose}` may not be stored: {reason}")]
pub struct Refusal {
    /// The kind of record.
    pub record: String,
    /// The first of its codes that is refused.
    pub code: Code,
    /// The purpose that was asked for.
    pub purpose: Code,
    /// Why, with the clause and its words, or what is missing from the policy.
    pub reason: String,
    /// The clause that forbids it, if one does; none where no clause allows it.
    pub clause: Option<ClauseId>,
}
