//! Clauses that point at clauses: "(see S2)", "S1 to S8".

use std::ops::Range;

use super::{
    columns::Column,
    coverage::{Body, Found},
    problems::Problems,
    triggers::words_of,
};
use crate::{clause::ClauseId, language::Words, markdown::Passage, source::Span, suggest};

/// What a clause points at.
#[derive(Debug, Clone, Default)]
pub(super) struct References {
    /// Every clause it names, a range as its members, each once.
    pub(super) all: Vec<ClauseId>,
    /// Those it names in the cell that says what a recipient sees.
    pub(super) seen: Vec<ClauseId>,
}

/// The references of every clause, in the order of the clauses. One that leads nowhere is reported.
pub(super) fn read(found: &[Found], problems: &mut Problems<'_>) -> Vec<References> {
    found.iter().map(|clause| of_clause(clause, found, problems)).collect()
}

fn of_clause(clause: &Found, found: &[Found], problems: &mut Problems<'_>) -> References {
    let mut references = References::default();
    for passage in clause.passages() {
        for id in resolved(passage, found, problems) {
            if !references.all.contains(&id) {
                references.all.push(id);
            }
        }
    }
    if let Body::Row(cells) = &clause.body
        && let Some(sees) = cells.get(Column::Sees)
    {
        references.seen = members(sees, found, problems.words_of_language());
    }
    references
}

/// The clauses that a passage names, without a word on those that do not exist.
fn members(passage: &Passage, found: &[Found], words: &Words) -> Vec<ClauseId> {
    mentions(passage, words).iter().flat_map(|mention| mention.members(found)).collect()
}

/// Whether the words of a sentence point at a clause by "see S2".
pub(super) fn points_at_a_clause(sentence: &str, words: &Words) -> bool {
    ids(sentence).iter().any(|(range, _)| {
        let before = sentence.get(..range.start).unwrap_or("").trim_end().to_lowercase();
        let ahead = before.strip_suffix(words.see);
        ahead.is_some_and(|ahead| ahead.is_empty() || ahead.ends_with([' ', '(']))
    })
}

/// A clause, or a row of clauses from one to another.
struct Mention {
    from: (ClauseId, Span),
    to: Option<(ClauseId, Span)>,
}

impl Mention {
    fn members(&self, found: &[Found]) -> Vec<ClauseId> {
        let exists = |id: ClauseId| found.iter().any(|clause| clause.id == id);
        match self.to {
            None => Some(self.from.0).filter(|id| exists(*id)).into_iter().collect(),
            Some((to, _)) => {
                let mut ids: Vec<ClauseId> = found.iter().map(|clause| clause.id).collect();
                ids.retain(|id| id.letter == to.letter && self.from.0 <= *id && *id <= to);
                ids.sort_unstable();
                ids
            }
        }
    }
}

fn resolved(passage: &Passage, found: &[Found], problems: &mut Problems<'_>) -> Vec<ClauseId> {
    let mut members = Vec::new();
    for mention in mentions(passage, problems.words_of_language()) {
        for (id, place) in [Some(mention.from), mention.to].into_iter().flatten() {
            if !found.iter().any(|clause| clause.id == id) {
                dangling(id, place, found, problems);
            }
        }
        if let Some((to, place)) = mention.to
            && to < mention.from.0
        {
            let message = format!("{to} comes before {}", mention.from.0);
            problems.error(place, "backward-range", message, "name the lower number first");
        }
        members.extend(mention.members(found));
    }
    for (at, word) in unreadable(&passage.plain()) {
        let place = passage.place(at..at + word.len());
        problems.error(place, "no-such-clause", format!("there is no clause {word}"), "point at a clause of this text");
    }
    members
}

fn dangling(id: ClauseId, place: Span, found: &[Found], problems: &mut Problems<'_>) {
    let known: Vec<String> = found.iter().map(|clause| clause.id.to_string()).collect();
    let help = match suggest::nearest(&id.to_string(), known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "point at a clause of this text".to_owned(),
    };
    problems.error(place, "no-such-clause", format!("there is no clause {id}"), help);
}

/// The clauses a passage names; "S1 to S8", "S1-S8" and "S1–S8" are one mention.
fn mentions(passage: &Passage, words: &Words) -> Vec<Mention> {
    let plain = passage.plain();
    let mut mentions: Vec<Mention> = Vec::new();
    let mut end = 0;
    for (range, id) in ids(&plain) {
        let place = passage.place(range.clone());
        let joint = plain.get(end..range.start).unwrap_or("").trim();
        let is_word = joint.eq_ignore_ascii_case(words.to) || joint.eq_ignore_ascii_case("through");
        let is_range = is_word || matches!(joint, "-" | "–" | "—");
        match mentions.last_mut() {
            Some(open) if is_range && open.to.is_none() && open.from.0.letter == id.letter => {
                open.to = Some((id, place))
            }
            _ => mentions.push(Mention { from: (id, place), to: None }),
        }
        end = range.end;
    }
    mentions
}

/// Words that look like the number of a clause and can be none: `S07`, `S99999`.
fn unreadable(plain: &str) -> Vec<(usize, &str)> {
    let looks_like_one = |word: &str| {
        let digits = word.strip_prefix(['N', 'S', 'R', 'L', 'U', 'T', 'C', 'G']).unwrap_or("");
        !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
    };
    words_of(plain).filter(|(_, word)| looks_like_one(word) && word.parse::<ClauseId>().is_err()).collect()
}

/// Every word that has the form of a clause number.
fn ids(plain: &str) -> Vec<(Range<usize>, ClauseId)> {
    let mut ids = Vec::new();
    let mut start = None;
    for (at, c) in plain.char_indices().chain([(plain.len(), ' ')]) {
        match (start, c.is_alphanumeric()) {
            (None, true) => start = Some(at),
            (Some(from), false) => {
                if let Some(Ok(id)) = plain.get(from..at).map(str::parse) {
                    ids.push((from..at, id));
                }
                start = None;
            }
            _ => {}
        }
    }
    ids
}
