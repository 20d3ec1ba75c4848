//! One text against itself: what it promises never to keep, and what it keeps.

use super::{coverage::Found, problems::Problems};
use crate::{
    clause::{ClauseId, Letter},
    code::Code,
    source::Span,
    term::{Promise, Term},
    vocabulary::Vocabulary,
};

/// Reports every pair of terms that cannot both be kept.
pub(super) fn check(found: &[Found], terms: &[Term], vocabulary: &Vocabulary, problems: &mut Problems<'_>) {
    let place =
        |id: ClauseId| found.iter().find(|clause| clause.id == id).map_or(Span::default(), |clause| clause.span);
    let mut seen: Vec<(&Term, &Code)> = Vec::new();
    for term in terms {
        let Promise::Stored { data, retention, .. } = &term.promise else { continue };
        if seen.iter().any(|(one, code)| one.clause == term.clause && *code == data) {
            continue;
        }
        never_against(term, data, terms, vocabulary, &place, problems);
        if let Some((other, _)) = seen.iter().find(|(_, code)| *code == data)
            && let Promise::Stored { retention: first, .. } = &other.promise
            && first != retention
        {
            let message = format!(
                "{} keeps `{data}` {}, {} keeps it {}",
                term.clause,
                retention.phrase(),
                other.clause,
                first.phrase()
            );
            let help = "one thing is kept for one time: leave one of the rows, or give both the same phrase";
            let remark = format!("{} says otherwise", other.clause);
            problems.clash(term.said_at, "two-retentions", message, (other.said_at, &remark), help);
        }
        seen.push((term, data));
    }
    if !seen.is_empty()
        && !found.iter().any(|clause| clause.id.letter == Letter::S && clause.id.number == 0 && clause.is_active())
    {
        let first = seen.first().map_or(Span::default(), |(term, _)| place(term.clause));
        let help = "add `**S0.** The table below is complete: what is not in it is not stored (`complete`).`";
        problems.warning(first, "not-complete", "nothing says that the table is complete", help);
    }
}

fn never_against(
    stored: &Term,
    code: &Code,
    terms: &[Term],
    vocabulary: &Vocabulary,
    place: &dyn Fn(ClauseId) -> Span,
    problems: &mut Problems<'_>,
) {
    for never in terms {
        let Promise::Never { data, except } = &never.promise else { continue };
        let Some(ancestor) = data.iter().find(|ancestor| vocabulary.covers(ancestor, code)) else { continue };
        if except.iter().any(|exception| vocabulary.covers(exception, code)) {
            continue;
        }
        let message =
            format!("{} keeps `{code}`, and {} promises never to keep `{ancestor}`", stored.clause, never.clause);
        let remark = format!("{} promises never to", never.clause);
        let help = format!(
            "take `{code}` out of {}, or write `(`{ancestor}`, except `{code}`)` in {}",
            stored.clause, never.clause
        );
        problems.clash(place(stored.clause), "never-and-stored", message, (never.said_at, &remark), help);
    }
}
