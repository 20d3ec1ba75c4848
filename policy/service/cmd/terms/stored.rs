//! What may be stored: a row for each item and purpose, with where it comes from, how long, and who else sees it.

use avow_terms::{
    clause::ClauseId,
    code::Code,
    policy::Policy,
    term::{Origin, Promise, Term},
    vocabulary::Vocabulary,
};
use serde::Serialize;

/// One item of data, for one purpose.
#[derive(Serialize)]
pub(super) struct Row<'a> {
    clause: ClauseId,
    data: &'a Code,
    purpose: &'a Code,
    origin: Origin,
    how_long: String,
    retention: String,
    consent: bool,
    seen_by: Vec<Seen<'a>>,
}

/// Somebody else who sees it.
#[derive(Serialize)]
struct Seen<'a> {
    clause: ClauseId,
    recipient: &'a str,
    when: &'a str,
}

/// The rows of a policy, in the order of the text.
pub(super) fn rows<'a>(policy: &'a Policy, vocabulary: &Vocabulary) -> Vec<Row<'a>> {
    policy.terms.iter().filter_map(|term| row(policy, vocabulary, term)).collect()
}

fn row<'a>(policy: &'a Policy, vocabulary: &Vocabulary, term: &'a Term) -> Option<Row<'a>> {
    let Promise::Stored { data, purpose, origin, retention, consent, .. } = &term.promise else { return None };
    Some(Row {
        clause: term.clause,
        data,
        purpose,
        origin: *origin,
        how_long: retention.phrase(),
        retention: retention.to_string(),
        consent: *consent,
        seen_by: policy.terms.iter().filter_map(|term| seen(vocabulary, term, data)).collect(),
    })
}

/// Whether a recipient sees an item, a part of it, or the family it belongs to.
fn seen<'a>(vocabulary: &Vocabulary, term: &'a Term, data: &Code) -> Option<Seen<'a>> {
    let Promise::Share { recipient, data: shown, when, .. } = &term.promise else { return None };
    let sees = |shown: &Code| vocabulary.covers(shown, data) || vocabulary.covers(data, shown);
    shown.iter().any(sees).then_some(Seen { clause: term.clause, recipient, when })
}

impl Row<'_> {
    pub(super) fn cells(&self) -> [String; 6] {
        let how_long = if self.consent { format!("{}, if you agree", self.how_long) } else { self.how_long.clone() };
        [
            self.clause.to_string(),
            self.data.to_string(),
            self.purpose.to_string(),
            from(self.origin).to_owned(),
            how_long,
            self.seen_by.iter().map(Seen::words).collect::<Vec<_>>().join("; "),
        ]
    }
}

impl Seen<'_> {
    fn words(&self) -> String {
        format!("{} ({})", self.recipient, self.clause)
    }
}

fn from(origin: Origin) -> &'static str {
    match origin {
        Origin::User => "you",
        Origin::Automatic => "collected",
        Origin::Processor => "payment processor",
        Origin::Derived => "derived",
    }
}
