//! A guess at the codes of a sentence, by the words it uses.

use super::words::Said;
use crate::clause::Letter;

/// What must be said, each part in one of its ways, and the code that it suggests.
type Rule = (&'static [&'static str], &'static str);

const ADDRESS: &str = "ip address|network address|ip adress|your ip|source ip";
const AMOUNT: &str = "amount of data|how much data|traffic|bandwidth|bytes|data used|data volume|data you moved";

/// Data, one subject a line: of each line the first rule that fits.
const DATA: [&[Rule]; 26] = [
    &[(&["e mail|email"], "account.email")],
    &[
        (&[ADDRESS, "visitor|visits|visit our|visit the"], "visitor.ip"),
        (&[ADDRESS, "resource|destination|you reach|you connect to|you visit"], "traffic.destination.address"),
        (&[ADDRESS], "session.client_ip"),
    ],
    &[(&["user name|username|login name|nickname"], "account.username")],
    &[
        (&["password", "database"], "device.database"),
        (&["password", "hash|digest|one way|encrypt"], "account.password_digest"),
        (&["password"], "account.password"),
    ],
    &[
        (&["payment details|payment information|payment data|billing information|banking"], "payment.details"),
        (&["credit card|debit card|bank card|card number|card details"], "payment.card"),
        (&["bank account"], "payment.bank"),
    ],
    &[(&["transaction", "number|id "], "payment.transaction")],
    &[(&["transaction|payment", "date "], "payment.date")],
    &[(&["payment|paid", "amount|sum "], "payment.amount")],
    &[
        (&["connection", "attempt"], "diagnostics.attempt"),
        (&["start", "end "], "session.time"),
        (&["connection time|session time|time of the session|timestamp|time stamp|when you connect"], "session.time"),
    ],
    &[(&["session", "date |dates |day "], "session.date")],
    &[
        (&[AMOUNT, "month"], "usage.month_total"),
        (&[AMOUNT, "session"], "session.bytes"),
        (&["amount of data|how much data|bandwidth"], "usage"),
    ],
    &[(&["server id|server number|number of the server|which server"], "session.server")],
    &[
        (&["dns"], "traffic.dns"),
        (&["you visit|resources|browsing|destination|web resource|websites you"], "traffic.destination"),
        (&["activit|what you do"], "traffic"),
    ],
    &[(&["transmit|content|send or receive|sent or received|send and receive|sent and received"], "traffic.content")],
    &[(&["identification data|identifies you|identifying|identifiable|who you are|your identity"], "identity")],
    &[(&["your name|full name|first name|real name"], "identity.name")],
    &[(&["phone|telephone"], "identity.phone")],
    &[(&["postal address|street address|home address"], "identity.address")],
    &[(&["passport|identity document|identity card"], "identity.document")],
    &[
        (&["device id|serial number|hardware id"], "identity.device_id"),
        (&["number of|amount of", "devices"], "account.device_count"),
    ],
    &[(&["location "], "identity.location")],
    &[(&["crash"], "diagnostics.crash")],
    &[(&["child|minors|under 13|thirteen"], "child")],
    &[(&["local database|your own device"], "device.database")],
    &[(&["user agent|type of your browser|your browser|browser type"], "visitor.browser")],
    &[(&["account", "blocked|suspended"], "account.blocked")],
];

const RIGHTS: [Rule; 8] = [
    (&["delet|eras|remov"], "delete"),
    (&["access|copy of|see what|see everything"], "access"),
    (&["correct|rectif|put right"], "correct"),
    (&["export|take it elsewhere|portab"], "export"),
    (&["deactivat"], "deactivate"),
    (&["unsubscrib|opt out|stop messages|stop receiving|object to"], "opt-out"),
    (&["consent|agree|permission"], "consent"),
    (&["abuse desk"], "desk-only"),
];

const PROTECTION: [Rule; 4] = [
    (&["ssl |tls |https |in transit"], "tls"),
    (&["hash|one way"], "hash-only"),
    (&["never ask|not ask "], "never-ask"),
    (&["encrypt|aes |at rest"], "encrypt-at-rest"),
];

const CHANGES: [Rule; 4] = [
    (&["history|earlier versions|previous versions|old versions|archive|stays published"], "history"),
    (&["contradict"], "no-contradiction"),
    (&["minute"], "minute"),
    (&["notif|inform |inform you|write to |let you know|by e mail|by email|announce"], "notice"),
];

/// The codes that the words suggest for a clause of the letter.
pub(super) fn guess(said: &Said, letter: Letter, is_s0: bool) -> Vec<&'static str> {
    let fits = |rule: &&Rule| rule.0.iter().all(|ways| said.has(ways));
    let all = |rules: &'static [Rule]| rules.iter().filter(fits).map(|rule| rule.1).collect();
    let data = || DATA.iter().filter_map(|rules| rules.iter().find(fits)).map(|rule| rule.1).collect();
    match letter {
        _ if is_s0 => vec!["complete"],
        Letter::L => vec!["store-nothing-abroad"],
        Letter::R if said.has("never |not |no |nobody |without ") => vec!["no-disclosure"],
        Letter::T => all(&PROTECTION),
        Letter::C => all(&CHANGES),
        Letter::U => all(&RIGHTS),
        Letter::N | Letter::S | Letter::R | Letter::G => data(),
    }
}

/// Every code that is ever guessed.
#[cfg(test)]
pub(super) fn every() -> impl Iterator<Item = &'static str> {
    let rules = DATA.iter().copied().flatten().chain(&RIGHTS).chain(&PROTECTION).chain(&CHANGES);
    rules.map(|rule| rule.1).chain(["complete", "store-nothing-abroad", "no-disclosure"])
}
