//! Attempts at what the walls forbid, each in a process of its own: behind all of them, behind each alone, and behind
//! none, so that it shows which wall holds and that the attempt would succeed without.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            fs::DirBuilderExt,
            net::{SocketAddr, UnixListener},
            process::ExitStatusExt,
        },
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use avow_proxy::{Attempt, Grounds, Outcome, Wall};
use serde::{Deserialize, Serialize};

use crate::{data_dir::DataDir, exit::Exit, failure::Failure};

/// One attempt, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Trial {
    /// What was tried.
    pub attempt: Attempt,
    /// Behind all walls.
    pub outcome: Outcome,
    /// Behind one wall alone, each.
    pub alone: Vec<(Wall, Outcome)>,
    /// Behind none: an attempt that fails here too shows nothing. `None` where it would leave something on the machine.
    pub without: Option<Outcome>,
}

impl Trial {
    /// Whether the walls held.
    #[must_use]
    pub fn held(&self) -> bool {
        self.outcome.held()
    }
}

/// What a process is told to try: the text of the file that is its standard input.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    attempt: Attempt,
    behind: Vec<Wall>,
    grounds: Grounds,
}

/// A byte that attempts to read this process look for.
static BYTE: u8 = 1;

/// Makes every attempt. Returns the walls that cannot be raised here as well.
pub(super) fn all(data: &DataDir) -> Result<(Vec<Wall>, Vec<Trial>), Failure> {
    let scene =
        Scene::set(data).map_err(|error| Failure::could_not(format!("cannot prepare the attempts: {error}")))?;
    let failed = |error: io::Error| Failure::could_not(format!("cannot make an attempt: {error}"));
    let mut missing = Vec::new();
    for wall in Wall::ALL {
        if scene.run(Attempt::ReadUsers, &[wall]).map_err(failed)? == Outcome::NoWall {
            missing.push(wall);
        }
    }
    let here: Vec<Wall> = Wall::ALL.into_iter().filter(|wall| !missing.contains(wall)).collect();
    let trials = thread::scope(|scope| {
        let quarters = Attempt::ALL.chunks(Attempt::ALL.len().div_ceil(4));
        let workers: Vec<_> = quarters
            .map(|attempts| {
                let (scene, here) = (&scene, &here);
                scope.spawn(move || attempts.iter().map(|attempt| scene.trial(*attempt, here)).collect::<Vec<_>>())
            })
            .collect();
        workers.into_iter().flat_map(|worker| worker.join().unwrap_or_default()).collect::<io::Result<Vec<_>>>()
    });
    Ok((missing, trials.map_err(failed)?))
}

/// The process that makes one attempt: it is told which, says what came of it, and does nothing else.
///
/// # Errors
/// If it was started by hand.
pub fn attempt() -> Result<Exit, Failure> {
    let Ok(Order { attempt, behind, grounds }) = serde_json::from_reader(io::stdin()) else {
        return Err(Failure::could_not("an attempt is made by `avow walls`").help("run `avow walls`"));
    };
    let outcome = attempt.make(&behind, &grounds);
    let mut line = serde_json::to_vec(&outcome).map_err(Failure::could_not)?;
    line.push(b'\n');
    io::stdout().write_all(&line).map_err(Failure::could_not)?;
    Ok(Exit::Done)
}

/// What the attempts are made on.
struct Scene {
    directory: PathBuf,
    store: PathBuf,
    socket: PathBuf,
    name: String,
    runs: AtomicUsize,
    _listeners: [UnixListener; 2],
}

impl Scene {
    /// Things of this run's own, in a directory that is removed at its end; and the store, where there is one.
    fn set(data: &DataDir) -> io::Result<Self> {
        let name = format!("avow-walls-{}", std::process::id());
        let directory = std::env::temp_dir().join(&name);
        DirBuilder::new().mode(0o700).create(&directory)?;
        let present = directory.join("present");
        fs::write(&present, "x")?;
        let socket = directory.join("socket");
        let listeners =
            [UnixListener::bind(&socket)?, UnixListener::bind_addr(&SocketAddr::from_abstract_name(name.as_bytes())?)?];
        let store = Some(data.store()).filter(|store| store.exists()).map_or(Ok(present), fs::canonicalize)?;
        Ok(Self { directory, store, socket, name, runs: AtomicUsize::new(0), _listeners: listeners })
    }

    fn trial(&self, attempt: Attempt, here: &[Wall]) -> io::Result<Trial> {
        let leaves = attempt == Attempt::DumpCore && !cores_stay_here();
        let alone = here.iter().filter(|wall| !leaves || **wall == Wall::Privileges);
        Ok(Trial {
            attempt,
            outcome: self.run(attempt, here)?,
            alone: alone.map(|wall| Ok((*wall, self.run(attempt, &[*wall])?))).collect::<io::Result<_>>()?,
            without: if leaves { None } else { Some(self.run(attempt, &[])?) },
        })
    }

    fn run(&self, attempt: Attempt, behind: &[Wall]) -> io::Result<Outcome> {
        let directory = self.directory.join(self.runs.fetch_add(1, Ordering::Relaxed).to_string());
        fs::create_dir(&directory)?;
        fs::write(directory.join("present"), "x")?;
        let grounds = Grounds {
            directory: directory.clone(),
            store: self.store.clone(),
            socket: self.socket.clone(),
            name: self.name.clone(),
            parent: std::process::id().cast_signed(),
            memory: (&raw const BYTE).addr(),
        };
        let order = Order { attempt, behind: behind.to_vec(), grounds };
        let ran = Command::new("/proc/self/exe")
            .arg("attempt")
            .current_dir(&directory)
            .stdin(handed_over(&directory.join("order"), &order)?)
            .stderr(Stdio::null())
            .output()?;
        match (serde_json::from_slice(&ran.stdout), ran.status.signal()) {
            (_, Some(_)) if ran.status.core_dumped() => Ok(Outcome::Done),
            (_, Some(signal)) => Ok(Outcome::Ended { signal }),
            (Ok(outcome), None) => Ok(outcome),
            // Whoever became another program does not come back to say so.
            (Err(_), None) if attempt == Attempt::BecomeProgram && ran.status.success() => Ok(Outcome::Done),
            (Err(error), None) => Err(error.into()),
        }
    }
}

impl Drop for Scene {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn handed_over(path: &Path, order: &Order) -> io::Result<File> {
    let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
    file.write_all(&serde_json::to_vec(order)?)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(file)
}

/// Whether a core dump is a file in the directory of its process, and not handed to a program that keeps it.
fn cores_stay_here() -> bool {
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_else(|_| "|".into());
    !pattern.starts_with(['|', '/', '@'])
}
