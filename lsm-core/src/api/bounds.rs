//! Ranges of keys, in all the forms that Rust has for them.

use std::ops::{Bound, Range, RangeFrom, RangeFull, RangeInclusive, RangeTo, RangeToInclusive};

use crate::base::planted::{Bug, planted};
use crate::base::slice::Slice;

/// Any Rust range of byte-like keys, and `..` without naming a type.
///
/// A range whose end lies before its start is empty.
pub trait KeyRange {
    /// Where the range begins and ends.
    fn into_bounds(self) -> (Bound<Slice>, Bound<Slice>);

    /// What the keys of the range begin with, beside lying between the bounds; usually that is not
    /// asked of them. In other orders than that of bytes there are no bounds that say it.
    fn prefix(&self) -> Option<Slice> {
        None
    }
}

fn copy(key: impl AsRef<[u8]>) -> Slice {
    Slice::copy_from(key.as_ref())
}

impl<K: AsRef<[u8]>> KeyRange for Range<K> {
    fn into_bounds(self) -> (Bound<Slice>, Bound<Slice>) {
        (Bound::Included(copy(self.start)), Bound::Excluded(copy(self.end)))
    }
}

impl<K: AsRef<[u8]>> KeyRange for RangeInclusive<K> {
    fn into_bounds(self) -> (Bound<Slice>, Bound<Slice>) {
        let (start, end) = self.into_inner();
        (Bound::Included(copy(start)), Bound::Included(copy(end)))
    }
}

impl<K: AsRef<[u8]>> KeyRange for RangeFrom<K> {
    fn into_bounds(self) -> (Bound<Slice>, Bound<Slice>) {
        (Bound::Included(copy(self.start)), Bound::Unbounded)
    }
}

impl<K: AsRef<[u8]>> KeyRange for RangeTo<K> {
    fn into_bounds(self) -> (Bound<Slice>, Bound<Slice>) {
        (Bound::Unbounded, Bound::Excluded(copy(self.end)))
    }
}

impl<K: AsRef<[u8]>> KeyRange for RangeToInclusive<K> {
    fn into_bounds(self) -> (Bound<Slice>, Bound<Slice>) {
        (Bound::Unbounded, Bound::Included(copy(self.end)))
    }
}

impl KeyRange for RangeFull {
    fn into_bounds(self) -> (Bound<Slice>, Bound<Slice>) {
        (Bound::Unbounded, Bound::Unbounded)
    }
}

impl<K: AsRef<[u8]>> KeyRange for (Bound<K>, Bound<K>) {
    fn into_bounds(self) -> (Bound<Slice>, Bound<Slice>) {
        (self.0.map(copy), self.1.map(copy))
    }
}

/// The keys that begin with `prefix`.
#[must_use]
pub fn prefix_bounds(prefix: &[u8]) -> (Bound<Slice>, Bound<Slice>) {
    let end = match successor(prefix) {
        Some(end) => Bound::Excluded(Slice::from(end)),
        None => Bound::Unbounded,
    };
    (Bound::Included(copy(prefix)), end)
}

/// The first key behind all those that begin with `prefix`; `None` if there is none.
pub(crate) fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let kept = match planted(Bug::PrefixEndsTooEarly) {
        true => prefix.len().checked_sub(1)?,
        false => prefix.iter().rposition(|&byte| byte != 0xff)?,
    };
    let mut end = prefix.get(..=kept)?.to_vec();
    let last = end.last_mut()?;
    *last = last.wrapping_add(1);
    Some(end)
}

#[cfg(test)]
mod tests;
