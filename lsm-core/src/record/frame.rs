//! One record: 32 bytes of header, the payload, and zeros up to the next multiple of eight.
//!
//! ```text
//!  0  length   u32  header and payload; stored last, so 0 means that nothing was written
//!  4  chain    u32  low half of the check before: of the last record, or of the file header
//!  8  seq,type u64  sequence number << 8 | type
//! 16  durable  u32  bytes of this file known durable, in units of 8
//! 20  count    u32  entries in the payload; the upper eight bits are flags, zero today
//! 24  check    u64  hash64 of file id, kind and number, offset, bytes 0 to 24, payload's hash64
//! 32  payload
//! ```
//!
//! A non-zero `durable` says besides that every earlier file of the same chain is durable to its
//! end. The check knows where its record lives, so bytes that turn up in another place, or in
//! another file, do not verify there.

use crate::base::checksum::hash64;
use crate::base::codec::{Decoder, HeaderWriter};
use crate::base::planted::{Bug, planted};
use crate::key::seqno::SeqNo;
use crate::record::header::{FileHeader, FileKind};

/// Bytes of a record's header.
pub const FRAME_LEN: usize = 32;
/// Records begin at multiples of this.
pub const FRAME_ALIGN: u64 = 8;
/// The most entries that one record can hold.
pub const FRAME_COUNT_MAX: u32 = (1 << 24) - 1;

const CHECKED: usize = 24;

/// What a record is. The values stand in files: they never change.
///
/// Reserved: `0x10..=0x1f` for two-phase commit, `0x20..=0x2f` for range keys, `0x30..=0x3f` for
/// edits of branches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RecordType {
    /// A batch of entries.
    Batch = 1,
    /// How a log segment continues its predecessor; the first record of every segment.
    Seam = 2,
    /// Nothing but its watermark, and in a log the last manifest edit durable by then (u64).
    Marker = 3,
    /// The end of a log that was closed in order, with the last manifest edit by then (u64).
    Seal = 4,
    /// Edits of the manifest.
    Edit = 5,
}

impl RecordType {
    /// The type that this byte stands for.
    #[must_use]
    pub const fn from_byte(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Batch,
            2 => Self::Seam,
            3 => Self::Marker,
            4 => Self::Seal,
            5 => Self::Edit,
            _ => return None,
        })
    }
}

/// Where a record lives: part of its check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    file_id: u64,
    kind_and_number: u64,
}

impl Place {
    /// Inside the file with this header.
    #[must_use]
    pub fn of(header: &FileHeader) -> Self {
        Self::new(header.kind, header.number, header.file_id)
    }

    /// Inside the file with these names.
    #[must_use]
    pub fn new(kind: FileKind, number: u64, file_id: u64) -> Self {
        Self { file_id, kind_and_number: (kind as u64) << 48 | number }
    }
}

/// Everything in a record's header but its length and check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// Low half of the check before.
    pub chain: u32,
    /// The first sequence number, or the number of an edit.
    pub seqno: SeqNo,
    /// The type as a byte, known here or not.
    pub type_byte: u8,
    /// Bytes of this file known durable; a multiple of eight.
    pub durable: u64,
    /// Entries in the payload.
    pub count: u32,
    /// Flags, zero today.
    pub flags: u8,
}

/// A payload and its hash, made before any lock is taken.
#[derive(Clone, Copy, Debug)]
pub struct Payload<'a> {
    bytes: &'a [u8],
    hash: u64,
}

impl<'a> Payload<'a> {
    /// Hashes the payload.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, hash: hash64(bytes) }
    }

    /// The payload of a record that has verified: its hash is known.
    #[must_use]
    pub fn hashed(bytes: &'a [u8], hash: u64) -> Self {
        Self { bytes, hash }
    }

    /// Its bytes.
    #[must_use]
    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }
}

/// Bytes that a record with such a payload takes up in its file.
#[must_use]
pub const fn padded_len(payload_len: usize) -> u64 {
    (FRAME_LEN as u64 + payload_len as u64).next_multiple_of(FRAME_ALIGN)
}

impl Frame {
    /// A frame of a known type without flags.
    #[must_use]
    pub fn new(
        record_type: RecordType,
        seqno: SeqNo,
        count: u32,
        chain: u64,
        durable: u64,
    ) -> Self {
        Self {
            chain: chain as u32,
            seqno,
            type_byte: record_type as u8,
            durable: durable & !(FRAME_ALIGN - 1),
            count,
            flags: 0,
        }
    }

    /// The header for `payload` at `offset` of `place`, and its check. `None` if a field cannot
    /// hold its value: a payload, a count or an offset past its limit.
    #[must_use]
    pub fn encode(
        &self,
        payload: &Payload<'_>,
        place: Place,
        offset: u64,
    ) -> Option<([u8; FRAME_LEN], u64)> {
        let length = u32::try_from(FRAME_LEN + payload.bytes.len()).ok()?;
        let durable = u32::try_from(self.durable / FRAME_ALIGN).ok()?;
        if self.count > FRAME_COUNT_MAX {
            return None;
        }
        let mut bytes = HeaderWriter::<FRAME_LEN>::new()
            .u32(length)
            .u32(self.chain)
            .u64(self.seqno.get() << 8 | u64::from(self.type_byte))
            .u32(durable)
            .u32(self.count | u32::from(self.flags) << 24)
            .finish();
        let (covered, rest) = bytes.split_at_mut_checked(CHECKED)?;
        let check = check_of(covered, payload.hash, place, offset);
        rest.copy_from_slice(&check.to_le_bytes());
        Some((bytes, check))
    }

    /// Reads a header without believing it: the frame, the payload's length and the check.
    #[must_use]
    pub fn decode(bytes: &[u8; FRAME_LEN]) -> Option<(Self, usize, u64)> {
        let mut fields = Decoder::new(bytes);
        let payload_len = (fields.u32()? as usize).checked_sub(FRAME_LEN)?;
        let chain = fields.u32()?;
        let seq_and_type = fields.u64()?;
        let durable = u64::from(fields.u32()?) * FRAME_ALIGN;
        let count_and_flags = fields.u32()?;
        let frame = Self {
            chain,
            seqno: SeqNo::new(seq_and_type >> 8)?,
            type_byte: (seq_and_type & 0xff) as u8,
            durable,
            count: count_and_flags & FRAME_COUNT_MAX,
            flags: (count_and_flags >> 24) as u8,
        };
        Some((frame, payload_len, fields.u64()?))
    }

    /// The type, if it is known here.
    #[must_use]
    pub fn record_type(&self) -> Option<RecordType> {
        RecordType::from_byte(self.type_byte)
    }
}

/// The payload's hash, if `check` belongs to this header and payload at this place.
#[must_use]
pub fn verified_hash(
    bytes: &[u8; FRAME_LEN],
    payload: &[u8],
    place: Place,
    offset: u64,
    check: u64,
) -> Option<u64> {
    let covered = bytes.split_at_checked(CHECKED).map(|(covered, _)| covered).unwrap_or_default();
    let hash = hash64(payload);
    let is_right = check_of(covered, hash, place, offset) == check;
    (is_right || planted(Bug::RecordCheckIgnored)).then_some(hash)
}

fn check_of(covered: &[u8], payload_hash: u64, place: Place, offset: u64) -> u64 {
    let bytes = HeaderWriter::<56>::new()
        .u64(place.file_id)
        .u64(place.kind_and_number)
        .u64(offset)
        .put(covered)
        .u64(payload_hash)
        .finish();
    hash64(&bytes)
}

#[cfg(test)]
mod tests;
