//! The corpus of the fuzz target, replayed: what was found once is looked at by every test run.
//!
//! The target stands in `fuzz/` and calls the same properties; `docs/fuzz.md` says how it is run and what it found.

#![expect(clippy::indexing_slicing, reason = "a test that meets what it does not expect must fail")]

#[path = "../fuzz/properties.rs"]
mod properties;

use std::path::Path;

use avow_audit::Region;

#[test]
fn any_file_of_the_corpus_is_read_to_its_end() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus/pages");
    let inputs: Vec<Vec<u8>> =
        std::fs::read_dir(&folder).unwrap().map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    assert!(inputs.len() >= 50, "only {} inputs: the replay shows nothing", inputs.len());
    inputs.iter().for_each(|input| properties::pages(input));
    // The inputs get somewhere: files that are whole, with and without a log, and files with every kind of fault.
    let found = |input: &Vec<u8>| {
        let (file, log) = properties::files(input)?;
        Some((log.len() > 32, avow_audit::unowned(file, &log)?))
    };
    let found: Vec<_> = inputs.iter().filter_map(found).collect();
    assert!(found.iter().filter(|(log, left)| !log && left.is_empty()).count() >= 3, "no whole file");
    assert!(found.iter().filter(|(log, left)| *log && left.is_empty()).count() >= 1, "no whole file with a log");
    for region in [
        Region::Gap,
        Region::Freeblock,
        Region::Fragment,
        Region::Overflow,
        Region::Trunk,
        Region::Free,
        Region::Unreachable,
        Region::Reserved,
        Region::Header,
        Region::Tail,
        Region::Record,
        Region::Log,
        Region::Removed,
        Region::Damaged,
    ] {
        let seen = found.iter().any(|(_, left)| left.iter().any(|one| one.region == region));
        assert!(seen, "no input has {region:?}");
    }
}
