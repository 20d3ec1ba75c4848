//! The chain of published versions: nothing missing, nothing changed, nothing taken back.
//!
//! Every hash is computed anew, by code of the audit's own, from the layout that `revision` documents. A chain that was
//! computed anew as a whole after an edit agrees with itself; the copies of the published texts then differ.

use std::{path::Path, sync::Arc};

use avow_terms::{
    clause::ClauseId,
    conflict::{self, contradictions},
    policy::{Document, Effective},
    retention::Period,
    term::Promise,
};
use jiff::Timestamp;

use crate::{
    clauses::{Clauses, terms},
    copies,
    found::Findings,
    link::{hash, verified},
    published::{Entry, Link, Published},
    values::counted,
};

/// What was looked at.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    /// The published versions.
    pub(crate) versions: u64,
    /// Those of them that followed another.
    pub(crate) changes: u64,
    /// The copies that were compared with them; `None` if there was no directory of copies to look in.
    pub(crate) copies: Option<u64>,
}

/// The chain, and what it is compared with.
pub(crate) struct Chain<'a> {
    pub(crate) published: &'a Published,
    pub(crate) clauses: &'a Clauses<'a>,
    pub(crate) history_dir: Option<&'a Path>,
    pub(crate) now: Timestamp,
}

impl Chain<'_> {
    /// Compares every version with its hash, its copy and the versions before it.
    pub(crate) fn check(&self, findings: &mut Findings) -> Seen {
        let mut seen = Seen::default();
        let mut before: Option<&Link> = None;
        for link in &self.published.links {
            before = before.filter(|before| before.entry.document == link.entry.document);
            self.links(link, before, findings);
            self.times(link, before, findings);
            self.text(link, findings);
            self.contradictions(link, findings);
            seen.versions += 1;
            if let Some(before) = before {
                seen.changes += 1;
                self.notice(link, before, findings);
            }
            before = Some(link);
        }
        if self.published.trial.as_ref().is_some_and(|trial| trial.policy.is_none()) {
            let (what, remedy) = ("the text on trial cannot be read", "put it on trial again");
            findings.add("chain.text", self.history(), what, "trial.text", remedy);
        }
        seen.copies =
            self.history_dir.map(|directory| copies::check(directory, self.published, self.clauses, findings));
        seen
    }

    fn history(&self) -> Option<ClauseId> {
        self.clauses.measure("history")
    }

    /// Whether a version follows the one before it, and is what it was when it was published.
    fn links(&self, link: &Link, before: Option<&Link>, findings: &mut Findings) {
        let (entry, before) = (&link.entry, before.map(|before| &before.entry));
        let mut wrong = Vec::new();
        if entry.version != before.map_or(1, |before| before.version.saturating_add(1)) {
            wrong.push(("chain.gap", "a version before this one is missing"));
        }
        if entry.previous.as_deref() != before.map(|before| before.hash.as_slice()) {
            wrong.push(("chain.link", "it does not name the version before it"));
        }
        if hash(entry).is_none_or(|hash| hash != entry.hash) {
            wrong.push(("chain.hash", "its text, or what is kept of it, was changed after it was published"));
        }
        if wrong.is_empty() && self.timely(entry, before).is_empty() && !verified(entry, before) {
            wrong.push(("chain.hash", "the audit finds nothing wrong with this link, and the writer's own check does"));
        }
        for (check, what) in wrong {
            findings.add(check, self.history(), what, &link.place(), RESTORE);
        }
    }

    /// Whether a version has a minute of its own, later than the last, and none before it was published.
    fn times(&self, link: &Link, before: Option<&Link>, findings: &mut Findings) {
        for (check, what) in self.timely(&link.entry, before.map(|before| &before.entry)) {
            findings.add(check, self.clauses.measure("minute"), what, &link.place(), RESTORE);
        }
    }

    fn timely(&self, entry: &Entry, before: Option<&Entry>) -> Vec<(&'static str, &'static str)> {
        let latest = self.now.as_millisecond().saturating_add(60_000);
        let wrong = [
            (entry.minute().is_none(), "chain.minute", "it does not apply from a whole minute"),
            (
                before.is_some_and(|before| before.effective >= entry.effective),
                "chain.order",
                "it does not apply later than the version before it",
            ),
            (entry.published_at > entry.effective, "chain.early", "it applies from before it was published"),
            (
                before.is_some_and(|before| before.published_at > entry.published_at),
                "chain.order",
                "it was published before the version before it",
            ),
            (entry.published_at > latest, "chain.future", "it was published in the future"),
        ];
        wrong.into_iter().filter(|(is, _, _)| *is).map(|(_, check, what)| (check, what)).collect()
    }

    /// Whether a text can be read, and says the same as the store says of it.
    fn text(&self, link: &Link, findings: &mut Findings) {
        let entry = &link.entry;
        let wrong = match link.edition.policy.as_ref().map(|policy| &policy.header) {
            None => ("chain.text", "its text cannot be read"),
            Some(header) => {
                let document = match header.document {
                    Document::Privacy => "privacy",
                    Document::Terms => "terms",
                };
                let minute = match header.effective {
                    Effective::At(minute) => Some(minute) == entry.minute(),
                    Effective::OnPublication => entry.version == 1,
                };
                let named = (header.version, header.policy.as_str(), document);
                if minute && named == (entry.version, entry.policy.as_str(), entry.document.as_str()) {
                    return;
                }
                ("chain.header", "its text says another name, version or minute")
            }
        };
        findings.add(wrong.0, self.history(), wrong.1, &link.place(), RESTORE);
    }

    /// Compares a version with every version before it: those of its own document, and those of every other document
    /// that had been published by then.
    fn contradictions(&self, link: &Link, findings: &mut Findings) {
        let Some(policy) = &link.edition.policy else { return };
        let is_before = |other: &&Link| match other.entry.document == link.entry.document {
            true => other.entry.version < link.entry.version,
            false => other.entry.published_at < link.entry.published_at,
        };
        let before = self.published.links.iter().filter(is_before).map(promised);
        let Some(before) = before.collect::<Option<Vec<_>>>() else {
            let what = "a version before it cannot be read, so that nobody can say whether they agree";
            return findings.add("chain.contradiction", self.no_contradiction(), what, &link.place(), RESTORE);
        };
        for problem in contradictions(policy, &link.edition.vocabulary, &before) {
            let what = format!("it contradicts what was published before: {}", problem.message);
            let remedy = "publish a version that keeps what was promised";
            findings.add("chain.contradiction", self.no_contradiction(), &what, &problem.place.location(), remedy);
        }
    }

    fn no_contradiction(&self) -> Option<ClauseId> {
        self.clauses.measure("no-contradiction")
    }

    /// Whether a change was published as long ahead as the version before it promises to write.
    fn notice(&self, link: &Link, before: &Link, findings: &mut Findings) {
        let promised = terms(&before.edition).filter_map(|term| match &term.promise {
            Promise::Measure { measure, lead: Some(lead), .. } if measure.as_str() == "notice" => {
                Some((term.clause, shortest(*lead)))
            }
            _ => None,
        });
        for (clause, lead) in promised {
            if link.entry.effective.saturating_sub(link.entry.published_at) < lead {
                let what = "it was published later than its readers are promised to be told";
                findings.add("chain.notice", [clause], what, &link.place(), "publish it again with a later minute");
            }
        }
    }
}

pub(crate) const RESTORE: &str = "restore the text that was published, and find out who changed it";

impl Seen {
    /// What shows that every version stays published.
    pub(crate) fn history(self) -> String {
        let copies = self.copies.map_or_else(String::new, |copies| {
            format!(", {} the same", counted(copies, "copy").replace("copys", "copies"))
        });
        match self.versions {
            0 => "no version is published yet".into(),
            versions => format!("{}, each with its hash{copies}", counted(versions, "version")),
        }
    }

    /// What shows that no version contradicts another.
    pub(crate) fn contradictions(self) -> String {
        match self.versions {
            0 => "no version is published yet".into(),
            1 => "there is one version".into(),
            versions => format!("{versions} versions, each compared with all before it"),
        }
    }

    /// What shows that every version has its minute.
    pub(crate) fn minutes(self) -> String {
        match self.versions {
            0 => "no version is published yet".into(),
            versions => format!("{}, each with a whole minute of its own", counted(versions, "version")),
        }
    }
}

/// An earlier version, as the comparison takes it.
fn promised(link: &Link) -> Option<conflict::Published> {
    Some(conflict::Published {
        policy: Arc::new(link.edition.policy.clone()?),
        vocabulary: Arc::new(link.edition.vocabulary.clone()),
        effective: link.entry.minute()?,
        published_at: Timestamp::from_millisecond(link.entry.published_at).ok()?,
    })
}

/// The least milliseconds that a period lasts.
fn shortest(period: Period) -> i64 {
    match period {
        Period::Minutes(minutes) => i64::from(minutes) * 60_000,
        Period::Months(months) => i64::from(months) * 28 * 86_400_000,
    }
}
