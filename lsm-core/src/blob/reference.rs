//! A reference: where a value stands that is not beside its key.
//!
//! ```text
//! flags u8 | expiry u64, if flag 0 | file varint | offset varint | length varint | raw varint
//!          | check u64
//! ```
//!
//! `file` is the number that the file was made under, `length` that of the whole record there,
//! `raw` that of the value once it is unpacked, `check` the record's.

use crate::base::codec::{Decoder, put_varint};
use crate::key::keyspace::KeyspaceId;

/// The value expires.
const EXPIRES: u8 = 1;
/// So many bytes of a reference tell whether and when the value expires.
pub const STAMP_LEN: usize = 9;

/// Where a value stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BlobRef {
    /// When it expires, in milliseconds since 1970: not 0.
    pub expiry_millis: Option<u64>,
    /// The file.
    pub file: u64,
    /// Where its record begins there.
    pub offset: u64,
    /// How long the record is.
    pub len: u32,
    /// How long the value is.
    pub raw: u32,
    /// The check of the record.
    pub check: u64,
}

impl BlobRef {
    /// Appends the reference as bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        match self.expiry_millis {
            Some(millis) => {
                out.push(EXPIRES);
                out.extend_from_slice(&millis.to_le_bytes());
            }
            None => out.push(0),
        }
        for number in [self.file, self.offset, u64::from(self.len), u64::from(self.raw)] {
            put_varint(out, number);
        }
        out.extend_from_slice(&self.check.to_le_bytes());
    }

    /// The reference that these bytes are; `None` if they are none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut fields = Decoder::new(bytes);
        let expiry_millis = match fields.u8()? {
            0 => None,
            // Zero stands for never.
            EXPIRES => Some(fields.u64().filter(|millis| *millis > 0)?),
            _ => return None,
        };
        let reference = Self {
            expiry_millis,
            file: fields.varint()?,
            offset: fields.varint()?,
            len: u32::try_from(fields.varint()?).ok()?,
            raw: u32::try_from(fields.varint()?).ok()?,
            check: fields.u64()?,
        };
        let ends = reference.offset.checked_add(u64::from(reference.len)).is_some();
        (fields.is_empty() && ends).then_some(reference)
    }

    /// Where the record ends.
    #[must_use]
    pub fn end(&self) -> u64 {
        self.offset.saturating_add(u64::from(self.len))
    }
}

/// What a keyspace has in a blob file by way of one table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BlobUse {
    /// The keyspace.
    pub keyspace: KeyspaceId,
    /// The file.
    pub file: u64,
    /// How many values.
    pub values: u64,
    /// Bytes of their records.
    pub bytes: u64,
}

/// When the value of a reference expires, told by its first `STAMP_LEN` bytes: 0 if it never does,
/// `None` if they make no sense.
#[inline]
#[must_use]
pub fn stamp_of(bytes: &[u8]) -> Option<u64> {
    match bytes.first()? {
        0 => Some(0),
        &EXPIRES => bytes.get(1..)?.first_chunk().map(|millis| u64::from_le_bytes(*millis)),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
