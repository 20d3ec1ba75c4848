//! Which versions there are and which of them holds: the text on trial, the published ones, and their rules.

use std::sync::Arc;

use avow_accounting::{Reader, TrialText};
use avow_terms::{
    conflict::Published, history::History, minute::Minute, policy::Policy, reading, revision::Revision, rules::Rules,
    source::Source,
};
use jiff::Timestamp;

use crate::{data_dir::DataDir, failure::Failure, texts};

/// The versions of one store, read and compiled.
#[derive(Debug)]
pub struct Standing {
    history: History,
    revisions: Vec<Revision>,
}

impl Standing {
    /// Reads and compiles every version that a store holds.
    ///
    /// # Errors
    /// If the store cannot be read, or a text in it is no policy (which only an edited store can hold).
    pub fn load(store: &Reader) -> Result<Self, Failure> {
        let (trial, revisions) = (store.trial().map_err(Failure::could_not)?, store.revisions());
        Self::of(trial, revisions.map_err(Failure::could_not)?)
    }

    /// Compiles these versions.
    ///
    /// # Errors
    /// If a text is no policy.
    pub fn of(trial: Option<TrialText>, revisions: Vec<Revision>) -> Result<Self, Failure> {
        let trial = match trial {
            Some(trial) => Some(compile("on trial", &trial.text, &trial.vocabulary, 0)?),
            None => None,
        };
        let mut published: Vec<(Minute, Arc<Rules>)> = Vec::new();
        for revision in &revisions {
            let name = format!("v{}", revision.version);
            published
                .push((revision.effective, compile(&name, &revision.text, &revision.vocabulary, revision.version)?));
        }
        Ok(Self { history: History::new(trial, published), revisions })
    }

    /// Reads the versions of a data directory, for a moment, while a service may run on it.
    ///
    /// # Errors
    /// If there is no store, or it cannot be read.
    pub fn read(directory: &DataDir) -> Result<Self, Failure> {
        directory.require_store()?;
        let store = directory.store();
        Self::load(&Reader::open_as(&directory.opening(&store)?).map_err(Failure::could_not)?)
    }

    /// The arithmetic of deadlines over all versions.
    #[must_use]
    pub fn history(&self) -> &History {
        &self.history
    }

    /// The rules that hold at an instant.
    #[must_use]
    pub fn in_force(&self, at: Timestamp) -> Option<&Arc<Rules>> {
        self.history.in_force(at)
    }

    /// The rules of a version; 0 is the text on trial.
    #[must_use]
    pub fn version(&self, version: u32) -> Option<&Arc<Rules>> {
        self.history.version(version)
    }

    /// The published versions, oldest first.
    #[must_use]
    pub fn revisions(&self) -> &[Revision] {
        &self.revisions
    }

    /// A published version.
    #[must_use]
    pub fn revision(&self, version: u32) -> Option<&Revision> {
        self.revisions.iter().find(|revision| revision.version == version)
    }

    /// The published versions as a candidate is compared with them. Each goes by the file of its copy, so that a person
    /// can open what is quoted.
    #[must_use]
    pub fn published(&self, directory: &DataDir) -> Vec<Published> {
        let published = |revision: &Revision| {
            let rules = self.version(revision.version)?;
            let mut policy = Policy::clone(rules.policy());
            policy.source.name = directory.published_text(revision.version).display().to_string().into();
            Some(Published {
                policy: Arc::new(policy),
                vocabulary: rules.vocabulary().clone(),
                effective: revision.effective,
                published_at: revision.published_at,
            })
        };
        self.revisions.iter().filter_map(published).collect()
    }
}

/// Reads and compiles one text. It is called after its policy from then on: `northgate v1`, `northgate on trial`.
fn compile(name: &str, text: &Arc<str>, vocabulary: &Arc<str>, version: u32) -> Result<Arc<Rules>, Failure> {
    let vocabulary = texts::read_vocabulary(Source::new(format!("vocabulary of {name}"), vocabulary.clone()))?;
    let mut policy = reading::read(Source::new(name, text.clone()), &vocabulary).policy()?;
    policy.source.name = format!("{} {name}", policy.header.policy).into();
    Ok(Arc::new(Rules::compile(Arc::new(policy), vocabulary, version)?))
}
