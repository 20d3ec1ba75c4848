//! `avow terms`: a policy as tables: what may be stored, and what else is promised.

mod stored;

use std::{collections::BTreeSet, path::PathBuf};

use avow_terms::{
    code::Code,
    policy::Policy,
    term::{Promise, Term},
    vocabulary::Vocabulary,
};
use serde_json::json;

use crate::{
    exit::Exit,
    failure::Failure,
    report::{self, Table, ropa},
    screen::{Form, Screen},
    texts,
};

/// Arguments of `avow terms`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "`--format ropa` prints the record of processing activities (GDPR Art. 30) that the policy comes to, as Markdown;\n`--format ropa-csv` prints it for a spreadsheet."
)]
pub struct Args {
    /// The policy.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Runs `avow terms`.
///
/// # Errors
/// The problems of the text.
pub fn run(args: &Args, form: Form, screen: Screen) -> Result<Exit, Failure> {
    let vocabulary = texts::vocabulary()?;
    let (policy, _) = texts::policy(texts::file(&args.file)?, &vocabulary)?;
    let record: Option<fn(&Policy, &Vocabulary) -> String> = match form {
        Form::Ropa => Some(ropa::markdown),
        Form::RopaCsv => Some(ropa::csv),
        _ => None,
    };
    if let Some(record) = record {
        Screen::text(&record(&policy, &vocabulary));
        return Ok(Exit::Done);
    }
    let stored = stored::rows(&policy, &vocabulary);
    screen.document(&json!({
        "policy": policy.header.policy,
        "version": policy.header.version,
        "stored": stored,
        "terms": policy.terms,
    }));
    let mut kept = Table::new(["clause", "what may be stored", "why", "from where", "how long", "seen by"]);
    stored.iter().for_each(|row| kept.row(row.cells()));
    let mut promised = Table::new(["clause", "promise", "what", "why", "when"]);
    policy.terms.iter().filter_map(row).for_each(|row| promised.row(row));
    screen.say(format!("{} version {}\n\n{kept}\n{promised}", policy.header.policy, policy.header.version));
    Ok(Exit::Done)
}

/// A promise that is no row of what may be stored.
fn row(term: &Term) -> Option<[String; 5]> {
    let none = String::new;
    let [promise, what, why, when] = match &term.promise {
        Promise::Stored { .. } => return None,
        Promise::Never { data, except } if except.is_empty() => ["never stored".into(), codes(data), none(), none()],
        Promise::Never { data, except } => {
            ["never stored".into(), format!("{} except {}", codes(data), codes(except)), none(), none()]
        }
        Promise::Complete => ["nothing else is stored".into(), none(), none(), none()],
        Promise::Share { recipient, data, purpose, when, .. } => {
            [format!("seen by: {recipient}"), codes(data), purpose.to_string(), when.clone()]
        }
        Promise::Measure { measure, data, lead } => {
            let lead = lead.map(|lead| format!("at least {} ahead", report::period(lead)));
            [measure.to_string(), codes(data), none(), lead.unwrap_or_default()]
        }
        Promise::Right { right, answer_within } => {
            ["your right".into(), right.to_string(), none(), format!("within {}", report::period(*answer_within))]
        }
    };
    Some([term.clause.to_string(), promise, what, why, when])
}

fn codes(codes: &BTreeSet<Code>) -> String {
    codes.iter().map(Code::as_str).collect::<Vec<_>>().join(", ")
}
