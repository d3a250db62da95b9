//! Records: the contents of a batch, in the bytes that the log keeps.
//!
//! ```text
//! batch  = record*
//! record = kind u8 | keyspace varint | length varint | key | (length varint | value)
//! ```
//!
//! Deletes of one key have no value. A range delete has the first key as its key, and the key that
//! it ends before as its value; an empty one stands for the end of the keyspace. The value of a put
//! that expires has the moment in front, in milliseconds since 1970; the value of a merge is an
//! operand as `merge/operand.rs` has it, stamped when it is written. Encoded once when the batch is
//! built: the log, the memtable and a replay read the same bytes.

use crate::base::codec::{Decoder, put_prefixed, put_varint};
use crate::base::error::{Error, ErrorKind, Result};
use crate::base::planted::{Bug, planted};
use crate::base::room::make_room;
use crate::key::keyspace::KeyspaceId;
use crate::key::kind::Kind;
use crate::merge::operand::{STAMP_LEN, Stamp};

/// The longest key.
pub const KEY_BYTES_MAX: usize = 65_535;
/// The longest value.
pub const VALUE_BYTES_MAX: usize = 1 << 30;

/// Records that are written as one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    bytes: Vec<u8>,
    count: u32,
    /// Bytes of the longest value.
    longest: usize,
}

/// One record, borrowed from its batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// What it does.
    pub kind: Kind,
    /// Where.
    pub keyspace: KeyspaceId,
    /// The user's key.
    pub key: &'a [u8],
    /// The value, or where a range delete ends.
    pub value: &'a [u8],
}

impl Records {
    /// No records, in memory that was used before.
    #[must_use]
    pub fn reusing(mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        Self { bytes, count: 0, longest: 0 }
    }

    /// The memory, to be used again.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Adds a record; refuses keys and values beyond their limits, and leaves the batch as it was.
    pub fn push(&mut self, record: Record<'_>) -> Result<()> {
        check_sizes(record.key, record.value)?;
        if !ends_with_a_key(&record) {
            return Err(too_large(
                "the key that a range delete ends before has at most 65535 bytes",
            ));
        }
        let count = self.room_for(record.key, record.value)?;
        self.bytes.push(record.kind as u8);
        put_varint(&mut self.bytes, u64::from(record.keyspace.get()));
        put_prefixed(&mut self.bytes, record.key);
        if has_value(record.kind) {
            put_prefixed(&mut self.bytes, record.value);
            self.longest = self.longest.max(record.value.len());
        }
        self.count = count;
        Ok(())
    }

    /// Makes room for one more record, and answers how many there are then.
    #[inline]
    fn room_for(&mut self, key: &[u8], value: &[u8]) -> Result<u32> {
        make_room(&mut self.bytes, key.len() + value.len() + FRAME_MAX, "a batch")?;
        self.count.checked_add(1).ok_or_else(|| too_large("too many records"))
    }

    /// Adds a record of another batch.
    pub fn push_again(&mut self, record: &Record<'_>) -> Result<()> {
        match record.value.split_first_chunk() {
            Some((moment, value)) if record.kind == Kind::PutExpiring => {
                let moment = u64::from_le_bytes(*moment);
                self.push_expiring(record.keyspace, record.key, value, moment)
            }
            _ => self.push(*record),
        }
    }

    /// Adds a put that expires at a moment, in milliseconds since 1970.
    pub fn push_expiring(
        &mut self,
        keyspace: KeyspaceId,
        key: &[u8],
        value: &[u8],
        expiry_millis: u64,
    ) -> Result<()> {
        check_sizes(key, value)?;
        let count = self.room_for(key, value)?;
        self.bytes.push(Kind::PutExpiring as u8);
        put_varint(&mut self.bytes, u64::from(keyspace.get()));
        put_prefixed(&mut self.bytes, key);
        put_varint(&mut self.bytes, (EXPIRY_BYTES + value.len()) as u64);
        self.bytes.extend_from_slice(&expiry_millis.to_le_bytes());
        self.bytes.extend_from_slice(value);
        self.longest = self.longest.max(value.len());
        self.count = count;
        Ok(())
    }

    /// Adds a merge operand, which gives its value this end.
    pub fn push_operand(
        &mut self,
        keyspace: KeyspaceId,
        key: &[u8],
        operand: &[u8],
        end: u64,
    ) -> Result<()> {
        check_sizes(key, operand)?;
        let count = self.room_for(key, operand)?;
        self.bytes.push(Kind::Merge as u8);
        put_varint(&mut self.bytes, u64::from(keyspace.get()));
        put_prefixed(&mut self.bytes, key);
        put_varint(&mut self.bytes, (STAMP_LEN + operand.len()) as u64);
        self.bytes.extend_from_slice(&Stamp { millis: 0, end }.bytes());
        self.bytes.extend_from_slice(operand);
        self.count = count;
        Ok(())
    }

    /// The same records, in which operands that are not stamped are stamped with this moment. Its
    /// memory is `bytes`, which was used before.
    #[must_use]
    pub fn stamped(&self, millis: u64, mut bytes: Vec<u8>) -> Self {
        bytes.clear();
        bytes.extend_from_slice(&self.bytes);
        let mut rest = self.iter();
        while let Some(Some(record)) = rest.next() {
            let is_new = record.kind == Kind::Merge
                && record.value.first_chunk().is_some_and(|it| u64::from_le_bytes(*it) == 0);
            // Where the value stands is known from how much is behind it.
            let at = self.bytes.len() - rest.rest.rest().len() - record.value.len();
            if let Some(place) = bytes.get_mut(at..at + 8).filter(|_| is_new) {
                place.copy_from_slice(&millis.to_le_bytes());
            }
        }
        Self { bytes, count: self.count, longest: self.longest }
    }

    /// The bytes for the log.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many records.
    #[must_use]
    pub fn len(&self) -> u32 {
        self.count
    }

    /// True if there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Forgets all records and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        (self.count, self.longest) = (0, 0);
    }

    /// Bytes of the longest value, or a few more.
    #[inline]
    #[must_use]
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// The records in order.
    #[must_use]
    pub fn iter(&self) -> RecordIter<'_> {
        read(&self.bytes)
    }
}

/// The records of a batch as it stands in the log. Nothing follows the first that makes no sense.
#[must_use]
pub fn read(bytes: &[u8]) -> RecordIter<'_> {
    RecordIter { rest: Decoder::new(bytes) }
}

/// Reads records from bytes.
#[derive(Clone, Debug)]
pub struct RecordIter<'a> {
    rest: Decoder<'a>,
}

impl<'a> RecordIter<'a> {
    /// True behind the last record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    fn decode(&mut self) -> Option<Record<'a>> {
        let kind = Kind::from_byte(self.rest.u8()?)?;
        let keyspace = KeyspaceId::new(u32::try_from(self.rest.varint()?).ok()?);
        let key = self.rest.prefixed()?;
        let mut value = if has_value(kind) { self.rest.prefixed()? } else { &[] };
        if planted(Bug::LengthInSixteenBits) {
            value = value.get(..value.len() & 0xffff)?;
        }
        let fits = key.len() <= KEY_BYTES_MAX && value.len() <= VALUE_BYTES_MAX + STAMP_LEN;
        let record = Record { kind, keyspace, key, value };
        (fits && ends_with_a_key(&record)).then_some(record)
    }
}

impl<'a> Iterator for RecordIter<'a> {
    /// `None` inside is a record that makes no sense.
    type Item = Option<Record<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let record = self.decode();
        if record.is_none() {
            self.rest = Decoder::new(&[]);
        }
        Some(record)
    }
}

/// What stands in a record beside its key and its value, at most: kind, keyspace, two lengths, and
/// a moment or a stamp.
const FRAME_MAX: usize = 1 + 5 + 5 + 5 + STAMP_LEN;

/// Room for the moment at which a value expires, which stands in front of it.
const EXPIRY_BYTES: usize = 8;

fn has_value(kind: Kind) -> bool {
    !matches!(kind, Kind::Delete | Kind::SingleDelete)
}

/// True but for a range delete whose end is longer than any key.
fn ends_with_a_key(record: &Record<'_>) -> bool {
    record.kind != Kind::RangeDelete || record.value.len() <= KEY_BYTES_MAX
}

/// Refuses keys and values beyond their limits.
pub fn check_sizes(key: &[u8], value: &[u8]) -> Result<()> {
    if key.len() > KEY_BYTES_MAX {
        return Err(too_large("a key has at most 65535 bytes"));
    }
    if value.len() > VALUE_BYTES_MAX {
        return Err(too_large("a value has at most 1 GiB"));
    }
    Ok(())
}

fn too_large(message: &str) -> Error {
    Error::new(ErrorKind::TooLarge, message)
}

#[cfg(test)]
mod tests;
