//! No promise is lost: each of the two policies this software was made for is a row of `promises/manifest.toml`, with its
//! clause in our policy and the tests that keep it, or what is missing for that.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use avow_terms::{reading, source::Source, vocabulary::Vocabulary};
use serde::Deserialize;

use crate::world::repository;

/// What is the operator's own, because no software can keep it.
const OPERATORS_IN_NORTHGATE: [u32; 5] = [4, 10, 20, 21, 31];
const OPERATORS_IN_LANTERN: [u32; 4] = [6, 15, 21, 22];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Manifest {
    northgate: Vec<Row>,
    lantern: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Row {
    number: u32,
    promise: String,
    #[serde(default)]
    clauses: Vec<String>,
    #[serde(default)]
    tests: Vec<String>,
    later: Option<String>,
    operator: Option<String>,
}

impl Manifest {
    fn read() -> Self {
        toml::from_str(&repository("tests/promises/manifest.toml")).unwrap()
    }

    /// Each policy: its name, its rows, how many promises it makes, and which of them are the operator's own.
    fn policies(&self) -> [(&str, &[Row], u32, &[u32]); 2] {
        [
            ("northgate", &self.northgate, 36, &OPERATORS_IN_NORTHGATE),
            ("lantern", &self.lantern, 22, &OPERATORS_IN_LANTERN),
        ]
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.northgate.iter().chain(&self.lantern)
    }
}

#[test]
fn every_promise_has_one_row() {
    for (policy, rows, count, _) in Manifest::read().policies() {
        let numbers: Vec<u32> = rows.iter().map(|row| row.number).collect();
        assert_eq!(numbers, (1..=count).collect::<Vec<_>>(), "{policy}");
    }
}

#[test]
fn every_promise_is_kept_or_says_what_is_missing() {
    for row in Manifest::read().rows() {
        let Row { number, promise, tests, later, operator, .. } = row;
        assert!(!promise.is_empty(), "{number}");
        let is_ours = !tests.is_empty() || later.is_some();
        assert!(is_ours != operator.is_some(), "{number} {promise}: tests or what comes later, or else the operator");
        let reasons = later.iter().chain(operator);
        assert!(reasons.into_iter().all(|reason| !reason.trim().is_empty()), "{number} {promise}: why?");
    }
}

#[test]
fn only_what_no_software_can_keep_is_the_operators_own() {
    for (policy, rows, _, allowed) in Manifest::read().policies() {
        let own: Vec<u32> = rows.iter().filter(|row| row.operator.is_some()).map(|row| row.number).collect();
        assert_eq!(own, allowed, "{policy}");
    }
}

#[test]
fn every_clause_of_a_promise_stands_in_its_policy() {
    let vocabulary = Vocabulary::read(Source::new("vocabulary.md", repository("policy-docs/vocabulary.md"))).0;
    for (policy, rows, ..) in Manifest::read().policies() {
        let text = repository(&format!("policy-docs/{policy}/privacy.md"));
        let policy = reading::read(Source::new(policy, text), &vocabulary).policy().unwrap();
        for row in rows {
            assert!(!row.clauses.is_empty() || row.operator.is_some(), "{} {}", row.number, row.promise);
            for clause in &row.clauses {
                let found = policy.clause(clause.parse().unwrap());
                assert!(found.is_some(), "{}: there is no {clause}", row.number);
            }
        }
    }
}

#[test]
fn every_test_that_keeps_a_promise_exists() {
    let tests = tests_of_the_workspace();
    assert!(tests.len() > 200, "only {} tests were found", tests.len());
    let mut looked_at = 0;
    for row in Manifest::read().rows() {
        for test in &row.tests {
            assert!(tests.contains(test), "{} {}: there is no test `{test}`", row.number, row.promise);
            looked_at += 1;
        }
    }
    assert!(looked_at > 40, "only {looked_at} tests were looked for");
}

/// The name of every function under `#[test]`.
fn tests_of_the_workspace() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["policy", "accounting", "proxy", "tests"] {
        for file in rust_files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)) {
            let text = fs::read_to_string(file).unwrap();
            let after = text.split("#[test]").skip(1);
            names.extend(after.filter_map(|after| Some(after.split_once("fn ")?.1.split_once('(')?.0.to_owned())));
        }
    }
    names
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let (folders, files): (Vec<_>, Vec<_>) = paths.partition(|path| path.is_dir());
    let here = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    here.chain(folders.iter().flat_map(|folder| rust_files(folder))).collect()
}
