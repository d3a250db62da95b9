//! The file that a table is written to: buffered, counted, and checked as a whole.

use std::sync::Arc;

use crate::base::checksum::FileCrc;
use crate::base::error::Result;
use crate::env::fs::{File, write_all_at};

/// So much is collected before it is written. A table of less than this is one write.
const BUFFER: usize = 256 << 10;

/// A file that is written from front to back, once.
#[derive(Debug)]
pub struct Output {
    file: Arc<dyn File>,
    buffer: Vec<u8>,
    written: u64,
    crc: FileCrc,
}

impl Output {
    /// Nothing has been written to `file`.
    #[must_use]
    pub fn new(file: Arc<dyn File>) -> Self {
        Self { file, buffer: Vec::new(), written: 0, crc: FileCrc::new() }
    }

    /// Where the next byte goes.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.written + self.buffer.len() as u64
    }

    /// Appends bytes.
    pub fn put(&mut self, bytes: &[u8]) -> Result<()> {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if bytes.len() >= BUFFER {
            return self.write(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let result = self.write(&buffer);
        self.buffer = buffer;
        self.buffer.clear();
        result
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        write_all_at(self.file.as_ref(), bytes, self.written)?;
        self.crc.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }

    /// Writes what is left; answers the length of the file and its CRC.
    pub fn finish(mut self) -> Result<(u64, u32)> {
        self.flush()?;
        Ok((self.written, self.crc.finish()))
    }
}
