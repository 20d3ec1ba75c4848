//! The two real policies with some words replaced, for tests.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    conflict::Published,
    minute::Minute,
    policy::{Effective, Policy},
    reading,
    source::Source,
    vocabulary::Vocabulary,
};

pub(crate) const NORTHGATE: &str = include_str!("../../../../policy-docs/northgate/privacy.md");
pub(crate) const LANTERN: &str = include_str!("../../../../policy-docs/lantern/privacy.md");
const VOCABULARY: &str = include_str!("../../../../policy-docs/vocabulary.md");

pub(crate) type Edit<'e> = (&'e str, &'e str);

/// A text with each of these words replaced where they stand for the only time.
fn edited(text: &str, edits: &[Edit<'_>]) -> String {
    edits.iter().fold(text.to_owned(), |text, (from, to)| {
        assert_eq!(text.matches(from).count(), 1, "`{from}` once");
        text.replacen(from, to, 1)
    })
}

pub(crate) fn vocabulary(edits: &[Edit<'_>]) -> Vocabulary {
    let (vocabulary, problems) = Vocabulary::read(Source::new("vocabulary.md", edited(VOCABULARY, edits)));
    assert_eq!(problems, []);
    vocabulary
}

/// A version of a policy, read with our vocabulary. Each version applies from the first of its month of 2027.
pub(crate) fn version(text: &str, version: u32, edits: &[Edit<'_>]) -> Policy {
    version_with(&vocabulary(&[]), text, version, edits)
}

pub(crate) fn version_with(vocabulary: &Vocabulary, text: &str, version: u32, edits: &[Edit<'_>]) -> Policy {
    let number = format!("version: {version}");
    let from = format!("effective: 2027-{version:02}-01T00:00Z");
    let text = edited(text, &[("version: 1", &number), ("effective: on publication", &from)]);
    let source = Source::new(format!("v{version}.md"), edited(&text, edits));
    reading::read(source, vocabulary).policy().unwrap_or_else(|problems| {
        panic!("{:#?}", problems.iter().map(|problem| (problem.place.location(), &problem.message)).collect::<Vec<_>>())
    })
}

pub(crate) fn published(policy: Policy) -> Published {
    published_with(policy, vocabulary(&[]))
}

pub(crate) fn published_with(policy: Policy, vocabulary: Vocabulary) -> Published {
    let Effective::At(effective) = policy.header.effective else { panic!("a minute") };
    let published_at = at("2026-11-01T00:00Z");
    Published { policy: Arc::new(policy), vocabulary: Arc::new(vocabulary), effective, published_at }
}

pub(crate) fn at(minute: &str) -> Timestamp {
    minute.parse::<Minute>().unwrap().instant()
}
