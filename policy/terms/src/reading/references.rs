//! Clauses that point at clauses: "(see S2)", "S1 to S8".

use std::{collections::BTreeSet, ops::Range};

use super::{
    columns::Column,
    coverage::{Body, Found, Numbers},
    problems::Problems,
};
use crate::{clause::ClauseId, language::Words, markdown::Passage, source::Span, suggest, words::words_of};

/// What a clause points at.
#[derive(Debug, Clone, Default)]
pub(super) struct References {
    /// Every clause it names, a range as its members, each once.
    pub(super) all: Vec<ClauseId>,
    /// Those it names in the cell that says what a recipient sees.
    pub(super) seen: Vec<ClauseId>,
}

/// The references of every clause, in the order of the clauses. One that leads nowhere is reported.
pub(super) fn read(found: &[Found], numbers: &Numbers, problems: &mut Problems<'_>) -> Vec<References> {
    found.iter().map(|clause| of_clause(clause, numbers, problems)).collect()
}

fn of_clause(clause: &Found, numbers: &Numbers, problems: &mut Problems<'_>) -> References {
    let mut references = References::default();
    let mut named = BTreeSet::new();
    for passage in clause.passages() {
        let resolved = resolved(passage, numbers, problems);
        references.all.extend(resolved.into_iter().filter(|id| named.insert(*id)));
    }
    if let Body::Row(cells) = &clause.body
        && let Some(sees) = cells.get(Column::Sees)
    {
        let mentions = mentions(sees, problems.words_of_language());
        references.seen = mentions.iter().flat_map(|mention| mention.members(numbers)).collect();
    }
    references
}

/// Whether the words of a sentence point at a clause by "see S2".
pub(super) fn points_at_a_clause(sentence: &str, words: &Words) -> bool {
    ids(sentence).any(|(range, _)| {
        let before = sentence.get(..range.start).unwrap_or("").trim_end().to_lowercase();
        let ahead = before.strip_suffix(words.see);
        ahead.is_some_and(|ahead| ahead.is_empty() || ahead.ends_with([' ', '(']))
    })
}

/// A clause, or a row of clauses from one to another.
pub(super) struct Mention {
    /// Where it stands in the words.
    pub(super) range: Range<usize>,
    from: (ClauseId, Span),
    to: Option<(ClauseId, Span)>,
}

impl Mention {
    pub(super) fn members<'n>(&self, numbers: &'n Numbers) -> impl Iterator<Item = ClauseId> + use<'n> {
        let (from, to) = (self.from.0, self.to.map_or(self.from.0, |(to, _)| to));
        let range = if from <= to { Some(numbers.range(from..=to)) } else { None };
        range.into_iter().flatten().map(|(id, _)| *id)
    }
}

fn resolved(passage: &Passage, numbers: &Numbers, problems: &mut Problems<'_>) -> Vec<ClauseId> {
    if !may_name_a_clause(passage.plain()) {
        return Vec::new();
    }
    let mut members = Vec::new();
    for mention in mentions(passage, problems.words_of_language()) {
        for (id, place) in [Some(mention.from), mention.to].into_iter().flatten() {
            if !numbers.contains_key(&id) {
                dangling(id, place, numbers, problems);
            }
        }
        if let Some((to, place)) = mention.to
            && to < mention.from.0
        {
            let message = format!("{to} comes before {}", mention.from.0);
            problems.error(place, "backward-range", message, "name the lower number first");
        }
        members.extend(mention.members(numbers));
    }
    for (at, word) in unreadable(passage.plain()) {
        let place = passage.place(at..at + word.len());
        problems.error(place, "no-such-clause", format!("there is no clause {word}"), "point at a clause of this text");
    }
    members
}

fn dangling(id: ClauseId, place: Span, numbers: &Numbers, problems: &mut Problems<'_>) {
    let known: Vec<String> = numbers.keys().map(ToString::to_string).collect();
    let help = match suggest::nearest(&id.to_string(), known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {near}?"),
        None => "point at a clause of this text".to_owned(),
    };
    problems.error(place, "no-such-clause", format!("there is no clause {id}"), help);
}

/// The clauses a passage names; "S1 to S8", "S1-S8" and "S1–S8" are one mention.
pub(super) fn mentions(passage: &Passage, words: &Words) -> Vec<Mention> {
    let plain = passage.plain();
    let mut mentions: Vec<Mention> = Vec::new();
    let mut end = 0;
    for (range, id) in ids(plain) {
        let place = passage.place(range.clone());
        let joint = plain.get(end..range.start).unwrap_or("").trim();
        let is_word = joint.eq_ignore_ascii_case(words.to) || joint.eq_ignore_ascii_case("through");
        let is_range = is_word || matches!(joint, "-" | "–" | "—");
        match mentions.last_mut() {
            Some(open) if is_range && open.to.is_none() && open.from.0.letter == id.letter => {
                open.to = Some((id, place));
                open.range.end = range.end;
            }
            _ => mentions.push(Mention { range: range.clone(), from: (id, place), to: None }),
        }
        end = range.end;
    }
    mentions
}

/// Whether a letter of the clauses stands before a digit: most words hold no number, and that is seen at a glance.
pub(super) fn may_name_a_clause(plain: &str) -> bool {
    let ahead = plain.bytes().skip(1);
    plain.bytes().zip(ahead).any(|(letter, digit)| digit.is_ascii_digit() && LETTERS.contains(&char::from(letter)))
}

const LETTERS: [char; 8] = ['N', 'S', 'R', 'L', 'U', 'T', 'C', 'G'];

/// Words that look like the number of a clause and can be none: `S07`, `S99999`.
fn unreadable(plain: &str) -> impl Iterator<Item = (usize, &str)> {
    let looks_like_one = |word: &str| {
        let digits = word.strip_prefix(LETTERS).unwrap_or("");
        !digits.is_empty() && digits.chars().all(|c| c.is_ascii_digit())
    };
    words_of(plain).filter(move |(_, word)| looks_like_one(word) && word.parse::<ClauseId>().is_err())
}

/// Every word that has the form of a clause number.
fn ids(plain: &str) -> impl Iterator<Item = (Range<usize>, ClauseId)> {
    words_of(plain).filter_map(|(at, word)| Some((at..at + word.len(), word.parse().ok()?)))
}
