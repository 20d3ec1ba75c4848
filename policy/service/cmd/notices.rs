//! `avow notices`: the evidence that the notices of a version were accepted. The record of what was sent and answered, with
//! its addresses, is read once, to be hashed, and is not kept.

use std::io::{self, Read};

use clap::Subcommand;
use sha2::{Digest, Sha256};

use crate::{
    cli::Data,
    control,
    desk::{Done, NoticeView, Request},
    exit::Exit,
    failure::Failure,
    report::{self, Table},
    screen::Screen,
};

/// How much is read at a time.
const PIECE: usize = 64 << 10;

/// Arguments of `avow notices`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Clone, Subcommand)]
enum Action {
    /// Keep how many mail servers accepted the notice of a version, and a digest of the record of it, which is read from
    /// standard input: `avow notices keep 2 --accepted 1032 < sent.log`
    Keep {
        /// The version that was told of.
        #[arg(value_name = "VERSION")]
        told: u32,
        /// How many mail servers accepted one.
        #[arg(long, value_name = "NUMBER")]
        accepted: u64,
    },
}

/// Runs `avow notices`.
///
/// # Errors
/// Whatever stands against it.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let keep = match args.action {
        None => None,
        Some(Action::Keep { told, accepted }) => Some(NoticeView { version: told, accepted, digest: digest()? }),
    };
    let done = control::ask(data, Request::Notices { keep })?;
    screen.document(&done);
    if let Done::Notices { notices } = &done {
        screen.say(page(notices));
    }
    Ok(Exit::Done)
}

/// SHA-256 of standard input.
fn digest() -> Result<String, Failure> {
    let (mut hash, mut piece, mut input) = (Sha256::new(), vec![0; PIECE], io::stdin().lock());
    let mut read = 0;
    loop {
        let unreadable = |error| Failure::could_not(format!("standard input cannot be read: {error}"));
        let length = input.read(&mut piece).map_err(unreadable)?;
        let Some(bytes) = piece.get(..length).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        read += length;
    }
    if read == 0 {
        return Err(Failure::could_not("the record of what was sent is read from standard input, and it is not there")
            .help("for example: `avow notices keep 2 --accepted 1032 < sent.log`"));
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn page(notices: &[NoticeView]) -> String {
    if notices.is_empty() {
        return "no evidence of a notice is kept; `avow notices keep` keeps it where the policy declares it".into();
    }
    let mut table = Table::new(["version", "accepted", "digest of what was sent"]);
    for notice in notices {
        table.row([notice.version.to_string(), report::thousands(notice.accepted), notice.digest.clone()]);
    }
    table.to_string()
}
