//! The file of a backup: written whole or not at all, and read from its beginning to its end.
//!
//! At its end stand a digest of all before it, which tells whether it is whole, and a code that only whoever has the keys
//! can write.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufRead, BufReader, BufWriter, Read, Seek, SeekFrom, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use aws_lc_rs::{digest, hmac};

use super::{
    error::{BackupError, of_file},
    form::{DIGEST_LEN, LONGEST, MAGIC, MARK},
};
use crate::key_file::KeyBytes;

/// A backup that is being written. It has another name until it is whole, and is removed if it never is.
pub(super) struct Writer {
    path: PathBuf,
    half: Half,
    out: BufWriter<File>,
    digest: digest::Context,
    bytes: u64,
}

/// A file that is removed, unless it came to be what it was made for.
struct Half(Option<PathBuf>);

impl Writer {
    /// Begins a file. One that is there is never written over.
    pub(super) fn new(path: &Path) -> Result<Self, BackupError> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(BackupError::Exists { path: path.into() });
        }
        let mut half = path.as_os_str().to_owned();
        half.push(".new");
        let half = PathBuf::from(half);
        // What an interrupted try left: there is one writer, which holds the lock of the data directory.
        let _ = fs::remove_file(&half);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half);
        let out = BufWriter::with_capacity(1 << 16, file.map_err(of_file("make", &half))?);
        let digest = digest::Context::new(&digest::SHA256);
        Ok(Self { path: path.into(), half: Half(Some(half)), out, digest, bytes: 0 })
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.digest.update(bytes);
        self.write(bytes)
    }

    /// A value, with its length before it.
    pub(super) fn value(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        let too_long = || of_file("write", &self.path)(io::Error::other("a value is too long"));
        let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= LONGEST).ok_or_else(too_long)?;
        self.put(&length.to_be_bytes())?;
        self.put(bytes)
    }

    /// How many of something follow.
    pub(super) fn count(&mut self, count: usize) -> Result<(), BackupError> {
        let too_many = || of_file("write", &self.path)(io::Error::other("there is too much of it"));
        self.put(&u32::try_from(count).map_err(|_| too_many())?.to_be_bytes())
    }

    /// Ends the file, puts it on the disk and gives it its name; says how long it is.
    pub(super) fn finish(mut self, key: &KeyBytes) -> Result<u64, BackupError> {
        let digest = self.digest.clone().finish();
        let code = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), digest.as_ref());
        self.write(digest.as_ref())?;
        self.write(code.as_ref())?;
        self.out.flush().and_then(|()| self.out.get_ref().sync_all()).map_err(of_file("write", &self.path))?;
        let Some(half) = self.half.0.clone() else { return Ok(self.bytes) };
        match fs::hard_link(&half, &self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(BackupError::Exists { path: self.path });
            }
            // A file system without second names.
            Err(_) => {
                fs::rename(&half, &self.path).map_err(of_file("make", &self.path))?;
                self.half.0 = None;
            }
        }
        drop(self.half);
        sync_directory_of(&self.path).map_err(of_file("write", &self.path))?;
        Ok(self.bytes)
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), BackupError> {
        self.bytes += u64::try_from(bytes.len()).unwrap_or(0);
        self.out.write_all(bytes).map_err(of_file("write", &self.path))
    }
}

impl Drop for Half {
    fn drop(&mut self) {
        if let Some(path) = &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

/// Puts the names in the directory of a file on the disk.
pub(super) fn sync_directory_of(path: &Path) -> io::Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(directory)?.sync_all()
}

/// A backup that is read; every reading says that it is damaged where its bytes end.
pub(super) struct Source {
    path: PathBuf,
    input: BufReader<File>,
    left: u64,
}

/// What stands at the end of a backup.
pub(super) struct End {
    pub(super) digest: [u8; DIGEST_LEN],
    pub(super) code: [u8; DIGEST_LEN],
}

impl Source {
    /// Opens a backup that is whole, at what follows its first line; says what stands at its end.
    pub(super) fn open(path: &Path) -> Result<(Self, End), BackupError> {
        let mut file = File::open(path).map_err(of_file("read", path))?;
        let length = file.metadata().map_err(of_file("read", path))?.len();
        let mut magic = Vec::new();
        Read::by_ref(&mut file).take(16).read_to_end(&mut magic).map_err(of_file("read", path))?;
        if magic != MAGIC {
            let known = magic.len() == MAGIC.len() && magic.starts_with(MARK) && !magic.starts_with(b"avow backup 1\n");
            return Err(if known {
                BackupError::Newer { path: path.into() }
            } else if !magic.is_empty() && MAGIC.starts_with(&magic) || magic.starts_with(MARK) {
                BackupError::Damaged { path: path.into() }
            } else {
                BackupError::NotABackup { path: path.into() }
            });
        }
        let ends = 2 * DIGEST_LEN as u64;
        let all = length.checked_sub(ends).ok_or_else(|| BackupError::Damaged { path: path.into() })?;
        file.seek(SeekFrom::Start(0)).map_err(of_file("read", path))?;
        let mut source = Self { path: path.into(), input: BufReader::with_capacity(1 << 16, file), left: all };
        let mut digest = digest::Context::new(&digest::SHA256);
        while source.left > 0 {
            let here = source.input.fill_buf().map_err(of_file("read", path))?;
            let count = here.len().min(usize::try_from(source.left).unwrap_or(usize::MAX));
            if count == 0 {
                return Err(source.damaged());
            }
            digest.update(here.get(..count).unwrap_or(here));
            source.input.consume(count);
            source.left -= count as u64;
        }
        source.left = ends;
        let end = End { digest: source.array()?, code: source.array()? };
        if digest.finish().as_ref() != end.digest {
            return Err(source.damaged());
        }
        source.to(MAGIC.len() as u64, all)?;
        Ok((source, end))
    }

    /// Goes to a place; what is read from there ends where it is told.
    pub(super) fn to(&mut self, place: u64, end: u64) -> Result<(), BackupError> {
        self.input.seek(SeekFrom::Start(place)).map_err(of_file("read", &self.path))?;
        self.left = end.saturating_sub(place);
        Ok(())
    }

    /// How many bytes are left.
    pub(super) fn left(&self) -> u64 {
        self.left
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], BackupError> {
        let mut bytes = [0; N];
        self.take(N)?;
        self.input.read_exact(&mut bytes).map_err(of_file("read", &self.path))?;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self) -> Result<u32, BackupError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, BackupError> {
        self.array().map(u64::from_be_bytes)
    }

    pub(super) fn i64(&mut self) -> Result<i64, BackupError> {
        self.array().map(i64::from_be_bytes)
    }

    /// A value, with its length before it.
    pub(super) fn value(&mut self) -> Result<Vec<u8>, BackupError> {
        let length = self.length()?;
        let mut bytes = vec![0; length];
        self.input.read_exact(&mut bytes).map_err(of_file("read", &self.path))?;
        Ok(bytes)
    }

    /// Passes over a value; says whether there was anything in it.
    pub(super) fn skip(&mut self) -> Result<bool, BackupError> {
        let length = self.length()?;
        let ahead = i64::try_from(length).map_err(|_| self.damaged())?;
        self.input.seek_relative(ahead).map_err(of_file("read", &self.path))?;
        Ok(length > 0)
    }

    pub(super) fn text(&mut self) -> Result<String, BackupError> {
        String::from_utf8(self.value()?).map_err(|_| self.damaged())
    }

    pub(super) fn damaged(&self) -> BackupError {
        BackupError::Damaged { path: self.path.clone() }
    }

    fn length(&mut self) -> Result<usize, BackupError> {
        let length = usize::try_from(self.u32()?).map_err(|_| self.damaged())?;
        if length > LONGEST {
            return Err(self.damaged());
        }
        self.take(length)?;
        Ok(length)
    }

    /// That so many bytes are left, which are now read.
    fn take(&mut self, count: usize) -> Result<(), BackupError> {
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| self.damaged())?;
        Ok(())
    }
}
