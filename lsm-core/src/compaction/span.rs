//! Spans of keys: what a slice, a plan or a range covers, and when two of them touch.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::version::tree::{Run, Slice};

/// From one full key to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// The first key.
    pub smallest: &'a [u8],
    /// The last key, or the one behind the last.
    pub largest: &'a [u8],
    /// `largest` itself does not belong to the span.
    pub is_largest_excluded: bool,
}

impl<'a> Span<'a> {
    /// What a slice covers, range tombstones included.
    #[must_use]
    pub fn of(slice: &'a Slice) -> Self {
        Self {
            smallest: &slice.meta.smallest,
            largest: &slice.meta.largest,
            is_largest_excluded: slice.meta.is_largest_excluded,
        }
    }

    /// The least span that holds all of these; `None` if there are none.
    pub fn hull(spans: impl IntoIterator<Item = Self>) -> Option<Self> {
        spans.into_iter().reduce(Self::with)
    }

    /// The least span that holds both.
    #[must_use]
    pub fn with(self, other: Self) -> Self {
        let smallest = self.smallest.min(other.smallest);
        let end = if self.cmp_end(&other).is_ge() { self } else { other };
        Self { smallest, ..end }
    }

    /// True if some key can belong to both.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.reaches(other.smallest) && other.reaches(self.smallest)
    }

    /// True if the span does not end before `key`.
    #[must_use]
    pub fn reaches(&self, key: &[u8]) -> bool {
        match self.largest.cmp(key) {
            Ordering::Less => false,
            Ordering::Equal => !self.is_largest_excluded,
            Ordering::Greater => true,
        }
    }

    /// True if every key of `other` belongs to this span.
    #[must_use]
    pub fn holds(&self, other: &Self) -> bool {
        self.smallest <= other.smallest && self.cmp_end(other).is_ge()
    }

    /// Which of two spans ends first.
    #[must_use]
    pub fn cmp_end(&self, other: &Self) -> Ordering {
        let at_the_key = other.is_largest_excluded.cmp(&self.is_largest_excluded);
        self.largest.cmp(other.largest).then(at_the_key)
    }
}

/// A span that owns its keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The first key.
    pub smallest: Vec<u8>,
    /// The last key, or the one behind the last.
    pub largest: Vec<u8>,
    /// `largest` itself does not belong.
    pub is_largest_excluded: bool,
}

impl Bounds {
    /// The same as a span.
    #[must_use]
    pub fn span(&self) -> Span<'_> {
        Span {
            smallest: &self.smallest,
            largest: &self.largest,
            is_largest_excluded: self.is_largest_excluded,
        }
    }
}

impl From<Span<'_>> for Bounds {
    fn from(span: Span<'_>) -> Self {
        Self {
            smallest: span.smallest.to_vec(),
            largest: span.largest.to_vec(),
            is_largest_excluded: span.is_largest_excluded,
        }
    }
}

/// The slices of a run that touch a span.
#[must_use]
pub fn overlapping<'a>(run: &'a Run, span: &Span<'_>) -> &'a [Arc<Slice>] {
    overlapping_in(&run.slices, span)
}

/// The slices among these, in order and apart from each other, that touch a span.
#[must_use]
pub fn overlapping_in<'a>(slices: &'a [Arc<Slice>], span: &Span<'_>) -> &'a [Arc<Slice>] {
    let from = slices.partition_point(|slice| !Span::of(slice).reaches(span.smallest));
    let rest = slices.get(from..).unwrap_or_default();
    let len = rest.partition_point(|slice| span.reaches(&slice.meta.smallest));
    rest.get(..len).unwrap_or_default()
}

/// The bytes of these slices together.
pub fn bytes_of<'a>(slices: impl IntoIterator<Item = &'a Arc<Slice>>) -> u64 {
    slices.into_iter().fold(0, |sum, slice| sum.saturating_add(slice.meta.bytes))
}

#[cfg(test)]
mod tests;
