//! Lengths of time in free words: "the 90 days of S2" drifts when S2 changes and the words do not.
//!
//! Only words that belong together by the language's table are compared; a number that is near a clause by chance is not.

use std::ops::Range;

use super::Text;
use crate::{
    clause::ClauseId,
    language::{Language, Words},
    markdown::Passage,
    reading::{coverage::Found, problems::Problems, references},
    retention::{self, Period},
    term::{Promise, Term},
    words::{after, is_one_of, words_of},
};

/// Warns where the words tell another length of time than the clause they name.
pub(super) fn check(text: &Text<'_>, problems: &mut Problems<'_>) {
    for clause in text.found.iter().filter(|clause| clause.is_active()) {
        clause.passages().for_each(|words| passage(text, Some(clause), words, problems));
    }
    text.exempt.iter().for_each(|words| passage(text, None, words, problems));
}

fn passage(text: &Text<'_>, clause: Option<&Found>, passage: &Passage, problems: &mut Problems<'_>) {
    let plain = passage.plain();
    if !references::may_name_a_clause(plain) {
        return;
    }
    let language = problems.language;
    let periods = periods(plain, language);
    if periods.is_empty() {
        return;
    }
    for mention in references::mentions(passage, language.words()) {
        for (range, period) in &periods {
            if !belong(plain, range, &mention.range, language.words()) {
                continue;
            }
            let named: Vec<ClauseId> = mention.members(text.numbers).collect();
            let Some((first, says)) = otherwise(text, &named, *period) else { continue };
            let said = plain.get(range.clone()).unwrap_or_default();
            let here = clause.map_or_else(|| "this text".to_owned(), |clause| clause.id.to_string());
            let message = format!("`{said}`, says {here} of {}, which says {}", first.clause, says.phrase(language));
            let help = format!("write what {} says, or point at it without a length of time", first.clause);
            let remark = format!("{} says otherwise", first.clause);
            problems.second_look(
                passage.place(range.clone()),
                "drifted-number",
                message,
                (first.said_at, &remark),
                help,
            );
        }
    }
}

/// Every number with a unit, as in "90 days" and "90-day".
fn periods(plain: &str, language: Language) -> Vec<(Range<usize>, Period)> {
    let units = language.words().retention.units;
    let is_unit = |word: &str| {
        units.iter().any(|(_, one, several)| [one, several].iter().any(|unit| after(word, unit) == Some("")))
    };
    let mut periods = Vec::new();
    let mut before: Option<(usize, &str)> = None;
    for (at, word) in words_of(plain) {
        let number = before.replace((at, word)).filter(|(_, word)| word.bytes().all(|byte| byte.is_ascii_digit()));
        let Some((start, number)) = number else { continue };
        let mut between = plain.get(start + number.len()..at).unwrap_or_default().chars();
        let is_apart = between.next().is_some_and(|c| c.is_whitespace() || c == '-') && between.next().is_none();
        // A German dative has an `n` more: `Tagen`.
        let unit = [Some(word), word.strip_suffix('n')].into_iter().flatten().find(|unit| is_unit(unit));
        let Some(unit) = unit.filter(|_| is_apart) else { continue };
        if let Ok(period) = retention::period_in(language, &format!("{number} {unit}")) {
            periods.push((start..at + word.len(), period));
        }
    }
    periods
}

/// Whether a length of time and a clause belong together: only words that join them stand between.
fn belong(plain: &str, period: &Range<usize>, clause: &Range<usize>, words: &Words) -> bool {
    let is_ahead = period.end <= clause.start;
    let between = if is_ahead { period.end..clause.start } else { clause.end..period.start };
    let Some(joint) = plain.get(between) else { return false };
    let events = words.retention.events.iter().map(|(_, after, _)| *after);
    let event =
        events.map(|event| format!(" {} {event}", words.retention.after)).find(|event| joint.starts_with(event));
    let joint = event.and_then(|event| joint.get(event.len()..)).unwrap_or(joint);
    let marks = [',', ':', '('];
    joint.chars().all(|c| c.is_alphanumeric() || c.is_whitespace() || marks.contains(&c))
        && words_of(joint).all(|(_, word)| is_one_of(word, words.joints))
        && (is_ahead || !joint.trim().is_empty())
}

/// What a clause says of time.
enum Says<'t> {
    Period(Period),
    Phrase(&'t retention::Retention),
}

impl Says<'_> {
    fn phrase(&self, language: Language) -> String {
        let phrase = match self {
            Self::Period(period) => period.phrase_in(language),
            Self::Phrase(retention) => retention.phrase_in(language),
        };
        format!("`{phrase}`")
    }
}

/// The first term of the clauses that tells a length of time, if none of them tells this one.
fn otherwise<'t>(text: &Text<'t>, named: &[ClauseId], period: Period) -> Option<(&'t Term, Says<'t>)> {
    let mut first = None;
    for term in named.iter().flat_map(|id| text.terms_of(*id)) {
        let (says, told) = match &term.promise {
            Promise::Stored { retention, .. } => (Says::Phrase(retention), retention.periods()),
            Promise::Right { answer_within, .. } => (Says::Period(*answer_within), vec![*answer_within]),
            Promise::Measure { lead: Some(lead), .. } => (Says::Period(*lead), vec![*lead]),
            _ => continue,
        };
        if told.contains(&period) {
            return None;
        }
        first.get_or_insert((term, says));
    }
    first
}
