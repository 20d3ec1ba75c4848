//! Who descends from whom.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, Kind};
use crate::{
    code::Code,
    problem::{Problem, problem},
    source::Source,
    suggest,
};

/// For each code of data, itself and everything it descends from; unknown parents and circles are reported.
pub(super) fn lines(
    entries: &BTreeMap<Code, Entry>,
    source: &Source,
    problems: &mut Vec<Problem>,
) -> BTreeMap<Code, BTreeSet<Code>> {
    let mut lines = BTreeMap::new();
    for (code, entry) in entries.iter().filter(|(_, entry)| entry.kind == Kind::Data) {
        for parent in &entry.parents {
            if entries.get(parent).is_none_or(|entry| entry.kind != Kind::Data) {
                problems.push(unknown_parent(entries, source, entry, parent));
            }
        }
        let line = line(entries, code);
        if entry.parents.iter().any(|parent| line_leads_to(entries, parent, code)) {
            let message = format!("`{code}` descends from itself");
            let help = "take the code out of its own line of parents";
            problems.push(problem(source, entry.span, "circular-parents", message).help(help));
        }
        lines.insert(code.clone(), line);
    }
    lines
}

fn line(entries: &BTreeMap<Code, Entry>, code: &Code) -> BTreeSet<Code> {
    let mut line = BTreeSet::new();
    let mut open = vec![code];
    while let Some(code) = open.pop() {
        if let Some((code, entry)) = entries.get_key_value(code)
            && line.insert(code.clone())
        {
            open.extend(&entry.parents);
        }
    }
    line
}

fn line_leads_to(entries: &BTreeMap<Code, Entry>, from: &Code, code: &Code) -> bool {
    line(entries, from).contains(code)
}

fn unknown_parent(entries: &BTreeMap<Code, Entry>, source: &Source, entry: &Entry, parent: &Code) -> Problem {
    let data = entries.iter().filter(|(_, entry)| entry.kind == Kind::Data).map(|(code, _)| code.as_str());
    let help = match suggest::nearest(parent.as_str(), data) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "a parent is a code of the same table".to_owned(),
    };
    problem(source, entry.span, "unknown-parent", format!("no data code `{parent}`")).help(help)
}
