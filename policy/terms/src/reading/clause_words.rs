//! What a clause says, on one line, for quoting: no number, no Markdown marks, no brackets with codes.

use super::{codes, coverage::Found};
use crate::markdown::Passage;

/// The words of a clause; the cells of a row are joined by ` · `.
pub(super) fn of(found: &Found) -> String {
    let mut line = String::new();
    for passage in found.passages() {
        let before = line.len();
        if !line.is_empty() {
            line.push_str(" · ");
        }
        let begin = line.len();
        add_without_codes(passage, &mut line);
        if line.len() == begin {
            line.truncate(before);
        }
    }
    line
}

/// Adds the words of a passage: one space between them, and none before a mark that closes.
fn add_without_codes(passage: &Passage, line: &mut String) {
    let begin = line.len();
    let mut from = 0;
    let mut is_apart = false;
    let end = passage.text.len();
    for bracket in codes::brackets(passage).into_iter().chain(std::iter::once(end..end)) {
        let part = passage.text.get(from..bracket.start).unwrap_or("");
        is_apart |= part.starts_with(char::is_whitespace);
        for word in part.split_whitespace() {
            if is_apart && line.len() > begin && !word.starts_with([',', '.', ';', ':']) {
                line.push(' ');
            }
            line.push_str(word);
            is_apart = true;
        }
        is_apart = part.ends_with(char::is_whitespace) || (part.is_empty() && is_apart);
        from = bracket.end;
    }
    line.truncate(begin + line.get(begin..).unwrap_or("").trim_end_matches(';').len());
}
