//! The chain of published versions, and the gate that adds a link to it.
//!
//! A link names the exact text, the exact vocabulary and the minute from which it applies, and the hash of the link
//! before it. Whoever knows the last hash knows whether any of them was touched. A link is never changed: a mistake in
//! a published text is put right by another version.

mod gate;
mod numbers;
mod times;

use std::sync::Arc;

use jiff::Timestamp;
use sha2::{Digest, Sha256};

pub use self::gate::publish;
use crate::{minute::Minute, policy::Document};

/// One link of the chain: a published version.
///
/// `hash` is the SHA-256 of these bytes, numbers in big-endian order:
///
/// | Bytes | What |
/// | --- | --- |
/// | 16 | `avow revision 1` and a line feed |
/// | 32 | the hash of the link before; zeroes in the first |
/// | 4 + n | the length of the policy's name, and the name in UTF-8 |
/// | 1 | 0 for a privacy policy, 1 for terms of service |
/// | 4 | the version |
/// | 8 | the minute from which it applies, in seconds since 1970-01-01T00:00Z |
/// | 8 | the second at which it was published, likewise |
/// | 32 | the SHA-256 of the text |
/// | 32 | the SHA-256 of the vocabulary's text |
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    /// The name of the policy.
    pub policy: String,
    /// Which document it is.
    pub document: Document,
    /// Its number, from 1 without a gap.
    pub version: u32,
    /// From when it applies.
    pub effective: Minute,
    /// When it was published, to the second.
    pub published_at: Timestamp,
    /// The text, byte for byte.
    pub text: Arc<str>,
    /// The text of the vocabulary it was read with, byte for byte.
    pub vocabulary: Arc<str>,
    /// The hash of the version before; none for the first.
    pub previous: Option<[u8; 32]>,
    /// The hash of this link.
    pub hash: [u8; 32],
}

/// Where the chain of published versions is broken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The link is not what was hashed: its text, its vocabulary, its minute or anything else was changed later.
    #[error("version {version} of `{policy}` is not what was published: its text, vocabulary, number or time differs")]
    Altered {
        /// The policy.
        policy: String,
        /// The version.
        version: u32,
    },
    /// The link does not follow the one before it.
    #[error("version {version} of `{policy}` does not follow {}: another link is missing or was put in its place", before(*.after))]
    Unlinked {
        /// The policy.
        policy: String,
        /// The version.
        version: u32,
        /// The version that stands before it, if one does.
        after: Option<u32>,
    },
    /// The link belongs to another chain.
    #[error("version {version} of `{policy}` stands in the chain of `{chain}`")]
    Foreign {
        /// The policy.
        policy: String,
        /// The version.
        version: u32,
        /// The policy whose chain it is.
        chain: String,
    },
    /// The times go backwards.
    #[error("version {version} of `{policy}` applies or was published too early: {what}")]
    Untimely {
        /// The policy.
        policy: String,
        /// The version.
        version: u32,
        /// What is early.
        what: &'static str,
    },
}

fn before(after: Option<u32>) -> String {
    after.map_or("the beginning".into(), |version| format!("version {version}"))
}

impl Revision {
    /// Checks this link against the one before it, or as the first.
    ///
    /// # Errors
    /// [`Broken`] says which link, and what is wrong with it.
    pub fn verify(&self, previous: Option<&Self>) -> Result<(), Broken> {
        let (policy, version) = (self.policy.clone(), self.version);
        if self.hash != self.digest() || self.published_at.subsec_nanosecond() != 0 {
            return Err(Broken::Altered { policy, version });
        }
        if let Some(before) = previous.filter(|before| before.policy != policy || before.document != self.document) {
            return Err(Broken::Foreign { policy, version, chain: before.policy.clone() });
        }
        let after = previous.map(|before| before.version);
        let follows = after.unwrap_or(0).checked_add(1) == Some(version);
        if !follows || self.previous != previous.map(|before| before.hash) {
            return Err(Broken::Unlinked { policy, version, after });
        }
        match self.untimely(previous) {
            Some(what) => Err(Broken::Untimely { policy, version, what }),
            None => Ok(()),
        }
    }

    fn untimely(&self, previous: Option<&Self>) -> Option<&'static str> {
        if self.effective.instant() < self.published_at {
            return Some("it applies before it was published");
        }
        let before = previous?;
        if self.effective <= before.effective {
            return Some("it does not apply later than the version before it");
        }
        (self.published_at < before.published_at).then_some("it was published before the version before it")
    }

    /// The hash of the layout that the type documents.
    fn digest(&self) -> [u8; 32] {
        let name = self.policy.as_bytes();
        // A name longer than 4 GiB cannot be read, so its length always fits.
        let length = u32::try_from(name.len()).unwrap_or(u32::MAX);
        let mut hash = Sha256::new();
        hash.update(b"avow revision 1\n");
        hash.update(self.previous.unwrap_or_default());
        hash.update(length.to_be_bytes());
        hash.update(name);
        hash.update([match self.document {
            Document::Privacy => 0,
            Document::Terms => 1,
        }]);
        hash.update(self.version.to_be_bytes());
        hash.update(self.effective.instant().as_second().to_be_bytes());
        hash.update(self.published_at.as_second().to_be_bytes());
        hash.update(Sha256::digest(self.text.as_bytes()));
        hash.update(Sha256::digest(self.vocabulary.as_bytes()));
        hash.finalize().into()
    }
}

#[cfg(test)]
mod tests;
