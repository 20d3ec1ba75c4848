//! Lists that end in "etc.": nobody can say what is in them.

use super::{Text, phrase};
use crate::{
    clause::Letter,
    markdown::Passage,
    reading::{
        columns::Column,
        coverage::{Body, Found},
        problems::Problems,
    },
};

/// Words that say that a list has more in it than it names.
const OPENING: [&str; 14] = [
    "etc",
    "et cetera",
    "and so on",
    "and so forth",
    "and the like",
    "and similar",
    "or similar",
    "such as",
    "for example",
    "for instance",
    "e.g",
    "among others",
    "among other things",
    "may include",
];

/// Reports each clause of what is kept, never kept or shown whose list stays open.
pub(super) fn check(text: &Text<'_>, problems: &mut Problems<'_>) {
    for clause in text.found.iter().filter(|clause| clause.is_active()) {
        let Some((place, said)) = listing(clause).and_then(|words| phrase(words, &OPENING)) else { continue };
        let message = format!("`{said}` leaves open what {} is about", clause.id);
        let help = format!("name everything that is meant, each with its code, and take `{said}` out");
        match text.inventories().first().filter(|_| clause.id.letter == Letter::S) {
            Some(complete) if *complete != clause.id => {
                let there = text.place(*complete, "complete");
                let remark = format!("{complete} calls the table complete");
                problems.clash(place, "open-list", message, (there, &remark), help);
            }
            _ => problems.error(place, "open-list", message, help),
        }
    }
}

/// The words of a clause that list data.
fn listing(clause: &Found) -> Option<&Passage> {
    match (clause.id.letter, &clause.body) {
        (Letter::N | Letter::S, Body::Words(words)) => Some(words),
        (Letter::S, Body::Row(cells)) => cells.get(Column::Kept),
        (Letter::R, Body::Row(cells)) => cells.get(Column::Sees),
        _ => None,
    }
}
