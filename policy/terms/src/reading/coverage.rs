//! No promise escapes: every block of the body is a numbered clause, or one of the few that need no number.
//!
//! What an unnumbered block says does not matter: there is no list of harmless words.

use std::collections::BTreeMap;

use super::{
    columns::{self, Cells, Column, Columns},
    number::{self, Start},
    problems::Problems,
    triggers,
};
use crate::{
    clause::{ClauseId, Letter, State},
    language::Words,
    markdown::{Block, Passage, Row, Table},
    source::Span,
    words::{are, on_one_line},
};

/// A numbered clause as it was found.
#[derive(Debug, Clone)]
pub(super) struct Found {
    pub(super) id: ClauseId,
    /// The number.
    pub(super) place: Span,
    /// The whole clause.
    pub(super) span: Span,
    pub(super) body: Body,
    pub(super) state: State,
    /// Whether it stands under "We never keep".
    pub(super) under_never: bool,
}

/// What a clause is made of.
#[derive(Debug, Clone)]
pub(super) enum Body {
    /// A paragraph or an item, without its number.
    Words(Passage),
    /// A row of a table.
    Row(Cells),
}

/// The title and the clauses of a text.
pub(super) struct Outline {
    pub(super) title: Option<String>,
    pub(super) found: Vec<Found>,
    pub(super) numbers: Numbers,
    /// The words that need no number and have none.
    pub(super) exempt: Vec<Passage>,
}

/// Which of the clauses found has which number.
pub(super) type Numbers = BTreeMap<ClauseId, usize>;

impl Found {
    /// Its words: the one passage, or the cells of the row without the number.
    pub(super) fn passages(&self) -> impl Iterator<Item = &Passage> {
        let (words, cells) = match &self.body {
            Body::Words(passage) => (Some(passage), None),
            Body::Row(cells) => (None, Some(cells)),
        };
        words.into_iter().chain(cells.into_iter().flat_map(Cells::said))
    }
}

/// Finds every clause, and reports every block that is none and may not be.
pub(super) fn read(blocks: Vec<Block>, informative: &[(String, Span)], problems: &mut Problems<'_>) -> Outline {
    let mut walk = Walk { informative, ..Walk::new(problems) };
    for block in blocks {
        walk.block(block);
    }
    walk.end()
}

struct Walk<'w, 's> {
    problems: &'w mut Problems<'s>,
    informative: &'w [(String, Span)],
    headings: Vec<String>,
    /// The paragraph between the first and the second heading was seen.
    opened: bool,
    /// The level of the heading of the informative section we are in.
    informs: Option<u8>,
    lead_in: Option<LeadIn>,
    found: Vec<Found>,
    numbers: Numbers,
    exempt: Vec<Passage>,
}

struct LeadIn {
    letter: Letter,
    place: Span,
    /// The list it leads into, once that has begun.
    list: Option<usize>,
}

impl<'w, 's> Walk<'w, 's> {
    fn new(problems: &'w mut Problems<'s>) -> Self {
        Self {
            problems,
            informative: &[],
            headings: Vec::new(),
            opened: false,
            informs: None,
            lead_in: None,
            found: Vec::new(),
            numbers: Numbers::new(),
            exempt: Vec::new(),
        }
    }

    fn block(&mut self, block: Block) {
        let lead_in = self.lead_in.take();
        let letter = lead_in.as_ref().map(|lead_in| lead_in.letter);
        match (block, lead_in) {
            (Block::Item { list, passage }, Some(lead_in)) if lead_in.list.is_none_or(|led| led == list) => {
                self.words(&passage, letter);
                self.lead_in = Some(LeadIn { list: Some(list), ..lead_in });
            }
            (Block::Table(table), Some(LeadIn { list: None, .. })) => self.table(table, letter),
            (block, Some(LeadIn { list: None, place, .. })) => {
                let help = "put the list or the table right after it";
                self.problems.error(place, "lead-in-alone", "nothing follows this line", help);
                self.block(block);
            }
            (Block::Heading { level, passage }, _) => self.heading(level, &passage),
            (Block::Paragraph(passage), _) => self.paragraph(&passage),
            (Block::Item { passage, .. }, _) => self.words(&passage, None),
            (Block::Table(table), _) => self.table(table, None),
            (Block::Code(span), _) => self.unnumbered(span),
            (Block::Html(_), _) => {}
        }
    }

    fn end(mut self) -> Outline {
        if let Some(LeadIn { list: None, place, .. }) = self.lead_in.take() {
            self.problems.error(
                place,
                "lead-in-alone",
                "nothing follows this line",
                "put the list or the table right after it",
            );
        }
        for (name, place) in self.informative {
            if !self.headings.contains(name) {
                let help = "name the heading of a section, word for word";
                self.problems.error(*place, "no-such-section", format!("there is no section `{name}`"), help);
            }
        }
        if self.headings.is_empty() {
            let at = Span::default();
            self.problems.error(
                at,
                "no-title",
                "the text has no title",
                "start the body with a heading: `# Privacy policy`",
            );
        }
        Outline {
            title: self.headings.into_iter().next(),
            found: self.found,
            numbers: self.numbers,
            exempt: self.exempt,
        }
    }

    fn heading(&mut self, level: u8, passage: &Passage) {
        let name = on_one_line(&passage.text);
        if self.informs.is_some_and(|open| level <= open) {
            self.informs = None;
        }
        if self.informative.iter().any(|(named, _)| *named == name) {
            self.informs = self.informs.or(Some(level));
        }
        if let Start::Numbered { id, place, .. } = number::start(passage) {
            let help = "put the clause in a paragraph under the heading";
            self.problems.error(place, "number-in-heading", format!("{id} is a heading, which promises nothing"), help);
        }
        self.headings.push(name);
    }

    fn paragraph(&mut self, passage: &Passage) {
        let lead_ins = self.problems.words_of_language().lead_ins;
        if let Some(&(_, letter)) = lead_ins.iter().find(|(words, _)| are(&passage.text, words)) {
            self.lead_in = Some(LeadIn { letter, place: passage.span, list: None });
            return;
        }
        let opening = self.headings.len() == 1 && !self.opened;
        self.opened |= opening;
        if opening && matches!(number::start(passage), Start::Unnumbered) {
            return self.exempt(passage);
        }
        self.words(passage, None);
    }

    /// A block that needs a number. After a lead-in the number needs the letter that the lead-in calls for.
    fn words(&mut self, passage: &Passage, letter: Option<Letter>) {
        match number::start(passage) {
            Start::Numbered { id, place, rest } => {
                if let Some(letter) = letter.filter(|letter| *letter != id.letter) {
                    let message = format!("{id} stands under a line that turns its meaning round");
                    let help = format!("only {letter:?} clauses stand here; move {id} to a place of its own");
                    self.problems.error(place, "wrong-lead-in", message, help);
                }
                self.numbers_inside(&rest, Some(id));
                let state = number::withdrawn(&rest.text, self.problems.words_of_language()).unwrap_or(State::Active);
                let under_never = letter == Some(Letter::N);
                self.found(Found { id, place, span: passage.span, body: Body::Words(rest), state, under_never });
            }
            Start::Plain { id, place } => {
                let message = format!("the number {id} is not in bold");
                self.problems.error(place, "plain-number", message, format!("write `**{id}.**`"));
            }
            Start::Misspelt { words, place } => self.misspelt(&words, place),
            Start::Unnumbered if self.informs.is_some() => self.exempt(passage),
            Start::Unnumbered => self.unnumbered(passage.span),
        }
    }

    /// Words that need no number, and may hold none: a clause that begins there would be lost.
    fn exempt(&mut self, passage: &Passage) {
        self.numbers_inside(passage, None);
        triggers::in_exempt(passage, self.problems);
        self.exempt.push(passage.clone());
    }

    /// Reports the clauses that begin inside another one, or inside text without a number.
    fn numbers_inside(&mut self, passage: &Passage, outer: Option<ClauseId>) {
        for (later, place) in number::later_numbers(passage) {
            let outer = outer.map_or_else(|| "text that promises nothing".to_owned(), |id| id.to_string());
            let help = "leave a blank line before it; where it only points at the clause, take the bold off";
            self.problems.error(place, "number-inside", format!("{later} begins inside {outer}"), help);
        }
    }

    fn misspelt(&mut self, words: &str, place: Span) {
        let help = "a number is one of the letters N S R L U T C G, a number, and at most one small letter: `**S2.**`";
        self.problems.error(place, "bad-clause-number", format!("`{words}` is not a clause number"), help);
    }

    fn unnumbered(&mut self, span: Span) {
        if !self.problems.any_error_in(span) {
            let help = "start it with a bold number such as `**G4.**`, or name its section under `informative:`";
            self.problems.error(span, "unnumbered", "this has no clause number, so nobody could be held to it", help);
        }
    }

    fn table(&mut self, table: Table, letter: Option<Letter>) {
        let is_numbered =
            |row: &Row| row.cells.first().is_some_and(|cell| !matches!(number::start(cell), Start::Unnumbered));
        if self.informs.is_some() && !table.rows.iter().any(is_numbered) {
            let cells = table.rows.iter().flat_map(|row| &row.cells);
            return cells.for_each(|cell| triggers::in_exempt(cell, self.problems));
        }
        let Some(columns) = columns::read(&table, self.problems) else { return };
        if table.rows.is_empty() {
            let help = "add a row, or take the table out";
            self.problems.error(table.span, "empty-table", "a table without a row", help);
        }
        for row in table.rows {
            self.row(&columns, row, letter);
        }
    }

    fn row(&mut self, columns: &Columns, row: Row, letter: Option<Letter>) {
        let span = row.span;
        let Some(cells) = columns.cells(row, self.problems) else { return };
        let Some(number) = cells.get(Column::Ref) else { return };
        let (id, place) = match number::start(number) {
            Start::Numbered { id, place, rest } if rest.is_empty() => (id, place),
            Start::Numbered { rest, .. } => {
                let help = "the first cell holds the number alone";
                return self.problems.error(rest.words_place(), "words-in-ref", "words beside the number", help);
            }
            Start::Plain { id, place } => {
                let message = format!("the number {id} is not in bold");
                return self.problems.error(place, "plain-number", message, format!("write `**{id}**`"));
            }
            Start::Misspelt { words, place } => return self.misspelt(&words, place),
            Start::Unnumbered => {
                let help = format!("start it with a bold number such as `**{:?}4**`", columns.shape.letter);
                return self.problems.error(span, "unnumbered", "a row without a clause number", help);
            }
        };
        let expected = letter.unwrap_or(columns.shape.letter);
        if id.letter != expected || id.letter != columns.shape.letter {
            let message = format!("{id} does not belong in this table");
            let help = format!("the rows of this table have the letter {:?}", columns.shape.letter);
            self.problems.error(place, "wrong-table", message, help);
        }
        let state = withdrawn_row(&cells, self.problems.words_of_language()).unwrap_or(State::Active);
        self.found(Found { id, place, span, body: Body::Row(cells), state, under_never: false });
    }

    fn found(&mut self, found: Found) {
        let first = self.numbers.get(&found.id).and_then(|first| self.found.get(*first));
        if let Some(first) = first.map(|first| first.place) {
            let message = format!("clause {} is already used", found.id);
            let help = "a number belongs to one subject: take the next free one";
            self.problems.clash(found.place, "duplicate-number", message, (first, "first used here"), help);
            return;
        }
        self.numbers.insert(found.id, self.found.len());
        self.found.push(found);
    }
}

/// A row that was withdrawn says so in one cell, and nothing in the others.
fn withdrawn_row(cells: &Cells, words: &Words) -> Option<State> {
    let mut said = cells.said().filter(|cell| !cell.is_empty());
    let state = number::withdrawn(&said.next()?.text, words)?;
    said.next().is_none().then_some(state)
}
