//! Problems as SARIF 2.1.0, which code hosts and editors read: rules with their explanations, results with their places.

use std::collections::BTreeSet;

use avow_terms::{
    explain,
    problem::{Place, Problem, Severity},
};
use serde_json::{Value, json};

/// One run: the problems that were found, and what could not be read at all.
#[must_use]
pub fn sarif(problems: &[Problem], unreadable: &[String]) -> Value {
    let codes: Vec<&str> = problems.iter().map(|problem| problem.code).collect::<BTreeSet<_>>().into_iter().collect();
    let notifications: Vec<Value> =
        unreadable.iter().map(|what| json!({ "level": "error", "message": { "text": what } })).collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "avow",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": codes.iter().map(|code| rule(code)).collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [{
                "executionSuccessful": unreadable.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "results": problems.iter().map(|problem| result(problem, &codes)).collect::<Vec<_>>(),
        }],
    })
}

fn rule(code: &str) -> Value {
    let Some(explained) = explain::explanation(code) else { return json!({ "id": code }) };
    json!({
        "id": code,
        "shortDescription": { "text": explained.title() },
        "fullDescription": { "text": explained.meaning() },
        "help": { "text": explained.meaning(), "markdown": explained.markdown },
    })
}

fn result(problem: &Problem, codes: &[&str]) -> Value {
    let level = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let text = match &problem.help {
        Some(help) => format!("{}\nhelp: {help}", problem.message),
        None => problem.message.clone(),
    };
    let related = problem.related.iter().enumerate().map(
        |(id, (place, remark))| json!({ "id": id, "physicalLocation": location(place), "message": { "text": remark } }),
    );
    json!({
        "ruleId": problem.code,
        "ruleIndex": codes.iter().position(|code| *code == problem.code),
        "level": level,
        "message": { "text": text },
        "locations": [{ "physicalLocation": location(&problem.place) }],
        "relatedLocations": related.collect::<Vec<_>>(),
    })
}

fn location(place: &Place) -> Value {
    let (start, end) = (place.source.position(place.span.start), place.source.position(place.span.end));
    json!({
        "artifactLocation": { "uri": uri(&place.source.name) },
        "region": {
            "startLine": start.line,
            "startColumn": start.column,
            "endLine": end.line,
            "endColumn": end.column,
            "snippet": { "text": place.source.words(place.span) },
        },
    })
}

/// A path as a URI: relative as it was given, absolute as a file. What a URI may not hold is escaped by its bytes.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let escaped: String = path
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect();
    if path.starts_with('/') { format!("file://{escaped}") } else { escaped }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_becomes_a_uri() {
        assert_eq!(uri("policy-docs/northgate/privacy.md"), "policy-docs/northgate/privacy.md");
        assert_eq!(uri("/home/ä b/p:1.md"), "file:///home/%C3%A4%20b/p%3A1.md");
    }
}
