//! What the documents say is true: their paths exist, their commands are known, their recipes call the binary.

use std::path::Path;

use crate::world::{World, repository};

const DOCUMENTS: [&str; 4] = ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "policy-docs/README.md"];

#[test]
fn every_path_in_the_documents_exists() {
    let mut looked_at = 0;
    for document in DOCUMENTS {
        for path in paths(&repository(document)) {
            assert!(Path::new(env!("CARGO_MANIFEST_DIR")).join(&path).exists(), "{document} names `{path}`");
            looked_at += 1;
        }
    }
    assert!(looked_at > 20, "only {looked_at} paths were looked at");
}

#[test]
fn every_command_in_the_documents_is_known() {
    let world = World::new();
    let mut looked_at = 0;
    for document in DOCUMENTS {
        for command in commands(&repository(document)) {
            let ran = world.run(&[&command, "--help"]);
            assert_eq!(ran.code, 0, "{document} names `avow {command}`");
            looked_at += 1;
        }
    }
    assert!(looked_at > 10, "only {looked_at} commands were looked at");
}

#[test]
fn ci_runs_the_test_command_of_the_readme() {
    let test = "cargo test --workspace";
    assert!(repository("README.md").contains(test) && repository(".ci/run").contains(test));
}

#[test]
fn every_recipe_is_one_line_that_calls_cargo() {
    let recipes = repository("justfile");
    let lines: Vec<_> = recipes.lines().filter(|line| line.starts_with("    ")).collect();
    assert!(lines.len() > 5);
    for line in lines {
        let line = line.trim().trim_start_matches('@');
        assert!(line.contains("cargo ") || line.starts_with("just "), "`{line}`");
    }
}

/// Words in backticks that are paths of the repository.
fn paths(text: &str) -> Vec<String> {
    let roots = ["policy/", "policy-docs/", "accounting/", "proxy/", "tests/", "docs/", ".ci/"];
    let path =
        |word: &&str| roots.iter().any(|root| word.starts_with(root)) && !word.contains([' ', '*', '<', '{', '|']);
    text.split('`').skip(1).step_by(2).filter(path).map(str::to_owned).collect()
}

/// The first word after `avow ` in code.
fn commands(text: &str) -> Vec<String> {
    let code = text.split('`').skip(1).step_by(2);
    let command = |code: &str| {
        let word = code.strip_prefix("avow ")?.split_whitespace().next()?;
        word.chars().all(|letter| letter.is_ascii_lowercase()).then(|| word.to_owned())
    };
    code.filter_map(command).collect()
}
