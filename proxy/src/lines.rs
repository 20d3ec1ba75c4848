//! Lines from the control socket: whole, bounded, and never lost when a wait for them is given up.

use std::io;

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

use crate::order::LONGEST_LINE;

/// How much is asked for at once: some hundred orders.
const MANY_LINES: usize = 1 << 16;

/// Reads a stream line by line.
pub(crate) struct Lines<R> {
    reader: R,
    read: BytesMut,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(reader: R) -> Self {
        Self { reader, read: BytesMut::new() }
    }

    /// The next line without its end; `None` when the stream is over. What was read stays here when the future is
    /// dropped, so it may stand in a `select!`.
    pub(crate) async fn next(&mut self) -> io::Result<Option<BytesMut>> {
        loop {
            if let Some(line) = self.take() {
                return Ok(Some(line));
            }
            if self.read.len() > LONGEST_LINE {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.read.reserve(MANY_LINES);
            if self.reader.read_buf(&mut self.read).await? == 0 {
                return Ok(None);
            }
        }
    }

    fn take(&mut self) -> Option<BytesMut> {
        let end = self.read.iter().position(|byte| *byte == b'\n')?;
        let mut line = self.read.split_to(end + 1);
        line.truncate(end);
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn lines_that_come_together_are_read_one_by_one() {
        let (mut writer, reader) = duplex(1 << 20);
        let sent: Vec<_> = (1_000..2_000).map(|number| format!("{number:0200}")).collect();
        writer.write_all((sent.join("\n") + "\n").as_bytes()).await.unwrap();
        drop(writer);
        let (mut lines, mut read) = (Lines::new(reader), Vec::new());
        while let Some(line) = lines.next().await.unwrap() {
            read.push(String::from_utf8(line.to_vec()).unwrap());
        }
        assert!(read == sent);
    }

    #[tokio::test]
    async fn a_line_without_an_end_is_refused() {
        let endless = tokio::io::repeat(b'a');
        assert_eq!(Lines::new(endless).next().await.unwrap_err().kind(), io::ErrorKind::InvalidData);
    }
}
