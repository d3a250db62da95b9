//! The header of a block's image, and where it puts each column.
//!
//! docs/format.md draws the image. Builder and view both ask `Shape` where things are, so the two
//! cannot disagree; no offset is stored, so none can be wrong.

use crate::base::codec::{Decoder, HeaderWriter};

/// Bytes of the header; the tags begin behind it.
pub const HEADER_LEN: usize = 32;
/// Bytes of a key that are compared as one number.
pub const WORD: usize = 8;

/// Every entry has the kind in the base trailer; there is no column of kinds.
pub const SAME_KIND: u16 = 1 << 0;
/// Every entry has the number in the base trailer; there is no column of numbers.
pub const SAME_SEQNO: u16 = 1 << 1;
/// Every key is as long as the others: suffixes stand in rows, and there are no ends.
pub const SAME_KEY_LEN: u16 = 1 << 2;
/// Every value is as long as the others: there are no ends.
pub const SAME_VALUE_LEN: u16 = 1 << 3;
/// The ends of suffixes have four bytes instead of two.
pub const WIDE_KEYS: u16 = 1 << 4;
/// The ends of values have four bytes instead of two.
pub const WIDE_VALUES: u16 = 1 << 5;
/// Every entry is a delete of its key.
pub const ALL_DELETES: u16 = 1 << 6;
/// Some key has more than one entry.
pub const VERSIONS: u16 = 1 << 7;
/// Two bits: the bytes of a number above the base's are one, two, four or eight.
pub const DELTA_SHIFT: u32 = 8;

const KNOWN: u16 = (1 << 10) - 1;

/// What the header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Entries; never none.
    pub entries: u32,
    /// The flags above.
    pub flags: u16,
    /// Bytes that all keys begin with.
    pub prefix: u32,
    /// Bytes of each suffix if they are equally long, else of all together.
    pub keys: u32,
    /// Bytes of each value if they are equally long, else of all together.
    pub values: u32,
    /// The smallest sequence number and, if all have the same, the kind.
    pub base: u64,
}

/// Where the columns begin, in the order in which they stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// The first eight bytes of each suffix, or whole suffixes if all are equally long.
    pub words: u32,
    /// From one word to the next.
    pub stride: u32,
    /// Ends of suffixes.
    pub key_ends: u32,
    /// Ends of values.
    pub value_ends: u32,
    /// Sequence numbers above the base's.
    pub deltas: u32,
    /// Kinds.
    pub kinds: u32,
    /// What all keys begin with.
    pub prefix: u32,
    /// Suffixes; the words if all are equally long.
    pub suffixes: u32,
    /// Values.
    pub values: u32,
    /// The length of the image.
    pub end: u32,
}

impl Shape {
    /// True if all bits of `flag` are set.
    #[inline]
    #[must_use]
    pub const fn has(&self, flag: u16) -> bool {
        self.flags & flag == flag
    }

    /// Bytes of one end of a suffix; none if there is no such column.
    #[inline]
    #[must_use]
    pub const fn key_end_len(&self) -> usize {
        end_len(self.has(SAME_KEY_LEN), self.has(WIDE_KEYS))
    }

    /// Bytes of one end of a value.
    #[inline]
    #[must_use]
    pub const fn value_end_len(&self) -> usize {
        end_len(self.has(SAME_VALUE_LEN), self.has(WIDE_VALUES))
    }

    /// Bytes of one sequence number.
    #[inline]
    #[must_use]
    pub const fn delta_len(&self) -> usize {
        if self.has(SAME_SEQNO) { 0 } else { 1 << (self.flags >> DELTA_SHIFT & 3) }
    }

    /// The header's bytes.
    #[must_use]
    pub fn encode(&self) -> [u8; HEADER_LEN] {
        HeaderWriter::new()
            .u32(self.entries)
            .u32(u32::from(self.flags))
            .u32(self.prefix)
            .u32(self.keys)
            .u32(self.values)
            .u32(0)
            .u64(self.base)
            .finish()
    }

    /// What these bytes say, if this version may read it.
    #[inline]
    #[must_use]
    pub fn decode(image: &[u8]) -> Option<Self> {
        let mut header = Decoder::new(image.first_chunk::<HEADER_LEN>()?);
        let (entries, flags) = (header.u32()?, header.u32()?);
        let (prefix, keys, values) = (header.u32()?, header.u32()?, header.u32()?);
        let (reserved, base) = (header.u32()?, header.u64()?);
        let flags = u16::try_from(flags).ok()?;
        let shape = Self { entries, flags, prefix, keys, values, base };
        // Every lookup in a resident block comes by here: one branch for all of them.
        let is_sound = (entries != 0)
            & (flags & !KNOWN == 0)
            & (reserved == 0)
            & !shape.has(SAME_KEY_LEN | WIDE_KEYS)
            & !shape.has(SAME_VALUE_LEN | WIDE_VALUES)
            & (!shape.has(SAME_SEQNO) | (flags >> DELTA_SHIFT == 0))
            & (shape.has(SAME_KIND) | (base & 0xff == 0));
        is_sound.then_some(shape)
    }

    /// Where everything is; `None` if the image would have four GiB or more.
    #[inline]
    #[must_use]
    pub fn columns(&self) -> Option<Columns> {
        let entries = u64::from(self.entries);
        let of = |len: usize| entries * len as u64;
        let (keys, values) = (u64::from(self.keys), u64::from(self.values));
        let is_fixed = self.has(SAME_KEY_LEN);
        let stride = if is_fixed { keys.max(WORD as u64) } else { WORD as u64 };
        let rows = entries * stride;
        let value_bytes = if self.has(SAME_VALUE_LEN) { entries * values } else { values };
        if rows.max(value_bytes) > u64::from(u32::MAX) {
            return None;
        }
        // From here on every part is below 2^36, and so no sum of them overflows.
        let ends = |len: usize| of(len).wrapping_add(len as u64);
        let kind_len = if self.has(SAME_KIND) { 0 } else { 1 };
        let tags = (HEADER_LEN as u64).wrapping_add(entries);
        let words = tags.wrapping_add(WORD as u64 - 1) & !(WORD as u64 - 1);
        let key_ends = words.wrapping_add(rows);
        // A column of ends begins with a zero, so that one read gives both ends of a range.
        let value_ends = key_ends.wrapping_add(ends(self.key_end_len()));
        let deltas = value_ends.wrapping_add(ends(self.value_end_len()));
        let kinds = deltas.wrapping_add(of(self.delta_len()));
        let prefix = kinds.wrapping_add(of(kind_len));
        let suffixes = prefix.wrapping_add(u64::from(self.prefix));
        let start = suffixes.wrapping_add(if is_fixed { 0 } else { keys });
        let end = u32::try_from(start.wrapping_add(value_bytes)).ok()?;
        // All are at most `end`, which fits.
        Some(Columns {
            words: words as u32,
            stride: stride as u32,
            key_ends: key_ends as u32,
            value_ends: value_ends as u32,
            deltas: deltas as u32,
            kinds: kinds as u32,
            prefix: prefix as u32,
            suffixes: if is_fixed { words as u32 } else { suffixes as u32 },
            values: start as u32,
            end,
        })
    }
}

#[inline]
const fn end_len(is_fixed: bool, is_wide: bool) -> usize {
    if is_fixed {
        0
    } else if is_wide {
        4
    } else {
        2
    }
}
