//! One text against itself: what it promises never to keep, and what it keeps.

use std::collections::BTreeSet;

use super::{
    coverage::Found,
    kept::{self, Kept},
    problems::Problems,
};
use crate::{
    clause::ClauseId,
    code::Code,
    source::Span,
    term::{Promise, Term},
    vocabulary::Vocabulary,
};

/// Reports every pair of terms that cannot both be kept, and a table that nothing calls complete.
pub(super) fn check(found: &[Found], terms: &[Term], vocabulary: &Vocabulary, problems: &mut Problems<'_>) {
    let mut checker = Checker { found, terms, vocabulary, problems };
    let kept = kept::read(found, vocabulary);
    // What no clause forbids in one row, no clause forbids in another.
    let mut free: BTreeSet<&Code> = BTreeSet::new();
    for one in &kept {
        if !free.contains(&one.code) && !checker.never_against(one, &one.code) {
            free.insert(&one.code);
        }
    }
    let mut seen: Vec<(&Term, &Code)> = Vec::new();
    for term in terms {
        let Promise::Stored { data, .. } = &term.promise else { continue };
        if seen.iter().any(|(one, code)| one.clause == term.clause && *code == data) {
            continue;
        }
        if let Some((first, _)) = seen.iter().find(|(_, code)| *code == data) {
            checker.two_retentions(first, term, data);
        }
        seen.push((term, data));
    }
    for (term, data) in &seen {
        checker.narrower_rows(term, data, &seen);
    }
    checker.shown_without_condition();
    if let Some(first) = kept.first() {
        checker.completeness(first, &first.code);
    }
}

struct Checker<'c, 's> {
    found: &'c [Found],
    terms: &'c [Term],
    vocabulary: &'c Vocabulary,
    problems: &'c mut Problems<'s>,
}

impl Checker<'_, '_> {
    /// Reports every clause that promises never to keep what a row keeps, and says whether there is one.
    fn never_against(&mut self, stored: &Kept, code: &Code) -> bool {
        let mut any = false;
        for never in self.terms {
            let Promise::Never { data, except } = &never.promise else { continue };
            let Some(ancestor) = data.iter().find(|ancestor| self.vocabulary.covers(ancestor, code)) else { continue };
            if except.iter().any(|exception| self.vocabulary.covers(exception, code)) {
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

    /// Rows that keep a part of what this row keeps, for another time.
    fn narrower_rows(&mut self, whole: &Term, code: &Code, seen: &[(&Term, &Code)]) {
        let Promise::Stored { retention: one, .. } = &whole.promise else { return };
        for (part, narrower) in seen.iter().filter(|(_, other)| *other != code && self.vocabulary.covers(code, other)) {
            let Promise::Stored { retention: other, .. } = &part.promise else { continue };
            if one != other {
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
        let Some(nobody) = self.terms.iter().find(is_nobody) else { return };
        let unconditional = self.problems.words_of_language().unconditional;
        // One problem for a row, however many purposes it has.
        let mut said_of = None;
        for term in self.terms.iter().filter(|term| said_of.replace(term.clause) != Some(term.clause)) {
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
        let is_s0 = |found: &Found| found.id.to_string() == "S0" && found.is_active();
        if !self.found.iter().any(is_s0) {
            let help = format!("add `**S0.** {} (`complete`).`", self.problems.words_of_language().complete);
            let place = self.place(first.clause, code);
            self.problems.warning(place, "not-complete", "nothing says that the table is complete", help);
        }
    }

    /// Where a clause names a code.
    fn place(&self, id: ClauseId, code: &Code) -> Span {
        let Some(clause) = self.found.iter().find(|clause| clause.id == id) else { return Span::default() };
        let named = clause.passages().find_map(|passage| {
            let is_code = |word: Option<&str>| word.is_some_and(|word| word.trim() == code.as_str());
            passage.codes().find(|piece| is_code(passage.text.get(piece.range.clone()))).map(|piece| piece.span)
        });
        named.unwrap_or(clause.span)
    }
}
