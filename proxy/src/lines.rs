//! Lines from the control socket: whole, bounded, and never lost when a wait for them is given up.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt};

use crate::order::LONGEST_LINE;

/// Reads a stream line by line.
pub(crate) struct Lines<R> {
    reader: R,
    read: Vec<u8>,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, read: Vec::new() }
    }

    /// The next line without its end; `None` when the stream is over. What was read stays here when the future is
    /// dropped, so it may stand in a `select!`.
    pub(crate) async fn next(&mut self) -> io::Result<Option<Vec<u8>>> {
        loop {
            if let Some(line) = self.take() {
                return Ok(Some(line));
            }
            if self.read.len() > LONGEST_LINE {
                return Err(io::ErrorKind::InvalidData.into());
            }
            if self.reader.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }

    /// Whether a whole line is here already.
    pub(crate) fn has_line(&self) -> bool {
        self.read.contains(&b'\n')
    }

    fn take(&mut self) -> Option<Vec<u8>> {
        let end = self.read.iter().position(|byte| *byte == b'\n')?;
        let mut line: Vec<u8> = self.read.drain(..=end).collect();
        line.pop();
        Some(line)
    }
}
