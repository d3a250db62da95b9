//! Builds a block's image from entries in order.

use crate::base::checksum::hash64;
use crate::base::error::Result;
use crate::base::room::make_room;
use crate::key::full::big_endian;
use crate::key::kind::Kind;
use crate::key::trailer::{kind_of, seqno_of};
use crate::table::block::shape::{
    ALL_DELETES, DELTA_SHIFT, HEADER_LEN, SAME_KEY_LEN, SAME_KIND, SAME_SEQNO, SAME_VALUE_LEN,
    Shape, VERSIONS, WIDE_KEYS, WIDE_VALUES, WORD,
};

/// The most that the columns take of an entry besides the bytes of its key and value: tag, a padded
/// word, two ends, a sequence number, a kind; padding and first ends are in the first one's.
const COLUMNS_MAX: usize = 40;
/// A buffer that a large block has left longer than this is given back.
const KEEP: usize = 1 << 20;
/// What there is no memory for, if there is none.
pub const BLOCK: &str = "a block of a table";

/// Collects entries until they are a block.
#[derive(Clone, Debug, Default)]
pub struct BlockBuilder {
    keys: Vec<u8>,
    values: Vec<u8>,
    items: Vec<Item>,
    facts: Facts,
}

/// An entry: where its key and value end in the builder's buffers, and the rest of it.
#[derive(Clone, Copy, Debug)]
struct Item {
    trailer: u64,
    key_end: u32,
    value_end: u32,
    tag: u8,
}

/// What all entries so far have in common, enough to tell how long the image will be.
#[derive(Clone, Copy, Debug, Default)]
struct Facts {
    prefix: usize,
    key_len: Span,
    value_len: Span,
    seqno: Span,
    kind: u8,
    has_kinds: bool,
    has_puts: bool,
    has_versions: bool,
}

/// The smallest and the largest number seen.
#[derive(Clone, Copy, Debug)]
struct Span {
    min: u64,
    max: u64,
}

impl Default for Span {
    fn default() -> Self {
        Self { min: u64::MAX, max: 0 }
    }
}

impl Span {
    #[inline]
    fn take(&mut self, number: u64) {
        self.min = self.min.min(number);
        self.max = self.max.max(number);
    }

    /// The only number seen.
    #[inline]
    fn one(self) -> Option<u64> {
        (self.min == self.max).then_some(self.min)
    }
}

impl BlockBuilder {
    /// A builder without entries.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next entry; its key must not be before the last one's. False, with nothing taken,
    /// if the image would become longer than an image can be, which is four GiB.
    #[must_use = "an entry that does not fit is not in the block"]
    #[inline]
    pub fn add(&mut self, key: &[u8], trailer: u64, value: &[u8]) -> bool {
        self.add_tagged((hash64(key) >> 56) as u8, key, trailer, value)
    }

    /// As `add`, for callers that have hashed the key already: the tag is the hash's top byte.
    #[must_use = "an entry that does not fit is not in the block"]
    #[inline]
    pub fn add_tagged(&mut self, tag: u8, key: &[u8], trailer: u64, value: &[u8]) -> bool {
        let key_end = self.keys.len() + key.len();
        let value_end = self.values.len() + value.len();
        let longest = HEADER_LEN + key_end + value_end + (self.len() + 1) * COLUMNS_MAX;
        if longest > u32::MAX as usize {
            return false;
        }
        self.take_facts(key, trailer, value);
        self.keys.extend_from_slice(key);
        self.values.extend_from_slice(value);
        // Both ends are below `longest`.
        let (key_end, value_end) = (key_end as u32, value_end as u32);
        self.items.push(Item { trailer, key_end, value_end, tag });
        true
    }

    /// Entries so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.items.len()
    }

    /// True if there is no entry yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// The length of the image that `finish` would make now.
    #[must_use]
    pub fn estimate(&self) -> usize {
        let shape = self.shape().and_then(|shape| shape.columns());
        shape.map_or(0, |columns| columns.end as usize)
    }

    /// The first entry's key; empty if there is none.
    #[must_use]
    pub fn first_key(&self) -> &[u8] {
        self.key(0)
    }

    /// The last entry's key; empty if there is none.
    #[must_use]
    pub fn last_key(&self) -> &[u8] {
        self.key(self.len().wrapping_sub(1))
    }

    /// Makes room for an entry that is long.
    pub fn make_room(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        make_room(&mut self.keys, key.len(), BLOCK)?;
        make_room(&mut self.values, value.len(), BLOCK)
    }

    /// Appends the image and begins another block. Appends nothing if there is no entry.
    pub fn finish(&mut self, out: &mut Vec<u8>) -> Result<()> {
        if let Some(shape) = self.shape() {
            let end = out.len().saturating_add(self.estimate());
            make_room(out, end.saturating_sub(out.len()), BLOCK)?;
            self.write(&shape, out);
            debug_assert_eq!(out.len(), end, "the shape tells how long the image is");
        }
        self.reset();
        Ok(())
    }

    /// Forgets all entries.
    pub fn reset(&mut self) {
        self.keys.clear();
        self.values.clear();
        self.items.clear();
        self.keys.shrink_to(KEEP);
        self.values.shrink_to(KEEP);
        self.facts = Facts::default();
    }

    fn key(&self, index: usize) -> &[u8] {
        let end = |index: usize| self.items.get(index).map(|item| item.key_end as usize);
        let start = index.checked_sub(1).and_then(end).unwrap_or(0);
        self.keys.get(start..end(index).unwrap_or(0)).unwrap_or_default()
    }

    fn shape(&self) -> Option<Shape> {
        self.facts.shape(self.len(), self.keys.len(), self.values.len())
    }

    #[inline]
    fn take_facts(&mut self, key: &[u8], trailer: u64, value: &[u8]) {
        let mut facts = self.facts;
        let kind = (trailer & 0xff) as u8;
        if self.is_empty() {
            facts.prefix = key.len();
            facts.kind = kind;
        } else {
            let last = self.last_key();
            let prefix = last.get(..facts.prefix).unwrap_or_default();
            if !key.starts_with(prefix) {
                facts.prefix = common(prefix, key);
            }
            facts.has_versions |= last == key;
            facts.has_kinds |= facts.kind != kind;
        }
        facts.has_puts |= !matches!(kind_of(trailer), Some(Kind::Delete | Kind::SingleDelete));
        facts.key_len.take(key.len() as u64);
        facts.value_len.take(value.len() as u64);
        facts.seqno.take(seqno_of(trailer).get());
        self.facts = facts;
    }

    fn write(&self, shape: &Shape, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(&shape.encode());
        out.extend(self.items.iter().map(|item| item.tag));
        out.resize(start + (out.len() - start).next_multiple_of(WORD), 0);
        let prefix = self.facts.prefix;
        self.write_words(shape, out);
        // The builder's ends count the prefix once for each key; the image's do not.
        let key_ends = (1..).zip(&self.items).map(|(n, item)| item.key_end as usize - n * prefix);
        put_ends(out, shape.key_end_len(), key_ends.map(|end| end as u32));
        put_ends(out, shape.value_end_len(), self.items.iter().map(|item| item.value_end));
        let base = shape.base >> 8;
        let deltas = self.items.iter().map(|item| (item.trailer >> 8) - base);
        put_all(out, shape.delta_len(), deltas);
        if !shape.has(SAME_KIND) {
            out.extend(self.items.iter().map(|item| (item.trailer & 0xff) as u8));
        }
        out.extend_from_slice(self.first_key().get(..prefix).unwrap_or_default());
        if !shape.has(SAME_KEY_LEN) {
            self.suffixes().for_each(|suffix| out.extend_from_slice(suffix));
        }
        out.extend_from_slice(&self.values);
    }

    /// Whole suffixes if all are equally long, else their first bytes; zeros fill what is short.
    fn write_words(&self, shape: &Shape, out: &mut Vec<u8>) {
        for suffix in self.suffixes() {
            match suffix.first_chunk::<WORD>() {
                Some(_) if shape.has(SAME_KEY_LEN) => out.extend_from_slice(suffix),
                Some(word) => out.extend_from_slice(word),
                None => out.extend_from_slice(&big_endian(suffix).to_be_bytes()),
            }
        }
    }

    fn suffixes(&self) -> impl Iterator<Item = &[u8]> {
        let mut start = 0;
        self.items.iter().map(move |item| {
            let end = item.key_end as usize;
            let key = self.keys.get(start..end).unwrap_or_default();
            start = end;
            key.get(self.facts.prefix..).unwrap_or_default()
        })
    }
}

impl Facts {
    /// The shape of so many entries; `None` if there are none.
    #[inline]
    fn shape(&self, entries: usize, keys: usize, values: usize) -> Option<Shape> {
        if entries == 0 {
            return None;
        }
        let (key_len, value_len) = (self.key_len.one(), self.value_len.one());
        let suffixes = keys - entries * self.prefix;
        let mut flags = width_of(self.seqno.max - self.seqno.min) << DELTA_SHIFT;
        let mut set = |is_so: bool, flag: u16| flags |= if is_so { flag } else { 0 };
        set(!self.has_kinds, SAME_KIND);
        set(self.seqno.one().is_some(), SAME_SEQNO);
        set(key_len.is_some(), SAME_KEY_LEN);
        set(value_len.is_some(), SAME_VALUE_LEN);
        set(key_len.is_none() && suffixes > 0xffff, WIDE_KEYS);
        set(value_len.is_none() && values > 0xffff, WIDE_VALUES);
        set(!self.has_puts, ALL_DELETES);
        set(self.has_versions, VERSIONS);
        let kind = if self.has_kinds { 0 } else { u64::from(self.kind) };
        Some(Shape {
            entries: u32::try_from(entries).ok()?,
            flags,
            prefix: u32::try_from(self.prefix).ok()?,
            keys: u32::try_from(key_len.map_or(suffixes, |len| len as usize - self.prefix)).ok()?,
            values: u32::try_from(value_len.map_or(values, |len| len as usize)).ok()?,
            base: self.seqno.min << 8 | kind,
        })
    }
}

/// The logarithm of the bytes that this number needs.
#[inline]
const fn width_of(number: u64) -> u16 {
    match number {
        0..=0xff => 0,
        0x100..=0xffff => 1,
        0x1_0000..=0xffff_ffff => 2,
        _ => 3,
    }
}

/// Appends a zero and the ends, in as many bytes each; nothing if that is none.
fn put_ends(out: &mut Vec<u8>, len: usize, ends: impl Iterator<Item = u32>) {
    put_all(out, len, std::iter::once(0).chain(ends.map(u64::from)));
}

/// Appends the low `len` bytes of each number; nothing if that is none.
fn put_all(out: &mut Vec<u8>, len: usize, numbers: impl Iterator<Item = u64>) {
    match len {
        0 => {}
        1 => numbers.for_each(|number| out.push(number as u8)),
        2 => numbers.for_each(|number| out.extend_from_slice(&(number as u16).to_le_bytes())),
        4 => numbers.for_each(|number| out.extend_from_slice(&(number as u32).to_le_bytes())),
        _ => numbers.for_each(|number| out.extend_from_slice(&number.to_le_bytes())),
    }
}

/// How many bytes the two begin with together.
fn common(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

#[cfg(test)]
mod tests;
