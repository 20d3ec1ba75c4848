//! The store: accounts, their traffic of the month, and the texts of the policy.
//!
//! A row about an account is written only with a [`Permit`](avow_terms::permit::Permit) for its kind, goes into a
//! bucket with the rows that are due when it is, and leaves with that bucket. [`INVENTORY`] names every column and the
//! data it carries; a file whose schema differs from it in anything is refused.
//!
//! Architecture invariant: this crate opens no socket, cannot name an address and asks no clock.

mod accounts;
mod backup;
mod bucket;
mod case;
mod choices;
mod code;
mod day;
mod device_count;
mod diagnostics;
mod email;
mod engine;
mod erase;
mod error;
mod family;
mod inventory;
mod key_count;
mod key_file;
mod keys;
mod migrate;
mod notice;
mod open;
mod password;
mod payment;
mod period;
mod plan;
mod progress;
mod record;
mod register;
mod remains;
mod revisions;
mod rotate;
mod rows;
mod schema;
mod scrub;
mod seal;
mod sealed_session;
mod seen;
mod session_total;
mod store;
mod sweep;
mod traffic;
mod username;

pub use accounts::{Account, NewAccount};
pub use backup::{BackedUp, Backup, BackupError, Part, Restored, Restoring, Unlocked};
pub use case::{Decision, Step};
pub use choices::Chosen;
pub use diagnostics::{Attempt, NotAWord, Word};
pub use erase::Removed;
pub use error::{OpenError, StoreError};
pub use inventory::INVENTORY;
pub use key_count::KeyCount;
pub use key_file::{NotAWrapping, Wrapping};
pub use notice::Evidence;
pub use open::Opening;
pub use progress::{Listener, Progress};
pub use record::{
    AccountRecord, ActivationCode, Blocked, CaseStep, Choices, DeviceCount, Diagnostics, Email, MonthTotal,
    NoticeEvidence, PasswordDigest, PaymentRecord, PlanRecord, SealedSession, SessionTotal, UserName,
};
pub use revisions::TrialText;
pub use rotate::Rotated;
pub use rows::Kept;
pub use scrub::scrub;
pub use sealed_session::{SealedBlob, SealedHour};
pub use session_total::Session;
pub use store::{Reader, Store};
pub use sweep::Swept;
pub use traffic::{Applied, Cursor};
