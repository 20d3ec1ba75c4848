//! What a clause says, on one line, for quoting: no number, no Markdown marks, no brackets with codes.

use super::{codes, coverage::Found};
use crate::markdown::Passage;

/// The words of a clause; the cells of a row are joined by ` · `.
pub(super) fn of(found: &Found) -> String {
    let parts: Vec<String> = found.passages().map(without_codes).filter(|words| !words.is_empty()).collect();
    parts.join(" · ")
}

fn without_codes(passage: &Passage) -> String {
    let mut words = String::new();
    let mut from = 0;
    for bracket in codes::brackets(passage) {
        words.push_str(passage.text.get(from..bracket.start).unwrap_or(""));
        from = bracket.end;
    }
    words.push_str(passage.text.get(from..).unwrap_or(""));
    let line = words.split_whitespace().collect::<Vec<_>>().join(" ");
    [",", ".", ";", ":"]
        .iter()
        .fold(line, |line, mark| line.replace(&format!(" {mark}"), mark))
        .trim_end_matches(';')
        .to_owned()
}
