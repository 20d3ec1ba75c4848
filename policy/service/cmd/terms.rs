//! `avow terms`: a policy as a table.

use std::path::PathBuf;

use avow_terms::term::{Promise, Term};
use serde_json::json;

use crate::{
    exit::Exit,
    failure::Failure,
    report::{self, Table, ropa},
    screen::Screen,
    texts,
};

/// Arguments of `avow terms`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The policy.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// As a record of processing activities (GDPR Art. 30) instead.
    #[arg(long, value_name = "FORM", num_args = 0..=1, default_missing_value = "markdown")]
    pub ropa: Option<ropa::Form>,
}

/// Runs `avow terms`.
///
/// # Errors
/// The problems of the text.
pub fn run(args: &Args, screen: Screen) -> Result<Exit, Failure> {
    let vocabulary = texts::vocabulary()?;
    let (policy, _) = texts::policy(texts::file(&args.file)?, &vocabulary)?;
    if let Some(form) = args.ropa {
        screen.say(ropa::record(form, &policy, &vocabulary));
        return Ok(Exit::Done);
    }
    screen.document(&json!({
        "policy": policy.header.policy,
        "version": policy.header.version,
        "terms": policy.terms,
    }));
    let mut table = Table::new(["clause", "promise", "what", "why", "how long"]);
    for term in &policy.terms {
        table.row(row(term));
    }
    screen.say(format!("{} version {}\n\n{table}", policy.header.policy, policy.header.version));
    Ok(Exit::Done)
}

fn row(term: &Term) -> [String; 5] {
    let codes = |codes: &std::collections::BTreeSet<_>| {
        codes.iter().map(|code: &avow_terms::code::Code| code.as_str()).collect::<Vec<_>>().join(", ")
    };
    let [promise, what, why, how_long] = match &term.promise {
        Promise::Never { data, except } if except.is_empty() => {
            ["never".into(), codes(data), String::new(), String::new()]
        }
        Promise::Never { data, except } => {
            ["never".into(), format!("{} except {}", codes(data), codes(except)), String::new(), String::new()]
        }
        Promise::Stored { data, purpose, retention, consent, .. } => [
            if *consent { "stored if you agree" } else { "stored" }.into(),
            data.to_string(),
            purpose.to_string(),
            retention.phrase(),
        ],
        Promise::Complete => ["nothing else is stored".into(), String::new(), String::new(), String::new()],
        Promise::Share { recipient, data, purpose, when, .. } => {
            [format!("seen by: {recipient}"), codes(data), purpose.to_string(), when.clone()]
        }
        Promise::Measure { measure, data, lead } => [
            measure.to_string(),
            codes(data),
            String::new(),
            lead.map(|lead| format!("at least {} ahead", report::period(lead))).unwrap_or_default(),
        ],
        Promise::Right { right, answer_within } => [
            "your right".into(),
            right.to_string(),
            String::new(),
            format!("within {}", report::period(*answer_within)),
        ],
    };
    [term.clause.to_string(), promise, what, why, how_long]
}
