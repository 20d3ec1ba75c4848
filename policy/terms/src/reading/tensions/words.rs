//! Words that say of data what another clause, or the vocabulary, denies. A person should look again.

use super::{Text, phrase};
use crate::{
    code::Code,
    reading::{columns::Column, coverage::Found, kept, problems::Problems},
    term::{Promise, Term},
};

const IDENTITY: &str = "identity";
const IDENTIFYING: [&str; 5] = ["identify", "identifies", "identified", "identifying", "identification"];
const NOT_PERSONAL: [&str; 6] =
    ["non personal", "nonpersonal", "not personal", "anonymous", "anonymised", "anonymized"];

/// Warns where data identifies somebody although no such data is kept, and where personal data is called something else.
pub(super) fn check(text: &Text<'_>, problems: &mut Problems<'_>) {
    let nevers: Vec<&Term> = text.terms.iter().filter(|term| is_never_identity(term)).collect();
    for clause in text.found.iter().filter(|clause| clause.is_active()) {
        for never in &nevers {
            identifies(text, clause, never, problems);
        }
        not_personal(text, clause, problems);
    }
}

fn is_never_identity(term: &Term) -> bool {
    matches!(&term.promise, Promise::Never { data, .. } if data.iter().any(|code| code.as_str() == IDENTITY))
}

/// A row, or a clause of the abuse desk, that says it identifies somebody by data which the promise does not speak of.
fn identifies(text: &Text<'_>, clause: &Found, never: &Term, problems: &mut Problems<'_>) {
    let Promise::Never { data, except } = &never.promise else { return };
    let spoken_of = |code: &Code| data.iter().chain(except).any(|other| text.vocabulary.covers(other, code));
    let desk = text.measures("desk-only").filter(|(desk, _)| *desk == clause.id).flat_map(|(_, data)| data);
    let mut used = desk.chain(text.kept_by(clause.id).map(|kept| &kept.code));
    let Some(code) = used.find(|code| !spoken_of(code)) else { return };
    let Some((place, said)) = clause.passages().find_map(|words| phrase(words, &IDENTIFYING)) else { return };
    let never = never.clause;
    let message = format!("`{said}`, says {} of `{code}`, and {never} promises never to keep `{IDENTITY}`", clause.id);
    let help = format!("say what `{code}` is really for: if it tells who somebody is, {never} is not kept");
    let remark = format!("{never} promises never to keep what tells who a person is");
    problems.second_look(place, "identifies-despite-never", message, (text.place(never, IDENTITY), &remark), help);
}

/// A row that calls something other than personal which the vocabulary counts as personal.
fn not_personal(text: &Text<'_>, clause: &Found, problems: &mut Problems<'_>) {
    let Some(words) = kept::cell(clause, Column::Kept) else { return };
    let Some((place, said)) = phrase(words, &NOT_PERSONAL) else { return };
    let is_personal = |code: &Code| {
        let entry = text.vocabulary.entry(code);
        entry.and_then(|entry| entry.dpv.as_deref()).is_some_and(|dpv| dpv.starts_with("pd:"))
    };
    let Some(kept) = text.kept_by(clause.id).find(|kept| is_personal(&kept.code)) else { return };
    let message = format!("`{said}`, says {}, and keeps `{}`, which is personal data", clause.id, kept.code);
    let help = format!("take `{said}` out, or take out what is about a person");
    problems.second_look(place, "called-not-personal", message, (kept.place, "this is about a person"), help);
}
