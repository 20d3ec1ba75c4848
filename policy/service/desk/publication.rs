//! Publishing a version.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

use avow_terms::{diff::Change, revision, source::Source};

use super::{Desk, Done};
use crate::{clock, failure::Failure, log::Event, standing::Standing, texts};

impl Desk {
    /// Puts a text into the history, if nothing stands against it.
    pub(super) fn publish(&mut self, name: &str, text: &str) -> Result<Done, Failure> {
        let vocabulary = texts::vocabulary()?;
        let (policy, _) = texts::policy(Source::new(name, text), &vocabulary)?;
        let standing = self.standing.load_full();
        let (earlier, last) = (standing.published(), standing.revisions().last());
        let (revision, diff) = revision::publish(&policy, &vocabulary, &earlier, last, clock::now())?;
        texts::rules(policy, vocabulary, revision.version)?;

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

/// Writes a file that is there whole or not at all, even when the machine stops in between.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |directory| fs::File::open(directory)?.sync_all())
}
