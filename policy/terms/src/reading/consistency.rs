//! One text against itself: what it promises never to keep, and what it keeps.

use std::collections::{BTreeMap, BTreeSet};

use super::{coverage::Found, kept::Kept, problems::Problems, text::Text};
use crate::{
    clause::{ClauseId, Letter},
    code::Code,
    source::Span,
    term::{Promise, Term},
};

/// Reports every pair of terms that cannot both be kept, and a table that nothing calls complete.
pub(super) fn check(text: &Text<'_>, problems: &mut Problems<'_>) {
    let mut checker = Checker { text, problems };
    let Text { kept, terms, .. } = *text;
    // What no clause forbids in one row, no clause forbids in another.
    let mut free: BTreeSet<&Code> = BTreeSet::new();
    for one in kept {
        if !free.contains(&one.code) && !checker.never_against(one, &one.code) {
            free.insert(&one.code);
        }
    }
    let rows = rows(terms);
    for (data, terms) in &rows {
        let Some((first, others)) = terms.split_first() else { continue };
        others.iter().for_each(|other| checker.two_retentions(first, other, data));
        checker.narrower_rows(terms, data, &rows);
    }
    checker.shown_without_condition();
    if let Some(first) = kept.first() {
        checker.completeness(first, &first.code);
    }
}

/// For each code of data the term of each row that keeps it, in the order of the text.
fn rows(terms: &[Term]) -> BTreeMap<&Code, Vec<&Term>> {
    let mut rows: BTreeMap<&Code, Vec<&Term>> = BTreeMap::new();
    for term in terms {
        let Promise::Stored { data, .. } = &term.promise else { continue };
        let terms = rows.entry(data).or_default();
        // The terms of one row stand together, one for each purpose.
        if terms.last().is_none_or(|last| last.clause != term.clause) {
            terms.push(term);
        }
    }
    rows
}

struct Checker<'c, 's> {
    text: &'c Text<'c>,
    problems: &'c mut Problems<'s>,
}

impl Checker<'_, '_> {
    /// Reports every clause that promises never to keep what a row keeps, and says whether there is one.
    fn never_against(&mut self, stored: &Kept, code: &Code) -> bool {
        let mut any = false;
        for never in self.text.terms {
            let Promise::Never { data, except } = &never.promise else { continue };
            let Some(ancestor) = data.iter().find(|ancestor| self.text.vocabulary.covers(ancestor, code)) else {
                continue;
            };
            if except.iter().any(|exception| self.text.vocabulary.covers(exception, code)) {
                continue;
            }
            let (kept_by, refused_by) = (stored.clause, never.clause);
            let message = format!("{kept_by} keeps `{code}`, and {refused_by} promises never to keep `{ancestor}`");
            let except = self.problems.words_of_language().except;
            let help = if ancestor == code {
                format!("take `{code}` out of {kept_by} or out of {refused_by}")
            } else {
                format!("take `{code}` out of {kept_by}, or write `(`{ancestor}`, {except} `{code}`)` in {refused_by}")
            };
            let (here, there) = (self.place(kept_by, code), self.place(refused_by, ancestor));
            let remark = format!("{refused_by} promises never to");
            self.problems.clash(here, "never-and-stored", message, (there, &remark), help);
            any = true;
        }
        any
    }

    fn two_retentions(&mut self, first: &Term, second: &Term, code: &Code) {
        let (Promise::Stored { retention: one, .. }, Promise::Stored { retention: other, .. }) =
            (&first.promise, &second.promise)
        else {
            return;
        };
        if one != other {
            let (one, other) = (one.phrase(), other.phrase());
            let message = format!("{} keeps `{code}` {other}, {} keeps it {one}", second.clause, first.clause);
            let help = "one thing is kept for one time: leave one of the rows, or give both the same phrase";
            let remark = format!("{} says otherwise", first.clause);
            self.problems.clash(second.said_at, "two-retentions", message, (first.said_at, &remark), help);
        }
    }

    /// Rows that keep a part of what these rows keep, for another time than the first of them that does so.
    fn narrower_rows(&mut self, wholes: &[&Term], code: &Code, rows: &BTreeMap<&Code, Vec<&Term>>) {
        let vocabulary = self.text.vocabulary;
        let parts = rows.iter().filter(|(other, _)| **other != code && vocabulary.covers(code, other));
        for (narrower, part) in parts.flat_map(|(code, terms)| terms.iter().map(move |term| (code, term))) {
            let Promise::Stored { retention: other, .. } = &part.promise else { continue };
            let otherwise = wholes.iter().find_map(|whole| match &whole.promise {
                Promise::Stored { retention: one, .. } if one != other => Some((whole, one)),
                _ => None,
            });
            if let Some((whole, one)) = otherwise {
                let (one, other) = (one.phrase(), other.phrase());
                let message =
                    format!("{} keeps `{narrower}` {other}, {} keeps all of `{code}` {one}", part.clause, whole.clause);
                let help = format!(
                    "`{narrower}` is part of `{code}`: name the other parts in {}, or give both the same phrase",
                    whole.clause
                );
                let remark = format!("{} says otherwise", whole.clause);
                self.problems.clash(part.said_at, "two-retentions", message, (whole.said_at, &remark), help);
            }
        }
    }

    /// A recipient that always sees something, beside a promise to tell nobody.
    fn shown_without_condition(&mut self) {
        let is_nobody = |term: &&Term| matches!(&term.promise, Promise::Measure { measure, .. } if measure.as_str() == "no-disclosure");
        let Some(nobody) = self.text.terms.iter().find(is_nobody) else { return };
        let unconditional = self.problems.words_of_language().unconditional;
        // One problem for a row, however many purposes it has.
        let mut said_of = None;
        for term in self.text.terms.iter().filter(|term| said_of.replace(term.clause) != Some(term.clause)) {
            let Promise::Share { recipient, when, .. } = &term.promise else { continue };
            let said = when.trim().trim_end_matches('.').to_lowercase();
            if unconditional.contains(&said.as_str()) || !said.contains(char::is_alphanumeric) {
                let message = format!(
                    "{} shows data to `{recipient}` on no condition, and {} promises to tell nobody",
                    term.clause, nobody.clause
                );
                let help = format!("say in {} when it is shown, or take {} out", term.clause, nobody.clause);
                let remark = format!("{} promises it", nobody.clause);
                self.problems.clash(term.said_at, "shown-to-somebody", message, (nobody.said_at, &remark), help);
            }
        }
    }

    fn completeness(&mut self, first: &Kept, code: &Code) {
        let s0 = ClauseId { letter: Letter::S, number: 0, suffix: None };
        if !self.text.clause(s0).is_some_and(Found::is_active) {
            let help = format!("add `**S0.** {} (`complete`).`", self.problems.words_of_language().complete);
            let place = self.place(first.clause, code);
            self.problems.warning(place, "not-complete", "nothing says that the table is complete", help);
        }
    }

    /// Where a clause names a code.
    fn place(&self, id: ClauseId, code: &Code) -> Span {
        let Some(clause) = self.text.clause(id) else { return Span::default() };
        let named = clause.passages().find_map(|passage| {
            let is_code = |word: Option<&str>| word.is_some_and(|word| word.trim() == code.as_str());
            passage.codes().find(|piece| is_code(passage.text.get(piece.range.clone()))).map(|piece| piece.span)
        });
        named.unwrap_or(clause.span)
    }
}
