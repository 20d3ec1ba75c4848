//! The gate and the chain, with the real policies.

use std::sync::Arc;

use super::*;
use crate::{
    conflict::Published,
    diff::{
        Class, Diff,
        texts::{Edit, LANTERN, NORTHGATE, at, version, vocabulary},
    },
    policy::Policy,
    problem::Problem,
    vocabulary::Vocabulary,
};

const KEPT: Edit<'static> = ("Collected automatically | 90 days", "Collected automatically | 30 days");
const LONGER: Edit<'static> = ("Collected automatically | 90 days", "Collected automatically | 180 days");

/// What has been published, and by which links.
struct Chain {
    vocabulary: Arc<Vocabulary>,
    earlier: Vec<Published>,
    links: Vec<Revision>,
}

impl Chain {
    fn new() -> Self {
        Self { vocabulary: Arc::new(vocabulary(&[])), earlier: Vec::new(), links: Vec::new() }
    }

    /// A chain with the unchanged policy as version 1, in force since 2027-01-01.
    fn of(text: &str) -> Self {
        let mut chain = Self::new();
        chain.publish(version(text, 1, &[]), "2026-12-01T00:00Z").unwrap();
        chain
    }

    fn publish(&mut self, policy: Policy, now: &str) -> Result<Diff, Vec<Problem>> {
        let (link, diff) = publish(&policy, &self.vocabulary, &self.earlier, self.links.last(), at(now))?;
        let (effective, published_at) = (link.effective, link.published_at);
        let (policy, vocabulary) = (Arc::new(policy), self.vocabulary.clone());
        self.earlier.push(Published { policy, vocabulary, effective, published_at });
        self.links.push(link);
        Ok(diff)
    }

    fn refused(&mut self, policy: Policy, now: &str) -> Vec<&'static str> {
        self.publish(policy, now).unwrap_err().iter().map(|problem| problem.code).collect()
    }

    fn verify(&self) -> Result<(), Broken> {
        let before = std::iter::once(None).chain(self.links.iter().map(Some));
        self.links.iter().zip(before).try_for_each(|(link, before)| link.verify(before))
    }
}

#[test]
fn thirty_days_instead_of_ninety_are_published_as_narrowing() {
    let mut chain = Chain::of(NORTHGATE);
    let diff = chain.publish(version(NORTHGATE, 2, &[KEPT]), "2027-01-10T12:00Z").unwrap();
    assert_eq!(diff.class(), Class::Narrows);
    let link = &chain.links[1];
    assert_eq!((link.version, link.previous), (2, Some(chain.links[0].hash)));
    assert_eq!(link.effective.to_string(), "2027-02-01T00:00Z");
    assert_eq!(link.published_at, at("2027-01-10T12:00Z"));
    assert_eq!(chain.verify(), Ok(()));
}

#[test]
fn a_hundred_and_eighty_days_are_refused_and_nothing_is_published() {
    let mut chain = Chain::of(NORTHGATE);
    assert_eq!(chain.refused(version(NORTHGATE, 2, &[LONGER]), "2027-01-10T12:00Z"), ["kept-longer"]);
    assert_eq!(chain.links.len(), 1);
}

#[test]
fn going_back_to_ninety_days_contradicts_version_two() {
    let mut chain = Chain::of(NORTHGATE);
    chain.publish(version(NORTHGATE, 2, &[KEPT]), "2027-01-10T12:00Z").unwrap();
    let problems = chain.publish(version(NORTHGATE, 3, &[]), "2027-02-10T12:00Z").unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.code).collect::<Vec<_>>(), ["old-text-again", "kept-longer"]);
    assert!(problems[1].related[0].1.starts_with("version 2 of `northgate`"), "{:?}", problems[1].related);
}

#[test]
fn a_weaker_guarantee_lets_a_version_widen() {
    let mut chain = Chain::of(LANTERN);
    let purpose = ("(`service.display`)", "(`service.display`, `improve`)");
    let diff = chain.publish(version(LANTERN, 2, &[purpose]), "2027-01-10T12:00Z").unwrap();
    assert_eq!(diff.class(), Class::Widens);
}

#[test]
fn a_first_version_may_apply_on_publication_and_later_ones_may_not() {
    let mut chain = Chain::new();
    let now: Timestamp = "2026-12-01T09:30:00.5Z".parse().unwrap();
    let on_publication = ("effective: 2027-01-01T00:00Z", "effective: on publication");
    let first = version(NORTHGATE, 1, &[on_publication]);
    let (link, diff) = publish(&first, &chain.vocabulary, &[], None, now).unwrap();
    assert_eq!(link.effective.to_string(), "2026-12-01T09:31Z");
    assert_eq!(link.published_at, "2026-12-01T09:30:00Z".parse().unwrap(), "to the second");
    assert_eq!(diff.changes, []);
    assert_eq!(link.verify(None), Ok(()));
    chain.publish(version(NORTHGATE, 1, &[]), "2026-12-01T00:00Z").unwrap();
    let mut second = version(NORTHGATE, 2, &[KEPT]);
    second.header.effective = crate::policy::Effective::OnPublication;
    assert_eq!(chain.refused(second, "2027-01-10T12:00Z"), ["effective-without-minute"]);
}

#[test]
fn a_version_applies_later_than_now_than_the_last_and_than_notices_need() {
    let mut chain = Chain::new();
    assert_eq!(chain.refused(version(NORTHGATE, 1, &[]), "2027-01-01T00:01Z"), ["effective-past"]);
    chain.publish(version(NORTHGATE, 1, &[]), "2027-01-01T00:00Z").unwrap();
    let second = || version(NORTHGATE, 2, &[KEPT]);
    assert_eq!(chain.refused(second(), "2027-02-01T00:01Z"), ["effective-past"]);
    let problems = chain.publish(second(), "2027-01-31T00:01Z").unwrap_err();
    assert_eq!(problems[0].code, "notice-too-short");
    assert_eq!(problems[0].message, "`2027-02-01T00:00Z` is less than 1 day ahead");
    assert_eq!(problems[0].related[0].1, "version 1 promised notice at least 1 day ahead");
    assert_eq!(problems[0].help.as_deref(), Some("published now, it can apply from 2027-02-01T00:01Z at the earliest"));
    let same_minute = [KEPT, ("effective: 2027-02-01T00:00Z", "effective: 2027-01-01T00:00Z")];
    assert_eq!(chain.refused(version(NORTHGATE, 2, &same_minute), "2026-12-01T00:00Z"), ["effective-not-later"]);
    assert_eq!(chain.publish(second(), "2027-01-31T00:00Z").map(|diff| diff.class()), Ok(Class::Narrows));
}

#[test]
fn the_longest_notice_ever_promised_counts() {
    let mut chain = Chain::of(NORTHGATE);
    let week = ("at least 1 day ahead", "at least 7 days ahead");
    chain.publish(version(NORTHGATE, 2, &[week]), "2027-01-10T00:00Z").unwrap();
    let third = || version(NORTHGATE, 3, &[week, KEPT]);
    assert_eq!(chain.refused(third(), "2027-02-27T00:00Z"), ["notice-too-short"], "version 2 applies, and says a week");
    assert!(chain.publish(third(), "2027-02-10T00:00Z").is_ok());
}

#[test]
fn the_next_version_is_the_last_and_one() {
    let mut chain = Chain::of(NORTHGATE);
    assert_eq!(chain.refused(version(NORTHGATE, 3, &[KEPT]), "2027-01-10T00:00Z"), ["wrong-version"]);
    let other = [KEPT, ("policy: northgate", "policy: eastgate")];
    let problems = chain.refused(version(NORTHGATE, 2, &other), "2027-01-10T00:00Z");
    assert!(problems.contains(&"another-policy"), "{problems:?}");
}

#[test]
fn a_text_is_not_held_against_fewer_versions_than_were_published() {
    let chain = Chain::of(NORTHGATE);
    let now = at("2027-01-10T00:00Z");
    let longer = version(NORTHGATE, 2, &[LONGER]);
    let problems = publish(&longer, &chain.vocabulary, &[], chain.links.last(), now).unwrap_err();
    assert_eq!(problems[0].code, "missing-version");
    let mut kinder = chain.earlier.clone();
    kinder[0].policy = Arc::new(version(NORTHGATE, 1, &[LONGER]));
    let problems = publish(&longer, &chain.vocabulary, &kinder, chain.links.last(), now).unwrap_err();
    assert_eq!(problems[0].code, "missing-version");
}

#[test]
fn a_version_that_changes_nothing_is_none() {
    let mut chain = Chain::of(NORTHGATE);
    assert_eq!(chain.refused(version(NORTHGATE, 2, &[]), "2027-01-10T00:00Z"), ["nothing-changed"]);
}

#[test]
fn a_number_does_not_vanish_and_is_given_to_nothing_else() {
    let mut chain = Chain::of(NORTHGATE);
    let n4 = "- **N4.** anything you send or receive through the tunnel (`traffic.content`);\n";
    let gone = chain.publish(version(NORTHGATE, 2, &[(n4, "")]), "2027-01-10T00:00Z").unwrap_err();
    assert_eq!(gone[0].code, "number-gone");
    assert_eq!(gone[0].help.as_deref(), Some("keep the number with a line `**N4.** *Withdrawn in version 2.*`"));
    assert_eq!(gone[0].related[0].1, "version 1 has it here");
    let moved = ("(`tls`)", "(`never-ask`)");
    let moved = chain.refused(version(NORTHGATE, 2, &[moved]), "2027-01-10T00:00Z");
    assert_eq!(moved, ["number-moved", "promise-weaker"]);
}

#[test]
fn a_text_that_was_cut_off_is_named_as_one() {
    let mut chain = Chain::of(NORTHGATE);
    let from = NORTHGATE.find("\n**R1.**").unwrap();
    let problems = chain.refused(version(&NORTHGATE[..from].replace("in S1 ", ""), 2, &[]), "2027-01-10T00:00Z");
    assert_eq!(problems[0], "half-gone");
    assert!(!problems.contains(&"number-gone"), "{problems:?}");
}

/// A change to a link, and how what is broken is told.
fn check(change: impl FnOnce(&mut Vec<Revision>), told: &str) {
    let mut chain = Chain::of(NORTHGATE);
    chain.publish(version(NORTHGATE, 2, &[KEPT]), "2027-01-10T00:00Z").unwrap();
    let third = [KEPT, ("at least 1 day", "at least 2 days")];
    chain.publish(version(NORTHGATE, 3, &third), "2027-02-10T00:00Z").unwrap();
    assert_eq!(chain.verify(), Ok(()));
    change(&mut chain.links);
    assert_eq!(chain.verify().unwrap_err().to_string(), told);
}

#[test]
fn an_edit_of_anything_published_is_found() {
    let altered = "version 2 of `northgate` is not what was published: its text, vocabulary, number or time differs";
    check(|links| links[1].text = links[1].text.replace("30 days", "31 days").into(), altered);
    check(|links| links[1].vocabulary = links[1].vocabulary.replace("child", "adult").into(), altered);
    check(|links| links[1].effective = "2027-02-01T00:01Z".parse().unwrap(), altered);
    check(|links| links[1].published_at = at("2027-01-09T00:00Z"), altered);
    check(|links| links[1].published_at += jiff::SignedDuration::from_nanos(1), altered);
    check(|links| links[1].previous = None, altered);
    check(|links| links[1].hash[0] ^= 1, altered);
    check(|links| links[1].document = Document::Terms, altered);
}

#[test]
fn an_edit_that_was_hashed_anew_breaks_the_link_after_it() {
    let edit = |links: &mut Vec<Revision>| {
        links[1].text = links[1].text.replace("30 days", "31 days").into();
        links[1].hash = links[1].digest();
    };
    check(edit, "version 3 of `northgate` does not follow version 2: another link is missing or was put in its place");
}

#[test]
fn links_cannot_be_left_out_or_put_in_another_order() {
    check(
        |links| links.swap(1, 2),
        "version 3 of `northgate` does not follow version 1: another link is missing or was put in its place",
    );
    check(
        |links| drop(links.remove(0)),
        "version 2 of `northgate` does not follow the beginning: another link is missing or was put in its place",
    );
    check(
        |links| {
            links[1].policy = "eastgate".into();
            links[1].hash = links[1].digest();
        },
        "version 2 of `eastgate` stands in the chain of `northgate`",
    );
    check(
        |links| {
            links[1].effective = "2026-12-31T00:00Z".parse().unwrap();
            links[1].hash = links[1].digest();
        },
        "version 2 of `northgate` applies or was published too early: it applies before it was published",
    );
}

#[test]
fn the_hash_is_over_the_bytes_that_are_documented() {
    let link = &Chain::of(NORTHGATE).links[0];
    let bytes = [
        b"avow revision 1\n".as_slice(),
        &[0; 32],
        &9_u32.to_be_bytes(),
        b"northgate",
        &[0],
        &1_u32.to_be_bytes(),
        &at("2027-01-01T00:00Z").as_second().to_be_bytes(),
        &at("2026-12-01T00:00Z").as_second().to_be_bytes(),
        &Sha256::digest(link.text.as_bytes()),
        &Sha256::digest(link.vocabulary.as_bytes()),
    ];
    assert_eq!(link.hash, <[u8; 32]>::from(Sha256::digest(bytes.concat())));
}
