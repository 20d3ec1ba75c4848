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
#[derive(Debug, Clone, clap::Args)]
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

    /// Start although the store was written at a later time than the clock shows: it ran ahead then, and is right now.
    #[arg(long)]
    pub clock_is_right: bool,
}

/// Runs `avow up`.
///
/// # Errors
/// If it cannot start.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let (args, at, clock_is_right) = (args.clone(), data.clone(), args.clock_is_right);
    up::run(Box::new(move || args.over(Config::load(&at)?)), data, clock_is_right, screen)
}

impl Args {
    /// The configuration with what the command line says in place of what the file says.
    fn over(&self, mut config: Config) -> Result<Config, Failure> {
        if !self.listen.is_empty() {
            config.relay.listen = Listen::new(&self.listen).map_err(Failure::could_not)?;
        }
        config.web.listen = self.web.unwrap_or(config.web.listen);
        config.policy.trial = self.policy.clone().or(config.policy.trial);
        Ok(config)
    }
}
