//! The links of the chain of versions, hashed by code of the audit's own from the layout that
//! [`Revision`](avow_terms::revision::Revision) documents.
//!
//! The writer's own check is asked too: where the two disagree, one of them is wrong, and that is a finding.

use avow_terms::{policy::Document, revision::Revision};
use jiff::Timestamp;
use sha2::{Digest, Sha256};

use crate::published::Entry;

/// The hash of a link, from what the store says of it; `None` if the store says what no link can say.
pub(crate) fn hash(entry: &Entry) -> Option<Vec<u8>> {
    let mut link = b"avow revision 1\n".to_vec();
    link.extend(entry.previous.as_deref().unwrap_or(&[0; 32]));
    link.extend(u32::try_from(entry.policy.len()).ok()?.to_be_bytes());
    link.extend(entry.policy.as_bytes());
    link.push(match entry.document.as_str() {
        "privacy" => 0,
        "terms" => 1,
        _ => return None,
    });
    link.extend(entry.version.to_be_bytes());
    link.extend(seconds(entry.effective)?.to_be_bytes());
    link.extend(seconds(entry.published_at)?.to_be_bytes());
    link.extend(Sha256::digest(&entry.text));
    link.extend(Sha256::digest(&entry.vocabulary));
    Some(Sha256::digest(&link).to_vec())
}

/// Whether the writer's own check finds nothing wrong with a link.
pub(crate) fn verified(entry: &Entry, before: Option<&Entry>) -> bool {
    match (revision(entry), before.map(revision)) {
        (Some(link), None) => link.verify(None).is_ok(),
        (Some(link), Some(Some(before))) => link.verify(Some(&before)).is_ok(),
        _ => false,
    }
}

fn revision(entry: &Entry) -> Option<Revision> {
    Some(Revision {
        policy: entry.policy.clone(),
        document: match entry.document.as_str() {
            "privacy" => Document::Privacy,
            "terms" => Document::Terms,
            _ => return None,
        },
        version: entry.version,
        effective: entry.minute()?,
        published_at: Timestamp::from_millisecond(entry.published_at).ok()?,
        text: entry.text.as_str().into(),
        vocabulary: entry.vocabulary.as_str().into(),
        previous: match &entry.previous {
            Some(hash) => Some(hash.as_slice().try_into().ok()?),
            None => None,
        },
        hash: entry.hash.as_slice().try_into().ok()?,
    })
}

/// Milliseconds as seconds, if they are whole ones.
fn seconds(milliseconds: i64) -> Option<i64> {
    (milliseconds % 1000 == 0).then_some(milliseconds / 1000)
}
