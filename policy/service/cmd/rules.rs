//! `avow rules`: the Cedar rules a policy compiles to, with the words behind each.

use std::path::PathBuf;

use avow_terms::rules::Rules;
use serde_json::json;

use crate::{exit::Exit, failure::Failure, screen::Screen, texts};

/// Arguments of `avow rules`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The policy.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Runs `avow rules`.
///
/// # Errors
/// The problems of the text.
pub fn run(args: &Args, screen: Screen) -> Result<Exit, Failure> {
    let vocabulary = texts::vocabulary()?;
    let (policy, _) = texts::policy(texts::file(&args.file)?, &vocabulary)?;
    let rules = Rules::compile(policy, vocabulary, 0)?;
    let header = &rules.policy().header;
    screen.document(&json!({
        "policy": header.policy,
        "version": header.version,
        "schema": rules.schema(),
        "policies": rules.cedar(),
        "statements": rules.listed(),
    }));
    screen.say(rules.cedar());
    Ok(Exit::Done)
}
