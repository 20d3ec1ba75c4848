//! Problems as annotations of a GitHub workflow: one line for each, which the host shows beside the words.

use avow_terms::problem::{Problem, Severity};

/// One workflow command for each problem.
#[must_use]
pub fn github(problems: &[Problem]) -> String {
    problems.iter().map(annotation).collect()
}

fn annotation(problem: &Problem) -> String {
    let command = match problem.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    };
    let place = &problem.place;
    let (start, end) = (place.source.position(place.span.start), place.source.position(place.span.end));
    let mut properties = format!("file={},line={},endLine={}", property(&place.source.name), start.line, end.line);
    // The host takes columns only where the words stand on one line.
    if start.line == end.line {
        properties.push_str(&format!(",col={},endColumn={}", start.column, end.column));
    }
    format!("::{command} {properties},title={}::{}\n", property(problem.code), data(&message(problem)))
}

fn message(problem: &Problem) -> String {
    let mut lines = vec![problem.message.clone()];
    lines.extend(problem.related.iter().map(|(place, remark)| format!("{}: {remark}", place.location())));
    lines.extend(problem.help.iter().map(|help| format!("help: {help}")));
    lines.join("\n")
}

/// The words of an annotation, as the host wants them escaped.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// A property of an annotation, which ends at a comma or a colon.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use avow_terms::{
        problem::problem,
        source::{Source, Span},
    };

    use super::*;

    #[test]
    fn an_annotation_stands_on_one_line_whatever_the_text_says() {
        let source = Source::new("a,b:100%.md", "one\ntwö words\n");
        let problem = problem(&source, Span { start: 4, end: 8 }, "no-limit", "`100%`: of what,\r\nor whom?")
            .related(&source, Span { start: 0, end: 3 }, "first said here")
            .help("say::it");
        assert_eq!(
            github(&[problem.clone(), problem.warning()]),
            "::error file=a%2Cb%3A100%25.md,line=2,endLine=2,col=1,endColumn=4,title=no-limit::`100%25`: of what,%0D%0Aor whom?%0Aa,b:100%25.md:1:1: first said here%0Ahelp: say::it\n\
             ::warning file=a%2Cb%3A100%25.md,line=2,endLine=2,col=1,endColumn=4,title=no-limit::`100%25`: of what,%0D%0Aor whom?%0Aa,b:100%25.md:1:1: first said here%0Ahelp: say::it\n"
        );
    }

    #[test]
    fn words_on_several_lines_have_no_columns() {
        let source = Source::new("p.md", "one\ntwo\n");
        let problem = problem(&source, Span { start: 0, end: 7 }, "no-limit", "wide");
        assert_eq!(github(&[problem]), "::error file=p.md,line=1,endLine=2,title=no-limit::wide\n");
    }
}
