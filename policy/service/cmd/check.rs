//! `avow check`: what is wrong with a policy, where, and what to write instead.

use std::path::PathBuf;

use serde_json::json;

use crate::{exit::Exit, failure::Failure, needs, report, screen::Screen, texts};

/// Arguments of `avow check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The policy.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// Whether this service could run under it: what the software itself must keep, with rows to paste.
    #[arg(long)]
    pub for_service: bool,
}

/// Runs `avow check`.
///
/// # Errors
/// The problems of the text.
pub fn run(args: &Args, screen: Screen) -> Result<Exit, Failure> {
    let vocabulary = texts::vocabulary()?;
    let (policy, mut warnings) = texts::policy(texts::file(&args.file)?, &vocabulary)?;
    let rules = avow_terms::rules::Rules::compile(policy.clone(), vocabulary, 0)?;
    if args.for_service {
        warnings.extend(needs::unmet(&rules));
        if needs::is_unfit(&warnings) {
            return Err(warnings.into());
        }
    }
    let header = &policy.header;
    screen.document(&json!({
        "policy": header.policy,
        "version": header.version,
        "clauses": policy.clauses.len(),
        "terms": policy.terms.len(),
        "problems": report::problems_json(&warnings),
    }));
    if !warnings.is_empty() {
        screen.say(report::problems(&warnings, screen.colour));
    }
    screen.say(format!(
        "{} version {}: {} with {}, no errors",
        header.policy,
        header.version,
        report::count(policy.clauses.len(), "clause"),
        report::count(policy.terms.len(), "term"),
    ));
    Ok(Exit::Done)
}
