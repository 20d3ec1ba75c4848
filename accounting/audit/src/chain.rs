//! The chain of published versions: nothing missing, nothing changed, nothing taken back.
//!
//! Every hash is computed anew, by code of the audit's own, from the layout that `revision` documents. A chain that was
//! computed anew as a whole after an edit agrees with itself; the copies of the published texts then differ.

use std::{fs, path::Path};

use avow_terms::{clause::ClauseId, policy::Effective, retention::Period, term::Promise};
use jiff::Timestamp;

use crate::{
    clauses::{Clauses, terms},
    found::Findings,
    hash,
    published::{Edition, Entry, Published},
    values::counted,
};

/// What was looked at.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Seen {
    /// The published versions.
    pub(crate) versions: u64,
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
        let entries = &self.published.entries;
        for (place, (entry, edition)) in entries.iter().zip(&self.published.editions).enumerate() {
            let before = place.checked_sub(1).and_then(|place| entries.get(place));
            self.links(entry, before, findings);
            self.times(entry, before, findings);
            self.text(entry, edition, findings);
            self.contradictions(place, findings);
            self.notice(place, findings);
        }
        if self.published.trial.as_ref().is_some_and(|trial| trial.policy.is_none()) {
            findings.add(
                "chain.text",
                self.history(),
                "the text on trial cannot be read",
                "trial.text",
                "put it on trial again",
            );
        }
        let copies = self.history_dir.map(|directory| self.copies(directory, findings));
        Seen { versions: u64::try_from(entries.len()).unwrap_or(u64::MAX), copies }
    }

    fn history(&self) -> Option<ClauseId> {
        self.clauses.measure("history")
    }

    /// Whether a version follows the one before it, and is what it was when it was published.
    fn links(&self, entry: &Entry, before: Option<&Entry>, findings: &mut Findings) {
        let mut broken = |check, what| findings.add(check, self.history(), what, &place(entry), RESTORE);
        if entry.version != before.map_or(1, |before| before.version.saturating_add(1)) {
            broken("chain.gap", "a version before this one is missing");
        }
        if entry.previous.as_deref() != before.map(|before| before.hash.as_slice()) {
            broken("chain.link", "it does not name the version before it");
        }
        if entry.hash != hash::of(entry) {
            broken("chain.hash", "its text, or what is kept of it, was changed after it was published");
        }
    }

    /// Whether a version has a minute of its own, later than the last, and none before it was published.
    fn times(&self, entry: &Entry, before: Option<&Entry>, findings: &mut Findings) {
        let mut broken =
            |check, what| findings.add(check, self.clauses.measure("minute"), what, &place(entry), RESTORE);
        if entry.minute().is_none() {
            broken("chain.minute", "it does not apply from a whole minute");
        }
        if before.is_some_and(|before| before.effective >= entry.effective) {
            broken("chain.order", "it does not apply later than the version before it");
        }
        if entry.published_at > entry.effective {
            broken("chain.early", "it applies from before it was published");
        }
        if entry.published_at > self.now.as_millisecond().saturating_add(60_000) {
            broken("chain.future", "it was published in the future");
        }
    }

    /// Whether a text can be read, and says the same as the store says of it.
    fn text(&self, entry: &Entry, edition: &Edition, findings: &mut Findings) {
        let Some(policy) = &edition.policy else {
            return findings.add("chain.text", self.history(), "its text cannot be read", &place(entry), RESTORE);
        };
        let header = &policy.header;
        let document = format!("{:?}", header.document).to_lowercase();
        let minute = match header.effective {
            Effective::At(minute) => Some(minute) == entry.minute(),
            Effective::OnPublication => entry.version == 1,
        };
        if header.version != entry.version || header.policy != entry.policy || document != entry.document || !minute {
            findings.add(
                "chain.header",
                self.history(),
                "its text says another name, version or minute",
                &place(entry),
                RESTORE,
            );
        }
    }

    /// Compares a version with every version before it.
    fn contradictions(&self, place_of: usize, findings: &mut Findings) {
        let (before, rest) = self.published.editions.split_at(place_of);
        let (Some(edition), Some(entry)) = (rest.first(), self.published.entries.get(place_of)) else { return };
        let count = hash::contradictions(before, edition);
        if count > 0 {
            let what = format!(
                "{} an earlier version",
                if count == 1 { "one clause contradicts".into() } else { format!("{count} clauses contradict") }
            );
            let remedy = "withdraw it: publish a version that keeps what was promised";
            findings.add("chain.contradiction", self.clauses.measure("no-contradiction"), &what, &place(entry), remedy);
        }
    }

    /// Whether a change was published as long ahead as the version before it promises to write.
    fn notice(&self, place_of: usize, findings: &mut Findings) {
        let before = place_of.checked_sub(1).and_then(|place| self.published.editions.get(place));
        let (Some(before), Some(entry)) = (before, self.published.entries.get(place_of)) else { return };
        let promised = terms(before).filter_map(|term| match &term.promise {
            Promise::Measure { measure, lead: Some(lead), .. } if measure.as_str() == "notice" => {
                Some((term.clause, shortest(*lead)))
            }
            _ => None,
        });
        for (clause, lead) in promised {
            if entry.effective.saturating_sub(entry.published_at) < lead {
                let what = "it was published later than its readers are promised to be told";
                findings.add("chain.notice", [clause], what, &place(entry), "publish it again with a later minute");
            }
        }
    }

    /// Compares the copies with the texts of the store, both ways; says how many there were to compare.
    fn copies(&self, directory: &Path, findings: &mut Findings) -> u64 {
        let mut compared = 0;
        for entry in &self.published.entries {
            let name = format!("v{}.md", entry.version);
            match fs::read(directory.join(&name)) {
                Ok(copy) if copy == entry.text.as_bytes() => compared += 1,
                Ok(_) => findings.add(
                    "chain.copy",
                    self.history(),
                    "the copy and the store do not say the same",
                    &copy_of(&name),
                    RESTORE,
                ),
                Err(_) => findings.add(
                    "chain.copy",
                    self.history(),
                    "the copy is missing, or cannot be read",
                    &copy_of(&name),
                    RESTORE,
                ),
            }
        }
        for name in names(directory)
            .filter(|name| !self.published.entries.iter().any(|entry| *name == format!("v{}.md", entry.version)))
        {
            findings.add("chain.gap", self.history(), "the store does not have this version", &copy_of(&name), RESTORE);
        }
        compared
    }
}

const RESTORE: &str = "restore the text that was published, and find out who changed it";

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

fn place(entry: &Entry) -> String {
    format!("revision v{}", entry.version)
}

fn copy_of(name: &str) -> String {
    format!("history/{name}")
}

/// The least milliseconds that a period lasts.
fn shortest(period: Period) -> i64 {
    match period {
        Period::Minutes(minutes) => i64::from(minutes) * 60_000,
        Period::Months(months) => i64::from(months) * 28 * 86_400_000,
    }
}

/// The names of the copies in a directory: `v1.md`.
fn names(directory: &Path) -> impl Iterator<Item = String> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| {
        let number = name.strip_prefix('v').and_then(|name| name.strip_suffix(".md"));
        number.is_some_and(|number| number.parse::<u32>().is_ok())
    })
}
