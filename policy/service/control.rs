//! The control socket: how a command speaks to a running service.
//!
//! One line of JSON each way, each with the version of this protocol: `{"avow":1,"do":"list_accounts"}` is answered by
//! `{"avow":1,"done":"accounts","accounts":[..]}` or `{"avow":1,"failed":{..}}`. The socket is in the data directory and
//! open to its owner only. When nothing runs, the command does the same work at a desk of its own.

use std::{
    io::{BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use serde::{Deserialize, Serialize};

use crate::{
    cli::Data,
    config::Config,
    data_dir::DataDir,
    desk::{Desk, Done, Request},
    failure::{Failure, Said},
    meter::{self, Meter},
};

/// The version of the protocol.
pub const VERSION: u32 = 1;
/// The longest line either side reads: a policy of 4 MiB, escaped.
pub const LONGEST: u64 = 32 << 20;

/// A request on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub struct Asked {
    /// The version of the protocol.
    pub avow: u32,
    /// Whether to say on the way how far it has got: `{"avow":1,"progress":{..}}`, any number of lines.
    #[serde(default)]
    pub progress: bool,
    /// What is asked.
    #[serde(flatten)]
    pub request: Request,
}

/// How far something long has got, on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub struct Told {
    /// The version of the protocol.
    pub avow: u32,
    /// How far.
    pub progress: Step,
}

/// So much of so much.
#[derive(Debug, Serialize, Deserialize)]
pub struct Step {
    /// What is being done.
    pub doing: String,
    /// How many of the parts are done.
    pub done: usize,
    /// How many there are.
    pub of: usize,
}

/// An answer on the wire.
#[derive(Debug, Serialize, Deserialize)]
pub struct Answered {
    /// The version of the protocol.
    pub avow: u32,
    /// What came of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What came of a request.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Outcome {
    /// It was done.
    Done(Done),
    /// It was not done.
    Failed {
        /// Why.
        failed: Refused,
    },
}

/// Why a request was not done.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refused {
    /// In words.
    Said(Said),
    /// Problems of a text, as they are printed and as they are given to programs.
    Problems {
        /// For a person.
        text: String,
        /// For a program.
        json: serde_json::Value,
    },
}

/// Has something done: by the running service, or here when none runs.
///
/// # Errors
/// Whatever stands against it.
pub fn ask(data: &Data, request: Request) -> Result<Done, Failure> {
    ask_and_tell(data, request, None)
}

/// The same for something that may take long: the meter says how far it has got.
///
/// # Errors
/// Whatever stands against it.
pub fn ask_telling(data: &Data, request: Request, meter: &Arc<Meter>) -> Result<Done, Failure> {
    ask_and_tell(data, request, Some(meter))
}

fn ask_and_tell(data: &Data, request: Request, meter: Option<&Arc<Meter>>) -> Result<Done, Failure> {
    let config = Config::load(data)?;
    let directory = DataDir::new(data, &config);
    directory.require_store()?;
    for _ in 0..40 {
        if let Some(lock) = directory.try_lock()? {
            let telling = meter.map_or_else(meter::nobody, Meter::telling);
            let mut desk = Desk::open(&directory, &config, &*telling)?;
            let done = desk.perform_telling(request, telling);
            drop(lock);
            return done;
        }
        if let Ok(stream) = connect(&directory.control_socket()) {
            return exchange(stream, request, meter);
        }
        // Somebody holds the lock and does not answer yet: a service that is starting, or another command.
        thread::sleep(Duration::from_millis(50));
    }
    Err(Failure::could_not("the data directory is in use, and no service answers on its control socket")
        .help("try again in a moment; if it stays so, stop the process that holds the directory"))
}

/// Asks the running service; `None` when none runs.
///
/// # Errors
/// If it does not answer, or says no.
pub fn ask_running(data: &Data, request: Request) -> Result<Option<Done>, Failure> {
    match connect(&DataDir::of(data)?.control_socket()) {
        Ok(stream) => exchange(stream, request, None).map(Some),
        Err(_) => Ok(None),
    }
}

/// A path to a socket that fits into its address, whatever the length of the directory's own path.
#[must_use]
pub fn short(socket: &Path) -> PathBuf {
    const LONGEST_ADDRESS: usize = 100;
    if socket.as_os_str().len() <= LONGEST_ADDRESS {
        return socket.to_owned();
    }
    let here = std::env::current_dir().ok();
    here.and_then(|here| socket.strip_prefix(here).ok().map(Path::to_owned)).unwrap_or_else(|| socket.to_owned())
}

fn connect(socket: &Path) -> std::io::Result<UnixStream> {
    UnixStream::connect(short(socket))
}

fn exchange(mut stream: UnixStream, request: Request, meter: Option<&Arc<Meter>>) -> Result<Done, Failure> {
    let broken = |_| Failure::could_not("the running service did not answer").help("see its log on standard error");
    let mut line =
        serde_json::to_vec(&Asked { avow: VERSION, progress: meter.is_some(), request }).map_err(Failure::could_not)?;
    line.push(b'\n');
    stream.write_all(&line).map_err(broken)?;
    let (mut lines, mut answer) = (BufReader::new(stream), String::new());
    lines.read_line(&mut answer).map_err(broken)?;
    while let (Some(meter), Ok(Told { progress: Step { doing, done, of }, .. })) =
        (meter, serde_json::from_str(&answer))
    {
        meter.told(&doing, done, of);
        answer.clear();
        lines.read_line(&mut answer).map_err(broken)?;
    }
    let answered: Answered = serde_json::from_str(&answer).map_err(|_| {
        Failure::could_not("the running service is of another version than this command")
            .help("restart the service, or use the command that it was started with")
    })?;
    match answered.outcome {
        Outcome::Done(done) => Ok(done),
        Outcome::Failed { failed: Refused::Said(said) } => Err(said.into()),
        Outcome::Failed { failed: Refused::Problems { text, json } } => Err(Failure::Relayed { text, json }),
    }
}

impl From<Result<Done, Failure>> for Answered {
    fn from(result: Result<Done, Failure>) -> Self {
        let outcome = match result {
            Ok(done) => Outcome::Done(done),
            Err(Failure::Said(said)) => Outcome::Failed { failed: Refused::Said(said) },
            Err(problems) => {
                Outcome::Failed { failed: Refused::Problems { text: problems.render(false), json: problems.json() } }
            }
        };
        Self { avow: VERSION, outcome }
    }
}
