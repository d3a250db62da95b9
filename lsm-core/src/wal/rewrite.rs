//! Rewriting a log: the surviving batches, copied into one new, sealed segment.
//!
//! The file of a process that died cannot be believed even where it verifies: the page cache may
//! show bytes that a failed sync has left off the disk. So recovery copies what it replays into a
//! file of its own and syncs that, before anything is acknowledged and before any old file goes.
//! A rewritten segment is never appended to.

use crate::base::checksum::FileCrc;
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::env::fs::{Directory, write_all_at};
use crate::key::seqno::SeqNo;
use crate::record::frame::{Frame, Payload, RecordType, padded_len};
use crate::record::header::FileHeader;
use crate::wal::chain::Replayed;
use crate::wal::seam::Seam;
use crate::wal::segment::Segment;

/// The flag in the header of a segment that holds copies only.
pub const REWRITTEN: u64 = 1;

const WRITE_BYTES: usize = 1 << 20;

/// A segment being written from survivors.
#[derive(Debug)]
pub struct Rewrite {
    segment: Segment,
    buffer: Vec<u8>,
    written: u64,
    end: u64,
    check: u64,
    crc: FileCrc,
    next_seqno: SeqNo,
    edit: u64,
}

/// How a rewritten segment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rewritten {
    /// Its length.
    pub end: u64,
    /// The check of its last record.
    pub check: u64,
    /// CRC-32 of the file as a whole.
    pub crc: u32,
}

impl Rewrite {
    /// Creates the segment. `seam` begins a chain of its own.
    pub fn create(dir: &dyn Directory, mut header: FileHeader, seam: Seam) -> Result<Self> {
        header.flags |= REWRITTEN;
        let mut crc = FileCrc::new();
        crc.update(&header.encode());
        let edit = header.edit;
        let segment = Segment::create(dir, header)?;
        let mut rewrite = Self {
            check: segment.header_check(),
            segment,
            buffer: Vec::new(),
            written: Segment::start(),
            end: Segment::start(),
            crc,
            next_seqno: SeqNo::ZERO,
            edit,
        };
        rewrite.push(RecordType::Seam, SeqNo::ZERO, 0, &seam.encode())?;
        Ok(rewrite)
    }

    /// Copies a batch under the numbers it had.
    pub fn add(&mut self, batch: Replayed<'_>) -> Result<()> {
        self.push(RecordType::Batch, batch.first, batch.count, batch.payload)?;
        let next = batch.first.after(u64::from(batch.count));
        self.next_seqno = next.unwrap_or(SeqNo::MAX);
        Ok(())
    }

    /// Seals the segment and makes it durable.
    pub fn finish(mut self) -> Result<Rewritten> {
        self.push(RecordType::Seal, self.next_seqno, 0, &self.edit.to_le_bytes())?;
        self.write_out()?;
        if !planted(Bug::RewriteSyncSkipped) {
            self.segment.file().sync_data()?;
        }
        Ok(Rewritten { end: self.end, check: self.check, crc: self.crc.finish() })
    }

    fn push(
        &mut self,
        record_type: RecordType,
        seqno: SeqNo,
        count: u32,
        payload: &[u8],
    ) -> Result<()> {
        let frame = Frame::new(record_type, seqno, count, self.check, 0);
        let payload = Payload::new(payload);
        let (head, check) = frame
            .encode(&payload, self.segment.place(), self.end)
            .ok_or_else(|| Error::new(ErrorKind::TooLarge, "a batch does not fit one record"))?;
        let padded = padded_len(payload.bytes().len());
        let padding = padded as usize - head.len() - payload.bytes().len();
        self.buffer.extend_from_slice(&head);
        if payload.bytes().len() < WRITE_BYTES {
            self.buffer.extend_from_slice(payload.bytes());
        } else {
            self.write_out()?;
            self.write(payload.bytes())?;
        }
        self.buffer.resize(self.buffer.len() + padding, 0);
        self.end += padded;
        self.check = check;
        if self.buffer.len() >= WRITE_BYTES { self.write_out() } else { Ok(()) }
    }

    fn write_out(&mut self) -> Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let written = self.write(&buffer);
        self.buffer = buffer;
        self.buffer.clear();
        written
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        write_all_at(self.segment.file().as_ref(), bytes, self.written)?;
        self.crc.update(bytes);
        self.written += bytes.len() as u64;
        Ok(())
    }
}
