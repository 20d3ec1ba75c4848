//! The data directory: what stands where in it, and who may use it.
//!
//! `avow.db` the store · `last-sweep` when what is due was last erased · `keys/` what seals its values, unless it lies elsewhere · `history/` a copy of each published text · `control.sock` the
//! socket of a running service · `avow.toml` the configuration.
//!
//! Whoever opens the store for writing holds a lock on the directory. The relay inherits it, so that the lock is free
//! only when the service and its relay are both gone.

use std::{
    fs::{self, DirBuilder, File, OpenOptions, TryLockError},
    io::{self, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

use avow_accounting::{Opening, Wrapping};
use avow_terms::private::Private;

use crate::{cli::Data, config::Config, failure::Failure};

/// The name of the credential that wraps the keys, as systemd hands it over in `$CREDENTIALS_DIRECTORY`.
pub const CREDENTIAL: &str = "avow-keys";

/// The data directory of one service.
#[derive(Debug, Clone)]
pub struct DataDir {
    path: PathBuf,
    keys: PathBuf,
}

/// The lock on a data directory; held as long as the value lives, and by every process that inherits its file.
#[derive(Debug)]
pub struct Lock {
    /// The directory, opened and locked.
    pub file: File,
}

impl DataDir {
    /// The directory that a command was given, and that of its keys: as it was told, else as the configuration says, else
    /// in the data directory.
    ///
    /// # Errors
    /// If the configuration has a problem.
    pub fn of(data: &Data) -> Result<Self, Failure> {
        Ok(Self::new(data, &Config::load(data)?))
    }

    /// The same, where the configuration is at hand.
    #[must_use]
    pub fn new(data: &Data, config: &Config) -> Self {
        let keys = data.keys.clone().or_else(|| config.store.keys.clone());
        Self { path: data.dir.clone(), keys: keys.unwrap_or_else(|| data.dir.join("keys")) }
    }

    /// How the store of this directory is opened.
    ///
    /// # Errors
    /// If the credential that wraps the keys cannot be read, or is none.
    pub fn opening<'a>(&'a self, store: &'a Path) -> Result<Opening<'a>, Failure> {
        let wrapping = credential()?.map(|secret| Wrapping::new(secret.expose())).transpose();
        let wrapping = wrapping.map_err(|error| Failure::could_not(error.to_string()))?;
        Ok(Opening { wrapping, ..Opening::new(store, &self.keys) })
    }

    /// Makes the directory, for its owner only, if it is not there.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn create(&self) -> Result<(), Failure> {
        let make = |path: &Path| {
            DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|error| {
                Failure::file("make the data directory", path, &error)
                    .help("name a directory you may write to with `--data DIR`")
            })
        };
        make(&self.path)?;
        make(&self.history())
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> PathBuf {
        self.path.join("avow.db")
    }

    /// The keys of the store and of the relay.
    #[must_use]
    pub fn keys(&self) -> &Path {
        &self.keys
    }

    /// The copies of published texts.
    #[must_use]
    pub fn history(&self) -> PathBuf {
        self.path.join("history")
    }

    /// The copy of one published text.
    #[must_use]
    pub fn published_text(&self, version: u32) -> PathBuf {
        self.history().join(format!("v{version}.md"))
    }

    /// Where it says when the last sweep was, by the clock of then.
    #[must_use]
    pub fn last_sweep(&self) -> PathBuf {
        self.path.join("last-sweep")
    }

    /// The socket of a running service.
    #[must_use]
    pub fn control_socket(&self) -> PathBuf {
        self.path.join("control.sock")
    }

    /// Takes the lock if nobody holds it.
    ///
    /// # Errors
    /// If the directory cannot be opened.
    pub fn try_lock(&self) -> Result<Option<Lock>, Failure> {
        let file = File::open(&self.path).map_err(|error| Failure::file("open", &self.path, &error))?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Lock { file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(Failure::file("lock", &self.path, &error)),
        }
    }

    /// Takes the lock, waiting a moment for a service or a relay that is just ending.
    ///
    /// # Errors
    /// If somebody keeps holding it.
    pub fn lock(&self) -> Result<Lock, Failure> {
        for _ in 0..40 {
            if let Some(lock) = self.try_lock()? {
                return Ok(lock);
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(Failure::could_not(format!("a service is already running on `{}`", self.path.display()))
            .help("stop it first, or name another data directory with `--data DIR`"))
    }

    /// Whether there is a store.
    #[must_use]
    pub fn has_store(&self) -> bool {
        fs::exists(self.store()).unwrap_or(false)
    }

    /// That there is a store.
    ///
    /// # Errors
    /// If there is none; the message says how to get one.
    pub fn require_store(&self) -> Result<(), Failure> {
        if self.has_store() {
            return Ok(());
        }
        Err(Failure::could_not(format!("there is no store at `{}`", self.store().display()))
            .help("start a service with `avow up`, or name its data directory with `--data DIR`"))
    }
}

/// The configuration in a data directory.
#[must_use]
pub fn config(directory: &Path) -> PathBuf {
    directory.join("avow.toml")
}

/// What the files of keys are wrapped with, if the service was handed a credential for it.
///
/// # Errors
/// If the credential cannot be read, or is none.
pub fn credential() -> Result<Option<Private<Vec<u8>>>, Failure> {
    let Some(directory) = std::env::var_os("CREDENTIALS_DIRECTORY") else { return Ok(None) };
    let path = Path::new(&directory).join(CREDENTIAL);
    match fs::read(&path) {
        Ok(secret) => Wrapping::new(&secret).map(|_| Some(Private::new(secret))).map_err(|error| {
            Failure::could_not(format!("`{}`: {error}", path.display())).help(
                "make one with `head -c 32 /dev/urandom | systemd-creds encrypt --name=avow-keys - avow-keys.cred`",
            )
        }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file("read the credential", &path, &error)),
    }
}

/// Writes a file that is there whole or not at all, even when the machine stops in between. Only its owner can read it.
///
/// # Errors
/// If it cannot be written; what was at the path before is then still there.
pub fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    // What an interrupted try left goes first: a file that is there keeps the mode it has.
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    path.parent().map_or(Ok(()), |directory| File::open(directory)?.sync_all())
}
