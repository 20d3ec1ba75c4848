//! What an audit answers: a line per promise, the findings, and what nobody looked at.
//!
//! A report is kept longer than the data it is about, so it holds counts and the names of tables and columns only.

use avow_terms::{clause::ClauseId, key_place::KeyPlace, minute::Minute};
use jiff::Timestamp;
use serde::Serialize;

/// The answer to a [`Question`](crate::Question).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether the policy binds anybody yet.
    pub standing: Standing,
    /// The name of the policy; empty if no text of it can be read any more.
    pub policy: String,
    /// The instant the deadlines were compared with.
    pub now: Timestamp,
    /// Every promise of the text that governs, in its order.
    pub promises: Vec<Line>,
    /// Everything that breaks a promise.
    pub findings: Vec<Finding>,
    /// The keys of the store; none if no directory of keys was given or it could not be read.
    pub keys: Option<Keys>,
    /// What this audit did not look at.
    pub not_checked: Vec<NotChecked>,
    /// How much it looked at.
    pub looked_at: LookedAt,
}

/// Whether the policy binds anybody yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// On trial: enforced and audited in full, and binding nobody until a version is published.
    Trial,
    /// Published and in force.
    InForce {
        /// The version.
        version: u32,
        /// Since when.
        effective: Minute,
    },
}

/// One promise and whether it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// The clause.
    pub clause: ClauseId,
    /// What it says, in the policy's own words.
    pub words: String,
    /// Where it stands: `northgate v1:34:1`.
    pub location: String,
    /// Whether it is kept.
    pub verdict: Verdict,
    /// What shows it: "12 rows, the oldest due in 8 days".
    pub evidence: String,
}

/// Whether a promise is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// At least one check bears on it, and none found it broken.
    Kept,
    /// A check found it broken.
    Broken,
    /// The operator's own to keep: nothing in this store can show it.
    NotHere,
    /// A check that bears on it did not complete.
    Unchecked,
}

/// One thing that breaks a promise.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    /// The check that found it; stable across versions of the software.
    pub check: &'static str,
    /// The clause it breaks first of all; none where no clause speaks of it.
    pub clause: Option<ClauseId>,
    /// Other clauses that it breaks, or that can no longer be shown to be kept.
    pub also: Vec<ClauseId>,
    /// What was found. Never a value.
    pub what: String,
    /// Where: `month_total_202610_v1`, `account.label`, a file.
    pub place: String,
    /// What to do about it.
    pub remedy: String,
}

/// Something this audit did not look at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotChecked {
    /// What.
    pub what: String,
    /// Why not.
    pub why: String,
}

/// The keys of a store: where they lie, what that covers and what it does not, and how many there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Keys {
    /// Where they lie, seen from the store.
    pub place: KeyPlace,
    /// What it covers that a key is destroyed.
    pub covers: &'static str,
    /// What it does not.
    pub not_covered: Vec<&'static str>,
    /// Whether their files are wrapped with a credential.
    pub wrapped: bool,
    /// The files of the directory.
    pub files: u64,
    /// The accounts that have a key.
    pub accounts: u64,
    /// The buckets whose key is the right one.
    pub buckets: u64,
    /// The sealed values that their own key opened: all there are, unless a finding says otherwise.
    pub opened: u64,
}

/// How much an audit looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct LookedAt {
    /// Tables of the store.
    pub tables: usize,
    /// Their columns.
    pub columns: usize,
    /// Rows in them.
    pub rows: u64,
    /// Bytes of the store and its journal.
    pub bytes: u64,
    /// Versions of the policy, the text on trial not counted.
    pub versions: usize,
}

impl Report {
    /// 0: every promise that can be shown here is kept. 1: one is broken. 3: one has no completed check.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        let any = |verdict| self.promises.iter().any(|line| line.verdict == verdict);
        if !self.findings.is_empty() || any(Verdict::Broken) {
            1
        } else if self.promises.is_empty() || any(Verdict::Unchecked) {
            3
        } else {
            0
        }
    }
}

impl Finding {
    /// Whether it touches a clause.
    pub(crate) fn breaks(&self, clause: ClauseId) -> bool {
        self.clause == Some(clause) || self.also.contains(&clause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(verdicts: &[Verdict], findings: usize, exit_code: u8) {
        let line = |verdict: &Verdict| Line {
            clause: "S1".parse().unwrap(),
            words: String::new(),
            location: String::new(),
            verdict: *verdict,
            evidence: String::new(),
        };
        let finding = Finding {
            check: "row.overdue",
            clause: None,
            also: Vec::new(),
            what: String::new(),
            place: String::new(),
            remedy: String::new(),
        };
        let report = Report {
            standing: Standing::Trial,
            policy: String::new(),
            now: Timestamp::UNIX_EPOCH,
            promises: verdicts.iter().map(line).collect(),
            findings: vec![finding; findings],
            keys: None,
            not_checked: Vec::new(),
            looked_at: LookedAt::default(),
        };
        assert_eq!(report.exit_code(), exit_code);
    }

    #[test]
    fn a_finding_weighs_more_than_what_was_not_checked() {
        check(&[Verdict::Kept, Verdict::NotHere], 0, 0);
        check(&[Verdict::Kept, Verdict::Unchecked], 0, 3);
        check(&[Verdict::Kept, Verdict::Unchecked], 1, 1);
        check(&[Verdict::Broken, Verdict::Unchecked], 0, 1);
        check(&[], 0, 3);
    }
}
