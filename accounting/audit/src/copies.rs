//! The copies of the published texts, compared with the store both ways.
//!
//! Whoever changes a text in the store and computes the whole chain anew has changed no copy; whoever removes the last
//! version from the store has not removed its copy.

use std::{collections::BTreeSet, fs, path::Path};

use crate::{chain::RESTORE, clauses::Clauses, found::Findings, published::Published};

/// Compares the copies of the privacy policy; says how many are the same.
pub(crate) fn check(directory: &Path, published: &Published, clauses: &Clauses<'_>, findings: &mut Findings) -> u64 {
    let history = clauses.measure("history");
    let mut wrong = |check, name: &str, what, remedy| {
        findings.add(check, history, what, &format!("history/{name}"), remedy);
    };
    let links = || published.links.iter().filter(|link| link.entry.document == "privacy");
    let mut same = 0;
    for entry in links().map(|link| &link.entry) {
        let name = name(entry.version);
        match fs::read(directory.join(&name)) {
            Ok(copy) if copy == entry.text.as_bytes() => same += 1,
            Ok(_) => wrong("chain.copy", &name, "the copy and the store do not say the same", RESTORE),
            Err(_) => wrong("chain.copy", &name, "the copy is missing, or cannot be read", RESTORE),
        }
    }
    for version in versions(directory).into_iter().filter(|version| !links().any(|link| link.entry.version == *version))
    {
        let what = "the store does not have this version: its publication was broken off, or it was removed";
        let remedy = "publish it again, or restore the store; if nobody ever saw it, remove the copy";
        wrong("chain.gap", &name(version), what, remedy);
    }
    same
}

/// The name of the copy of a version.
fn name(version: u32) -> String {
    format!("v{version}.md")
}

/// The versions that have a copy.
fn versions(directory: &Path) -> BTreeSet<u32> {
    let entries = fs::read_dir(directory).into_iter().flatten().filter_map(Result::ok);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter_map(|name| name.strip_prefix('v')?.strip_suffix(".md")?.parse().ok()).collect()
}
