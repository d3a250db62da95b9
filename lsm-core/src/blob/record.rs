//! One value in a blob file.
//!
//! ```text
//!  0  check    u64  hash64 of: file id u64, kind of file u64, offset u64, hash64 of bytes 8 to the
//!                   end of the key u64, hash64 of the stored value u64
//!  8  stored   u32  bytes of the value as it is stored
//! 12  raw      u32  bytes of the value
//! 16  keyspace u32
//! 20  key      u16  bytes of the key
//! 22  codec    u8   how the value is packed
//! 23  flags    u8   0
//! 24  the user's key, the value as it is stored
//! ```
//!
//! Records follow each other without a gap, but for what writes that failed have left. The key is
//! there for people and for whoever has nothing else left.

use std::ops::Range;

use crate::base::checksum::hash64;
use crate::base::codec::{Decoder, HeaderWriter};
use crate::base::compress::{Codec, compress, decompress, packed_len_max};
use crate::base::error::Result;
use crate::base::room::make_room_for_all;
use crate::key::keyspace::KeyspaceId;
use crate::record::header::FileKind;

/// Bytes before the key.
pub const HEAD_LEN: usize = 24;
/// Longer values are not packed: that takes as much memory again.
const PACKED_MAX: usize = 16 << 20;
/// Longer values are not copied to stand behind their head, but written by themselves.
const ASSEMBLED_MAX: usize = 128 << 10;

/// What there is no memory for, if there is none.
pub(super) const LARGE: &str = "a large value";

/// A value that is to be stored.
#[derive(Clone, Copy, Debug)]
pub struct Large<'a> {
    /// The keyspace of the key.
    pub keyspace: KeyspaceId,
    /// The user's key.
    pub key: &'a [u8],
    /// The value.
    pub value: &'a [u8],
    /// How it may be packed.
    pub codec: Codec,
}

/// A record that is ready but for its place.
#[derive(Debug)]
pub struct Packed<'a> {
    /// Head and key, and the value too unless it is long.
    bytes: Vec<u8>,
    /// The value, if it is long.
    rest: &'a [u8],
    key_end: usize,
    raw: u32,
}

impl<'a> Packed<'a> {
    /// The record of a value, which is within its limits.
    #[must_use]
    pub fn new(large: &Large<'a>) -> Self {
        let Large { keyspace, key, value, codec } = *large;
        let key_end = HEAD_LEN + key.len();
        let mut bytes = Vec::with_capacity(key_end + value.len().min(ASSEMBLED_MAX));
        bytes.resize(HEAD_LEN, 0);
        bytes.extend_from_slice(key);
        let mut rest = value;
        let mut used = Codec::None;
        let is_packable = codec.is_built() && value.len() <= PACKED_MAX;
        let room = packed_len_max(codec, value.len()).filter(|_| is_packable);
        // Where there is no memory to pack it, it is stored as it is.
        if room.is_some_and(|room| bytes.try_reserve(room).is_ok()) {
            used = compress(codec, 0, value, &mut bytes);
            rest = &[];
            if used == Codec::None && value.len() > ASSEMBLED_MAX {
                bytes.truncate(key_end);
                rest = value;
            }
        } else if value.len() <= ASSEMBLED_MAX {
            bytes.extend_from_slice(value);
            rest = &[];
        }
        let stored = bytes.len() - key_end + rest.len();
        let head = HeaderWriter::<HEAD_LEN>::new()
            .u64(0)
            .u32(stored as u32)
            .u32(value.len() as u32)
            .u32(keyspace.get())
            .put(&(key.len() as u16).to_le_bytes())
            .put(&[used as u8, 0])
            .finish();
        if let Some(place) = bytes.first_chunk_mut() {
            *place = head;
        }
        Self { bytes, rest, key_end, raw: value.len() as u32 }
    }

    /// The record that was read elsewhere, and verified there.
    #[must_use]
    pub fn again(bytes: Vec<u8>) -> Option<Self> {
        let head = Head::read(&bytes)?;
        Some(Self { rest: &[], key_end: HEAD_LEN + head.key, raw: head.raw, bytes })
    }

    /// How long it is.
    #[must_use]
    pub fn len(&self) -> u64 {
        (self.bytes.len() + self.rest.len()) as u64
    }

    /// False: it has a head at least.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        false
    }

    /// How long the value is once it is unpacked.
    #[must_use]
    pub fn raw(&self) -> u32 {
        self.raw
    }

    /// Completes it for its place, and answers its check and what is to be written there.
    pub fn place(&mut self, file_id: u64, offset: u64) -> (u64, [&[u8]; 2]) {
        let stored = match self.rest {
            [] => self.bytes.get(self.key_end..).unwrap_or_default(),
            rest => rest,
        };
        let front = self.bytes.get(8..self.key_end).unwrap_or_default();
        let check = check_of((file_id, offset), front, stored);
        if let Some(place) = self.bytes.first_chunk_mut() {
            *place = check.to_le_bytes();
        }
        (check, [&self.bytes, self.rest])
    }
}

/// What the head of a record says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its check.
    pub check: u64,
    /// Bytes of the value as it is stored.
    pub stored: usize,
    /// Bytes of the value.
    pub raw: u32,
    /// The keyspace of the key.
    pub keyspace: KeyspaceId,
    /// Bytes of the key.
    pub key: usize,
    /// How the value is packed.
    pub codec: Codec,
}

impl Head {
    /// The head that these bytes begin with; `None` if it makes no sense.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut fields = Decoder::new(bytes.get(..HEAD_LEN)?);
        let head = Self {
            check: fields.u64()?,
            stored: fields.u32()? as usize,
            raw: fields.u32()?,
            keyspace: KeyspaceId::new(fields.u32()?),
            key: usize::from(u16::from_le_bytes(fields.array()?)),
            codec: Codec::from_byte(fields.u8()?)?,
        };
        let fits = match head.codec {
            Codec::None => head.stored == head.raw as usize,
            // So much memory is asked for before anything of the value is unpacked.
            codec => {
                let most = codec.unpacked_max(head.stored as u64);
                u64::from(head.raw) <= most.min(PACKED_MAX as u64)
            }
        };
        (fields.u8()? == 0 && fits).then_some(head)
    }

    /// How long the whole record is.
    #[must_use]
    pub fn record_len(&self) -> u64 {
        (HEAD_LEN + self.key) as u64 + self.stored as u64
    }

    /// Where the stored value stands in the record.
    #[must_use]
    pub fn value(&self) -> Range<usize> {
        let from = HEAD_LEN + self.key;
        from..from.saturating_add(self.stored)
    }
}

/// The head of a record that is whole and stands where it belongs; `None` if it does not verify.
#[must_use]
pub fn verify(bytes: &[u8], file_id: u64, offset: u64) -> Option<Head> {
    let head = Head::read(bytes)?;
    if head.record_len() != bytes.len() as u64 {
        return None;
    }
    let front = bytes.get(8..HEAD_LEN + head.key)?;
    let stored = bytes.get(head.value())?;
    (check_of((file_id, offset), front, stored) == head.check).then_some(head)
}

/// Unpacks the value of a record that was verified; `None` if it is malformed.
pub fn unpack(bytes: &[u8], head: &Head) -> Result<Option<Vec<u8>>> {
    let stored = bytes.get(head.value()).unwrap_or_default();
    let mut value = Vec::new();
    make_room_for_all(&mut value, head.raw as usize, LARGE)?;
    Ok(decompress(head.codec, stored, head.raw as usize, &mut value).map(|()| value))
}

fn check_of((file_id, offset): (u64, u64), front: &[u8], stored: &[u8]) -> u64 {
    let covered = HeaderWriter::<40>::new()
        .u64(file_id)
        .u64(FileKind::Blob as u64)
        .u64(offset)
        .u64(hash64(front))
        .u64(hash64(stored))
        .finish();
    hash64(&covered)
}

#[cfg(test)]
mod tests;
