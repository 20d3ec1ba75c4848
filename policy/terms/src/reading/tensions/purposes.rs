//! A promise to write to people needs an address that is kept for writing to them.

use super::Text;
use crate::{
    clause::ClauseId,
    reading::{
        columns::Column,
        kept::{self, Kept},
        problems::Problems,
    },
    vocabulary::Kind,
};

/// What people are written to by.
const ADDRESSES: [&str; 3] = ["account.email", "identity.phone", "identity.address"];
const WRITING: &str = "notices";

/// Reports each notice that goes to an address of a row which is not kept for that.
pub(super) fn check(text: &Text<'_>, problems: &mut Problems<'_>) {
    for (notice, _) in text.measures("notice") {
        for row in text.pointed_at(notice) {
            let address = text.kept_by(*row).find(|kept| ADDRESSES.contains(&kept.code.as_str()));
            let Some(address) = address.filter(|address| !is_for_writing(text, address)) else { continue };
            let message = format!("{notice} writes to the `{}` of {row}, which is not kept for that", address.code);
            let help = format!("add the purpose `{WRITING}` to {row}, or write to something that is kept for it");
            let remark = format!("{row} says what it is kept for");
            let (here, there) = (text.place(notice, "notice"), why(text, *row));
            problems.clash(here, "undeclared-purpose", message, (there, &remark), help);
        }
    }
}

/// Whether some row keeps the same data for writing to people.
fn is_for_writing(text: &Text<'_>, address: &Kept) -> bool {
    text.kept.iter().filter(|kept| kept.code == address.code).any(|kept| {
        let why = text.clause(kept.clause).and_then(|row| kept::cell(row, Column::Why));
        why.is_some_and(|why| {
            kept::codes(why, Kind::Purpose, text.vocabulary).iter().any(|(code, _)| code.as_str() == WRITING)
        })
    })
}

fn why(text: &Text<'_>, row: ClauseId) -> crate::source::Span {
    let clause = text.clause(row);
    let why = clause.and_then(|clause| kept::cell(clause, Column::Why)).filter(|why| !why.is_empty());
    why.map_or_else(|| clause.map(|clause| clause.place).unwrap_or_default(), |why| why.words_place())
}
