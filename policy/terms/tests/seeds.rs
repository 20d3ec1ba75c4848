//! Two policies as operators really published them, told again in the language with every tension left in: what the
//! reader finds in them, and which two places it names.

use avow_terms::{
    problem::{Problem, Severity},
    reading::{self, Reading},
    source::{Source, Span},
    vocabulary::Vocabulary,
};

const VOCABULARY: &str = include_str!("../../../policy-docs/vocabulary.md");

/// The problems of a text as a table: code, the clause it is about, the clause beside it; `?` marks a warning.
fn found(name: &str, text: &str) -> String {
    let vocabulary = Vocabulary::read(Source::new("vocabulary.md", VOCABULARY)).0;
    let reading = reading::read(Source::new(name, text), &vocabulary);
    assert!(reading.has_errors(), "a text with these tensions makes no policy");
    reading.problems.iter().map(|problem| line(&reading, problem)).collect()
}

fn line(reading: &Reading, problem: &Problem) -> String {
    let mark = if problem.severity == Severity::Warning { "?" } else { "" };
    let code = format!("{}{mark}", problem.code);
    let here = clause(reading, problem.place.span);
    let words = problem.place.source.words(problem.place.span);
    let there: Vec<String> = problem.related.iter().map(|(place, _)| clause(reading, place.span)).collect();
    let words = if here == "top" { problem.message.as_str() } else { words };
    format!("{code:26}{here:6}{:6}{words}\n", if there.is_empty() { "-".to_owned() } else { there.join(" ") })
}

/// The clause at a place; `top` before the first heading, `text` where no clause stands.
fn clause(reading: &Reading, place: Span) -> String {
    let clause = reading.clauses.iter().find(|clause| clause.span.start <= place.start && place.end <= clause.span.end);
    let is_top = reading.source.text.find("\n# ").is_some_and(|title| place.start < title);
    clause.map_or_else(|| if is_top { "top" } else { "text" }.to_owned(), |clause| clause.id.to_string())
}

#[test]
fn every_tension_of_the_first_policy_is_found() {
    insta::assert_snapshot!(found("cloudvpn.md", include_str!("seeds/cloudvpn.md")), @r"
    bad-effective             top   -     `10/02/2018` is not a minute with its zone
    missing-key               top   -     the front matter does not say `version`
    missing-key               top   -     the front matter does not say `contact`
    missing-key               top   -     the front matter does not say `home`
    promise-without-number    text  -     given
    two-inventories           S0a   S0    complete
    two-inventories           S0b   S0    complete
    empty-cell                S1    -     S1
    never-and-stored          S1    N3    account.email
    never-and-stored          S2    N1    session.client_ip
    beyond-complete           S2    S0    session.client_ip
    beyond-complete           S2    S0a   session.client_ip
    never-and-stored          S2    N4    session.time
    wrong-kind                S2    -     session.server
    used-not-kept             S2    S0b   session.server
    from-when                 S2    -     90 days
    beyond-complete           S3    S0    usage.month_total
    beyond-complete           S3    S0a   usage.month_total
    identifies-despite-never? S3    N3    identify
    whose-clock               S3    -     During the current month
    empty-cell                S4    -     S4
    beyond-complete           S4    S0    payment.date
    beyond-complete           S4    S0a   payment.date
    code-without-effect?      G3    -     account.blocked
    used-not-kept             G3    S0b   account.blocked
    identifies-despite-never? U1    N3    identified
    undeclared-purpose        C4    S1    notice
    ");
}

#[test]
fn every_tension_of_the_second_policy_is_found() {
    insta::assert_snapshot!(found("cargo-vpn.md", include_str!("seeds/cargo-vpn.md")), @r"
    missing-key               top   -     the front matter does not say `version`
    missing-key               top   -     the front matter does not say `effective`
    missing-key               top   -     the front matter does not say `contact`
    missing-key               top   -     the front matter does not say `home`
    missing-key               top   -     the front matter does not say `guarantee`
    empty-cell                S1    -     S1
    not-complete?             S1    -     account.username
    empty-cell                R1    -     R1
    open-list                 R1    -     may include
    empty-cell                S2    -     S2
    empty-cell                S3    -     S3
    empty-cell                S4    -     S4
    called-not-personal?      S4    S4    non-personal
    open-list                 S4    -     etc
    never-and-stored          S4    N2    session.time
    empty-cell                U1    -     U1
    digest-and-encrypted      T2    T1    account.password
    ");
}
