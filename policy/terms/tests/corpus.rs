//! The corpus of the fuzz targets, replayed: what was found once is looked at by every test run.
//!
//! The targets stand in `fuzz/` and call the same properties; `docs/fuzz.md` says how they are run and what they found.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that meets what it does not expect must fail"
)]

#[path = "../fuzz/properties.rs"]
mod properties;

use std::path::Path;

/// Every input of a target.
fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let inputs: Vec<Vec<u8>> = files.map(|file| read(&file.unwrap().path())).collect();
    assert!(inputs.len() >= 50, "only {} inputs in {}: the replay shows nothing", inputs.len(), folder.display());
    inputs
}

#[expect(clippy::disallowed_methods, reason = "the corpus is files; the library itself opens none")]
fn read(file: &Path) -> Vec<u8> {
    let input = std::fs::read(file).unwrap();
    assert!(input.len() <= 8 * 1024, "{} is too long to be kept", file.display());
    input
}

#[test]
fn any_text_of_the_corpus_is_read() {
    corpus("reader").iter().for_each(|input| properties::reader(input));
}

#[test]
fn any_phrase_of_the_corpus_is_read() {
    corpus("retention").iter().for_each(|input| properties::retention(input));
}

#[test]
fn any_tree_of_the_corpus_compiles_or_says_why_not() {
    let inputs = corpus("compiler");
    inputs.iter().for_each(|input| properties::compiler(input));
    let compiled = inputs.iter().filter(|input| properties::compiles(input)).count();
    assert!(compiled * 10 >= inputs.len(), "only {compiled} of {} trees compile", inputs.len());
}
