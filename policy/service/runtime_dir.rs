//! Where the counter page and the relay's memory of what it saw live: files in memory that outlive the processes and not
//! the machine.
//!
//! The page holds account numbers and byte counts that are not yet stored. It belongs on tmpfs: on a disk it would leave
//! an activity log in freed blocks.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io,
    os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use avow_proxy::Replays;

use crate::failure::Failure;

/// What `statfs` says of a file system in memory (`TMPFS_MAGIC` of linux/magic.h).
const TMPFS: i64 = 0x0102_1994;

/// The directory of the counter page.
#[derive(Debug, Clone)]
pub struct RuntimeDir {
    path: PathBuf,
    page: PathBuf,
    replays: PathBuf,
}

impl RuntimeDir {
    /// The directory for a data directory: the one configured, else systemd's, else the user's, else `/dev/shm`.
    ///
    /// # Errors
    /// If it cannot be made, or belongs to somebody else.
    pub fn open(configured: Option<&Path>, data: &Path) -> Result<Self, Failure> {
        let path = configured.map_or_else(default_path, Path::to_owned);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&path)
            // Both the name and what it leads to: in a directory that is open to all, another user may have put a link.
            .and_then(|()| owned(&fs::symlink_metadata(&path)?))
            .and_then(|()| owned(&fs::metadata(&path)?))
            .map_err(|error| {
                Failure::file("use the runtime directory", &path, &error)
                    .help("name a directory on tmpfs that only you can use: `directory` under `[runtime]`")
            })?;
        // The page goes by the data directory itself, not by its path: the same directory under another name finds it.
        let data = fs::metadata(data).map_err(|error| Failure::file("open", data, &error))?;
        let file = |kind| path.join(format!("{kind}-{:x}-{:x}", data.dev(), data.ino()));
        let (page, replays) = (file("counters"), file("replays"));
        Ok(Self { path, page, replays })
    }

    /// Whether the directory is in memory.
    #[must_use]
    pub fn in_memory(&self) -> bool {
        rustix::fs::statfs(&self.path).is_ok_and(|found| found.f_type == TMPFS)
    }

    /// The directory.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The page that an earlier life left, if there is one.
    #[must_use]
    pub fn earlier_page(&self) -> Option<File> {
        earlier(&self.page)
    }

    /// A new, empty page in place of any earlier one.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn new_page(&self) -> Result<File, Failure> {
        new(&self.page).map_err(|error| Failure::file("make the counter page", &self.page, &error))
    }

    /// The memory of what the relay has seen: the one that an earlier life left, or a new one. It stays when the service
    /// stops, so that nothing that was recorded before is taken for new after.
    ///
    /// # Errors
    /// If it cannot be made.
    pub fn replays(&self) -> Result<Replays, Failure> {
        let left = earlier(&self.replays).and_then(|file| Replays::open(file).ok());
        let made = || new(&self.replays).and_then(Replays::create);
        left.map_or_else(made, Ok).map_err(|error| Failure::file("make the memory of the relay", &self.replays, &error))
    }

    /// Removes the page; what it held is stored.
    pub fn remove_page(&self) {
        let _ = fs::remove_file(&self.page);
    }
}

/// A file of this user's that is there.
fn earlier(path: &Path) -> Option<File> {
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let file = OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).ok()?;
    file.metadata().and_then(|found| owned(&found)).ok()?;
    Some(file)
}

/// A new, empty file in place of any earlier one.
fn new(path: &Path) -> io::Result<File> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => (),
    }
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

fn default_path() -> PathBuf {
    let uid = rustix::process::getuid().as_raw();
    std::env::var_os("RUNTIME_DIRECTORY")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("XDG_RUNTIME_DIR")?).join("avow")))
        .unwrap_or_else(|| PathBuf::from(format!("/dev/shm/avow-{uid}")))
}

/// Refuses what another user could have put there.
fn owned(found: &fs::Metadata) -> io::Result<()> {
    if found.uid() == rustix::process::getuid().as_raw() {
        return Ok(());
    }
    Err(io::Error::other("it belongs to another user"))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{lchown, symlink};

    use super::*;

    #[test]
    fn a_directory_that_another_user_put_there_is_not_used() {
        let place = tempfile::tempdir().unwrap();
        let [own, link, others] = ["own", "link", "others"].map(|name| place.path().join(name));
        let open = |path: &Path| RuntimeDir::open(Some(path), place.path());
        open(&own).unwrap().new_page().unwrap();
        symlink(&own, &link).unwrap();
        assert!(open(&link).is_ok());
        fs::create_dir(&others).unwrap();
        // Only root can give a file away.
        if lchown(&link, Some(65534), None).is_ok() && lchown(&others, Some(65534), None).is_ok() {
            assert!(open(&link).is_err(), "it may lead anywhere");
            assert!(open(&others).is_err());
        }
    }
}
