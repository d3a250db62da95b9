//! Reads entries out of a block's image, where they lie.
//!
//! A `Layout` is made once for an image and says where everything is. A view looks at the image
//! through it. Nothing here trusts the image: whatever its bytes are, a view answers something and
//! stays inside it. What `Layout::parse` has accepted has its lengths in order besides.

use std::cmp::Ordering;

use crate::base::checksum::hash64;
use crate::env::os::memory::prefetch;
use crate::key::full::{PREFIX_LEN, big_endian, big_endian_from, head_of};
use crate::key::kind::Kind;
use crate::key::seqno::SeqNo;
use crate::key::trailer::{entry_order, kind_of};
use crate::table::block::shape::{
    ALL_DELETES, Columns, HEADER_LEN, SAME_KIND, Shape, VERSIONS, WORD,
};
use crate::table::block::tags::{GROUP, matching};

/// So many bytes of a value are asked for as soon as its entry is probably the one.
const VALUE_AHEAD: usize = 128;

/// Where everything is in one image. Small, and copied freely: a cursor keeps one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layout {
    shape: Shape,
    columns: Columns,
    /// Bytes of a number in the columns, 0 without such a column.
    key_end_len: u8,
    value_end_len: u8,
    delta_len: u8,
    has_kinds: bool,
    /// So far is a word shifted to stand behind the prefix's part of a head.
    head_shift: u8,
    /// The prefix's part of every head.
    head: u64,
}

impl Layout {
    /// The layout of an image that comes from outside. `None` if it is malformed: an unknown flag,
    /// a length that is not the image's, ends that do not ascend, a number that is none, padding
    /// that is not zero. Reads every length once. The order of the keys is left to `check_order`.
    #[must_use]
    pub fn parse(image: &[u8]) -> Option<Self> {
        let layout = Self::of_parsed(image)?;
        let view = BlockView::new(image, &layout);
        let is_sound = view.is_padded()
            && view.are_ends_sound(layout.columns.key_ends, layout.key_end_len, layout.shape.keys)
            && view.are_ends_sound(
                layout.columns.value_ends,
                layout.value_end_len,
                layout.shape.values,
            )
            && view.are_numbers_sound()
            && view.are_kinds_sound();
        is_sound.then_some(layout)
    }

    /// The layout of an image that `parse` accepted when it was loaded: looks at the header alone,
    /// so that a lookup in a resident block need not keep the layout beside it. On any other image
    /// the answers are arbitrary, and as safe.
    #[inline(always)]
    #[must_use]
    pub fn of_parsed(image: &[u8]) -> Option<Self> {
        let shape = Shape::decode(image)?;
        let columns = shape.columns()?;
        if columns.end as usize != image.len() {
            return None;
        }
        let prefix = image.get(columns.prefix as usize..)?.get(..shape.prefix as usize)?;
        let shared = prefix.len().saturating_sub(PREFIX_LEN).min(WORD);
        Some(Self {
            shape,
            columns,
            key_end_len: shape.key_end_len() as u8,
            value_end_len: shape.value_end_len() as u8,
            delta_len: shape.delta_len() as u8,
            has_kinds: !shape.has(SAME_KIND),
            head_shift: (shared * 8) as u8,
            head: head_of(prefix),
        })
    }

    /// Entries in the block; at least one.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.shape.entries as usize
    }
}

/// A block's entries. Accessors take any index; behind the last entry they answer nothing: empty
/// bytes, zero.
#[derive(Clone, Copy, Debug)]
pub struct BlockView<'a> {
    image: &'a [u8],
    layout: &'a Layout,
}

impl<'a> BlockView<'a> {
    /// Looks at an image through its own layout.
    #[inline]
    #[must_use]
    pub fn new(image: &'a [u8], layout: &'a Layout) -> Self {
        Self { image, layout }
    }

    /// Entries.
    #[inline]
    #[must_use]
    pub fn len(&self) -> usize {
        self.layout.len()
    }

    /// What all keys begin with.
    #[inline]
    #[must_use]
    pub fn prefix(&self) -> &'a [u8] {
        self.bytes(self.layout.columns.prefix, 0, self.layout.shape.prefix as usize)
    }

    /// The rest of an entry's key, behind the prefix.
    #[inline]
    #[must_use]
    pub fn suffix(&self, index: usize) -> &'a [u8] {
        let (start, end) = self.suffix_range(index);
        self.image.get(start..end).unwrap_or_default()
    }

    /// How long an entry's suffix is, and `N` bytes of the image from where it begins: what to copy
    /// when copying too much is cheaper than copying the right number of bytes. No bytes if there
    /// are too few behind it, or if the suffix is longer.
    #[inline]
    #[must_use]
    pub fn wide_suffix<const N: usize>(&self, index: usize) -> (usize, Option<&'a [u8; N]>) {
        let (start, end) = self.suffix_range(index);
        let wide = self.image.get(start..).and_then(<[u8]>::first_chunk::<N>);
        let len = end.saturating_sub(start);
        (len, wide.filter(|_| len <= N))
    }

    #[inline]
    fn suffix_range(&self, index: usize) -> (usize, usize) {
        let Layout { shape, columns, key_end_len, .. } = self.layout;
        if index >= self.len() {
            return (0, 0);
        }
        let column = columns.suffixes as usize;
        let (start, end) = if *key_end_len == 0 {
            let start = index.wrapping_mul(columns.stride as usize);
            (start, start.wrapping_add(shape.keys as usize))
        } else {
            self.ends(columns.key_ends, *key_end_len, index)
        };
        (column.wrapping_add(start), column.wrapping_add(end))
    }

    /// Writes an entry's key over `out`.
    pub fn key_into(&self, index: usize, out: &mut Vec<u8>) {
        out.clear();
        out.extend_from_slice(self.prefix());
        out.extend_from_slice(self.suffix(index));
    }

    /// `key::full::head_of` of an entry's key.
    #[inline]
    #[must_use]
    pub fn head(&self, index: usize) -> u64 {
        if self.layout.shape.prefix as usize >= PREFIX_LEN {
            let rest = self.word(index).checked_shr(u32::from(self.layout.head_shift));
            self.layout.head | rest.unwrap_or(0)
        } else {
            self.head_across(index)
        }
    }

    /// The head in a block of several keyspaces, where the prefix ends in the keyspace's number.
    #[cold]
    fn head_across(&self, index: usize) -> u64 {
        let missing = PREFIX_LEN.saturating_sub(self.layout.shape.prefix as usize);
        big_endian_from(self.suffix(index), missing)
    }

    /// An entry's sequence number and kind.
    #[inline]
    #[must_use]
    pub fn trailer(&self, index: usize) -> u64 {
        let Layout { shape, columns, delta_len, has_kinds, .. } = self.layout;
        let mut trailer = shape.base;
        if *delta_len != 0 {
            let delta = self.number(columns.deltas, *delta_len, index);
            trailer = trailer.wrapping_add(delta << 8);
        }
        if *has_kinds {
            trailer |= self.number(columns.kinds, 1, index);
        }
        trailer
    }

    /// An entry's value.
    #[inline]
    #[must_use]
    pub fn value(&self, index: usize) -> &'a [u8] {
        let (start, end) = self.value_range(index);
        self.image.get(start..end).unwrap_or_default()
    }

    /// Where in the image an entry's value begins and ends.
    #[inline]
    #[must_use]
    pub fn value_range(&self, index: usize) -> (usize, usize) {
        let Layout { shape, columns, value_end_len, .. } = self.layout;
        if index >= self.len() {
            return (0, 0);
        }
        let column = columns.values as usize;
        let (start, end) = if *value_end_len == 0 {
            let start = index.wrapping_mul(shape.values as usize);
            (start, start.wrapping_add(shape.values as usize))
        } else {
            self.ends(columns.value_ends, *value_end_len, index)
        };
        (column.wrapping_add(start), column.wrapping_add(end))
    }

    /// True if every entry is a delete of its key.
    #[inline]
    #[must_use]
    pub fn is_all_deletes(&self) -> bool {
        self.layout.shape.has(ALL_DELETES)
    }

    /// True if some key has more than one entry.
    #[inline]
    #[must_use]
    pub fn has_versions(&self) -> bool {
        self.layout.shape.has(VERSIONS)
    }

    /// The newest entry of exactly this key with a trailer of at most `ceiling`. `tag` is the top
    /// byte of the key's hash: entries with other tags are passed over eight at a time.
    #[inline(always)]
    #[must_use]
    pub fn find(&self, key: &[u8], tag: u8, ceiling: u64) -> Option<usize> {
        let suffix = key.strip_prefix(self.prefix())?;
        let tags = self.image.get(HEADER_LEN..self.layout.columns.words as usize)?;
        for (group, tags) in tags.chunks(GROUP).enumerate() {
            let mut matches = matching(tags, tag);
            while matches != 0 {
                let index = group * GROUP + matches.trailing_zeros() as usize;
                self.ask_value(index);
                if index < self.len() && self.suffix(index) == suffix {
                    return self.version(index, key, ceiling);
                }
                matches &= matches - 1;
            }
        }
        None
    }

    /// Asks for the first lines of a value that is probably wanted.
    #[inline]
    fn ask_value(&self, index: usize) {
        let value = self.value(index);
        prefetch(value.as_ptr(), value.len().min(VALUE_AHEAD));
    }

    /// Looks at the lines in which `find` most likely finds a key with this tag, so that they are
    /// at hand when it does. Answers something of them, so that the looks are not left out.
    #[inline]
    #[must_use]
    pub fn foresee(&self, tag: u8) -> u8 {
        let tags = self.image.get(HEADER_LEN..self.layout.columns.words as usize);
        let groups = tags.unwrap_or_default().chunks(GROUP).enumerate();
        let mut groups = groups.map(|(at, tags)| (at, matching(tags, tag)));
        let Some((group, matches)) = groups.find(|(_, matches)| *matches != 0) else { return 0 };
        let index = group * GROUP + matches.trailing_zeros() as usize;
        let byte = |at: usize| self.image.get(at).copied().unwrap_or(0);
        let (key, _) = self.suffix_range(index);
        let (start, end) = self.value_range(index);
        let trailer = self.trailer(index) as u8;
        trailer ^ byte(key) ^ byte(start) ^ byte(end.wrapping_sub(1))
    }

    /// The first entry at or after `(key, trailer)`; `len` if there is none.
    #[must_use]
    pub fn lower_bound(&self, key: &[u8], trailer: u64) -> usize {
        let prefix = self.prefix();
        let Some(suffix) = key.strip_prefix(prefix) else {
            return if key < prefix { 0 } else { self.len() };
        };
        let word = big_endian_from(key, prefix.len());
        let start = self.first_not_below(word);
        self.settle(start, word, suffix, trailer)
    }

    /// True if the entries are in order, each word and tag is its key's, and the flags tell the
    /// truth: what `parse` leaves out because it takes a look at every byte.
    #[must_use]
    pub fn check_order(&self) -> bool {
        let (mut last, mut key) = (Vec::new(), Vec::new());
        let mut has_versions = false;
        for index in 0..self.len() {
            self.key_into(index, &mut key);
            let tag = (hash64(&key) >> 56) as u8;
            if self.tag(index) != tag || self.word(index) != big_endian(self.suffix(index)) {
                return false;
            }
            if let Some(before) = index.checked_sub(1) {
                let order = entry_order((&last, self.trailer(before)), (&key, self.trailer(index)));
                if order != Ordering::Less {
                    return false;
                }
                has_versions |= last == key;
            }
            std::mem::swap(&mut last, &mut key);
        }
        has_versions == self.has_versions()
    }

    /// The first entry whose word is not below this one.
    #[inline]
    fn first_not_below(&self, word: u64) -> usize {
        let Columns { words, stride, .. } = self.layout.columns;
        let stride = stride as usize;
        let Some(words) = self.image.get(words as usize..) else { return 0 };
        let mut start = 0usize;
        let mut left = self.len();
        while left > 0 {
            let half = left / 2;
            let at = start.wrapping_add(half).wrapping_mul(stride);
            let Some(bytes) = words.get(at..at.wrapping_add(WORD)) else { return 0 };
            let Some(bytes) = bytes.first_chunk() else { return 0 };
            // All ones if it is below, by the borrow and not by a branch: every other guess at one
            // would be wrong.
            let below =
                (u128::from(u64::from_be_bytes(*bytes)).wrapping_sub(word.into()) >> 64) as usize;
            start = start.wrapping_add((left - half) & below);
            left = half;
        }
        start
    }

    /// The first entry at or after the one looked for, from the first whose word is not below.
    #[inline]
    fn settle(&self, start: usize, word: u64, suffix: &[u8], trailer: u64) -> usize {
        let is_before = |index: usize| {
            self.word(index) == word
                && entry_order((self.suffix(index), self.trailer(index)), (suffix, trailer))
                    == Ordering::Less
        };
        let mut start = start;
        let mut step = 1;
        let mut end = start;
        while end < self.len() && is_before(end) {
            start = end + 1;
            end = (end + step).min(self.len());
            step *= 2;
        }
        while start < end {
            let middle = start + (end - start) / 2;
            if is_before(middle) {
                start = middle + 1;
            } else {
                end = middle;
            }
        }
        start
    }

    #[inline]
    fn is_key(&self, index: usize, key: &[u8]) -> bool {
        index < self.len() && key.strip_prefix(self.prefix()) == Some(self.suffix(index))
    }

    /// The entry of the key at `index`, its newest one, that a reader with this ceiling sees.
    #[inline]
    fn version(&self, index: usize, key: &[u8], ceiling: u64) -> Option<usize> {
        if self.trailer(index) <= ceiling {
            return Some(index);
        }
        let index = self.lower_bound(key, ceiling);
        (self.has_versions() && self.is_key(index, key)).then_some(index)
    }

    /// The first eight bytes of a suffix as a number.
    #[inline]
    fn word(&self, index: usize) -> u64 {
        let Columns { words, stride, .. } = self.layout.columns;
        let at = (words as usize).wrapping_add(index.wrapping_mul(stride as usize));
        let bytes = self.image.get(at..at.wrapping_add(WORD)).and_then(<[u8]>::first_chunk::<WORD>);
        bytes.map_or(0, |bytes| u64::from_be_bytes(*bytes))
    }

    #[inline]
    fn tag(&self, index: usize) -> u8 {
        self.image.get(HEADER_LEN + index).copied().unwrap_or(0)
    }

    #[inline]
    fn bytes(&self, column: u32, start: usize, end: usize) -> &'a [u8] {
        let column = column as usize;
        let range = column.wrapping_add(start)..column.wrapping_add(end);
        self.image.get(range).unwrap_or_default()
    }

    /// Where a thing begins and ends, by a column of ends.
    #[inline]
    fn ends(&self, column: u32, len: u8, index: usize) -> (usize, usize) {
        if len == 2 {
            let both = self.at::<2, 4>(column, index).map_or(0, u32::from_le_bytes);
            ((both & 0xffff) as usize, (both >> 16) as usize)
        } else {
            let both = self.at::<4, 8>(column, index).map_or(0, u64::from_le_bytes);
            ((both & 0xffff_ffff) as usize, (both >> 32) as usize)
        }
    }

    /// A number of `len` bytes in a column.
    #[inline]
    fn number(&self, column: u32, len: u8, index: usize) -> u64 {
        match len {
            1 => u64::from(self.at::<1, 1>(column, index).map_or(0, u8::from_le_bytes)),
            2 => u64::from(self.at::<2, 2>(column, index).map_or(0, u16::from_le_bytes)),
            4 => u64::from(self.at::<4, 4>(column, index).map_or(0, u32::from_le_bytes)),
            _ => self.at::<8, 8>(column, index).map_or(0, u64::from_le_bytes),
        }
    }

    /// `N` bytes of a column, from its entry `index` of `STEP` bytes. Columns and indexes have 32
    /// bits: so the compiler sees that nothing here overflows, and one comparison is left of the
    /// checks.
    #[inline]
    fn at<const STEP: usize, const N: usize>(&self, column: u32, index: usize) -> Option<[u8; N]> {
        let start = column as usize + (index as u32 as usize) * STEP;
        self.image.get(start..start + N)?.first_chunk::<N>().copied()
    }

    fn is_padded(&self) -> bool {
        let tags_end = HEADER_LEN + self.len();
        let pad = self.image.get(tags_end..self.layout.columns.words as usize);
        pad.is_some_and(|pad| pad.iter().all(|byte| *byte == 0))
    }

    fn are_ends_sound(&self, column: u32, len: u8, total: u32) -> bool {
        if len == 0 {
            return true;
        }
        let size = (self.len() + 1) * usize::from(len);
        let column = self.bytes(column, 0, size);
        if len == 2 {
            let end = |bytes: &[u8]| bytes.first_chunk().map_or(0, |end| u16::from_le_bytes(*end));
            ascend(column.chunks_exact(2).map(end).map(u32::from), total)
        } else {
            let end = |bytes: &[u8]| bytes.first_chunk().map_or(0, |end| u32::from_le_bytes(*end));
            ascend(column.chunks_exact(4).map(end), total)
        }
    }

    fn are_numbers_sound(&self) -> bool {
        let room = SeqNo::MAX.get() - (self.layout.shape.base >> 8);
        let Layout { columns, delta_len, .. } = *self.layout;
        let largest = match delta_len {
            0 => 0,
            8 => u64::MAX,
            len => (1 << (8 * len)) - 1,
        };
        let is_sound = |index| self.number(columns.deltas, delta_len, index) <= room;
        largest <= room || (0..self.len()).all(is_sound)
    }

    fn are_kinds_sound(&self) -> bool {
        let Layout { shape, columns, has_kinds, .. } = *self.layout;
        let is_delete =
            |kind: u64| matches!(kind_of(kind), Some(Kind::Delete | Kind::SingleDelete));
        let is_all = if has_kinds {
            let kinds = self.bytes(columns.kinds, 0, self.len());
            kinds.iter().all(|kind| is_delete(u64::from(*kind)))
        } else {
            is_delete(shape.base)
        };
        is_all == self.is_all_deletes()
    }
}

/// True if the ends begin with zero, do not descend, and end with `total`.
fn ascend(mut ends: impl Iterator<Item = u32>, total: u32) -> bool {
    let mut last = 0;
    let mut is_sound = ends.next() == Some(0);
    for end in ends {
        is_sound &= last <= end;
        last = end;
    }
    is_sound && last == total
}

#[cfg(test)]
mod tests;
