//! Range tombstones, cut where they overlap, so that one search tells what covers a key.
//!
//! The keys at which a tombstone begins or ends part the line of keys into intervals; over one
//! interval the set of tombstones is the same. To write that set out for every interval would take
//! quadratic room for the commonest of all uses, `delete everything older than` again and again. So
//! each tombstone stands in the few nodes of a segment tree that make up its intervals, and an
//! interval's set is what stands on the way from its leaf to the root: `N log N` numbers at most.

use std::sync::Arc;

use crate::base::codec::{Decoder, put_prefixed, put_varint};
use crate::key::full::keyspace_of;
use crate::key::seqno::SeqNo;

/// Deletes every entry with `start <= key < end` that was written before `seqno`. Both are full
/// keys of one keyspace, or `end` is the first key of the next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Tombstone {
    /// The first key.
    pub start: Vec<u8>,
    /// The key behind the last one.
    pub end: Vec<u8>,
    /// When it was written.
    pub seqno: SeqNo,
}

impl Tombstone {
    /// The same, lent.
    #[must_use]
    pub fn span(&self) -> Span<'_> {
        Span { start: &self.start, end: &self.end, seqno: self.seqno }
    }
}

/// A tombstone that is lent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span<'a> {
    /// The first key.
    pub start: &'a [u8],
    /// The key behind the last one.
    pub end: &'a [u8],
    /// When it was written.
    pub seqno: SeqNo,
}

impl Span<'_> {
    /// The same, owned.
    #[must_use]
    pub fn to_tombstone(&self) -> Tombstone {
        Tombstone { start: self.start.to_vec(), end: self.end.to_vec(), seqno: self.seqno }
    }
}

/// An interval of keys over which the tombstones are the same, and at least one.
#[derive(Clone, Copy, Debug)]
pub struct Fragment<'a> {
    /// The first key.
    pub start: &'a [u8],
    /// The key behind the last one.
    pub end: &'a [u8],
    owner: &'a Fragments,
    interval: usize,
}

impl Fragment<'_> {
    /// The newest tombstone not newer than `ceiling`; `ZERO` if there is none.
    #[must_use]
    pub fn covering(&self, ceiling: SeqNo) -> SeqNo {
        self.owner.covering_interval(self.interval, ceiling)
    }

    /// All of them, newest first.
    #[must_use]
    pub fn seqnos(&self) -> Vec<SeqNo> {
        let mut all = Vec::new();
        self.owner.sets(self.interval).for_each(|set| all.extend_from_slice(set));
        all.sort_unstable_by(|a, b| b.cmp(a));
        all
    }
}

/// One tombstone, as numbers of boundaries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Piece {
    from: usize,
    to: usize,
    seqno: SeqNo,
}

/// Any number of range tombstones, for ever the same.
///
/// Tombstones of one number that overlap or touch are one. The intervals are numbered: 0 lies
/// before the first boundary, the last one behind the last boundary, and nothing covers these two.
#[derive(Clone, Debug, Default)]
pub struct Fragments {
    /// The boundaries, one behind the other in `keys`, and where each ends.
    keys: Vec<u8>,
    ends: Vec<usize>,
    /// By first boundary, then newest first.
    pieces: Vec<Piece>,
    /// What stands in node `n` of the tree is `seqnos[nodes[n]..nodes[n + 1]]`, ascending.
    nodes: Vec<usize>,
    seqnos: Vec<SeqNo>,
    newest: SeqNo,
}

impl Fragments {
    /// No tombstones.
    #[must_use]
    pub fn empty() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// These tombstones, in any order. Those that can delete nothing are left out.
    #[must_use]
    pub fn build(tombstones: Vec<Tombstone>) -> Self {
        Self::of(tombstones.iter().map(Tombstone::span).collect())
    }

    /// The tombstones of all of these.
    #[must_use]
    pub fn merge(parts: &[&Self]) -> Self {
        Self::of(parts.iter().flat_map(|part| part.spans()).collect())
    }

    /// What lies at or after `start` and, if it is given, before `end`.
    #[must_use]
    pub fn truncate(&self, start: &[u8], end: Option<&[u8]>) -> Self {
        let mut spans: Vec<Span<'_>> = self.spans().collect();
        for span in &mut spans {
            span.start = span.start.max(start);
            span.end = end.map_or(span.end, |end| span.end.min(end));
        }
        Self::of(spans)
    }

    /// Those whose number `keep` says yes to.
    #[must_use]
    pub fn filter(&self, keep: impl Fn(SeqNo) -> bool) -> Self {
        Self::of(self.spans().filter(|span| keep(span.seqno)).collect())
    }

    /// These tombstones, lent.
    #[must_use]
    pub fn of(spans: Vec<Span<'_>>) -> Self {
        let spans = united(spans);
        let mut bounds: Vec<&[u8]> = spans.iter().flat_map(|span| [span.start, span.end]).collect();
        bounds.sort_unstable();
        bounds.dedup();
        let number = |key: &[u8]| bounds.partition_point(|bound| *bound < key);
        let piece = |span: &Span<'_>| Piece {
            from: number(span.start),
            to: number(span.end),
            seqno: span.seqno,
        };
        let mut all = Self {
            keys: Vec::with_capacity(bounds.iter().map(|bound| bound.len()).sum()),
            ends: Vec::with_capacity(bounds.len()),
            pieces: spans.iter().map(piece).collect(),
            ..Self::default()
        };
        for bound in bounds {
            all.keys.extend_from_slice(bound);
            all.ends.push(all.keys.len());
        }
        all.pieces.sort_unstable_by(|a, b| a.from.cmp(&b.from).then(b.seqno.cmp(&a.seqno)));
        all.grow_tree();
        all
    }

    /// Places every piece in the nodes of the tree, oldest first.
    fn grow_tree(&mut self) {
        let leaves = self.ends.len().saturating_sub(1);
        let mut pieces = self.pieces.clone();
        pieces.sort_unstable_by_key(|piece| piece.seqno);
        self.newest = pieces.last().map_or(SeqNo::ZERO, |piece| piece.seqno);
        let mut counts = vec![0usize; leaves * 2];
        for piece in &pieces {
            each_node(leaves, piece, |node| {
                if let Some(count) = counts.get_mut(node) {
                    *count += 1;
                }
            });
        }
        let mut total = 0;
        self.nodes = Vec::with_capacity(counts.len() + 1);
        self.nodes.push(0);
        for count in &mut counts {
            let begin = total;
            total += *count;
            *count = begin;
            self.nodes.push(total);
        }
        self.seqnos = vec![SeqNo::ZERO; total];
        for piece in &pieces {
            each_node(leaves, piece, |node| {
                let Some(at) = counts.get_mut(node) else { return };
                if let Some(place) = self.seqnos.get_mut(*at) {
                    *place = piece.seqno;
                }
                *at += 1;
            });
        }
    }

    /// True if there are none.
    #[inline]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Bytes of memory that they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.keys.capacity()
            + self.ends.capacity() * size_of::<usize>()
            + self.pieces.capacity() * size_of::<Piece>()
            + self.nodes.capacity() * size_of::<usize>()
            + self.seqnos.capacity() * size_of::<SeqNo>()
    }

    /// The number of the newest; `ZERO` if there are none.
    #[must_use]
    pub fn newest(&self) -> SeqNo {
        self.newest
    }

    /// The number of the oldest; `ZERO` if there are none.
    #[must_use]
    pub fn oldest(&self) -> SeqNo {
        self.pieces.iter().map(|piece| piece.seqno).min().unwrap_or_default()
    }

    /// The first key that any covers, and the key behind the last one.
    #[must_use]
    pub fn bounds(&self) -> Option<(&[u8], &[u8])> {
        Some((self.bound(0)?, self.bound(self.ends.len().checked_sub(1)?)?))
    }

    /// The newest tombstone over `key` that is not newer than `ceiling`; `ZERO` if there is none.
    #[inline]
    #[must_use]
    pub fn covering(&self, key: &[u8], ceiling: SeqNo) -> SeqNo {
        if self.pieces.is_empty() {
            return SeqNo::ZERO;
        }
        self.covering_interval(self.interval(key), ceiling)
    }

    /// The fragment that holds `key`.
    #[must_use]
    pub fn fragment(&self, key: &[u8]) -> Option<Fragment<'_>> {
        self.fragment_at(self.interval(key))
    }

    /// The first fragment that begins after `key`.
    #[must_use]
    pub fn next_after(&self, key: &[u8]) -> Option<Fragment<'_>> {
        let interval = self.interval(key);
        // Between two gaps stands a fragment, or there would be no boundary between them.
        self.fragment_at(interval + 1).or_else(|| self.fragment_at(interval + 2))
    }

    /// The fragments, in the order of keys.
    pub fn fragments(&self) -> impl Iterator<Item = Fragment<'_>> {
        (0..=self.ends.len()).filter_map(|interval| self.fragment_at(interval))
    }

    /// The tombstones, by first key, then newest first.
    pub fn iter(&self) -> impl Iterator<Item = Tombstone> + '_ {
        self.spans().map(|span| span.to_tombstone())
    }

    /// The tombstones, lent, by first key, then newest first.
    pub fn spans(&self) -> impl Iterator<Item = Span<'_>> {
        self.pieces.iter().filter_map(|piece| {
            let (start, end) = (self.bound(piece.from)?, self.bound(piece.to)?);
            Some(Span { start, end, seqno: piece.seqno })
        })
    }

    /// The number of the interval that holds `key`.
    #[must_use]
    pub fn interval(&self, key: &[u8]) -> usize {
        let (mut low, mut high) = (0, self.ends.len());
        while low < high {
            let middle = low.midpoint(high);
            match self.bound(middle) {
                Some(bound) if bound <= key => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }

    /// The first key of an interval; `None` if it has no beginning.
    #[must_use]
    pub fn interval_start(&self, interval: usize) -> Option<&[u8]> {
        self.bound(interval.checked_sub(1)?)
    }

    /// The key behind the last one of an interval; `None` if it has no end.
    #[must_use]
    pub fn interval_end(&self, interval: usize) -> Option<&[u8]> {
        self.bound(interval)
    }

    /// The newest tombstone over an interval that is not newer than `ceiling`; `ZERO` if there is
    /// none.
    #[must_use]
    pub fn covering_interval(&self, interval: usize, ceiling: SeqNo) -> SeqNo {
        let mut newest = SeqNo::ZERO;
        for set in self.sets(interval) {
            let found = match set.last() {
                Some(last) if *last <= ceiling => Some(last),
                _ => set.get(..set.partition_point(|n| *n <= ceiling)).and_then(<[_]>::last),
            };
            newest = newest.max(found.copied().unwrap_or_default());
        }
        newest
    }

    /// The sets on the way from an interval's leaf to the root that are not empty.
    fn sets(&self, interval: usize) -> impl Iterator<Item = &[SeqNo]> {
        let leaves = self.ends.len().saturating_sub(1);
        let leaf = interval.checked_sub(1).filter(|leaf| *leaf < leaves).map(|leaf| leaf + leaves);
        let way = std::iter::successors(leaf, |node| Some(node / 2).filter(|node| *node > 0));
        way.filter_map(|node| {
            let (from, to) = (*self.nodes.get(node)?, *self.nodes.get(node + 1)?);
            self.seqnos.get(from..to).filter(|set| !set.is_empty())
        })
    }

    fn fragment_at(&self, interval: usize) -> Option<Fragment<'_>> {
        self.sets(interval).next()?;
        let (start, end) = (self.interval_start(interval)?, self.interval_end(interval)?);
        Some(Fragment { start, end, owner: self, interval })
    }

    fn bound(&self, number: usize) -> Option<&[u8]> {
        let end = *self.ends.get(number)?;
        let start = match number.checked_sub(1) {
            Some(before) => *self.ends.get(before)?,
            None => 0,
        };
        self.keys.get(start..end)
    }

    /// Appends the tombstones as bytes: both counts, the boundaries, then each tombstone as the
    /// steps between its boundaries and its number. Everything is a varint or behind one.
    pub fn encode(&self, out: &mut Vec<u8>) {
        put_varint(out, self.ends.len() as u64);
        put_varint(out, self.pieces.len() as u64);
        for bound in (0..self.ends.len()).filter_map(|number| self.bound(number)) {
            put_prefixed(out, bound);
        }
        let mut before = 0;
        for piece in &self.pieces {
            put_varint(out, piece.from.saturating_sub(before) as u64);
            put_varint(out, piece.to.saturating_sub(piece.from) as u64);
            put_varint(out, piece.seqno.get());
            before = piece.from;
        }
    }

    /// Reads what `encode` wrote, and nothing else: `None` unless it would write these very bytes.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut decoder = Decoder::new(bytes);
        let bounds_len = usize::try_from(decoder.varint()?).ok()?;
        let pieces_len = usize::try_from(decoder.varint()?).ok()?;
        // A boundary takes a byte at least and a tombstone three, so no count outgrows the bytes.
        let least = pieces_len.checked_mul(3)?.checked_add(bounds_len)?;
        if least > decoder.rest().len() {
            return None;
        }
        let mut bounds: Vec<&[u8]> = Vec::with_capacity(bounds_len);
        for _ in 0..bounds_len {
            bounds.push(decoder.prefixed()?);
        }
        let mut spans = Vec::with_capacity(pieces_len);
        let mut pieces = Vec::with_capacity(pieces_len);
        let mut from = 0usize;
        for _ in 0..pieces_len {
            from = from.checked_add(usize::try_from(decoder.varint()?).ok()?)?;
            let to = from.checked_add(usize::try_from(decoder.varint()?).ok()?)?;
            let seqno = SeqNo::new(decoder.varint()?)?;
            spans.push(Span { start: bounds.get(from)?, end: bounds.get(to)?, seqno });
            pieces.push(Piece { from, to, seqno });
        }
        // Built anew, sound bytes come out as they went in: order, overlaps, unused boundaries and
        // empty spans need no rules of their own.
        let built = Self::of(spans);
        let is_same = built.pieces == pieces && built.has_bounds(&bounds);
        (decoder.is_empty() && is_same).then_some(built)
    }

    fn has_bounds(&self, bounds: &[&[u8]]) -> bool {
        let mut numbered = bounds.iter().enumerate();
        self.ends.len() == bounds.len()
            && numbered.all(|(number, bound)| self.bound(number) == Some(*bound))
    }
}

impl PartialEq for Fragments {
    fn eq(&self, other: &Self) -> bool {
        self.pieces == other.pieces && self.keys == other.keys && self.ends == other.ends
    }
}

impl Eq for Fragments {}

/// Leaves out what deletes nothing, and makes one of those with one number that overlap or touch.
fn united(mut spans: Vec<Span<'_>>) -> Vec<Span<'_>> {
    spans.retain(|span| span.start < span.end && span.seqno > SeqNo::ZERO);
    spans.sort_unstable_by(|a, b| a.seqno.cmp(&b.seqno).then(a.start.cmp(b.start)));
    let mut united: Vec<Span<'_>> = Vec::with_capacity(spans.len());
    for span in spans {
        match united.last_mut() {
            Some(last) if is_one(last, &span) => {
                last.end = last.end.max(span.end);
            }
            _ => united.push(span),
        }
    }
    united
}

/// True if `next`, which begins no earlier, goes on where `last` was. None crosses a keyspace.
fn is_one(last: &Span<'_>, next: &Span<'_>) -> bool {
    last.seqno == next.seqno
        && next.start <= last.end
        && keyspace_of(last.start) == keyspace_of(next.start)
}

/// The nodes that together make up the intervals of a piece, of a tree over so many leaves.
fn each_node(leaves: usize, piece: &Piece, mut visit: impl FnMut(usize)) {
    let (mut left, mut right) = (piece.from + leaves, piece.to + leaves);
    while left < right {
        if left & 1 == 1 {
            visit(left);
            left += 1;
        }
        if right & 1 == 1 {
            right -= 1;
            visit(right);
        }
        left /= 2;
        right /= 2;
    }
}

#[cfg(test)]
mod tests;
