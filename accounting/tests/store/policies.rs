//! The texts of the policy, kept as they were given.

use std::sync::Arc;

use avow_accounting::{StoreError, TrialText};
use avow_terms::{
    conflict::Published,
    reading,
    revision::{self, Broken, Revision},
    source::Source,
};

use crate::world::{World, at, sample, vocabulary};

fn world() -> World {
    World::keeping_totals("Until the end of the calendar month (UTC)")
}

#[test]
fn a_text_on_trial_is_kept_to_the_letter_and_replaced_as_a_whole() {
    let mut world = world();
    assert_eq!(world.store.trial(), Ok(None));
    let now = at("2026-11-22T12:00:00Z");
    world.store.set_trial("# One\r\n\u{feff}", "words", now).unwrap();
    let mut world = world.reopen();
    let kept = TrialText { text: "# One\r\n\u{feff}".into(), vocabulary: "words".into(), since: now };
    assert_eq!(world.store.trial(), Ok(Some(kept)));
    let later = at("2026-11-23T12:00:00Z");
    world.store.set_trial("# Two", "more words", later).unwrap();
    let kept = TrialText { text: "# Two".into(), vocabulary: "more words".into(), since: later };
    assert_eq!(world.store.trial(), Ok(Some(kept)));
}

/// The first version of the sample policy and a second one, published.
fn chain() -> [Revision; 2] {
    let vocabulary = vocabulary();
    let mut earlier = Vec::new();
    let mut publish = |version: u32, effective: &str, how_long: &str, last: Option<&Revision>, now: &str| {
        let text = sample(how_long, "Until the account is deleted")
            .replace("version: 1", &format!("version: {version}"))
            .replace("effective: on publication", &format!("effective: {effective}"));
        let policy = reading::read(Source::new("policy.md", text), &vocabulary).policy().unwrap();
        let (revision, _) = revision::publish(&policy, &vocabulary, &earlier, last, at(now)).unwrap();
        earlier.push(Published {
            policy: Arc::new(policy),
            vocabulary: Arc::clone(&vocabulary),
            effective: revision.effective,
            published_at: revision.published_at,
        });
        revision
    };
    let first = publish(1, "on publication", "90 days after it was recorded", None, "2026-11-22T12:00:00.123Z");
    let second =
        publish(2, "2026-12-01T09:30Z", "30 days after it was recorded", Some(&first), "2026-11-23T12:00:00.123Z");
    [first, second]
}

#[test]
fn published_versions_are_kept_to_the_letter() {
    let mut world = world();
    let [first, second] = chain();
    world.store.append_revision(&first).unwrap();
    world.store.append_revision(&second).unwrap();
    let world = world.reopen();
    assert_eq!(world.store.revisions(), Ok(vec![first.clone(), second.clone()]));
    second.verify(Some(&first)).unwrap();
}

#[test]
fn a_version_that_does_not_continue_the_chain_is_not_kept() {
    let mut world = world();
    let [first, second] = chain();
    assert!(matches!(world.store.append_revision(&second), Err(StoreError::Broken(Broken::Unlinked { .. }))));
    world.store.append_revision(&first).unwrap();
    assert!(matches!(world.store.append_revision(&first), Err(StoreError::Broken(Broken::Unlinked { .. }))));
    let mut altered = second.clone();
    altered.text = second.text.replace("30 days", "31 days").into();
    assert!(matches!(world.store.append_revision(&altered), Err(StoreError::Broken(Broken::Altered { .. }))));
    assert_eq!(world.store.revisions(), Ok(vec![first]));
}
