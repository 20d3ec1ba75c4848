//! Changes in the legal grounds of a row, and in where its data goes.
//!
//! Another legal basis binds nobody to less: the law asks for the right one, and the words show it. A country that was
//! not named before is one more place.

use std::collections::BTreeSet;

use super::Class;
use crate::legal::{Country, LegalBasis};

pub(super) fn legal_basis(before: &BTreeSet<LegalBasis>, after: &BTreeSet<LegalBasis>) -> Option<(Class, String)> {
    let says = |basis: &BTreeSet<LegalBasis>| match basis.is_empty() {
        true => "none said".to_owned(),
        false => basis.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "),
    };
    (before != after).then(|| (Class::Neutral, format!("legal basis: {} instead of {}", says(after), says(before))))
}

/// A row that says nothing of transfers may mean any country; one that starts to say it narrows.
pub(super) fn transfer(
    before: Option<&BTreeSet<Country>>,
    after: Option<&BTreeSet<Country>>,
) -> Option<(Class, String)> {
    let says = |countries: Option<&BTreeSet<Country>>| match countries {
        None => "no word on where it goes".to_owned(),
        Some(none) if none.is_empty() => "to no other country".to_owned(),
        Some(some) => format!("to {}", some.iter().map(Country::as_str).collect::<Vec<_>>().join(", ")),
    };
    let class = match (before, after) {
        (Some(before), Some(after)) if after.is_subset(before) => Class::Narrows,
        (None, Some(_)) => Class::Narrows,
        _ => Class::Widens,
    };
    (before != after).then(|| (class, format!("transfer: {} instead of {}", says(after), says(before))))
}
