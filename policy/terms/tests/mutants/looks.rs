//! Changes of how a text looks, and of words that are free.

use std::ops::Range;

use crate::{
    dice::Dice,
    text::{Kind, Line, Text},
};

/// Breaks the lines of paragraphs and items at other places.
pub(crate) fn wrapped(text: &Text, dice: &mut Dice) -> Option<String> {
    Some(text.map(|line, words| {
        if !matches!(line.kind, Kind::Paragraph | Kind::Item) {
            return words.to_owned();
        }
        let width = 12 + dice.roll(100);
        let indent = " ".repeat(dice.roll(4));
        let mut lines = vec![String::new()];
        for word in words.split(' ') {
            let last = lines.last_mut().unwrap();
            if !last.is_empty() && last.len() + word.len() > width {
                lines.push(format!("{indent}{word}"));
            } else {
                last.push_str(if last.is_empty() { "" } else { " " });
                last.push_str(word);
            }
        }
        lines.join("\n")
    }))
}

/// Writes the numbers in bold in the ways that Markdown has for it, with the dot inside, outside or left out.
pub(crate) fn bold(text: &Text, dice: &mut Dice) -> Option<String> {
    let in_words = ["**#.**", "__#.__", "**#**.", "__#__.", "**#:**", "**#**", "**#.** "];
    let in_cell = ["**#**", "__#__", "**#.**", "__#.__"];
    Some(text.map(|line, words| {
        let styles: &[&str] = if line.kind == Kind::Row { &in_cell } else { &in_words };
        let number = words.split("**").nth(1).filter(|_| is_clause(line));
        let Some(number) = number else { return words.to_owned() };
        let style = dice.pick(styles).unwrap();
        words.replacen(&format!("**{number}**"), &style.replace('#', number.trim_end_matches('.')), 1)
    }))
}

fn is_clause(line: &Line) -> bool {
    matches!(line.kind, Kind::Row | Kind::Item | Kind::Paragraph)
}

/// Aligns and pads the tables otherwise, and leaves bars at the ends of lines out.
pub(crate) fn aligned(text: &Text, dice: &mut Dice) -> Option<String> {
    let rules = ["---", ":---", "---:", ":---:", "--", "---------"];
    Some(text.map(|line, words| {
        if !matches!(line.kind, Kind::Header | Kind::Delimiter | Kind::Row) {
            return words.to_owned();
        }
        let (open, close) = (dice.roll(4) > 0, dice.roll(4) > 0);
        let cells = text.cells(line).into_iter().map(|cell| match line.kind {
            Kind::Delimiter => dice.pick(&rules).unwrap().to_owned(),
            _ => text.words(&cell).to_owned(),
        });
        let cells: Vec<String> = cells.collect();
        let padded = cells.iter().map(|cell| format!("{}{cell}{}", " ".repeat(dice.roll(3)), " ".repeat(dice.roll(9))));
        let row = padded.collect::<Vec<_>>().join("|");
        let row = if open { format!("{}|{row}", " ".repeat(dice.roll(4))) } else { row.trim_start().to_owned() };
        if close { row + "|" } else { row.trim_end().to_owned() }
    }))
}

/// Ends some lines, or all of them, as Windows does.
pub(crate) fn line_ends(text: &Text, dice: &mut Dice) -> Option<String> {
    let most = dice.roll(5);
    let mark = if dice.roll(4) == 0 { "\u{feff}" } else { "" };
    Some(mark.to_owned() + &text.map(|_, words| words.to_owned() + if dice.roll(5) <= most { "\r" } else { "" }))
}

/// Writes words in another case: those of headers and controlled phrases, and free ones.
pub(crate) fn case(text: &Text, dice: &mut Dice) -> Option<String> {
    let mut words = free(text);
    for cell in ["How long", "Answered within", "Where it comes from"].iter().flat_map(|name| text.column(name)) {
        words.extend(text.free_words(&cell));
    }
    let others = text.of(&[Kind::Header, Kind::Heading, Kind::Paragraph]);
    for line in others.iter().filter(|line| !text.words(&line.range).contains("**")) {
        words.extend(text.free_words(&line.range));
    }
    let mut mutant = text.whole.clone();
    for _ in 0..=dice.roll(40) {
        let word = dice.pick(&words)?;
        let said = text.words(&word);
        let other = if dice.coin() { said.to_uppercase() } else { said.to_lowercase() };
        mutant.replace_range(word, &other);
    }
    Some(mutant)
}

/// Replaces free words, takes some out and puts others in.
pub(crate) fn reworded(text: &Text, dice: &mut Dice) -> Option<String> {
    const OTHERS: [&str; 10] =
        ["readers", "plainly", "our", "people", "this", "page", "usually", "café", "“service”", "whoever"];
    let mut words = free(text);
    words.retain(|word| !is_bound(&text.words(word).to_lowercase()));
    let mut chosen: Vec<Range<usize>> = Vec::new();
    for _ in 0..=dice.roll(6) {
        let word = dice.pick(&words)?;
        if !chosen.contains(&word) {
            chosen.push(word);
        }
    }
    chosen.sort_by_key(|word| std::cmp::Reverse(word.start));
    let mut mutant = text.whole.clone();
    for word in chosen {
        let other = dice.pick(&OTHERS)?;
        let said = text.words(&word);
        let new = match dice.roll(3) {
            0 => other.to_owned(),
            1 => format!("{said} {other}"),
            _ => format!("{other}, {other} {said}"),
        };
        mutant.replace_range(word, &new);
    }
    Some(mutant)
}

/// The words of clauses that no code, no number, no column and no phrase of the language depends on.
fn free(text: &Text) -> Vec<Range<usize>> {
    let mut parts: Vec<Range<usize>> =
        ["What we keep", "Why", "What they see", "You may", "How"].iter().flat_map(|name| text.column(name)).collect();
    let clauses = text.clauses(true).into_iter().filter(|line| line.kind != Kind::Row);
    parts.extend(clauses.map(|line| line.range));
    let mut words: Vec<_> = parts.iter().flat_map(|part| text.free_words(part)).collect();
    words.retain(|word| !in_brackets(text, word) && !text.words(word).chars().all(char::is_uppercase));
    words
}

/// Whether a word stands in brackets that hold a code: `(identity, except account.email)`.
fn in_brackets(text: &Text, word: &Range<usize>) -> bool {
    let before = &text.whole[..word.start];
    let open = before.rfind('(').filter(|open| !before[*open..].contains([')', '\n']));
    open.is_some_and(|open| text.whole[open..].split(')').next().unwrap().contains('`'))
}

/// Words that mean something where they stand: a denial, an exception, a reference, a lead.
fn is_bound(word: &str) -> bool {
    let bound = "never not no none nobody nothing nowhere neither nor without cannot \
                 except unless other than apart from excluding save for see to at least ahead day";
    bound.split_whitespace().any(|bound| bound == word)
}

/// Moves a section, an item, a row or a column.
pub(crate) fn moved(text: &Text, dice: &mut Dice) -> Option<String> {
    match dice.roll(4) {
        0 | 1 => section_moved(text, dice),
        2 => lines_swapped(text, dice),
        _ => column_moved(text, dice),
    }
}

fn section_moved(text: &Text, dice: &mut Dice) -> Option<String> {
    let mut sections: Vec<&str> = text.whole.split("\n## ").map(str::trim_end).collect();
    let opening = sections.remove(0);
    let section = sections.remove(dice.roll(sections.len()));
    sections.insert(dice.roll(sections.len() + 1), section);
    Some(format!("{opening}\n\n## {}\n", sections.join("\n\n## ")))
}

fn lines_swapped(text: &Text, dice: &mut Dice) -> Option<String> {
    let movable = |line: &Line| matches!(line.kind, Kind::Item | Kind::Row);
    let runs: Vec<&[Line]> =
        text.lines.chunk_by(|one, other| one.kind == other.kind && movable(one)).filter(|run| run.len() > 1).collect();
    let run = dice.pick(&runs)?;
    let (one, other) = (dice.pick(run)?.range, dice.pick(run)?.range);
    let (one, other) = if one.start < other.start { (one, other) } else { (other, one) };
    let later = text.with(&other, text.words(&one));
    Some(format!("{}{}{}", &later[..one.start], text.words(&other), &later[one.end..]))
}

fn column_moved(text: &Text, dice: &mut Dice) -> Option<String> {
    let headers = text.of(&[Kind::Header]);
    let header = dice.pick(&headers)?;
    let columns = text.cells(&header).len();
    let (from, to) = (dice.roll(columns), dice.roll(columns));
    let mut in_table = false;
    Some(text.map(|line, words| {
        in_table = line.range == header.range || (in_table && line.kind != Kind::Blank);
        if !in_table {
            return words.to_owned();
        }
        let mut cells: Vec<String> = text.cells(line).iter().map(|cell| text.words(cell).to_owned()).collect();
        let cell = cells.remove(from);
        cells.insert(to, cell);
        format!("| {} |", cells.join(" | "))
    }))
}
