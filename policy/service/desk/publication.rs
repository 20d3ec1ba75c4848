//! Publishing a version.

use std::sync::Arc;

use avow_terms::{diff::Change, revision, source::Source};

use super::{Desk, Done};
use crate::{clock, data_dir::write_whole, failure::Failure, log::Event, standing::Standing, texts};

impl Desk {
    /// Puts a text into the history, if nothing stands against it.
    pub(super) fn publish(&mut self, name: &str, text: &str) -> Result<Done, Failure> {
        let vocabulary = texts::vocabulary()?;
        let (policy, _) = texts::policy(Source::new(name, text), &vocabulary)?;
        let standing = self.standing.load_full();
        let (earlier, last) = (standing.published(&self.data), standing.revisions().last());
        let (revision, diff) = revision::publish(&policy, &vocabulary, &earlier, last, clock::now())?;
        let rules = texts::rules(policy, vocabulary, revision.version)?;
        self.may_come_into_force(&rules, revision.effective.instant())?;

        // The copy comes first: a copy without an entry is overwritten by the next try, an entry without a copy would be
        // a finding of the audit.
        let copy = self.data.published_text(revision.version);
        write_whole(&copy, revision.text.as_bytes())
            .map_err(|error| Failure::file("write the copy of the text", &copy, &error))?;
        self.store.append_revision(&revision).map_err(Failure::could_not)?;
        self.standing.store(Arc::new(Standing::load(&self.store)?));
        Event::Published { version: revision.version, effective: revision.effective }.tell();
        Ok(Done::Published {
            policy: revision.policy.clone(),
            version: revision.version,
            effective: revision.effective.to_string(),
            changes: diff.changes.iter().map(line).collect(),
        })
    }
}

fn line(change: &Change) -> String {
    match change.clause {
        Some(clause) => format!("{clause}: {}", change.what),
        None => change.what.clone(),
    }
}
