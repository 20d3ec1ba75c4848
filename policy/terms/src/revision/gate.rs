//! The gate: the only way from a policy to a link of the chain.

use jiff::Timestamp;

use super::{Revision, numbers, times};
use crate::{
    conflict::{Published, contradictions, same_document},
    diff::{Class, Diff, Side, diff},
    minute::Minute,
    policy::Policy,
    problem::{Problem, Severity},
    vocabulary::Vocabulary,
};

/// Makes a policy the next version of its chain, and says what changed.
///
/// `earlier` is every version of every document published before, `last` the last link of this document's chain, and
/// `now` the instant of publication.
///
/// # Errors
/// Everything that stands against it, each at the words it is about.
pub fn publish(
    candidate: &Policy,
    vocabulary: &Vocabulary,
    earlier: &[Published],
    last: Option<&Revision>,
    now: Timestamp,
) -> Result<(Revision, Diff), Vec<Problem>> {
    let side = Side { policy: candidate, vocabulary };
    let mut own: Vec<&Published> = earlier.iter().filter(|one| same_document(candidate, &one.policy)).collect();
    own.sort_by_key(|published| published.policy.header.version);
    let mut problems = follows(side, &own, last);
    problems.extend(numbers::problems(side, &own));
    let changes = own.last().map(|before| diff(&before.policy, &before.vocabulary, candidate, vocabulary));
    problems.extend(changes.as_ref().filter(|diff| diff.class() == Class::Same).map(|_| unchanged(side)));
    problems.extend(own.iter().rev().skip(1).filter_map(|before| same_again(side, before)));
    problems.extend(contradictions(candidate, vocabulary, earlier));
    match times::effective(side, &own, now) {
        Ok(effective) if problems.is_empty() => {
            Ok((link(side, last, effective, whole_second(now)), changes.unwrap_or(Diff { changes: Vec::new() })))
        }
        Ok(_) => Err(problems),
        Err(problem) => {
            problems.insert(0, *problem);
            Err(problems)
        }
    }
}

/// An error at a line of the front matter.
pub(super) fn refused(
    side: Side<'_>,
    key: &str,
    code: &'static str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Problem {
    let (message, help) = (message.into(), Some(help.into()));
    Problem { code, severity: Severity::Error, message, place: side.header(key), related: Vec::new(), help }
}

/// Whether the text is the next version of the chain it is published into.
fn follows(side: Side<'_>, own: &[&Published], last: Option<&Revision>) -> Vec<Problem> {
    let header = &side.policy.header;
    let mut problems = Vec::new();
    if let Some(last) = last.filter(|last| last.policy != header.policy || last.document != header.document) {
        let message = format!("the policy published here is `{}`, not `{}`", last.policy, header.policy);
        let help = "the name and the kind of a document stay the same in every version";
        problems.push(refused(side, "policy", "another-policy", message, help));
        return problems;
    }
    let version = last.map_or(0, |last| last.version).saturating_add(1);
    if header.version != version {
        let message = format!("this says version {}, and the next is version {version}", header.version);
        problems.push(refused(side, "version", "wrong-version", message, format!("write `version: {version}`")));
    }
    // Whoever hands over fewer versions than were published would have the text held against fewer promises.
    let whole = own.iter().map(|one| one.policy.header.version).eq(1..version)
        && own.last().map(|one| &one.policy.source.text) == last.map(|last| &last.text);
    if !whole {
        let help = "hand over every version of the document, in the texts that were published";
        problems.push(refused(side, "version", "missing-version", "an earlier version is not at hand", help));
    }
    problems
}

fn unchanged(side: Side<'_>) -> Problem {
    let help = "publish a version only when it says something else";
    refused(side, "version", "nothing-changed", "it says word for word what the last version says", help)
}

/// The text of a version before the last: nearly always the wrong file.
fn same_again(side: Side<'_>, before: &Published) -> Option<Problem> {
    let same = diff(&before.policy, &before.vocabulary, side.policy, side.vocabulary).class() == Class::Same;
    same.then(|| {
        let version = before.policy.header.version;
        let message = format!("it says word for word what version {version} said");
        refused(side, "version", "old-text-again", message, "start from the text of the last version")
    })
}

fn link(side: Side<'_>, last: Option<&Revision>, effective: Minute, published_at: Timestamp) -> Revision {
    let header = &side.policy.header;
    let mut link = Revision {
        policy: header.policy.clone(),
        document: header.document,
        version: header.version,
        effective,
        published_at,
        text: side.policy.source.text.clone(),
        vocabulary: side.vocabulary.source().text.clone(),
        previous: last.map(|last| last.hash),
        hash: [0; 32],
    };
    link.hash = link.digest();
    link
}

/// The chain counts whole seconds, so that every store and every reader writes the same instant.
fn whole_second(now: Timestamp) -> Timestamp {
    now.round(jiff::TimestampRound::new().smallest(jiff::Unit::Second).mode(jiff::RoundMode::Floor)).unwrap_or(now)
}
