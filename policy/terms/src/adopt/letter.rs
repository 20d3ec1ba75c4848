//! A guess at the letter of a sentence, by the words it uses. It is wrong often enough that a person decides.

use super::words::Said;
use crate::clause::Letter;

const NOT: &str = "not |never |no |nor |nobody |nothing |neither |none |without |refus|don t |doesn t |cannot |won t ";
const STORE: &str = "store|storing|storage|keep|kept |retain|retention|save |saves |saved |saving |log |logs |logged |\
                     logging |record|collect|hold |holds |track|maintain|gather|preserv";
const NOT_STORE: &str = "log in |logs in |logged in |log out |logged out ";
const SHARE: &str = "share |shares |shared |sharing |disclos|sell |sells |sold |selling |transfer|third part|hand over|\
                     pass on |provided to |give it to |give your |recipient";
const ABROAD: &str = "outside|abroad|another country|other countries|foreign";
const RIGHT: &str = "you may |you can |your right|right to |on request|upon request|contact us to |ask us to |deactivat|\
                     unsubscrib|opt out|object to ";
const PROTECT: &str = "encrypt|ssl |tls |https |aes |hashed |secure|protected |never ask|not ask ";
const TEXT: &str = "polic|this document|this page|this text|terms |version|these rules|statement ";
const CHANGE: &str = "change|amend|update|revis|modif|version|contradict|history|notif|comes into force|take effect";
const BIND: &str = "will |shall |must |always |guarantee|undertake|promise|commit|only ";

/// The letter that the words suggest; G where they suggest none.
pub(super) fn guess(said: &Said) -> Letter {
    let not = said.has(NOT);
    let store = said.first(STORE).filter(|_| !said.has(NOT_STORE));
    let share = said.first(SHARE);
    if said.has(ABROAD) && said.has("server") {
        return Letter::L;
    }
    if said.has(TEXT) && said.has(CHANGE) {
        return Letter::C;
    }
    if said.has("never ask|not ask ") {
        return Letter::T;
    }
    match (store, share) {
        (Some(store), share) if not && share.is_none_or(|share| store < share) => Letter::N,
        (_, Some(_)) if not => Letter::R,
        _ if said.has(RIGHT) => Letter::U,
        (None, _) if said.has(PROTECT) => Letter::T,
        (_, Some(_)) => Letter::R,
        (Some(_), None) => Letter::S,
        (None, None) => Letter::G,
    }
}

/// Whether a sentence says that what is listed is all there is.
pub(super) fn is_complete(said: &Said) -> bool {
    said.has("complete list|list is complete|any other personal data|no other personal data|nothing else is")
}

/// Whether a sentence seems to promise something, whatever its letter.
pub(super) fn promises(said: &Said) -> bool {
    guess(said) != Letter::G || said.has(BIND) || said.has_period()
}
