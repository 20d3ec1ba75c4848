//! `POST /decide`: may this be stored, until when, by which clause, in whose words.

use avow_terms::{
    code::Code,
    permit::{Due, Events, Facts, Form, NodePlace, Service},
    rules::{Answer, Rules},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use warp::{Reply, http::StatusCode, reply::Response};

use super::{Site, fault};
use crate::{clock, report};

/// A question. What is not said is the strictest that can be assumed: no consent, plain form, nothing happened yet.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Question {
    /// The part of the operator's system that asks.
    service: Service,
    /// The data codes that would be stored together.
    data: Vec<Code>,
    /// What for.
    purpose: Code,
    #[serde(default)]
    facts: Given,
}

/// What is known about the record.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Given {
    /// When it was recorded; without it, now: a write.
    recorded: Option<Timestamp>,
    events: Events,
    /// Where the node stands that would hold it; without it, where this one does.
    place: Option<NodePlace>,
    form: Option<Form>,
    consent: bool,
}

/// The answer: one line per code, and whether all of them may be stored.
#[derive(Debug, Serialize)]
struct Decision<'a> {
    policy: &'a str,
    version: u32,
    /// `true` while nothing is published: the text is enforced and binds nobody.
    on_trial: bool,
    decided_at: Timestamp,
    allowed: bool,
    answers: Vec<Line>,
}

#[derive(Debug, Serialize)]
struct Line {
    data: Code,
    allowed: bool,
    /// In words: an instant, or the event that ends it.
    until: Option<String>,
    /// The instant, where it is known already.
    due: Option<Due>,
    clause: Option<String>,
    words: Option<String>,
    place: Option<String>,
    reason: String,
}

pub(super) fn decide(site: &Site, body: &[u8]) -> Response {
    let question: Question = match serde_json::from_slice(body) {
        Ok(question) => question,
        Err(error) => return fault::answer(StatusCode::BAD_REQUEST, unreadable(&error)),
    };
    if question.data.is_empty() {
        return fault::answer(StatusCode::UNPROCESSABLE_ENTITY, "`data` names no code: say what would be stored");
    }
    let now = clock::now();
    let standing = site.standing.load();
    let Some(rules) = standing.in_force(now) else {
        return fault::answer(StatusCode::SERVICE_UNAVAILABLE, "no policy is in force");
    };
    if let Some(unknown) = unknown_code(rules, &question) {
        return fault::answer(StatusCode::UNPROCESSABLE_ENTITY, unknown);
    }
    let facts = facts(&question.facts, now, site.place);
    let line = |code: &Code| line(code, rules.decide(question.service, code, &question.purpose, &facts));
    let answers: Vec<Line> = question.data.iter().map(line).collect();
    let decision = Decision {
        policy: &rules.policy().header.policy,
        version: rules.policy().header.version,
        on_trial: rules.version() == 0,
        decided_at: now,
        allowed: answers.iter().all(|line| line.allowed),
        answers,
    };
    warp::reply::json(&decision).into_response()
}

/// What is wrong with a question, without its values.
fn unreadable(error: &serde_json::Error) -> String {
    let kind = match error.classify() {
        serde_json::error::Category::Data => "a field is missing, unknown or of another form",
        _ => "this is not JSON",
    };
    format!(
        "{kind} (line {}, column {}); a question is {{\"service\", \"data\": [codes], \"purpose\", \"facts\"}}",
        error.line(),
        error.column()
    )
}

fn unknown_code(rules: &Rules, question: &Question) -> Option<String> {
    let vocabulary = rules.vocabulary();
    if let Some(code) = question.data.iter().find(|code| !vocabulary.is_data(code)) {
        return Some(format!("`{code}` is no data code of the vocabulary"));
    }
    (!vocabulary.is_purpose(&question.purpose))
        .then(|| format!("`{}` is no purpose of the vocabulary", question.purpose))
}

fn facts(given: &Given, now: Timestamp, here: NodePlace) -> Facts {
    Facts {
        now,
        recorded: given.recorded.unwrap_or(now),
        events: given.events.clone(),
        place: given.place.unwrap_or(here),
        form: given.form.unwrap_or(Form::Plain),
        consent: given.consent,
    }
}

fn line(code: &Code, answer: Answer) -> Line {
    Line {
        data: code.clone(),
        allowed: answer.allowed,
        until: answer.due.map(report::due),
        due: answer.due,
        clause: answer.clause.map(|clause| clause.to_string()),
        words: answer.words,
        place: answer.place,
        reason: answer.reason,
    }
}
