//! Clauses as terms: what the letter, the codes and the controlled words of each clause promise.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    codes::{self, Group, Said},
    columns::{self, Column},
    coverage::{Body, Found},
    problems::Problems,
    references::References,
    rows::{self, RowReader},
    second_look, triggers,
};
use crate::{
    clause::{ClauseId, Letter},
    code::Code,
    markdown::Passage,
    retention::{self, Period},
    source::Span,
    term::{Promise, Term},
    vocabulary::{Kind, Vocabulary},
};

/// The terms of every clause, in the order of the text. A clause that promises nothing and is not G is reported.
pub(super) fn terms(
    found: &[Found],
    references: &[References],
    vocabulary: &Vocabulary,
    problems: &mut Problems<'_>,
) -> Vec<Term> {
    let mut reader = Reader { vocabulary, problems };
    let mut stored: BTreeMap<ClauseId, Vec<Code>> = BTreeMap::new();
    // What a recipient sees may be said by pointing at other clauses, so those are read first.
    let points = |references: &References| !references.seen.is_empty();
    let mut terms: Vec<Vec<Term>> = Vec::with_capacity(found.len());
    for (clause, references) in found.iter().zip(references) {
        terms.push(if points(references) { Vec::new() } else { reader.clause(clause, None) });
    }
    if references.iter().any(points) {
        for code in terms.iter().flatten() {
            stored.entry(code.clause).or_default().extend(stored_code(code));
        }
    }
    for ((clause, references), terms) in
        found.iter().zip(references).zip(&mut terms).filter(|((_, one), _)| points(one))
    {
        let seen = references.seen.iter().filter_map(|id| stored.get(id)).flatten().cloned().collect();
        *terms = reader.clause(clause, Some(&seen));
    }
    let mut terms: Vec<Term> = terms.into_iter().flatten().collect();
    mark_consent(&mut terms, vocabulary, problems);
    terms
}

fn stored_code(term: &Term) -> Option<Code> {
    match &term.promise {
        Promise::Stored { data, .. } => Some(data.clone()),
        _ => None,
    }
}

/// Sets `consent` on what a clause with the measure `consent` names. Consent to what nothing keeps is worth a look.
fn mark_consent(terms: &mut [Term], vocabulary: &Vocabulary, problems: &mut Problems<'_>) {
    let asked: Vec<(Code, Span)> = terms.iter().flat_map(asked_about).collect();
    let is_whole = !problems.any_error();
    for (asked, place) in asked {
        let mut found = false;
        for term in &mut *terms {
            if let Promise::Stored { data, consent, .. } = &mut term.promise
                && vocabulary.covers(&asked, data)
            {
                (*consent, found) = (true, true);
            }
        }
        if !found && is_whole {
            let help = "name what a row of the table keeps";
            problems.warning(place, "consent-to-what", format!("nothing keeps `{asked}`"), help);
        }
    }
}

fn asked_about(term: &Term) -> Vec<(Code, Span)> {
    match &term.promise {
        Promise::Measure { measure, data, .. } if measure.as_str() == "consent" => {
            data.iter().map(|code| (code.clone(), term.said_at)).collect()
        }
        _ => Vec::new(),
    }
}

struct Reader<'r, 's> {
    vocabulary: &'r Vocabulary,
    problems: &'r mut Problems<'s>,
}

impl Reader<'_, '_> {
    fn clause(&mut self, found: &Found, seen: Option<&BTreeSet<Code>>) -> Vec<Term> {
        if !found.is_active() {
            return Vec::new();
        }
        second_look::letter(found, self.problems);
        let terms = match &found.body {
            Body::Row(cells) => {
                RowReader { vocabulary: self.vocabulary, problems: &mut *self.problems }.terms(found, cells, seen)
            }
            Body::Words(words) => self.words(found, words),
        };
        let is_explained = match &found.body {
            Body::Row(_) => self.problems.any_error(),
            Body::Words(_) => self.problems.any_error_in(found.span),
        };
        if terms.is_empty() && found.id.letter != Letter::G && !is_explained {
            let message = format!("{} promises nothing that can be checked", found.id);
            let help = self.no_term_help(found.id.letter);
            self.problems.error(found.place, "no-term", message, help);
        }
        terms
    }

    fn words(&mut self, found: &Found, words: &Passage) -> Vec<Term> {
        match found.id.letter {
            Letter::G => self.general(found, words),
            Letter::N => self.never(found, words),
            _ => self.measures(found, words),
        }
    }

    fn general(&mut self, found: &Found, words: &Passage) -> Vec<Term> {
        if words.is_empty() {
            let help = "say something, or withdraw it: `*Withdrawn in version 2.*`";
            self.problems.error(found.place, "empty-clause", format!("{} says nothing", found.id), help);
        }
        for code in words.codes() {
            let help = "give the clause the letter of what it promises, or take the code out";
            self.problems.warning(code.span, "code-without-effect", "a code has no effect in a G clause", help);
        }
        triggers::in_general(words, found.id, self.problems);
        Vec::new()
    }

    /// One term for each bracket, so that an exception belongs to the codes it stands with.
    fn never(&mut self, found: &Found, words: &Passage) -> Vec<Term> {
        let mut terms = Vec::new();
        let brackets = codes::brackets(words);
        for group in codes::groups(words, &brackets, self.vocabulary, self.problems) {
            self.no_about(&group);
            let data = self.only_data(&group.codes);
            let except = self.only_data(&group.except);
            for exception in group.except.iter().filter(|said| except.contains(&said.code)) {
                if !data.iter().any(|code| self.vocabulary.covers(code, &exception.code)) {
                    let message = format!("`{}` is not part of what is never kept", exception.code);
                    let help = "an exception descends from the code before it: take it out, or look at the vocabulary";
                    self.problems.error(exception.place, "idle-exception", message, help);
                }
            }
            if !data.is_empty() {
                let promise = Promise::Never { data, except };
                terms.push(Term { clause: found.id, said_at: words.words_place(), promise });
            }
        }
        for (place, phrase) in second_look::loose_exceptions(words, &brackets, self.problems.words_of_language()) {
            let help = "write an exception as `(`identity`, except `account.email`)`, and in no other way";
            let message = format!("`{phrase}` outside the brackets excepts nothing");
            self.problems.error(place, "loose-exception", message, help);
        }
        terms
    }

    fn no_about(&mut self, group: &Group) {
        for said in &group.about {
            let help = "list the codes with commas between them";
            self.problems.error(said.place, "words-among-codes", "an N clause knows no `:` among its codes", help);
        }
    }

    /// The codes that name data; the others are reported.
    fn only_data(&mut self, said: &[Said]) -> BTreeSet<Code> {
        let mut data = BTreeSet::new();
        for said in said {
            if said.kind == Kind::Data {
                data.insert(said.code.clone());
                continue;
            }
            let message = format!("`{}` is {}", said.code, said.kind.noun());
            let help = format!("name data here, such as `{}`", rows::example(Kind::Data));
            self.problems.error(said.place, "wrong-kind", message, help);
        }
        data
    }

    fn measures(&mut self, found: &Found, words: &Passage) -> Vec<Term> {
        let mut terms = Vec::new();
        let brackets = codes::brackets(words);
        for group in codes::groups(words, &brackets, self.vocabulary, self.problems) {
            for exception in &group.except {
                let help = "only an N clause has exceptions";
                self.problems.error(exception.place, "idle-exception", "an exception from what?", help);
            }
            let about = self.only_data(&group.about);
            for said in &group.codes {
                terms.extend(self.measure(found, words, said, &about, &group));
            }
        }
        for (place, phrase) in second_look::loose_exceptions(words, &brackets, self.problems.words_of_language()) {
            let help = "only an N clause has exceptions; everything else is enforced without them";
            self.problems.warning(place, "loose-exception", format!("`{phrase}` excepts nothing"), help);
        }
        terms
    }

    fn measure(
        &mut self,
        found: &Found,
        words: &Passage,
        said: &Said,
        about: &BTreeSet<Code>,
        group: &Group,
    ) -> Option<Term> {
        if said.kind != Kind::Measure {
            self.misplaced(found, said);
            return None;
        }
        let is_s0 = found.id.letter == Letter::S && found.id.number == 0;
        let promise = match said.code.as_str() {
            "complete" if is_s0 => Promise::Complete,
            "complete" => {
                self.problems.error(
                    said.place,
                    "not-s0",
                    "only S0 says that the table is complete",
                    "move it to `**S0.**`",
                );
                return None;
            }
            _ if found.id.letter == Letter::S => {
                let help = self.no_term_help(Letter::S);
                self.problems.error(said.place, "wrong-kind", format!("`{}` is a measure", said.code), help);
                return None;
            }
            "consent" if group.about.is_empty() => {
                let help = "name it: `(`consent`: `diagnostics.attempt`)`";
                self.problems.error(said.place, "consent-to-what", "consent to what?", help);
                return None;
            }
            "notice" => Promise::Measure {
                measure: said.code.clone(),
                data: about.clone(),
                lead: Some(self.lead(words, said)?),
            },
            _ => Promise::Measure { measure: said.code.clone(), data: about.clone(), lead: None },
        };
        Some(Term { clause: found.id, said_at: words.words_place(), promise })
    }

    fn lead(&mut self, words: &Passage, said: &Said) -> Option<Period> {
        match retention::lead_in(self.problems.language, words.plain()) {
            Ok(Some(lead)) => return Some(lead),
            Ok(None) => {
                let language = self.problems.language;
                let (words, day) = (&language.words().retention, Period::Minutes(24 * 60).phrase_in(language));
                let help = format!("write `{} {day} {}`", words.at_least, words.ahead);
                self.problems.error(said.place, "no-lead", "how long ahead?", help);
            }
            Err(refused) => {
                self.problems.error(words.place(refused.range), refused.code, refused.message, refused.help);
            }
        }
        None
    }

    fn misplaced(&mut self, found: &Found, said: &Said) {
        let help = match said.kind {
            Kind::Right => "a right is a row of the table of rights, with the time in which it is answered".to_owned(),
            Kind::Purpose => {
                let why = self.problems.words_of_language().column(Column::Why);
                format!("a purpose stands in the column `{why}` of a table")
            }
            _ => format!("say what is done with it: `(`encrypt-at-rest`: `{}`)`", said.code),
        };
        let help = if found.id.letter == Letter::S { self.no_term_help(Letter::S) } else { help };
        let message = format!("`{}` is {}, which promises nothing here", said.code, said.kind.noun());
        self.problems.error(said.place, "wrong-kind", message, help);
    }

    fn no_term_help(&self, letter: Letter) -> String {
        let header = |letter| columns::header_of(letter, self.problems.words_of_language());
        match letter {
            Letter::S => format!("what is kept is a row of the table {}", header(Letter::S)),
            Letter::N => {
                "name what is never kept, in backticks: `(`visitor.ip`)`; or give the clause the letter G".to_owned()
            }
            Letter::U => {
                format!("name a measure in backticks, or make it a row of the table {}", header(Letter::U))
            }
            _ => "name a measure in backticks, such as `(`no-disclosure`)`; or give the clause the letter G".to_owned(),
        }
    }
}
