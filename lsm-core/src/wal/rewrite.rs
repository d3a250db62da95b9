//! Rewriting a log: the surviving batches, copied into one new, sealed segment.
//!
//! The file of a process that died cannot be believed even where it verifies: the page cache may
//! show bytes that a failed sync has left off the disk. So recovery copies what it replays into a
//! file of its own and syncs that, before anything is acknowledged and before any old file goes.
//! A rewritten segment is never appended to.

use std::sync::Arc;

use crate::base::checksum::FileCrc;
use crate::base::error::{Error, ErrorKind, Result};
use crate::env::fs::Directory;
use crate::env::schedule::Scheduler;
use crate::key::seqno::SeqNo;
use crate::record::frame::{FRAME_ALIGN, Frame, Payload, Place, RecordType, padded_len};
use crate::record::header::FileHeader;
use crate::wal::chain::Replayed;
use crate::wal::outlet::Outlet;
use crate::wal::seam::Seam;
use crate::wal::segment::Segment;

/// The flag in the header of a segment that holds copies only.
pub const REWRITTEN: u64 = 1;

const PADDING: [u8; FRAME_ALIGN as usize] = [0; FRAME_ALIGN as usize];

/// A segment being written from survivors.
#[derive(Debug)]
pub struct Rewrite {
    outlet: Outlet,
    place: Place,
    end: u64,
    check: u64,
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
    /// Creates the segment. `seam` begins a chain of its own. A job writes it, if there is a
    /// scheduler for one.
    pub fn create(
        scheduler: Option<Arc<dyn Scheduler>>,
        dir: &dyn Directory,
        mut header: FileHeader,
        seam: Seam,
    ) -> Result<Self> {
        header.flags |= REWRITTEN;
        let mut crc = FileCrc::new();
        crc.update(&header.encode());
        let edit = header.edit;
        let segment = Segment::create(dir, header)?;
        let start = Segment::start();
        let mut rewrite = Self {
            outlet: Outlet::open(scheduler, segment.file().clone(), (start, crc))?,
            place: segment.place(),
            end: start,
            check: segment.header_check(),
            next_seqno: SeqNo::ZERO,
            edit,
        };
        rewrite.push(RecordType::Seam, SeqNo::ZERO, 0, &Payload::new(&seam.encode()))?;
        Ok(rewrite)
    }

    /// Copies a batch under the numbers it had.
    pub fn add(&mut self, batch: &Replayed<'_>) -> Result<()> {
        let payload = Payload::hashed(batch.payload, batch.hash);
        self.push(RecordType::Batch, batch.first, batch.count, &payload)?;
        let next = batch.first.after(u64::from(batch.count));
        self.next_seqno = next.unwrap_or(SeqNo::MAX);
        Ok(())
    }

    /// Seals the segment and makes it durable.
    pub fn finish(mut self) -> Result<Rewritten> {
        let edit = self.edit.to_le_bytes();
        self.push(RecordType::Seal, self.next_seqno, 0, &Payload::new(&edit))?;
        let (end, check) = (self.end, self.check);
        Ok(Rewritten { end, check, crc: self.outlet.finish()? })
    }

    fn push(
        &mut self,
        record_type: RecordType,
        seqno: SeqNo,
        count: u32,
        payload: &Payload<'_>,
    ) -> Result<()> {
        let frame = Frame::new(record_type, seqno, count, self.check, 0);
        let (head, check) = frame
            .encode(payload, self.place, self.end)
            .ok_or_else(|| Error::new(ErrorKind::TooLarge, "a batch does not fit one record"))?;
        let padded = padded_len(payload.bytes().len());
        let padding = padded as usize - head.len() - payload.bytes().len();
        self.outlet.put(&head)?;
        self.outlet.put(payload.bytes())?;
        self.outlet.put(PADDING.get(..padding).unwrap_or_default())?;
        self.end += padded;
        self.check = check;
        Ok(())
    }
}
