//! `avow desk`: the abuse desk's own key, and what was sealed to it. For a machine on which no service runs.
//!
//! What `open` prints is personal, and is printed nowhere else in Avow.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use avow_proxy::{DeskKey, SealedSession, SessionRecord};
use avow_terms::{account::AccountId, private::Private};
use clap::Subcommand;
use jiff::Timestamp;
use serde_json::json;

use crate::{
    cli::Data,
    control,
    desk::{Done, Request},
    exit::Exit,
    failure::Failure,
    report::{self, Table},
    screen::Screen,
};

/// The abuse desk's key, and what was sealed to it.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make the desk's key; what it prints goes into the configuration of the service.
    Keygen {
        /// The file for the private key. Keep it where no service runs.
        #[arg(long, default_value = "desk.key", value_name = "FILE")]
        key: PathBuf,
    },
    /// Print the sealed sessions that the store keeps, one a line, to be taken to the desk.
    Export,
    /// Open sealed sessions, one a line: as the service exports them, or the sealed text alone.
    Open {
        /// The file of the private key.
        #[arg(long, default_value = "desk.key", value_name = "FILE")]
        key: PathBuf,
        /// The sealed sessions; without this, standard input.
        file: Option<PathBuf>,
    },
}

/// Runs `avow desk`.
///
/// # Errors
/// If a file cannot be read or made, or a line is no sealed session.
pub fn run(args: &Args, data: &Data, screen: Screen) -> Result<Exit, Failure> {
    match &args.action {
        Action::Keygen { key } => keygen(key, screen),
        Action::Export => export(data, screen),
        Action::Open { key, file } => open(key, file.as_deref(), screen),
    }
}

fn keygen(path: &Path, screen: Screen) -> Result<Exit, Failure> {
    let no_key = || Failure::could_not("the system gives no random bytes for a key");
    let key = DeskKey::generate().ok_or_else(no_key)?;
    let (public, text) = (key.public().ok_or_else(no_key)?, key.encode().ok_or_else(no_key)?);
    let write = |mut file: fs::File| writeln!(file, "{}", text.expose()).and_then(|()| file.sync_all());
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).and_then(write).map_err(|error| {
        Failure::file("make the desk's key", path, &error)
            .help("a key that is there is never replaced: what was sealed to it opens with nothing else")
    })?;
    screen.document(&json!({ "key": path, "public_key": public }));
    screen.say(format!(
        "The private key is in `{}`. Keep it where no service runs: what is sealed to it opens with nothing else.\n\
         The public key, for the service:\n\n{public}",
        path.display()
    ));
    Ok(Exit::Done)
}

fn export(data: &Data, screen: Screen) -> Result<Exit, Failure> {
    let Done::Sealed { sessions } = control::ask(data, Request::ExportSealed)? else {
        return Err(Failure::could_not("the service answered something else"));
    };
    screen.document(&sessions);
    let lines = sessions.iter().map(serde_json::to_string).collect::<Result<Vec<_>, _>>();
    screen.say(lines.map_err(Failure::could_not)?.join("\n"));
    Ok(Exit::Done)
}

fn open(key: &Path, file: Option<&Path>, screen: Screen) -> Result<Exit, Failure> {
    let text = fs::read_to_string(key).map_err(|error| Failure::file("read the desk's key", key, &error))?;
    let key = DeskKey::decode(&Private::new(text)).map_err(Failure::could_not)?;
    let sealed = match file {
        Some(path) => fs::read_to_string(path).map_err(|error| Failure::file("read", path, &error))?,
        None => {
            let mut text = String::new();
            let read = io::stdin().lock().read_to_string(&mut text);
            read.map_err(|_| Failure::could_not("standard input is not text"))?;
            text
        }
    };
    let lines: Vec<(usize, &str)> = (1..).zip(sealed.lines()).filter(|(_, line)| !line.trim().is_empty()).collect();
    let opened: Vec<_> = lines.iter().map(|(at, line)| (*at, opened(&key, line))).collect();
    let closed: Vec<usize> = opened.iter().filter(|(_, session)| session.is_none()).map(|(at, _)| *at).collect();
    let sessions: Vec<_> = opened.iter().filter_map(|(_, session)| session.as_ref()).collect();
    screen.document(&json!({
        "sessions": sessions.iter().map(|(account, record)| json!({
            "account": account,
            "address": record.address.expose(),
            "start": instant(record.start),
            "end": instant(record.end),
            "server": record.server,
        })).collect::<Vec<_>>(),
        "closed_lines": closed,
    }));
    screen.say(table(&sessions));
    if let Some(first) = closed.first() {
        let lines = report::count(closed.len(), "line");
        screen.say(format!("{lines} cannot be opened with this key, the first is line {first}"));
        return Ok(Exit::No);
    }
    Ok(Exit::Done)
}

type Session = (Option<AccountId>, SessionRecord);

/// A line as the service exports it, or a sealed record alone.
fn opened(key: &DeskKey, line: &str) -> Option<Session> {
    match serde_json::from_str::<SealedSession>(line) {
        Ok(session) => Some((Some(session.account), key.open(&session.blob)?)),
        Err(_) => Some((None, key.open(line)?)),
    }
}

fn table(sessions: &[&Session]) -> String {
    let mut table = Table::new(["account", "address", "from", "until", "server"]);
    for (account, record) in sessions {
        table.row([
            account.map_or_else(|| "-".into(), |account| account.number().to_string()),
            record.address.expose().to_string(),
            instant(record.start),
            instant(record.end),
            record.server.to_string(),
        ]);
    }
    table.to_string()
}

fn instant(seconds: u64) -> String {
    let instant = i64::try_from(seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    instant.map_or_else(|| "?".into(), report::instant)
}
