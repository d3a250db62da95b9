//! Walks the records of one file, and looks past the place where the walk ends.
//!
//! The walk ends at the first record that does not verify, does not follow its predecessor, or is
//! not there. Whether that place is the end of what was written, a torn write or damage cannot be
//! told from the place itself: `evidence_after` collects what the bytes behind it know, and the
//! caller, who has other witnesses too, decides.

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::room::make_room_for_all;
use crate::env::fs::{File, read_full_at};
use crate::key::seqno::SeqNo;
use crate::record::frame::{
    FRAME_ALIGN, FRAME_LEN, Frame, Place, RecordType, padded_len, verified_hash,
};

/// What one read asks for at least; files shorter than that are read whole.
const READ_BYTES: u64 = 256 << 10;
/// The same of the first read: some want to see no more than how a file begins.
const FIRST_READ_BYTES: u64 = 4 << 10;
/// How often the bytes of a file may be hashed while looking for records, so that a file made to
/// look full of them costs no more than a few readings.
const SCAN_PASSES: u64 = 16;

/// A record that verified.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its type.
    pub record_type: RecordType,
    /// Its first sequence number, or the number of an edit.
    pub seqno: SeqNo,
    /// The entries in its payload.
    pub count: u32,
    /// Bytes of the file that were known durable when it was written.
    pub durable: u64,
    /// What it holds.
    pub payload: &'a [u8],
    /// `hash64` of that.
    pub hash: u64,
}

/// What stands behind the place where a walk ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// A record verifies there.
    pub any_record: bool,
    /// The largest watermark among them.
    pub durable: u64,
    /// The bytes are so full of likely records that the search was given up.
    pub undecided: bool,
}

/// A walk over the records of a file, front to back.
#[derive(Debug)]
pub struct RecordReader<'f> {
    file: &'f dyn File,
    file_len: u64,
    place: Place,
    offset: u64,
    check: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
    /// How much may still be hashed in search of records behind damage.
    search_left: Option<u64>,
}

impl<'f> RecordReader<'f> {
    /// A walk that begins at `offset`, behind what has the check `check`.
    pub fn new(file: &'f dyn File, place: Place, offset: u64, check: u64) -> Result<Self> {
        let file_len = file.len()?;
        let (buffer, buffer_at, search_left) = (Vec::new(), 0, None);
        Ok(Self { file, file_len, place, offset, check, buffer, buffer_at, search_left })
    }

    /// Where the next record would begin: the end of the last one that verified.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The check of the last record that verified, or of what the walk began behind.
    #[must_use]
    pub fn check(&self) -> u64 {
        self.check
    }

    /// The length of the file when the walk began.
    #[must_use]
    pub fn file_len(&self) -> u64 {
        self.file_len
    }

    /// The next record, or `None` at the end of the walk. Not being able to read is an error and
    /// never an end; so is a record that verifies and that this version does not understand.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>> {
        let offset = self.offset;
        let Some(candidate) = self.candidate_at(offset)? else { return Ok(None) };
        if candidate.frame.chain != self.check as u32 || candidate.frame.durable > offset {
            return Ok(None);
        }
        let Some(hash) = self.verify(offset, &candidate)? else { return Ok(None) };
        let payload_len = candidate.payload_len;
        let frame = candidate.frame;
        let record_type = self.understand(&frame, offset)?;
        self.offset = offset + padded_len(payload_len);
        self.check = candidate.check;
        let payload = self.bytes(offset + FRAME_LEN as u64, payload_len)?.unwrap_or_default();
        Ok(Some(Record {
            record_type,
            seqno: frame.seqno,
            count: frame.count,
            durable: frame.durable,
            payload,
            hash,
        }))
    }

    /// True if nothing was begun where the walk has ended.
    pub fn is_blank(&mut self) -> Result<bool> {
        let left = self.file_len.saturating_sub(self.offset).min(FRAME_LEN as u64) as usize;
        let bytes = self.bytes(self.offset, left)?;
        Ok(bytes.is_none_or(|bytes| bytes.iter().all(|&byte| byte == 0)))
    }

    /// Goes on behind damage: to the first record that verifies at or behind the place where the
    /// walk has ended. False, and nothing changes, if there is none, or if the bytes are so full of
    /// likely records that the search is given up.
    pub fn skip_damage(&mut self) -> Result<bool> {
        let mut offset = self.offset;
        let usual = self.file_len.saturating_mul(SCAN_PASSES).saturating_add(READ_BYTES);
        let mut left = self.search_left.unwrap_or(usual);
        let written_len = self.file.written_len()?;
        let mut found = None;
        while offset < written_len && offset + FRAME_LEN as u64 <= self.file_len {
            let Some(candidate) = self.likely_candidate_at(offset)? else {
                offset = self.behind_zeros(offset + FRAME_ALIGN);
                continue;
            };
            let Some(rest) = left.checked_sub(padded_len(candidate.payload_len)) else { break };
            left = rest;
            if self.verify(offset, &candidate)?.is_some() {
                found = Some(candidate.frame.chain);
                break;
            }
            offset += FRAME_ALIGN;
        }
        self.search_left = Some(left);
        let Some(chain) = found else { return Ok(false) };
        (self.offset, self.check) = (offset, u64::from(chain));
        Ok(true)
    }

    /// What the bytes from `offset` to the end of the file know.
    pub fn evidence_after(&mut self, mut offset: u64) -> Result<Evidence> {
        let mut evidence = Evidence::default();
        let mut hashing_left = self.file_len.saturating_mul(SCAN_PASSES).saturating_add(READ_BYTES);
        // Most of what was reserved was never written, and need not be read.
        let written_len = self.file.written_len()?;
        while offset < written_len && offset + FRAME_LEN as u64 <= self.file_len {
            let Some(candidate) = self.likely_candidate_at(offset)? else {
                offset = self.behind_zeros(offset + FRAME_ALIGN);
                continue;
            };
            let Some(left) = hashing_left.checked_sub(padded_len(candidate.payload_len)) else {
                evidence.undecided = true;
                break;
            };
            hashing_left = left;
            match self.verify(offset, &candidate)? {
                Some(_) => {
                    evidence.any_record = true;
                    evidence.durable = evidence.durable.max(candidate.frame.durable);
                    offset += padded_len(candidate.payload_len);
                }
                None => offset += FRAME_ALIGN,
            }
        }
        Ok(evidence)
    }

    /// The first place at or after `offset` that is not known to begin with zeros: no record does.
    fn behind_zeros(&self, offset: u64) -> u64 {
        let words = self.buffered(offset).chunks_exact(FRAME_ALIGN as usize);
        let zeros = words.take_while(|word| *word == [0; FRAME_ALIGN as usize]).count();
        offset + zeros as u64 * FRAME_ALIGN
    }

    fn understand(&self, frame: &Frame, offset: u64) -> Result<RecordType> {
        match frame.record_type() {
            Some(record_type) if frame.flags == 0 => Ok(record_type),
            _ => Err(Error::new(
                ErrorKind::Format,
                format!(
                    "a record of type {} with flags {} was written by a newer version",
                    frame.type_byte, frame.flags
                ),
            )
            .at_path(self.file.path())
            .at_offset(offset)),
        }
    }

    /// The header at `offset`, if one fits there and its length fits the file.
    fn candidate_at(&mut self, offset: u64) -> Result<Option<Candidate>> {
        let file_len = self.file_len;
        let Some(bytes) = self.bytes(offset, FRAME_LEN)? else { return Ok(None) };
        let Ok(header) = <[u8; FRAME_LEN]>::try_from(bytes) else { return Ok(None) };
        Ok(Frame::decode(&header).and_then(|(frame, payload_len, check)| {
            let end = offset.checked_add(padded_len(payload_len))?;
            (end <= file_len).then_some(Candidate { header, frame, payload_len, check })
        }))
    }

    /// As `candidate_at`, and refuses at a glance what no writer of ours would have written.
    fn likely_candidate_at(&mut self, offset: u64) -> Result<Option<Candidate>> {
        let candidate = self.candidate_at(offset)?;
        Ok(candidate.filter(|candidate| {
            let frame = &candidate.frame;
            frame.record_type().is_some() && frame.flags == 0 && frame.durable <= offset
        }))
    }

    /// The hash of the payload, if the candidate's check and padding are right.
    fn verify(&mut self, offset: u64, candidate: &Candidate) -> Result<Option<u64>> {
        let (place, payload_len) = (self.place, candidate.payload_len);
        let padded = (padded_len(payload_len) - FRAME_LEN as u64) as usize;
        let Some(bytes) = self.bytes(offset + FRAME_LEN as u64, padded)? else { return Ok(None) };
        let Some((payload, padding)) = bytes.split_at_checked(payload_len) else {
            return Ok(None);
        };
        if padding.iter().any(|&byte| byte != 0) {
            return Ok(None);
        }
        Ok(verified_hash(&candidate.header, payload, place, offset, candidate.check))
    }

    /// `len` bytes at `offset` through the buffer, or `None` if the file ends before.
    fn bytes(&mut self, offset: u64, len: usize) -> Result<Option<&[u8]>> {
        let Some(end) = offset.checked_add(len as u64).filter(|&end| end <= self.file_len) else {
            return Ok(None);
        };
        let buffered_end = self.buffer_at + self.buffer.len() as u64;
        if offset < self.buffer_at || end > buffered_end {
            self.refill(offset, len)?;
        }
        let from = (offset - self.buffer_at) as usize;
        Ok(self.buffer.get(from..from + len))
    }

    /// What the buffer holds from `offset` on.
    fn buffered(&self, offset: u64) -> &[u8] {
        let from = offset.checked_sub(self.buffer_at).and_then(|from| usize::try_from(from).ok());
        from.and_then(|from| self.buffer.get(from..)).unwrap_or_default()
    }

    fn refill(&mut self, offset: u64, len: usize) -> Result<()> {
        let least = if self.buffer.is_empty() { FIRST_READ_BYTES } else { READ_BYTES };
        let want = least.max(len as u64).min(self.file_len - offset) as usize;
        // What was read last is overwritten where it lies, and gone if this fails.
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.truncate(want);
        let no_room = |error: Error| error.at_path(self.file.path()).at_offset(offset);
        make_room_for_all(&mut buffer, want, "a record").map_err(no_room)?;
        buffer.resize(want, 0);
        let read = read_full_at(self.file, &mut buffer, offset)?;
        if read < want {
            return Err(Error::new(ErrorKind::Io, "the file became shorter while it was read")
                .at_path(self.file.path())
                .at_offset(offset + read as u64));
        }
        (self.buffer, self.buffer_at) = (buffer, offset);
        Ok(())
    }
}

#[derive(Debug)]
struct Candidate {
    header: [u8; FRAME_LEN],
    frame: Frame,
    payload_len: usize,
    check: u64,
}

#[cfg(test)]
mod tests;
