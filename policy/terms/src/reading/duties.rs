//! What GDPR Art. 13 asks of a privacy policy whose home lies in the European Economic Area.
//!
//! Whether a text says these things can be seen; whether it says them rightly is for a lawyer. So each is a warning.

use std::collections::BTreeSet;

use super::problems::Problems;
use crate::{
    code::Code,
    legal::{self, LegalBasis},
    policy::{Document, Header},
    source::Span,
    term::{Promise, Term},
};

/// The rights a policy names, each with its article.
const RIGHTS: [(&str, &str, &str); 6] = [
    ("access", "to see what is kept", "15"),
    ("correct", "to have it put right", "16"),
    ("delete", "to have it erased", "17"),
    ("restrict", "to have it left untouched", "18"),
    ("export", "to take it elsewhere", "20"),
    ("object", "to object", "21"),
];

/// Warns about everything that is missing, once the rest of the text has no error.
pub(super) fn check(header: &Header, terms: &[Term], problems: &mut Problems<'_>) {
    if header.document != Document::Privacy || !legal::is_in_eea(&header.home) || problems.any_error() {
        return;
    }
    let place = |key: &str| header.places.iter().find(|(name, _)| *name == key).map_or(Span::default(), |(_, at)| *at);
    let home = place("home");
    let said: BTreeSet<&str> = terms.iter().filter_map(named).map(Code::as_str).collect();
    for (code, right, article) in RIGHTS.into_iter().filter(|(code, ..)| !said.contains(code)) {
        let message = format!("the text names no right {right} (GDPR Art. {article})");
        let help = format!("add a row to the table of rights with `{code}`");
        problems.warning(home, "missing-right", message, help);
    }
    if !said.contains("complaint") {
        let help = "add `**U9.** You may complain to the supervisory authority of ... (`complaint`).`";
        let message = "the text says nothing of complaints to a supervisory authority (GDPR Art. 13(2)(d))";
        problems.warning(home, "missing-complaint", message, help);
    }
    if !header.contact.contains(['@', '/']) && !header.contact.contains(|c: char| c.is_ascii_digit()) {
        let message = format!("nobody can be reached at `{}` (GDPR Art. 13(1)(a))", header.contact);
        let help = "give an address: an e-mail address, a page, a telephone number or a street";
        problems.warning(place("contact"), "missing-contact", message, help);
    }
    bases(terms, problems);
}

/// The code of a right or a measure.
fn named(term: &Term) -> Option<&Code> {
    match &term.promise {
        Promise::Right { right, .. } => Some(right),
        Promise::Measure { measure, .. } => Some(measure),
        _ => None,
    }
}

/// Every kept thing has a legal basis; what rests on consent is only kept after it was given.
fn bases(terms: &[Term], problems: &mut Problems<'_>) {
    let mut seen = BTreeSet::new();
    for term in terms {
        let Promise::Stored { data, legal_basis, consent, .. } = &term.promise else { continue };
        let clause = term.clause;
        if legal_basis.is_empty() && seen.insert((clause, "basis")) {
            let basis = LegalBasis::Contract.cite(problems.words_of_language());
            let help = format!("add a column `{}` that says it, such as `{basis}`", column(problems));
            let message = format!("{clause} names no legal basis (GDPR Art. 13(1)(c))");
            problems.warning(term.said_at, "missing-legal-basis", message, help);
        }
        if legal_basis.contains(&LegalBasis::Consent) && !consent && seen.insert((clause, "consent")) {
            let message = format!("{clause} rests on consent, and no clause asks for it (GDPR Art. 13(2)(c))");
            let help = format!("add a clause with `(`consent`: `{data}`)`, which also says how to withdraw it");
            problems.warning(term.said_at, "missing-consent", message, help);
        }
    }
}

fn column(problems: &Problems<'_>) -> &'static str {
    problems.words_of_language().column(crate::language::Column::LegalBasis)
}
