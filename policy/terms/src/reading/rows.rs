//! The rows of the three tables as terms: one for each code and purpose.

use std::collections::BTreeSet;

use super::{
    codes::{self, Said},
    columns::{Cells, Column},
    coverage::Found,
    problems::Problems,
};
use crate::{
    clause::Letter,
    code::Code,
    legal::{Country, LegalBasis},
    markdown::Passage,
    retention::{self, Period, Refused, Retention},
    source::Span,
    suggest,
    term::{Origin, Promise, Term},
    vocabulary::{Kind, Vocabulary},
    words::on_one_line,
};

/// What is needed to read a row.
pub(super) struct RowReader<'r, 's> {
    pub(super) vocabulary: &'r Vocabulary,
    pub(super) problems: &'r mut Problems<'s>,
}

impl RowReader<'_, '_> {
    /// The terms of a row. `seen` are the codes of the clauses that its "What they see" points at, if it points at any.
    pub(super) fn terms(&mut self, found: &Found, cells: &Cells, seen: Option<&BTreeSet<Code>>) -> Vec<Term> {
        for cell in [Column::LegalBasis, Column::Transfer].iter().filter_map(|column| cells.get(*column)) {
            self.no_code(cell);
        }
        match found.id.letter {
            Letter::S => self.stored(found, cells),
            Letter::R => self.shared(found, cells, seen),
            Letter::U => self.rights(found, cells),
            _ => Vec::new(),
        }
    }

    fn stored(&mut self, found: &Found, cells: &Cells) -> Vec<Term> {
        let data = self.codes(cells, Column::Kept, Kind::Data, true);
        let purposes = self.codes(cells, Column::Why, Kind::Purpose, true);
        let origin = self.plain_cell(cells, Column::Origin).and_then(|cell| self.origin(cell));
        let how_long = self.plain_cell(cells, Column::HowLong);
        let retention = how_long.and_then(|cell| self.retention(cell));
        let (legal_basis, transfer) = (self.legal_basis(cells), self.transfer(cells));
        let (Some(origin), Some(retention), Some(how_long)) = (origin, retention, how_long) else { return Vec::new() };
        let said_at = how_long.words_place();
        let pairs = data.iter().flat_map(|data| purposes.iter().map(move |purpose| (data, purpose)));
        pairs
            .map(|(data, purpose)| {
                let (data, purpose, retention) = (data.code.clone(), purpose.code.clone(), retention.clone());
                let (legal_basis, transfer) = (legal_basis.clone(), transfer.clone());
                let promise =
                    Promise::Stored { data, purpose, origin, retention, consent: false, legal_basis, transfer };
                Term { clause: found.id, said_at, promise }
            })
            .collect()
    }

    fn shared(&mut self, found: &Found, cells: &Cells, seen: Option<&BTreeSet<Code>>) -> Vec<Term> {
        let mut data: BTreeSet<Code> = seen.cloned().unwrap_or_default();
        data.extend(self.codes(cells, Column::Sees, Kind::Data, false).into_iter().map(|said| said.code));
        let purposes = self.codes(cells, Column::Why, Kind::Purpose, true);
        let recipient = self.plain_cell(cells, Column::Who).map(|cell| on_one_line(&cell.text));
        let when = self.plain_cell(cells, Column::When).map(|cell| on_one_line(&cell.text));
        let sees = self.cell(cells, Column::Sees);
        let (legal_basis, transfer) = (self.legal_basis(cells), self.transfer(cells));
        let (Some(recipient), Some(when), Some(sees)) = (recipient, when, sees) else { return Vec::new() };
        if data.is_empty() && seen.is_some() && self.problems.any_error() {
            // What the rows keep could not be read; that has been said where it stands.
            return Vec::new();
        }
        if data.is_empty() {
            let help = "name the data in backticks, `(`account.email`)`, or point at the clauses that do, `S1 to S8`";
            self.problems.error(sees.words_place(), "no-code", "this says nothing that can be checked", help);
            return Vec::new();
        }
        let share = |purpose: Said| {
            let (recipient, when, data) = (recipient.clone(), when.clone(), data.clone());
            let (legal_basis, transfer) = (legal_basis.clone(), transfer.clone());
            let promise = Promise::Share { recipient, data, purpose: purpose.code, when, legal_basis, transfer };
            Term { clause: found.id, said_at: sees.words_place(), promise }
        };
        purposes.into_iter().map(share).collect()
    }

    fn rights(&mut self, found: &Found, cells: &Cells) -> Vec<Term> {
        let rights = self.codes(cells, Column::May, Kind::Right, true);
        let how = self.plain_cell(cells, Column::How);
        let within = self.plain_cell(cells, Column::AnsweredWithin);
        let answer_within = within.and_then(|cell| self.period(cell));
        let (Some(_), Some(within), Some(answer_within)) = (how, within, answer_within) else { return Vec::new() };
        let right = |right: Said| {
            let promise = Promise::Right { right: right.code, answer_within };
            Term { clause: found.id, said_at: within.words_place(), promise }
        };
        rights.into_iter().map(right).collect()
    }

    /// The cell of a column, which must say something.
    fn cell<'c>(&mut self, cells: &'c Cells, column: Column) -> Option<&'c Passage> {
        let cell = cells.get(column)?;
        if cell.is_empty() {
            let message = format!("the cell `{}` is empty", self.problems.words_of_language().column(column));
            self.problems.error(place_of(cell, cells), "empty-cell", message, "fill it in");
            return None;
        }
        Some(cell)
    }

    fn codes(&mut self, cells: &Cells, column: Column, kind: Kind, needed: bool) -> Vec<Said> {
        let Some(cell) = self.cell(cells, column) else { return Vec::new() };
        let has_pieces = cell.codes().next().is_some();
        let mut said = Vec::new();
        for group in codes::groups(cell, &codes::brackets(cell), self.vocabulary, self.problems) {
            for extra in group.about.iter().chain(&group.except) {
                let help = "in a table, codes are only listed, with commas between them";
                self.problems.error(extra.place, "words-among-codes", "a row knows no exception and no `:`", help);
            }
            said.extend(group.codes);
        }
        if !has_pieces && needed {
            let help = format!("add {} in backticks, `(`{}`)`", kind.noun(), example(kind));
            self.problems.error(cell.words_place(), "no-code", "this says nothing that can be checked", help);
        }
        said.retain(|code| self.is_kind(code, kind, column));
        said
    }

    fn is_kind(&mut self, said: &Said, kind: Kind, column: Column) -> bool {
        if said.kind != kind {
            let message = format!("`{}` is {}", said.code, said.kind.noun());
            let help = format!(
                "the column `{}` takes {}, such as `{}`",
                self.problems.words_of_language().column(column),
                kind.noun(),
                example(kind)
            );
            self.problems.error(said.place, "wrong-kind", message, help);
        }
        said.kind == kind
    }

    /// The cell of a column that takes words only.
    fn plain_cell<'c>(&mut self, cells: &'c Cells, column: Column) -> Option<&'c Passage> {
        let cell = self.cell(cells, column)?;
        self.no_code(cell).then_some(cell)
    }

    /// Whether a cell names no code; one that does is reported.
    fn no_code(&mut self, cell: &Passage) -> bool {
        let Some(code) = cell.codes().next() else { return true };
        self.problems.error(code.span, "code-without-effect", "a code has no effect here", "take it out of this cell");
        false
    }

    fn origin(&mut self, cell: &Passage) -> Option<Origin> {
        let origins = self.problems.words_of_language().origins;
        let said = on_one_line(&cell.text);
        let said = said.trim_end_matches('.');
        let known = origins.into_iter().find(|(_, words)| words.eq_ignore_ascii_case(said));
        if known.is_none() {
            let help = match suggest::nearest(said, origins.map(|(_, words)| words)) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("write one of: {}", origins.map(|(_, words)| words).join(", ")),
            };
            self.problems.error(cell.words_place(), "unknown-origin", format!("unknown origin `{said}`"), help);
        }
        known.map(|(origin, _)| origin)
    }

    /// What the row says about its legal grounds; nothing if there is no such column, or the cell is empty.
    fn legal_basis(&mut self, cells: &Cells) -> BTreeSet<LegalBasis> {
        let words = self.problems.words_of_language();
        let Some(cell) = cells.get(Column::LegalBasis).filter(|cell| !cell.is_empty()) else { return BTreeSet::new() };
        let list = LegalBasis::list(&cell.text, words);
        if list.is_none() {
            let each = LegalBasis::ALL.map(|basis| format!("`{}` {}", basis.cite(words), basis.name()));
            let help = format!("write one or more of: {}", each.join(", "));
            let message = format!("`{}` is no legal basis of GDPR Art. 6(1)", cell.text.trim());
            self.problems.error(cell.words_place(), "unknown-legal-basis", message, help);
        }
        list.into_iter().flatten().collect()
    }

    /// The countries the row names; `None` if there is no such column, or the cell is empty.
    fn transfer(&mut self, cells: &Cells) -> Option<BTreeSet<Country>> {
        let words = self.problems.words_of_language();
        let cell = cells.get(Column::Transfer).filter(|cell| !cell.is_empty())?;
        let said = cell.text.trim().trim_end_matches('.');
        if said.to_lowercase() == words.no_transfer {
            return Some(BTreeSet::new());
        }
        let countries: Option<BTreeSet<Country>> = said.split(',').map(|part| Country::new(part.trim())).collect();
        if countries.is_none() {
            let help =
                format!("name countries by two capital letters (ISO 3166), `NO, US`, or write `{}`", words.no_transfer);
            let message = format!("`{said}` is no list of countries");
            self.problems.error(cell.words_place(), "unknown-country", message, help);
        }
        countries
    }

    fn retention(&mut self, cell: &Passage) -> Option<Retention> {
        let read = retention::phrase_in(self.problems.language, &cell.text);
        self.or_refused(cell, read)
    }

    fn period(&mut self, cell: &Passage) -> Option<Period> {
        let read = retention::period_in(self.problems.language, &cell.text);
        self.or_refused(cell, read)
    }

    fn or_refused<T>(&mut self, cell: &Passage, read: Result<T, Refused>) -> Option<T> {
        read.map_err(|refused| {
            let place = if refused.range.is_empty() { cell.words_place() } else { cell.place(refused.range) };
            self.problems.error(place, refused.code, refused.message, refused.help);
        })
        .ok()
    }
}

/// An empty cell has no words to underline: the number of its row stands for it.
fn place_of(cell: &Passage, cells: &Cells) -> Span {
    let number = cells.get(Column::Ref).map_or(cell.span, Passage::words_place);
    if cell.span.start < cell.span.end { cell.span } else { number }
}

pub(super) fn example(kind: Kind) -> &'static str {
    match kind {
        Kind::Data => "account.email",
        Kind::Purpose => "service.auth",
        Kind::Measure => "no-disclosure",
        Kind::Right => "delete",
    }
}
