//! The memory as it lies in its file: a head, and three tables of lines. The only unsafe code: one cast from mapped bytes
//! to atomics.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    slice,
    sync::atomic::{AtomicU64, Ordering},
};

use memmap2::{MmapOptions, MmapRaw};

/// One word of the memory.
pub(super) type Word = AtomicU64;

/// "avowseen", so that another file is not taken for one.
const MAGIC: u64 = u64::from_be_bytes(*b"avowseen");
/// The version of this layout.
const LAYOUT: u64 = 1;
/// The head: magic, layout, the four words of the key, and nothing.
const HEAD: usize = 8;
/// What fits into a cache line: entries, and pairs of an entry and a number.
const LINE: usize = 8;
const PAIRS: usize = LINE / 2;

/// Half a million salts of streams and of datagrams, and 65,536 sessions.
const STREAM_LINES: usize = 1 << 16;
const DATAGRAM_LINES: usize = 1 << 16;
const SESSION_LINES: usize = 1 << 14;
const WORDS: usize = HEAD + LINE * (STREAM_LINES + DATAGRAM_LINES + SESSION_LINES);

/// A memory mapped for reading and writing.
pub(super) struct Mapping(MmapRaw);

impl Mapping {
    /// Fills a file with an empty memory. It is written out: when the machine's memory is short this fails, and not the
    /// first salt in a part that has none yet, which would end the process.
    pub(super) fn create(file: &File, key: &[u8; 32]) -> io::Result<Self> {
        let (length, zeros) = (WORDS * size_of::<Word>(), vec![0; 1 << 16]);
        for start in (0..length).step_by(zeros.len()) {
            let piece = zeros.get(..(length - start).min(zeros.len())).unwrap_or_default();
            file.write_all_at(piece, start as u64)?;
        }
        let mapping = Self::map(file)?;
        for (word, part) in mapping.words().iter().skip(2).zip(key.as_chunks::<8>().0) {
            word.store(u64::from_ne_bytes(*part), Ordering::Relaxed);
        }
        // The magic number comes last: a memory that was not finished is none.
        for (word, value) in mapping.words().iter().zip([MAGIC, LAYOUT]).rev() {
            word.store(value, Ordering::Release);
        }
        Ok(mapping)
    }

    /// Maps a file that holds a memory.
    pub(super) fn open(file: &File) -> io::Result<Self> {
        let mapping = Self::map(file)?;
        let mut words = mapping.words().iter().map(|word| word.load(Ordering::Acquire));
        if (words.next(), words.next()) == (Some(MAGIC), Some(LAYOUT)) {
            return Ok(mapping);
        }
        Err(io::ErrorKind::InvalidData.into())
    }

    pub(super) fn key(&self) -> [u8; 32] {
        let mut key = [0; 32];
        for (part, word) in key.as_chunks_mut::<8>().0.iter_mut().zip(self.words().iter().skip(2)) {
            *part = word.load(Ordering::Relaxed).to_ne_bytes();
        }
        key
    }

    pub(super) fn stream_line(&self, line: u64) -> &[Word] {
        self.line(0, STREAM_LINES, line)
    }

    pub(super) fn datagram_line(&self, line: u64) -> &[Word] {
        self.line(STREAM_LINES, DATAGRAM_LINES, line)
    }

    /// Pairs of an entry and the number that it has reached.
    pub(super) fn session_line(&self, line: u64) -> &[[Word; 2]] {
        self.line(STREAM_LINES + DATAGRAM_LINES, SESSION_LINES, line).as_chunks().0
    }

    /// A line of a table that begins after so many lines.
    fn line(&self, before: usize, lines: usize, line: u64) -> &[Word] {
        let at = before + (line % lines as u64) as usize;
        self.words().get(HEAD + LINE * at..).and_then(|rest| rest.get(..LINE)).unwrap_or_default()
    }

    fn map(file: &File) -> io::Result<Self> {
        let length = WORDS * size_of::<Word>();
        if file.metadata()?.len() != length as u64 {
            return Err(io::ErrorKind::InvalidData.into());
        }
        MmapOptions::new().len(length).populate().map_raw(file).map(Self)
    }

    fn words(&self) -> &[Word] {
        #[expect(unsafe_code, reason = "a shared memory has no other way into it")]
        // SAFETY: the mapping starts at a border of memory pages, which is aligned for a word, is `WORDS` words long, and
        // lives as long as `self`. Every word is an atomic, for which every pattern of bits is valid, and every process
        // that maps the file touches it through these same atomics. Nobody shortens the file: it is made at its full
        // length before it is mapped, and only its owner's processes can open it.
        unsafe {
            slice::from_raw_parts(self.0.as_mut_ptr().cast::<Word>(), WORDS)
        }
    }
}

const _: () = assert!(PAIRS == 4 && HEAD * size_of::<Word>() == 64);
