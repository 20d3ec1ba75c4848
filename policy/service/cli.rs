//! The commands and their arguments.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::{cmd, screen::Form};

/// A Shadowsocks service that can only do what its privacy policy says, and lets a stranger check it.
#[derive(Debug, Parser)]
#[command(
    version,
    propagate_version = true,
    after_help = "\
First minute:
  avow up                     start the tunnel, the policy page and the books; the first start needs nothing else
  avow account list           who may connect, and what they moved this month
  avow audit                  check the store against the policy, promise by promise
  avow walls                  what the kernel keeps from the relay, shown and tried
  avow backup FILE            everything in the store, sealed so that what is deleted later dies in it too

Legal:
  avow init                   write a first policy from a few answers
  avow adopt OLD              carry an existing policy over into a numbered draft
  avow check FILE             what is wrong with a policy, underlined; --watch checks again as you save
  avow explain CODE           what a problem means, with a wrong and a right example
  avow preview FILE           the page as the public will see it, with what each clause means
  avow diff FILE              what a draft changes, against the version in force
  avow publish FILE           put a version into the public history

Exit codes:
  0 done, clean, kept    1 no: problems, a refused change, a broken promise
  2 could not run        3 an audit could not complete a check"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    #[command(flatten)]
    /// Where the data is.
    pub data: Data,

    /// The form of what is printed.
    #[arg(long, global = true, value_enum, default_value_t, value_name = "FORM")]
    pub format: Form,
}

/// Where the data is.
#[derive(Debug, Clone, Args)]
pub struct Data {
    /// The data directory: the store, its keys, the history of published texts.
    #[arg(long = "data", global = true, env = "AVOW_DATA", default_value = "avow-data", value_name = "DIR")]
    pub dir: PathBuf,

    /// The directory of the keys; without this, what the configuration says, else `keys` in the data directory.
    #[arg(long, global = true, env = "AVOW_KEYS", value_name = "DIR")]
    pub keys: Option<PathBuf>,

    /// The configuration; without this, `avow.toml` in the data directory if there is one.
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the relay, the policy page, and the books.
    Up(cmd::up::Args),
    /// Add, list, show, link, rotate, block or remove accounts, and their devices.
    Account(cmd::account::Args),
    /// Erase an account and everything that is kept about it, and print a receipt that names nobody.
    Forget(cmd::forget::Args),
    /// Take over the users of another server: their keys and limits. Their links go on to work.
    Import(cmd::import::Args),
    /// Have the running service read its configuration again; a bad one changes nothing.
    Reload,
    /// Write a first policy from a few answers.
    Init(cmd::init::Args),
    /// Carry an existing policy in prose over into a numbered draft.
    Adopt(cmd::adopt::Args),
    /// Say what is wrong with a policy, where, and what to write instead.
    Check(cmd::check::Args),
    /// Explain the code of a problem, with a wrong and a right example; without a code, list them.
    Explain(cmd::explain::Args),
    /// Show a draft as the public will see it, with what each clause means beside it.
    Preview(cmd::preview::Args),
    /// Print a policy as a table: what may be stored, why, and how long.
    Terms(cmd::terms::Args),
    /// Print the Cedar rules a policy compiles to, with the words behind each.
    Rules(cmd::rules::Args),
    /// Say what changed between two versions of a policy, clause by clause.
    Diff(cmd::diff::Args),
    /// Publish a version, if it contradicts nothing published before.
    Publish(cmd::publish::Args),
    /// List the published versions.
    History,
    /// Check the store against the policy, promise by promise; or a backup.
    Audit(cmd::audit::Args),
    /// Write everything in the store into one file, each row sealed under the keys it dies with.
    Backup(cmd::backup::Args),
    /// Make the store from a backup: what was deleted since stays deleted.
    Restore(cmd::restore::Args),
    /// The abuse desk's key, and what was sealed to it; for a machine on which no service runs.
    Desk(cmd::abuse_desk::Args),
    /// Show the walls around the relay, and try what they forbid.
    Walls,
    /// Keep or show what an account gave and chose, its payments and complaints; values come from standard input.
    Record(cmd::record::Args),
    /// Keep or show the evidence that the notices of a version were accepted.
    Notices(cmd::notices::Args),
    /// Say where the keys of the store lie and what that covers, or make new ones.
    Keys(cmd::keys::Args),
    /// The relay process; started by `avow up` and by nobody else.
    #[command(hide = true)]
    Relay,
    /// The process that tries one thing; started by `avow walls` and by nobody else.
    #[command(hide = true)]
    Attempt,
}
