//! The rows of "What we keep": first what was chosen, then what the software needs to run at all.

use super::{Answers, Topic};

/// A row without its number.
pub(super) struct Row {
    /// What is kept, in words.
    pub(super) what: &'static str,
    /// Its codes.
    pub(super) codes: &'static [&'static str],
    pub(super) why: String,
    pub(super) origin: &'static str,
    pub(super) how_long: &'static str,
}

impl Row {
    /// What allows it (GDPR Art. 6(1)): an agreement, the interest in a secure service that can be shown to have kept its
    /// word, or else the contract.
    pub(super) fn legal_basis(&self) -> &'static str {
        let is_for = |purposes: &[&str]| purposes.iter().any(|purpose| self.why.contains(purpose));
        if self.codes.contains(&"diagnostics.attempt") {
            "Art. 6(1)(a)"
        } else if is_for(&["`security`", "`accountability`", "`improve`"]) {
            "Art. 6(1)(f)"
        } else {
            "Art. 6(1)(b)"
        }
    }
}

const GIVEN: &str = "You give it";
const COLLECTED: &str = "Collected automatically";
const PROCESSOR: &str = "Payment processor";
const DERIVED: &str = "Derived";
const ACCOUNT: &str = "Until the account is deleted";

/// Every row, in the order of the table. `notice` is the number of the clause that promises notices, if one does.
pub(super) fn rows(answers: &Answers, notice: Option<&str>) -> Vec<Row> {
    let mut rows = chosen(answers);
    rows.extend(needed(answers, notice));
    rows
}

fn chosen(answers: &Answers) -> Vec<Row> {
    let auth = "To let you in (`service.auth`)";
    let items: [(&str, &'static str, &'static [&'static str], &str, &'static str); 8] = [
        ("email", "Your e-mail address", &["account.email"], "", GIVEN),
        (
            "user-name",
            "Your user name, and a keyed digest to find it by",
            &["account.username", "account.username_digest"],
            auth,
            GIVEN,
        ),
        ("user-name", "A one-way digest of your password", &["account.password_digest"], auth, DERIVED),
        (
            "session-addresses",
            "For each session: your network address, start and end time, and the number of the server",
            &["session.client_ip", "session.time", "session.server"],
            "To counter attacks and to trace whoever broke the terms of service (`security`)",
            COLLECTED,
        ),
        (
            "sessions",
            "For each session: its day, and how much data it moved",
            &["session.date", "session.bytes"],
            "",
            COLLECTED,
        ),
        ("month-total", "How much data you moved in a month", &["usage.month_total"], "", COLLECTED),
        (
            "payments",
            "For each payment: its date and transaction number",
            &["payment.date", "payment.transaction"],
            "To show that the account is paid (`billing`)",
            PROCESSOR,
        ),
        (
            "diagnostics",
            "If you agree: account number, time of a connection attempt, type of connection, of encryption and of device",
            &["diagnostics.attempt"],
            "",
            COLLECTED,
        ),
    ];
    let kept = items.into_iter().filter(|(key, ..)| answers.keeps(key));
    kept.filter_map(|(key, what, codes, why, origin)| {
        let how_long = answers.says(Topic::Keep, key)?.words;
        let why = if why.is_empty() { answers.says(Topic::Why, key)?.words } else { why };
        Some(Row { what, codes, why: why.to_owned(), origin, how_long })
    })
    .collect()
}

/// What the software itself needs: without it no account could be let in, blocked or told anything.
fn needed(answers: &Answers, notice: Option<&str>) -> Vec<Row> {
    let row = |what, codes, why: &str, how_long| Row { what, codes, why: why.to_owned(), origin: DERIVED, how_long };
    let mut rows = vec![row(
        "The account itself: a random number and when it was given, the access keys of its devices, its plan and its end",
        &["account.number", "account.access_keys", "account.plan"],
        "To let you in and to apply the plan (`service.auth`, `service.limit`)",
        ACCOUNT,
    )];
    if answers.is(Topic::Why, "email", "both") {
        let why = "To recognise the code (`service.auth`)";
        let what = "A digest of a code we sent you";
        rows.push(row(what, &["account.code_digest"], why, "15 minutes after it was recorded"));
    }
    if answers.keeps("diagnostics") {
        let why = "To follow your choices (`service.auth`)";
        rows.push(row("What you agreed to or switched off", &["account.choices"], why, ACCOUNT));
    }
    rows.push(row(
        "Whether the account is blocked, and the steps of a complaint about it: dates and decisions, no addresses",
        &["account.blocked", "case.steps"],
        "To follow the terms of service (`security`)",
        "90 days after it was recorded",
    ));
    let why = match notice {
        Some(clause) => format!("To show that {clause} was kept (`accountability`)"),
        None => "To show that users were told (`accountability`)".to_owned(),
    };
    let what = "That notices of a version were accepted by the mail servers, as a count and a digest";
    rows.push(row(what, &["notice.evidence"], &why, "10 years after it was recorded"));
    rows
}
