//! The clauses outside the table of what is kept: what never is, who sees what, rights, changes.

use super::{Answers, Topic, rows::Row};

/// What of an account tells who somebody is.
const IDENTITY: [&str; 3] = ["account.email", "account.username", "account.username_digest"];

/// What is never kept, without numbers: words and the codes in their bracket.
pub(super) fn never(answers: &Answers, rows: &[Row]) -> Vec<String> {
    let kept: Vec<&str> = rows.iter().flat_map(|row| row.codes).copied().collect();
    let traffic = except("traffic", &["session.time", "session.date", "session.bytes"], &kept);
    let traffic = format!("what you do while connected: where you go, what you send and receive ({traffic})");
    match answers.says(Topic::Promise, "never").map(|choice| choice.key) {
        Some("all") => {}
        Some("traffic") => return vec![traffic],
        _ => return Vec::new(),
    }
    let mut never = vec![
        "anything about you as a visitor of our website (`visitor`)".to_owned(),
        traffic,
        identity_beyond(&except("identity", &IDENTITY, &kept)),
        "payment details (`payment.details`)".to_owned(),
    ];
    if !answers.keeps("session-addresses") {
        never.push("the network address you connect from (`session.client_ip`)".to_owned());
    }
    if answers.keeps("user-name") {
        never.push("your password itself (`account.password`)".to_owned());
    }
    never
}

fn identity_beyond(codes: &str) -> String {
    let beyond = if codes.contains("except") { "anything else" } else { "anything" };
    format!("{beyond} that tells who you are ({codes})")
}

/// `identity`, except what is kept of it.
fn except(code: &str, parts: &[&str], kept: &[&str]) -> String {
    let parts: Vec<String> = parts.iter().filter(|part| kept.contains(*part)).map(|part| format!("`{part}`")).collect();
    if parts.is_empty() { format!("`{code}`") } else { format!("`{code}`, except {}", parts.join(", ")) }
}

/// Whether somebody else receives nothing but what the table says.
pub(super) fn disclosure(answers: &Answers, has_table: bool) -> Option<&'static str> {
    let promised = !answers.is(Topic::Promise, "disclosure", "no-promise");
    promised.then_some(match has_table {
        true => "Nobody but those in the table below receives personal data from us (`no-disclosure`).",
        false => "Nobody receives personal data from us (`no-disclosure`).",
    })
}

/// The rows of "Who else sees it", without numbers. `all` points at every row of what is kept.
pub(super) fn recipients(answers: &Answers, all: &str) -> Vec<String> {
    let mut rows = Vec::new();
    if answers.keeps("payments") {
        rows.push(
            "The payment processor you choose | Card or other payment details (`payment.details`), which we do not \
             store | To collect the payment (`billing`) | When you pay"
                .to_owned(),
        );
    }
    if answers.keeps("email") {
        rows.push(
            "The mail service that carries our messages | Your e-mail address (`account.email`) | To deliver them \
             (`notices`) | When we write to you"
                .to_owned(),
        );
    }
    if answers.is(Topic::Promise, "disclosure", "orders") {
        rows.push(format!(
            "A court or authority of our home country | Whatever of {all} still exists on that day | Required by law \
             (`legal`) | Under a binding order"
        ));
    }
    rows
}

/// The rows of "Your rights", without numbers.
pub(super) fn rights(answers: &Answers) -> Vec<String> {
    let contact = &answers.operator.contact;
    [
        "Have the account and everything kept about it deleted (`delete`)",
        "See everything kept about you, and take it elsewhere (`access`, `export`)",
        "Have it put right (`correct`)",
        "Have it left untouched while a question about it is open (`restrict`)",
        "Object to what rests on our interests alone, which is Art. 6(1)(f) (`object`)",
    ]
    .map(|may| format!("{may} | Write to {contact} | 30 days"))
    .into()
}

/// The clauses about changes, without numbers.
pub(super) fn changes(answers: &Answers) -> Vec<String> {
    let keeps_to = match answers.says(Topic::Promise, "guarantee").map(|choice| choice.key) {
        Some("account") => "A new version widens nothing for an account that was there before it and did not accept it",
        Some("data") => "Data gathered under one version keeps the limits of that version",
        _ => "A new version never contradicts an earlier published one",
    };
    let mut changes = vec![
        "Every version stays published (`history`).".to_owned(),
        format!("{keeps_to} (`no-contradiction`)."),
        "Each version has a number and a time, to the minute, from which it applies (`minute`).".to_owned(),
    ];
    changes.extend(notice_lead(answers).map(|lead| {
        format!("Before any change applies we write to your e-mail address, at least {lead} ahead (`notice`).")
    }));
    changes
}

/// How long ahead users are written to, if that is promised.
pub(super) fn notice_lead(answers: &Answers) -> Option<&'static str> {
    answers.says(Topic::Promise, "notice").map(|choice| choice.words).filter(|lead| !lead.is_empty())
}
