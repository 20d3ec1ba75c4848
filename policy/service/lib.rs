//! The edges of Avow: the command, the service, the clock and the files.
//!
//! This is the only package that knows the others and wires them together. The words of a policy are understood in
//! `avow-terms`, rows are written in `avow-accounting`, bytes are carried in `avow-proxy`, and `avow-audit` looks at the
//! result without trusting any of them.

pub mod cli;
pub mod clock;
pub mod cmd;
pub mod config;
pub mod control;
pub mod data_dir;
pub mod desk;
pub mod exit;
pub mod failure;
pub mod http;
pub mod import;
pub mod keeper;
pub mod log;
pub mod meter;
pub mod needs;
pub mod policy_html;
pub mod relay_keys;
pub mod report;
pub mod runtime_dir;
pub mod screen;
pub mod standing;
pub mod texts;
pub mod up;
pub mod walls;

use cli::{Cli, Command};
use exit::Exit;
use failure::Failure;
use screen::Screen;

/// Runs one command and says how it ended.
#[must_use]
pub fn run(cli: Cli) -> Exit {
    let screen = Screen::new(cli.format.plain().unwrap_or_default());
    let speaks = match cli.command {
        Command::Check(_) => Some("check"),
        Command::Terms(_) => Some("terms"),
        _ => None,
    };
    if let Some(command) = cli.format.spoken_by().filter(|command| speaks != Some(command)) {
        let unknown = Failure::could_not(format!("only `avow {command}` speaks this form"));
        return screen.fail(&unknown.help("use `--format json` here"));
    }
    let ended = match cli.command {
        Command::Up(args) => cmd::up::run(&args, &cli.data, screen),
        Command::Account(args) => cmd::account::run(&args, &cli.data, screen),
        Command::Forget(args) => cmd::forget::run(&args, &cli.data, screen),
        Command::Import(args) => cmd::import::run(&args, &cli.data, screen),
        Command::Reload => cmd::reload::run(&cli.data, screen),
        Command::Init(args) => cmd::init::run(&args, screen),
        Command::Adopt(args) => cmd::adopt::run(&args, screen),
        Command::Check(args) => cmd::check::run(&args, cli.format, screen),
        Command::Explain(args) => cmd::explain::run(&args, screen),
        Command::Preview(args) => cmd::preview::run(&args, screen),
        Command::Terms(args) => cmd::terms::run(&args, cli.format, screen),
        Command::Rules(args) => cmd::rules::run(&args, screen),
        Command::Diff(args) => cmd::diff::run(&args, &cli.data, screen),
        Command::Publish(args) => cmd::publish::run(&args, &cli.data, screen),
        Command::History => cmd::history::run(&cli.data, screen),
        Command::Audit(args) => cmd::audit::run(&args, &cli.data, screen),
        Command::Backup(args) => cmd::backup::run(&args, &cli.data, screen),
        Command::Restore(args) => cmd::restore::run(&args, &cli.data, screen),
        Command::Desk(args) => cmd::abuse_desk::run(&args, &cli.data, screen),
        Command::Walls => cmd::walls::run(&cli.data, screen),
        Command::Record(args) => cmd::record::run(&args, &cli.data, screen),
        Command::Notices(args) => cmd::notices::run(&args, &cli.data, screen),
        Command::Keys(args) => cmd::keys::run(&args, &cli.data, screen),
        Command::Relay => cmd::relay::run(),
        Command::Attempt => cmd::walls::attempt(),
    };
    ended.unwrap_or_else(|failure| screen.fail(&failure))
}
