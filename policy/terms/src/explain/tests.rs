//! Every code that can be reported is explained, nothing else is, and every example shows exactly what it is there for.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use jiff::Timestamp;

use super::*;
use crate::{
    code::Code,
    conflict::Published,
    policy::Document,
    problem::Problem,
    reading,
    revision::{self, Revision},
    rules::Rules,
    selfcheck,
    source::Source,
    vocabulary::Vocabulary,
};

const VOCABULARY: &str = include_str!("../../../../policy-docs/vocabulary.md");

/// Codes that no text of a lawyer can cause by itself: faults of the software or of a store, what the reader finds before
/// the check of the rules would, and what only `--for-service` asks. They have no example.
const WITHOUT_EXAMPLE: [&str; 9] = [
    "effective-without-minute",
    "missing-version",
    "no-rule",
    "no-rules",
    "permit-killed-between",
    "permit-never-applies",
    "rule-can-fail",
    "service-forbidden",
    "service-needs",
];

/// Literals in the sources that look like codes and name something else: a service, a form of names, questions of a
/// first policy. What the vocabulary has, measures above all, is left out by itself.
const NO_CODES: [&str; 8] = [
    "abuse-desk",
    "contact",
    "kebab-case",
    "month-total",
    "no-promise",
    "not-a-code",
    "session-addresses",
    "user-name",
];

fn vocabulary() -> Arc<Vocabulary> {
    Arc::new(Vocabulary::read(Source::new("vocabulary.md", VOCABULARY)).0)
}

#[test]
fn every_code_that_can_be_reported_is_explained_and_nothing_else() {
    let reported = codes_in_the_sources();
    let explained: BTreeSet<String> = EXPLANATIONS.iter().map(|explanation| explanation.code.to_owned()).collect();
    let difference: Vec<&String> = reported.symmetric_difference(&explained).collect();
    assert!(difference.is_empty(), "reported and not explained, or explained and not reported: {difference:?}");
    assert!(reported.len() > 100, "only {} codes were found", reported.len());
}

#[test]
fn every_file_is_in_the_list_and_the_list_is_sorted() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/explain");
    let names = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.file_name().into_string().unwrap());
    let mut files: Vec<String> = names.filter_map(|name| name.strip_suffix(".md").map(str::to_owned)).collect();
    files.sort();
    assert_eq!(files, EXPLANATIONS.iter().map(|explanation| explanation.code).collect::<Vec<_>>());
}

#[test]
fn every_explanation_says_enough() {
    for explanation in &EXPLANATIONS {
        let Explanation { code, .. } = explanation;
        let (title, meaning) = (explanation.title(), explanation.meaning());
        assert!((10..=80).contains(&title.chars().count()) && !title.ends_with('.'), "{code}: {title}");
        assert!(meaning.split_whitespace().count() >= 18, "{code} says too little: {meaning}");
        assert!(!meaning.contains("\n#"), "{code}: {meaning}");
        let has_none = WITHOUT_EXAMPLE.contains(code);
        assert_eq!(explanation.wrong().is_none(), has_none, "{code}: a wrong example");
        assert_eq!(explanation.right().is_none(), has_none, "{code}: a right example");
    }
}

#[test]
fn every_example_shows_what_it_is_there_for() {
    let mut wrong: BTreeMap<&str, String> = BTreeMap::new();
    for explanation in EXPLANATIONS.iter().filter(|explanation| explanation.code != "config") {
        let (Some(bad), Some(good)) = (explanation.wrong(), explanation.right()) else { continue };
        let published = explanation.published();
        for (example, expected) in [(bad, vec![explanation.code]), (good, Vec::new())] {
            let found = Chain::of(&published).codes(example);
            if found.iter().copied().collect::<Vec<_>>() != expected {
                wrong.insert(explanation.code, format!("{found:?} in\n{}", example.text));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.iter().map(|(code, what)| format!("{code}: {what}\n")).collect::<String>());
}

/// What was published before an example, by the gate that real versions go through.
struct Chain {
    vocabulary: Arc<Vocabulary>,
    earlier: Vec<Published>,
    links: Vec<Revision>,
}

impl Chain {
    fn of(published: &[Example]) -> Self {
        let mut chain = Self { vocabulary: vocabulary(), earlier: Vec::new(), links: Vec::new() };
        for (number, example) in published.iter().enumerate() {
            let now = format!("2026-12-01T{number:02}:00:00Z").parse().unwrap();
            if let Err(problems) = chain.publish(*example, now) {
                panic!("{}: {problems:?}", example.text);
            }
        }
        chain
    }

    /// The codes of everything that is wrong with an example, warnings too.
    fn codes(mut self, example: Example) -> BTreeSet<&'static str> {
        let now = if self.links.is_empty() { "2026-12-01T00:00:00Z" } else { "2027-01-15T00:00:00Z" };
        let problems = match example.frame {
            Frame::Vocabulary => read_vocabulary(format!("{VOCABULARY}\n{}", example.text)),
            Frame::WholeVocabulary => read_vocabulary(example.text.to_owned()),
            _ => self.publish(example, now.parse().unwrap()).err().unwrap_or_default(),
        };
        problems.iter().map(|problem| problem.code).collect()
    }

    fn publish(&mut self, example: Example, now: Timestamp) -> Result<(), Vec<Problem>> {
        let reading = reading::read(Source::new("example.md", self.text(example)), &self.vocabulary);
        if !reading.problems.is_empty() {
            return Err(reading.problems);
        }
        let policy = Arc::new(reading.policy()?);
        let rules = Rules::compile(policy.clone(), self.vocabulary.clone(), 1)?;
        let problems = selfcheck::check(&rules, &BTreeMap::new());
        if !problems.is_empty() {
            return Err(problems);
        }
        let (link, _) = revision::publish(&policy, &self.vocabulary, &self.earlier, self.last(), now)?;
        let (effective, published_at) = (link.effective, link.published_at);
        self.earlier.push(Published { policy, vocabulary: self.vocabulary.clone(), effective, published_at });
        self.links.push(link);
        Ok(())
    }

    /// The last version of the privacy policy.
    fn last(&self) -> Option<&Revision> {
        self.links.iter().rev().find(|link| link.document == Document::Privacy)
    }

    /// The whole text that an example is a piece of.
    fn text(&self, example: Example) -> String {
        let version = self.last().map_or(1, |last| last.version + 1);
        let month = self.links.len() * 2 + 1;
        let whole = |piece: &str| whole(version, month, piece);
        let complete = "**S0.** The table below is complete: what is not in it is not stored (`complete`).\n\n";
        match (example.frame, example.frame.header()) {
            (Frame::WholePolicy, _) => example.text.to_owned(),
            (Frame::Kept, Some(header)) => whole(&format!("{complete}{header}{}", example.text)),
            (_, Some(header)) => whole(&format!("{header}{}", example.text)),
            _ => whole(example.text),
        }
    }
}

fn read_vocabulary(text: String) -> Vec<Problem> {
    Vocabulary::read(Source::new("vocabulary.md", text)).1
}

/// A whole policy from a piece of one: what it does not say itself is said as usual.
fn whole(version: u32, month: usize, piece: &str) -> String {
    let (lines, body) = match piece.strip_prefix("---\n").and_then(|rest| rest.split_once("---\n")) {
        Some((lines, body)) => (lines, body),
        None => ("", piece),
    };
    let usual = [
        ("policy", "sample".to_owned()),
        ("document", "privacy".to_owned()),
        ("version", version.to_string()),
        ("effective", format!("2027-{month:02}-01T00:00Z")),
        ("controller", "Sample VPN".to_owned()),
        ("contact", "privacy@sample.example".to_owned()),
        ("home", "CH".to_owned()),
        ("guarantee", "published".to_owned()),
    ];
    let says = |key: &str| lines.lines().any(|line| line.starts_with(&format!("{key}:")));
    let rest: String =
        usual.iter().filter(|(key, _)| !says(key)).map(|(key, value)| format!("{key}: {value}\n")).collect();
    let clauses = match body.trim() {
        "" => "**R1.** Nobody else receives personal data from us (`no-disclosure`).\n",
        _ => body,
    };
    let title = if clauses.trim_start().starts_with("# ") { "" } else { "# Sample VPN: privacy policy\n\n" };
    format!("---\n{lines}{rest}---\n\n{title}{clauses}")
}

/// Every code in the sources of the workspace: literals in the form of several words that name nothing else, and single
/// words where a call reports a problem.
fn codes_in_the_sources() -> BTreeSet<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut codes = BTreeSet::new();
    for folder in ["policy/terms/src", "policy/service"] {
        sources(&root.join(folder), &mut |text| {
            let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("");
            codes.extend(codes_in(text, folder == "policy/terms/src"));
        });
    }
    let vocabulary = vocabulary();
    let is_word = |code: &String| Code::new(code).is_ok_and(|code| vocabulary.entry(&code).is_some());
    codes.retain(|code| !NO_CODES.contains(&code.as_str()) && !is_word(code));
    codes
}

#[expect(clippy::disallowed_methods, reason = "a test reads the sources of this workspace")]
fn sources(folder: &Path, each: &mut impl FnMut(&str)) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
        let is_test = ["tests", "tests.rs", "sample.rs", "ours.rs", "agreement.rs", "texts.rs", "explain.rs"];
        if path.is_dir() && name != "tests" {
            sources(&path, each);
        } else if name.ends_with(".rs") && !(is_test.contains(&name.as_str()) && path.starts_with(folder)) {
            each(&std::fs::read_to_string(&path).unwrap());
        }
    }
}

fn codes_in(text: &str, whole_words: bool) -> BTreeSet<String> {
    let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = lines.map(|line| format!("{line}\n")).collect();
    // A quote that is a character, or that stands in a literal, begins none.
    let code = code.replace("'\"'", "").replace("\\\\", "").replace("\\\"", "");
    let mut codes = BTreeSet::new();
    let mut before = String::new();
    for (number, part) in code.split('"').enumerate() {
        let is_literal = number % 2 == 1;
        if is_literal && is_word(part) && (reports(&before) || (whole_words && part.contains('-'))) {
            codes.insert(part.to_owned());
        }
        before = if is_literal { String::new() } else { part.to_owned() };
    }
    codes
}

fn is_word(text: &str) -> bool {
    text.split('-').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_lowercase() || c == '0'))
}

/// Whether the words before a literal end in a call that reports a problem, with the literal as the code.
fn reports(before: &str) -> bool {
    let calls = [".error(", ".warning(", ".clash(", ".refuse(", ".report(", "problem(", "code: "];
    let Some(at) = calls.iter().filter_map(|call| before.rfind(call).map(|at| at + call.len())).max() else {
        return false;
    };
    !before[at..].contains([';', '{'])
}

#[test]
fn the_list_of_codes_is_found_by_its_nearest_word() {
    assert_eq!(nearest("kept-longr"), Some("kept-longer"));
    assert_eq!(explanation("kept-longer").map(|it| it.title()), Some("It is kept longer than was promised"));
    assert_eq!(explanation("kept-longr"), None);
}

#[test]
fn the_ten_mistakes_of_the_guide_for_legal_are_explained() {
    let guide = include_str!("../../../../policy-docs/README.md");
    let (_, list) = guide.split_once("The ten mistakes").unwrap();
    let rows = list.lines().filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    let codes: Vec<&str> = rows.collect();
    assert_eq!(codes.len(), 10);
    assert!(codes.iter().all(|code| explanation(code).is_some()), "{codes:?}");
}
