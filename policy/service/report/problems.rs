//! Problems in a text, underlined where they stand, in the manner of rustc.

use std::collections::BTreeSet;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use avow_terms::{
    problem::{Place, Problem, Severity},
    reading::OPEN_DECISION,
};
use serde_json::{Value, json};

use super::count;

/// Every problem for a person to read, and how many there are.
#[must_use]
pub fn problems(problems: &[Problem], colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let mut text = String::new();
    for problem in problems {
        text.push_str(&renderer.render(&groups(problem)));
        text.push_str("\n\n");
    }
    text.push_str(&counted(problems));
    text.push('\n');
    text.push_str(&more_about(problems));
    text
}

/// `2 errors, 1 warning`
#[must_use]
pub fn counted(problems: &[Problem]) -> String {
    let errors = problems.iter().filter(|problem| problem.severity == Severity::Error).count();
    let errors_said = format!("{}{}", count(errors, "error"), open_decisions(problems, errors));
    match (errors, problems.len() - errors) {
        (0, warnings) => count(warnings, "warning"),
        (_, 0) => errors_said,
        (_, warnings) => format!("{errors_said}, {}", count(warnings, "warning")),
    }
}

/// Where more is said about the problems.
fn more_about(problems: &[Problem]) -> String {
    let codes: BTreeSet<&str> = problems.iter().map(|problem| problem.code).collect();
    match (codes.first(), codes.len()) {
        (None, _) => String::new(),
        (Some(code), 1) => format!("`avow explain {code}` says more, with an example\n"),
        _ => "`avow explain CODE` says more about each, with an example\n".into(),
    }
}

/// How many of the errors are decisions that nobody took yet.
fn open_decisions(problems: &[Problem], errors: usize) -> String {
    match problems.iter().filter(|problem| problem.code == OPEN_DECISION).count() {
        0 => String::new(),
        open if open == errors => format!(" ({} open)", count(open, "decision")),
        open => format!(" ({} open, {} besides)", count(open, "decision"), errors - open),
    }
}

/// Every problem for a program to read.
#[must_use]
pub fn problems_json(problems: &[Problem]) -> Vec<Value> {
    problems.iter().map(problem_json).collect()
}

fn groups(problem: &Problem) -> Vec<Group<'_>> {
    let level = match problem.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(problem.message.as_str()).id(problem.code);
    let mut groups = vec![title.element(snippet(&problem.place, AnnotationKind::Primary, None))];
    for (place, remark) in &problem.related {
        let note = Level::NOTE.secondary_title(remark.as_str());
        groups.push(note.element(snippet(place, AnnotationKind::Context, None)));
    }
    if let Some(help) = &problem.help {
        groups.push(Group::with_title(Level::HELP.secondary_title(help.as_str())));
    }
    groups
}

fn snippet<'a>(
    place: &'a Place,
    kind: AnnotationKind,
    label: Option<&'a str>,
) -> Snippet<'a, annotate_snippets::Annotation<'a>> {
    let annotation = kind.span(place.span.range());
    let annotation = match label {
        Some(label) => annotation.label(label),
        None => annotation,
    };
    Snippet::source(&*place.source.text).path(&*place.source.name).annotation(annotation)
}

fn problem_json(problem: &Problem) -> Value {
    let related = |(place, remark): &(Place, String)| json!({ "place": place_json(place), "remark": remark });
    json!({
        "code": problem.code,
        "severity": problem.severity,
        "message": problem.message,
        "place": place_json(&problem.place),
        "related": problem.related.iter().map(related).collect::<Vec<_>>(),
        "help": problem.help,
    })
}

fn place_json(place: &Place) -> Value {
    let start = place.source.position(place.span.start);
    let end = place.source.position(place.span.end);
    json!({
        "file": &*place.source.name,
        "line": start.line,
        "column": start.column,
        "end_line": end.line,
        "end_column": end.column,
        "words": place.source.words(place.span),
    })
}
