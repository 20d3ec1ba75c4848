//! The chain of published versions: nothing missing, nothing changed, nothing taken back.
//!
//! Every hash is computed anew, by code of the audit's own, from the layout that `revision` documents. A chain that was
//! computed anew as a whole after an edit agrees with itself; the copies of the published texts then differ.

use std::{fs, path::Path, sync::Arc};

use avow_terms::{
    clause::ClauseId,
    conflict::{self, contradictions},
    policy::Effective,
    retention::Period,
    term::Promise,
};
use jiff::Timestamp;

use crate::{
    clauses::{Clauses, terms},
    found::Findings,
    link,
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
        let mut wrong = Vec::new();
        if entry.version != before.map_or(1, |before| before.version.saturating_add(1)) {
            wrong.push(("chain.gap", "a version before this one is missing"));
        }
        if entry.previous.as_deref() != before.map(|before| before.hash.as_slice()) {
            wrong.push(("chain.link", "it does not name the version before it"));
        }
        if link::hash(entry).is_none_or(|hash| hash != entry.hash) {
            wrong.push(("chain.hash", "its text, or what is kept of it, was changed after it was published"));
        }
        if wrong.is_empty() && self.timely(entry, before).is_empty() && !link::verified(entry, before) {
            wrong.push(("chain.hash", "the audit finds nothing wrong with this link, and the writer's own check does"));
        }
        for (check, what) in wrong {
            findings.add(check, self.history(), what, &place(entry), RESTORE);
        }
    }

    /// Whether a version has a minute of its own, later than the last, and none before it was published.
    fn times(&self, entry: &Entry, before: Option<&Entry>, findings: &mut Findings) {
        for (check, what) in self.timely(entry, before) {
            findings.add(check, self.clauses.measure("minute"), what, &place(entry), RESTORE);
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
        let Some(policy) = &edition.policy else { return };
        let before: Vec<_> = before.iter().zip(&self.published.entries).filter_map(promised).collect();
        for problem in contradictions(policy, &edition.vocabulary, &before) {
            let what = format!("it contradicts what was published before: {}", problem.message);
            let remedy = "publish a version that keeps what was promised";
            let broken = self.clauses.measure("no-contradiction");
            findings.add("chain.contradiction", broken, &what, &problem.place.location(), remedy);
        }
        let unread = before.len() < place_of;
        if unread {
            let what = "a version before it cannot be read, so that nobody can say whether they agree";
            findings.add("chain.contradiction", self.clauses.measure("no-contradiction"), what, &place(entry), RESTORE);
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

/// An earlier version, as the comparison takes it.
fn promised((edition, entry): (&Edition, &Entry)) -> Option<conflict::Published> {
    Some(conflict::Published {
        policy: Arc::new(edition.policy.clone()?),
        vocabulary: Arc::new(edition.vocabulary.clone()),
        effective: entry.minute()?,
        published_at: Timestamp::from_millisecond(entry.published_at).ok()?,
    })
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
