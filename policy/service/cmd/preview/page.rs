//! The page of a preview: the public page, the meanings beside its clauses, the problems on top.

use std::ops::Range;

use avow_terms::{
    clause::Clause,
    problem::{Problem, Severity},
    vocabulary::Vocabulary,
};
use minijinja::{Environment, Value, context};

use crate::{cmd::check::Checked, http, policy_html, report};

const MEANING: &str = include_str!("../../templates/meaning.html");

/// The page of a draft, whatever is wrong with it.
pub(super) fn page(checked: &Checked, vocabulary: &Vocabulary) -> Result<String, minijinja::Error> {
    let reading = &checked.reading;
    let header = reading.header.as_ref();
    let said = |words: Option<&String>| words.cloned().unwrap_or_else(|| "not said".into());
    let problems = checked.problems.iter().map(|problem| told(problem, &reading.clauses)).collect::<Vec<_>>();
    let beside = |range: Range<usize>| {
        let clause = reading.clauses.iter().find(|clause| range.contains(&clause.span.start))?;
        meaning(clause, checked, vocabulary).ok()
    };
    http::render(context! {
        title => said(reading.title.as_ref()),
        version => header.map_or_else(|| "not said".into(), |header| header.version.to_string()),
        preview => context! { problems, counted => report::counted(&checked.problems) },
        on_trial => false,
        in_force => false,
        pending => false,
        effective => (),
        controller => said(header.map(|header| &header.controller)),
        contact => said(header.map(|header| &header.contact)),
        versions => Vec::<u32>::new(),
        body => policy_html::body(&reading.source.text, beside),
    })
}

fn meaning(clause: &Clause, checked: &Checked, vocabulary: &Vocabulary) -> Result<String, minijinja::Error> {
    let meanings = report::meanings(clause, &checked.reading.terms, vocabulary);
    let meanings: Vec<Value> =
        meanings.into_iter().map(|one| context! { sentence => one.sentence, codes => codes(one.codes) }).collect();
    let context = context! { clause => clause.id.to_string(), meanings };
    let html = Environment::new().render_named_str("meaning.html", MEANING, context)?;
    Ok(html.trim_end().to_owned())
}

fn codes(codes: Vec<(String, String)>) -> Vec<Value> {
    codes.into_iter().map(|(code, words)| context! { code, words }).collect()
}

fn told(problem: &Problem, clauses: &[Clause]) -> Value {
    let place = &problem.place;
    let inside = |clause: &&Clause| clause.span.start <= place.span.start && place.span.end <= clause.span.end;
    context! {
        severity => match problem.severity { Severity::Error => "error", Severity::Warning => "warning" },
        code => problem.code,
        line => place.source.position(place.span.start).line,
        clause => clauses.iter().find(inside).map(|clause| clause.id.to_string()),
        message => &problem.message,
        words => place.source.words(place.span),
        help => &problem.help,
    }
}
