//! `avow publish`: put a version into the public history.

use std::path::PathBuf;

use crate::{
    cli::Data,
    control,
    desk::{Done, Request},
    exit::Exit,
    failure::Failure,
    screen::Screen,
    texts,
};

/// Arguments of `avow publish`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The policy.
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
}

/// Runs `avow publish`.
///
/// # Errors
/// The problems of the text, or what it contradicts.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let source = texts::file(&args.file)?;
    let request = Request::Publish { name: source.name.to_string(), text: source.text.to_string() };
    let done = control::ask(data, request)?;
    screen.document(&done);
    if let Done::Published { policy, version, effective, changes } = &done {
        screen.say(format!("{policy} version {version} is published and in force from {effective}"));
        for change in changes {
            screen.say(format!("  {change}"));
        }
    }
    Ok(Exit::Done)
}
