//! Changes of what a text promises, and damage that must not go unseen.

use std::ops::Range;

use avow_terms::vocabulary::Kind as CodeKind;

use crate::{
    VOCABULARY,
    dice::Dice,
    text::{Kind, Line, Text},
};

/// Another number: of days, of a clause, or in a row that says what a recipient sees by naming rows of what is kept.
pub(crate) fn number(text: &Text, dice: &mut Dice) -> Option<String> {
    let mut parts = text.lengths();
    parts.extend(text.clauses(false).iter().map(|line| number_of(text, line)));
    let seen = text.column("What they see").into_iter();
    parts.extend(seen.flat_map(|cell| digits(text, &cell)).filter(|at| text.whole[..at.start].ends_with('S')));
    let numbers: Vec<Range<usize>> = parts.iter().flat_map(|part| digits(text, part)).collect();
    let at = dice.pick(&numbers)?;
    let old: u64 = text.words(&at).parse().unwrap();
    let new = dice.pick(&[old + 1, old.saturating_sub(1), old * 2, old * 10, old / 2, old + 7, 0, 99_999_999_999])?;
    // `S0 to S8` are the same rows as `S1 to S8`.
    let is_same = new == old || (new == 0 && text.whole[..at.start].ends_with(" S"));
    (!is_same).then(|| text.with(&at, &new.to_string()))
}

/// The number a clause begins with, without its marks.
fn number_of(text: &Text, line: &Line) -> Range<usize> {
    let start = line.range.start + text.words(&line.range).find("**").unwrap() + 2;
    start..start + text.whole[start..].find("**").unwrap()
}

fn digits(text: &Text, within: &Range<usize>) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    for (at, _) in text.words(within).match_indices(|c: char| c.is_ascii_digit()) {
        let at = within.start + at;
        match found.last_mut() {
            Some(last) if last.end == at => last.end += 1,
            _ => found.push(at..at + 1),
        }
    }
    found
}

/// Another unit, no unit, or a word that is none.
pub(crate) fn unit(text: &Text, dice: &mut Dice) -> Option<String> {
    const UNITS: [&str; 10] =
        ["minutes", "hours", "days", "weeks", "months", "years", "fortnights", "dayz", "business days", ""];
    let units = text.lengths().into_iter().flat_map(|length| text.free_words(&length));
    let units: Vec<_> = units.filter(|word| UNITS[..6].contains(&plural(text.words(word)).as_str())).collect();
    let at =
        dice.pick(&units).filter(|at| text.whole[..at.start].trim_end().ends_with(|c: char| c.is_ascii_digit()))?;
    let new = dice.pick(&UNITS)?;
    (new != plural(text.words(&at))).then(|| text.with(&at, new))
}

fn plural(unit: &str) -> String {
    format!("{}s", unit.trim_end_matches('s'))
}

/// Another event that a period is counted from, another zone, or none at all.
pub(crate) fn anchor(text: &Text, dice: &mut Dice) -> Option<String> {
    const EVENTS: [&str; 11] = [
        "it was recorded",
        "the session ends",
        "the payment",
        "the account is closed",
        "the account is deleted",
        "you log out",
        "the subscription ends",
        "the financial year ends",
        "the session",
        "we no longer need it",
        "",
    ];
    let cell = dice.pick(&text.column("How long"))?;
    let said = text.words(&cell);
    if said.ends_with("(UTC)") {
        let zone = dice.pick(&["(Europe/Nicosia)", "(America/St_Johns)", "(our time)", "(UTC+1)", "()", ""])?;
        return Some(text.with(&cell, &said.replace("(UTC)", zone)));
    }
    let event = EVENTS[..8].iter().find(|event| said.ends_with(**event))?;
    let new = dice.pick(&EVENTS)?;
    let new = match dice.roll(4) {
        0 => said.replace(event, &format!("{event} or {new}")),
        1 => said.replace(&format!(" after {event}"), new),
        _ => said.replace(event, new),
    };
    (new != said).then(|| text.with(&cell, &new))
}

/// Another code of the same kind or of another one, or one that the vocabulary does not have.
pub(crate) fn code(text: &Text, dice: &mut Dice) -> Option<String> {
    let codes: Vec<_> = text.clauses(false).iter().flat_map(|line| text.codes(&line.range)).collect();
    let at = dice.pick(&codes)?;
    let old = text.words(&at).trim_matches('`');
    let new = match dice.roll(3) {
        0 => misspelt(old, dice),
        1 => dice.pick(&all(CodeKind::ALL))?,
        _ => {
            let same = CodeKind::ALL.into_iter().find(|kind| all([*kind]).iter().any(|code| code == old))?;
            dice.pick(&all([same]))?
        }
    };
    (new != old).then(|| text.with(&at, &format!("`{new}`")))
}

fn misspelt(code: &str, dice: &mut Dice) -> String {
    let at = dice.roll(code.len());
    let letter = dice.pick(&["q", "", "-", "E", "_", " ", "\u{435}", "\u{200b}"]).unwrap();
    format!("{}{letter}{}", &code[..at], &code[at + 1..])
}

fn all(kinds: impl IntoIterator<Item = CodeKind>) -> Vec<String> {
    kinds.into_iter().flat_map(|kind| VOCABULARY.codes(kind)).map(ToString::to_string).collect()
}

/// An exception that was not there, another one, or none where one was.
pub(crate) fn exception(text: &Text, dice: &mut Dice) -> Option<String> {
    let codes: Vec<_> = text.clauses(false).iter().flat_map(|line| text.codes(&line.range)).collect();
    let never = |at: &Range<usize>| text.whole[..at.start].rsplit('\n').next().unwrap().starts_with("- **N");
    let excepted: Vec<_> = codes.iter().filter(|at| text.whole[..at.start].ends_with(", except ")).cloned().collect();
    let other = dice.pick(&all([CodeKind::Data]))?;
    match dice.roll(4) {
        // Put in after a code.
        0 | 1 => {
            let at = dice.pick(&codes)?;
            let is_first = !text.whole[..at.start].ends_with(", except ") && text.whole[at.end..].starts_with(')');
            is_first.then(|| text.with(&(at.end..at.end), &format!(", except `{other}`")))
        }
        // Put in as words, where only brackets can except.
        2 => {
            let at = dice.pick(&codes.iter().filter(|at| never(at)).cloned().collect::<Vec<_>>())?;
            let line_end = at.end + text.whole[at.end..].find(|c: char| ";.\n".contains(c))?;
            let words = dice.pick(&[
                ", except on Sundays",
                " unless we have to",
                ", other than for our partners",
                " (apart from names)",
                ", save for backups",
                ", excluding logs",
            ])?;
            Some(text.with(&(line_end..line_end), words))
        }
        _ => {
            let at = dice.pick(&excepted)?;
            match dice.coin() {
                true => Some(text.with(&(at.start - ", except ".len()..at.end), "")),
                false => (text.words(&at) != format!("`{other}`")).then(|| text.with(&at, &format!("`{other}`"))),
            }
        }
    }
}

/// One clause less: a row, an item or a paragraph.
pub(crate) fn removed(text: &Text, dice: &mut Dice) -> Option<String> {
    let clause = dice.pick(&text.clauses(false))?;
    Some(text.with(&(clause.range.start..clause.range.end + 1), ""))
}

/// Damage to a table.
pub(crate) fn broken_table(text: &Text, dice: &mut Dice) -> Option<String> {
    let lines = text.of(&[Kind::Header, Kind::Delimiter, Kind::Row]);
    let line = dice.pick(&lines)?;
    let whole_line = line.range.start..line.range.end + 1;
    let cells = text.cells(&line);
    let cell = dice.pick(&cells)?;
    let is_inner = cell.end != cells.last()?.end;
    let bar = cell.end + text.whole[cell.end..].find('|')?;
    let under = line.range.end + 1;
    match dice.roll(8) {
        0 if is_inner => Some(text.with(&(bar..bar + 1), "")),
        1 => {
            let at = cell.start + dice.roll(cell.len().max(1));
            text.whole.is_char_boundary(at).then(|| text.with(&(at..at), "|"))
        }
        2 if line.kind != Kind::Row => Some(text.with(&whole_line, "")),
        3 if line.kind == Kind::Delimiter => Some(text.with(&(cell.start..bar + 1), "")),
        4 if line.kind == Kind::Header => Some(text.with(&cell, &format!("{} then", text.words(&cell)))),
        5 if line.kind != Kind::Row || text.whole[under..].starts_with('|') => Some(text.with(&(under..under), "\n")),
        6 if line.kind != Kind::Delimiter => {
            let other = dice.pick(&cells)?;
            let (one, other) = if cell.start < other.start { (cell, other) } else { (other, cell) };
            let later = text.with(&other, text.words(&one));
            Some(format!("{}{}{}", &later[..one.start], text.words(&other), &later[one.end..]))
        }
        7 if text.whole[under..].starts_with('|') => Some(text.with(&(line.range.end..under), " ")),
        _ => None,
    }
}

/// A sentence that nobody could be held to: as a paragraph, an item, a row, a quotation, code or HTML.
pub(crate) fn unnumbered(text: &Text, dice: &mut Dice) -> Option<String> {
    const SENTENCES: [&str; 8] = [
        "The sky is blue.",
        "We sell everything to anybody.",
        "See S2 for more.",
        "**Important:** the above does not apply.",
        "We keep `traffic.content` for ever (`marketing`).",
        "None of this is meant.",
        "Nothing above binds us, see C2.",
        "…",
    ];
    let sentence = dice.pick(&SENTENCES)?;
    let line = dice.pick(&text.of(&[Kind::Blank, Kind::Item, Kind::Row, Kind::Header]))?;
    let (before, after) = (line.range.start, line.range.end + 1);
    let in_body = text.whole[..before].contains("\n---\n");
    match (line.kind, dice.roll(5)) {
        (Kind::Blank, 0) if in_body => Some(text.with(&(after..after), &format!("{sentence}\n\n"))),
        (Kind::Blank, 1) if in_body => Some(text.with(&(after..after), &format!("> {sentence}\n\n"))),
        (Kind::Blank, 2) if in_body => Some(text.with(&(after..after), &format!("```\n{sentence}\n```\n\n"))),
        (Kind::Blank, 3) if in_body => Some(text.with(&(after..after), &format!("<p>{sentence}</p>\n\n"))),
        (Kind::Blank, _) if in_body => Some(text.with(&(after..after), &format!("- {sentence}\n\n"))),
        (Kind::Item, 0 | 1) => Some(text.with(&(after..after), &format!("- {sentence}\n"))),
        (Kind::Item, 2) => Some(text.with(&(after..after), &format!("\n  {sentence}\n\n"))),
        (Kind::Item, _) => Some(text.with(&(after..after), &format!("  - {sentence}\n"))),
        (Kind::Row, 0 | 1) => {
            let empty = " |".repeat(text.cells(&line).len() - 1);
            Some(text.with(&(after..after), &format!("| {sentence} |{empty}\n")))
        }
        (Kind::Row, 2) => Some(text.with(&(after..after), &format!("{sentence}\n"))),
        (Kind::Header, 0) => Some(text.with(&(before..before), &format!("{sentence}\n"))),
        _ => None,
    }
}
