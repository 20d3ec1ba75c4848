//! `avow up`: start the relay, the policy page and the books, and keep them until told to stop.

use std::{net::SocketAddr, path::PathBuf};

use crate::{
    cli::Data,
    config::{Config, Listen},
    exit::Exit,
    failure::Failure,
    screen::Screen,
    up,
};

/// Arguments of `avow up`. What is given here goes before the configuration.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where clients connect, TCP and UDP; may be given several times [default: 127.0.0.1:8388].
    #[arg(long, value_name = "ADDRESS")]
    pub listen: Vec<SocketAddr>,

    /// Where the policy page is [default: 127.0.0.1:8080].
    #[arg(long, value_name = "ADDRESS")]
    pub web: Option<SocketAddr>,

    /// The text that a first start puts on trial, instead of the one that is built in.
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,
}

/// Runs `avow up`.
///
/// # Errors
/// If it cannot start.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let mut config = Config::load(data)?;
    if !args.listen.is_empty() {
        config.relay.listen = Listen::new(&args.listen).map_err(Failure::could_not)?;
    }
    config.web.listen = args.web.unwrap_or(config.web.listen);
    config.policy.trial = args.policy.clone().or(config.policy.trial);
    up::run(&config, data, screen)
}
