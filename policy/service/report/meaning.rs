//! What a clause means to the software, in a sentence: the words beside it in a preview.
//!
//! It is made from the terms, which are what the rules are made from, and never from the words of the clause.

use std::collections::BTreeSet;

use super::period;
use avow_terms::{
    clause::{Clause, Letter, State},
    code::Code,
    retention::{Anchor, Retention},
    term::{Origin, Promise, Term},
    vocabulary::Vocabulary,
};

/// One thing that a clause means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Meaning {
    /// What it means.
    pub sentence: String,
    /// The codes it is about, each with what the vocabulary says about it.
    pub codes: Vec<(String, String)>,
}

/// Everything that a clause means, given the terms it makes.
#[must_use]
pub fn meanings(clause: &Clause, terms: &[Term], vocabulary: &Vocabulary) -> Vec<Meaning> {
    let own: Vec<&Promise> = terms.iter().filter(|term| term.clause == clause.id).map(|term| &term.promise).collect();
    let said = |sentence: &str| vec![Meaning { sentence: sentence.into(), codes: Vec::new() }];
    match (clause.state, clause.id.letter) {
        (State::Withdrawn { version }, _) => {
            said(&format!("Withdrawn in version {version}: it says nothing any more."))
        }
        (State::Active, Letter::G) => said("Nothing to enforce."),
        (State::Active, _) if own.is_empty() => said("Not understood: see the problems."),
        (State::Active, _) => {
            let mut meanings = stored(&own, vocabulary);
            meanings.extend(own.iter().filter_map(|promise| meaning(promise, vocabulary)));
            meanings
        }
    }
}

/// The terms of a row: one for each code and purpose, said together.
fn stored(promises: &[&Promise], vocabulary: &Vocabulary) -> Vec<Meaning> {
    let with = |agreed: bool| {
        let (mut codes, mut purposes, mut how) = (BTreeSet::new(), BTreeSet::new(), None);
        for promise in promises {
            if let Promise::Stored { data, purpose, origin, retention, consent, .. } = promise
                && *consent == agreed
            {
                codes.insert(data);
                purposes.insert(purpose);
                how = Some((*origin, retention));
            }
        }
        let (origin, retention) = how?;
        let why: Vec<&str> = purposes.into_iter().map(Code::as_str).collect();
        let consent = if agreed { ", only after you agreed" } else { "" };
        let sentence = format!(
            "{}{consent}; purpose: {}{}; source: {}.",
            kept(retention),
            why.join(", "),
            counted_from(retention).map(|event| format!("; from: {event}")).unwrap_or_default(),
            origin_words(origin)
        );
        Some(Meaning { sentence, codes: told(codes, vocabulary) })
    };
    [false, true].into_iter().filter_map(with).collect()
}

fn meaning(promise: &Promise, vocabulary: &Vocabulary) -> Option<Meaning> {
    let meaning = |sentence: String, codes: &BTreeSet<Code>| Some(Meaning { sentence, codes: told(codes, vocabulary) });
    let says = |code: &Code| vocabulary.entry(code).map(|entry| entry.meaning.clone()).unwrap_or_default();
    match promise {
        Promise::Stored { .. } => None,
        Promise::Never { data, except } if except.is_empty() => {
            meaning("Never kept in any form, with everything that descends from it.".into(), data)
        }
        Promise::Never { data, except } => {
            let except: Vec<&str> = except.iter().map(Code::as_str).collect();
            meaning(format!("Never kept in any form, except {}.", except.join(", ")), data)
        }
        Promise::Complete => meaning("What no row names is refused.".into(), &BTreeSet::new()),
        Promise::Share { recipient, data, purpose, when, .. } => {
            meaning(format!("Seen by: {recipient}; purpose: {purpose}; when: {when}."), data)
        }
        Promise::Measure { measure, data, lead } => {
            let lead = lead.map(|lead| format!(", at least {} ahead", period(lead))).unwrap_or_default();
            meaning(format!("{measure}: {}{lead}.", says(measure)), data)
        }
        Promise::Right { right, answer_within } => {
            meaning(format!("{right}: {}; answered within {}.", says(right), period(*answer_within)), &BTreeSet::new())
        }
    }
}

fn told<'c>(codes: impl IntoIterator<Item = &'c Code>, vocabulary: &Vocabulary) -> Vec<(String, String)> {
    let meaning = |code: &Code| vocabulary.entry(code).map(|entry| entry.meaning.clone()).unwrap_or_default();
    codes.into_iter().map(|code| (code.to_string(), meaning(code))).collect()
}

fn kept(retention: &Retention) -> String {
    match retention {
        Retention::NotStored => "Not stored".into(),
        Retention::Memory { .. } => format!("Held {}, never written", retention.phrase()),
        _ => format!("Kept {}", retention.phrase()),
    }
}

/// The events that a period is counted from; none where the words say themselves when it ends.
fn counted_from(retention: &Retention) -> Option<String> {
    let event = |anchor: Anchor| match anchor {
        Anchor::SessionEnd => "session end",
        Anchor::Recorded => "the moment of recording",
        Anchor::Payment => "payment",
        Anchor::AccountClosed => "closing of the account",
        Anchor::AccountDeleted => "deletion of the account",
        Anchor::LoggedOut => "log-out",
        Anchor::SubscriptionEnd => "end of the subscription",
        Anchor::FinancialYearEnd => "end of the financial year",
    };
    match retention {
        Retention::After { anchor, .. } | Retention::Law { anchor, .. } => Some(event(*anchor).into()),
        Retention::Memory { at_most: Some(_) } | Retention::MonthEnd { .. } => Some(event(Anchor::Recorded).into()),
        Retention::NotStored | Retention::Memory { at_most: None } | Retention::Until { .. } => None,
        Retention::Earlier(one, other) => match (counted_from(one), counted_from(other)) {
            (Some(one), Some(other)) if one != other => Some(format!("{one} or {other}")),
            (one, other) => one.or(other),
        },
    }
}

fn origin_words(origin: Origin) -> &'static str {
    match origin {
        Origin::User => "you give it",
        Origin::Automatic => "collected automatically",
        Origin::Processor => "the payment processor",
        Origin::Derived => "derived",
    }
}

#[cfg(test)]
mod tests {
    use avow_terms::reading;

    use super::*;
    use crate::texts;

    /// What every clause of Northgate means, a line each.
    fn northgate() -> Vec<String> {
        let vocabulary = texts::vocabulary().unwrap();
        let read = reading::read(texts::trial_policy(), &vocabulary);
        let lines = read.clauses.iter().flat_map(|clause| {
            let all = meanings(clause, &read.terms, &vocabulary).into_iter();
            all.map(|meaning| {
                let codes: Vec<String> = meaning.codes.into_iter().map(|(code, _)| code).collect();
                format!("{} {} [{}]", clause.id, meaning.sentence, codes.join(" "))
            })
        });
        lines.collect()
    }

    #[test]
    fn every_clause_has_a_meaning_in_words() {
        let lines = northgate();
        for expected in [
            "G1 Nothing to enforce. []",
            "N1 Never kept in any form, with everything that descends from it. [visitor.ip]",
            "N3 Never kept in any form, except account.email. [identity]",
            "S0 What no row names is refused. []",
            "S1 Kept until the account is deleted; purpose: notices, service.auth; source: you give it. [account.email]",
            "S2 Kept 90 days after the session ends; purpose: security; from: session end; source: collected \
             automatically. [session.client_ip session.server session.time]",
            "R5 Seen by: The mail service that carries our messages; purpose: notices; when: When we write to you. \
             [account.email]",
            "U2 delete: Have the account and what is kept about it erased; answered within 1 day. []",
            "C4 notice: Users are written to before a version applies; the clause says how long before, at least 1 day \
             ahead. []",
        ] {
            assert!(lines.iter().any(|line| line == expected), "{expected}\nis not in\n{}", lines.join("\n"));
        }
        assert!(!lines.iter().any(|line| line.contains("Not understood")), "{}", lines.join("\n"));
    }
}
