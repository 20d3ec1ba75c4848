//! A record of processing activities (GDPR Art. 30) as a policy declares it: one line for each purpose.
//!
//! It says what the policy says and no more: whom the data is about and how it is secured stand there only as far as
//! clauses do.

use std::collections::{BTreeMap, BTreeSet};

use avow_terms::{
    code::Code,
    legal::{Country, LegalBasis},
    policy::Policy,
    term::{Promise, Term},
    vocabulary::Vocabulary,
};

const HEADS: [&str; 8] = [
    "Purpose",
    "Categories of data",
    "Legal basis",
    "Recipients",
    "Transfers",
    "Erased",
    "Security measures",
    "Clauses",
];

/// What one purpose comes to.
#[derive(Default)]
struct Activity {
    data: BTreeSet<Code>,
    bases: BTreeSet<LegalBasis>,
    recipients: BTreeSet<String>,
    transfers: BTreeSet<String>,
    erased: BTreeSet<String>,
    measures: BTreeSet<String>,
    clauses: BTreeSet<String>,
}

/// The record as Markdown.
#[must_use]
pub fn markdown(policy: &Policy, vocabulary: &Vocabulary) -> String {
    let header = &policy.header;
    let mut text = format!(
        "# Record of processing activities\n\nController: {} ({}), {}. From {} version {}.\n\n",
        header.controller, header.home, header.contact, header.policy, header.version
    );
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(|cell| cell.replace('|', "\\|")).collect();
        format!("| {} |\n", cells.join(" | "))
    };
    text.push_str(&line(&HEADS.map(str::to_owned)));
    text.push_str(&line(&HEADS.map(|_| "---".to_owned())));
    rows(policy, vocabulary).iter().for_each(|row| text.push_str(&line(row)));
    text
}

/// The record as comma-separated values (RFC 4180), the controller in every line.
#[must_use]
pub fn csv(policy: &Policy, vocabulary: &Vocabulary) -> String {
    let header = &policy.header;
    let controller = [&header.controller, &header.home, &header.contact].map(String::as_str);
    let line = |cells: Vec<&str>| format!("{}\r\n", cells.into_iter().map(quoted).collect::<Vec<_>>().join(","));
    let mut text = line([&["Controller", "Country", "Contact"][..], &HEADS].concat());
    for row in rows(policy, vocabulary) {
        text.push_str(&line(controller.into_iter().chain(row.iter().map(String::as_str)).collect()));
    }
    text
}

/// A value of RFC 4180: in quotation marks where it needs them. What a spreadsheet would take for a formula is kept from
/// being one by an apostrophe.
fn quoted(value: &str) -> String {
    let value = if value.starts_with(['=', '+', '-', '@']) { format!("'{value}") } else { value.to_owned() };
    if value.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", value.replace('"', "\"\"")) } else { value }
}

fn rows(policy: &Policy, vocabulary: &Vocabulary) -> Vec<[String; 8]> {
    let mut activities: BTreeMap<&Code, Activity> = BTreeMap::new();
    for term in &policy.terms {
        if let Promise::Stored { purpose, .. } | Promise::Share { purpose, .. } = &term.promise {
            activities.entry(purpose).or_default().take(term, policy, vocabulary);
        }
    }
    for activity in activities.values_mut() {
        activity.protect(&policy.terms, vocabulary);
    }
    let meaning = |code: &Code| vocabulary.entry(code).map_or_else(|| code.to_string(), |entry| entry.meaning.clone());
    let purpose = |code: &Code| format!("{} ({code})", meaning(code));
    activities.iter().map(|(code, activity)| activity.row(purpose(code))).collect()
}

impl Activity {
    fn take(&mut self, term: &Term, policy: &Policy, vocabulary: &Vocabulary) {
        self.clauses.insert(term.clause.to_string());
        match &term.promise {
            Promise::Stored { data, retention, legal_basis, transfer, .. } => {
                self.data.insert(data.clone());
                self.bases.extend(legal_basis);
                self.erased.insert(format!("{}: {}", term.clause, retention.phrase_in(policy.header.language)));
                self.went(transfer.as_ref());
                // Whoever sees a thing is a recipient of the purpose it is kept for.
                for share in &policy.terms {
                    if let Promise::Share { recipient, data: seen, .. } = &share.promise
                        && seen.iter().any(|seen| vocabulary.covers(seen, data))
                    {
                        self.recipients.insert(recipient.clone());
                    }
                }
            }
            Promise::Share { recipient, data, legal_basis, transfer, .. } => {
                self.data.extend(data.iter().cloned());
                self.bases.extend(legal_basis);
                self.recipients.insert(recipient.clone());
                self.went(transfer.as_ref());
            }
            _ => {}
        }
    }

    fn went(&mut self, transfer: Option<&BTreeSet<Country>>) {
        match transfer {
            Some(none) if none.is_empty() => self.transfers.extend(["none".to_owned()]),
            Some(some) => self.transfers.extend(some.iter().map(|country| country.as_str().to_owned())),
            None => {}
        }
    }

    /// The measures that are about this data, or about all.
    fn protect(&mut self, terms: &[Term], vocabulary: &Vocabulary) {
        const PROTECT: [&str; 6] =
            ["tls", "encrypt-at-rest", "hash-only", "desk-only", "store-nothing-abroad", "no-third-party-storage"];
        for term in terms {
            let Promise::Measure { measure, data, .. } = &term.promise else { continue };
            let about =
                data.is_empty() || data.iter().any(|code| self.data.iter().any(|own| vocabulary.covers(code, own)));
            if about && PROTECT.contains(&measure.as_str()) {
                self.measures.insert(format!("{measure} ({})", term.clause));
            }
        }
    }

    fn row(&self, purpose: String) -> [String; 8] {
        let list = |all: &mut dyn Iterator<Item = String>| match all.collect::<Vec<_>>() {
            none if none.is_empty() => "not stated".to_owned(),
            some => some.join("; "),
        };
        [
            purpose,
            list(&mut self.data.iter().map(ToString::to_string)),
            list(&mut self.bases.iter().map(|basis| format!("{basis} {}", basis.name()))),
            list(&mut self.recipients.iter().cloned()),
            list(&mut self.transfers.iter().cloned()),
            list(&mut self.erased.iter().cloned()),
            list(&mut self.measures.iter().cloned()),
            list(&mut self.clauses.iter().cloned()),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_quoted_where_it_must_be() {
        for (value, written) in [
            ("plain", "plain"),
            ("a,b", "\"a,b\""),
            ("say \"x\"", "\"say \"\"x\"\"\""),
            ("two\nlines", "\"two\nlines\""),
            ("=SUM(A1)", "'=SUM(A1)"),
        ] {
            assert_eq!(quoted(value), written);
        }
    }
}
