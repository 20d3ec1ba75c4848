//! Policies for tests, put together by hand: one clause for each promise.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;

use crate::{
    clause::{Clause, State},
    code::Code,
    language::Language,
    permit::{Events, Facts, Form, NodePlace},
    policy::{Document, Effective, Guarantee, Header, Policy},
    problem::Problem,
    retention::Retention,
    rules::Rules,
    source::Source,
    term::{Origin, Promise, Term},
    vocabulary::Vocabulary,
};

/// The vocabulary of the project.
pub(crate) fn vocabulary() -> Arc<Vocabulary> {
    let text = include_str!("../../../../policy-docs/vocabulary.md");
    let (vocabulary, problems) = Vocabulary::read(Source::new("vocabulary.md", text));
    assert_eq!(problems, []);
    Arc::new(vocabulary)
}

pub(crate) fn code(text: &str) -> Code {
    Code::new(text).unwrap()
}

pub(crate) fn codes(text: &str) -> BTreeSet<Code> {
    text.split_whitespace().map(code).collect()
}

/// A row of "What we keep".
pub(crate) fn stored(data: &str, purpose: &str, retention: Retention) -> Promise {
    let (data, purpose, origin) = (code(data), code(purpose), Origin::Automatic);
    Promise::Stored { data, purpose, origin, retention, consent: false, legal_basis: BTreeSet::new(), transfer: None }
}

pub(crate) fn measure(measure: &str, data: &str) -> Promise {
    Promise::Measure { measure: code(measure), data: codes(data), lead: None }
}

/// A policy of these clauses; the line of each is `**S1.** the words of S1`.
pub(crate) fn policy(zone: Option<&str>, clauses: &[(&str, Promise)]) -> Arc<Policy> {
    let mut text = String::from("# Sample\n\n");
    let mut said = Vec::new();
    for (id, promise) in clauses {
        let start = text.len();
        text.push_str(&format!("**{id}.** the words of {id}\n"));
        let (id, span) = (id.parse().unwrap(), (start..text.len() - 1).into());
        let clause =
            Clause { id, span, words: format!("the words of {id}"), references: Vec::new(), state: State::Active };
        said.push((clause, Term { clause: id, said_at: span, promise: promise.clone() }));
    }
    let (clauses, terms) = said.into_iter().unzip();
    let source = Source::new("sample.md", text);
    Arc::new(Policy { source, header: header(zone), title: "Sample".into(), clauses, terms })
}

fn header(zone: Option<&str>) -> Header {
    Header {
        policy: "sample".into(),
        document: Document::Privacy,
        version: 1,
        effective: Effective::OnPublication,
        controller: "Sample".into(),
        contact: "privacy@sample.example".into(),
        home: "CY".into(),
        guarantee: Guarantee::Published,
        summary: None,
        zone: zone.map(Into::into),
        language: Language::ENGLISH,
        places: Vec::new(),
    }
}

/// The rules of a sample, as a version.
pub(crate) fn rules(version: u32, clauses: &[(&str, Promise)]) -> Result<Rules, Vec<Problem>> {
    Rules::compile(policy(None, clauses), vocabulary(), version)
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// What is written at an instant, at home, as it is.
pub(crate) fn written(now: &str) -> Facts {
    Facts {
        now: at(now),
        recorded: at(now),
        events: Events::default(),
        place: NodePlace::Home,
        form: Form::Plain,
        consent: false,
    }
}
