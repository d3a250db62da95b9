//! One node of the tree: words that readers load while the writer stores to them.
//!
//! ```text
//! leaf   heads and places of entries
//! inner  heads and places of separators, and children; an entry belongs to the last child whose
//!        separator is not behind it; the first separator is never looked at
//! ```
//!
//! A head is eight bytes of a key as a number, from `skip` on. Readers believe nothing that they
//! loaded before they have seen that `version` is even and has not moved: an odd one says that the
//! writer is at work. An entry that is added at the end needs no version, for `count` publishes it.

use std::array::from_fn;

use crate::base::sync::{AtomicU32, AtomicU64, Ordering, Plain, fence};
use crate::key::full::big_endian_from;

/// The `skip` of a node in which every entry has the same key: heads are made of trailers.
pub(super) const SAME_KEY: u32 = u32::MAX;
/// The head of a slot without an entry; sorts behind every other.
const NO_HEAD: u64 = u64::MAX;
/// Heads in a cache line.
const LINE: usize = 8;

/// A leaf, or what an inner node has in common with one.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Node<const F: usize> {
    pub(super) top: Top,
    heads: [AtomicU64; F],
    places: [AtomicU32; F],
}

/// What stands before the slots, in a line of its own.
#[repr(C, align(64))]
#[derive(Debug)]
pub(super) struct Top {
    version: AtomicU32,
    count: AtomicU32,
    /// How many bytes of each key the heads leave out, because all of them are the same.
    pub(super) skip: AtomicU32,
    /// The entry at which the next node begins; 0 in the last node of a level.
    pub(super) high: AtomicU32,
    /// The next node of the level.
    pub(super) next: AtomicU32,
    /// The entry at which this node begins; 0 in the first node of a level.
    pub(super) low: AtomicU32,
    /// 0 for leaves.
    pub(super) level: u32,
    pub(super) made: Plain,
}

/// A node with nodes below it.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Inner<const F: usize> {
    pub(super) node: Node<F>,
    children: [AtomicU32; F],
}

/// What goes into a slot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot {
    pub(super) head: u64,
    pub(super) place: u32,
    /// 0 in leaves.
    pub(super) child: u32,
}

/// The head of an entry in a node with this `skip`.
#[inline]
pub(super) fn head_in(skip: u32, key: &[u8], trailer: u64) -> u64 {
    if skip == SAME_KEY {
        return !trailer;
    }
    big_endian_from(key, skip as usize)
}

impl<const F: usize> Node<F> {
    /// A node without entries.
    pub(super) fn new(level: u32, skip: u32) -> Self {
        let zero = || AtomicU32::new(0);
        Self {
            top: Top {
                version: zero(),
                count: zero(),
                skip: AtomicU32::new(skip),
                high: zero(),
                next: zero(),
                low: zero(),
                level,
                made: Plain::new(),
            },
            heads: from_fn(|_| AtomicU64::new(NO_HEAD)),
            places: from_fn(|_| AtomicU32::new(0)),
        }
    }

    /// The version to hold what follows against; `None` while the writer is at work.
    #[inline]
    pub(super) fn begin(&self) -> Option<u32> {
        let version = self.top.version.load(Ordering::Acquire);
        (version & 1 == 0).then_some(version)
    }

    /// True if nothing has changed since `begin` answered `version`: what was loaded in between
    /// belongs together.
    #[inline]
    pub(super) fn is_still(&self, version: u32) -> bool {
        // If any load saw a store of the writer's, this fence meets the one in `change`, and the
        // load behind it sees at least the odd version.
        fence(Ordering::Acquire);
        self.top.version.load(Ordering::Relaxed) == version
    }

    /// Lets the writer change what readers may be looking at.
    #[inline]
    pub(super) fn change<T>(&self, change: impl FnOnce(&Self) -> T) -> T {
        let version = self.top.version.load(Ordering::Relaxed);
        self.top.version.store(version.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        let answer = change(self);
        self.top.version.store(version.wrapping_add(2), Ordering::Release);
        answer
    }

    /// How many slots are taken.
    #[inline]
    pub(super) fn count(&self) -> usize {
        (self.top.count.load(Ordering::Acquire) as usize).min(F)
    }

    /// The place in a slot. Acquire: a place that was seen, torn or not, is that of an entry
    /// that is whole.
    #[inline]
    pub(super) fn place(&self, at: usize) -> u32 {
        self.places.get(at).map_or(0, |place| place.load(Ordering::Acquire))
    }

    #[inline]
    pub(super) fn head(&self, at: usize) -> u64 {
        self.heads.get(at).map_or(NO_HEAD, |head| head.load(Ordering::Relaxed))
    }

    /// True at the first or the last node of a level: there, nobody knows what a key that is
    /// looked for has in common with those in the node.
    #[inline]
    pub(super) fn is_edge(&self) -> bool {
        self.top.low.load(Ordering::Relaxed) == 0 || self.top.high.load(Ordering::Relaxed) == 0
    }

    /// How many heads are smaller. No branch depends on them: first the last of each line, all
    /// loads at once, then the line that remains.
    #[inline]
    pub(super) fn smaller(&self, head: u64) -> usize {
        let is_smaller = |word: &AtomicU64| usize::from(word.load(Ordering::Relaxed) < head);
        let lines = self.heads.chunks(LINE).filter_map(<[AtomicU64]>::last).map(is_smaller);
        let before = lines.sum::<usize>() * LINE;
        let Some((_, rest)) = self.heads.split_at_checked(before) else { return F };
        match rest.first_chunk::<LINE>() {
            Some(line) => before + line.iter().map(is_smaller).sum::<usize>(),
            None => before + rest.iter().map(is_smaller).sum::<usize>(),
        }
    }

    /// Copies the first `count` places.
    #[inline]
    pub(super) fn copy_places(&self, count: usize, to: &mut [u32; F]) {
        for (to, from) in to.iter_mut().zip(&self.places).take(count) {
            *to = from.load(Ordering::Acquire);
        }
    }

    /// Puts an entry into slot `at`, for the writer. Those from there on move up by one; the last
    /// slot must be free.
    pub(super) fn insert(&self, at: usize, slot: Slot) {
        let count = self.count();
        if at >= count {
            return self.append(slot);
        }
        self.change(|node| {
            ripple64(node.heads.get(at..=count), slot.head);
            ripple32(node.places.get(at..=count), slot.place);
            node.top.count.store(count as u32 + 1, Ordering::Release);
        });
    }

    /// Puts an entry behind the last one. Readers see it once they see the count.
    #[inline]
    pub(super) fn append(&self, slot: Slot) {
        let count = self.count();
        if let (Some(head), Some(place)) = (self.heads.get(count), self.places.get(count)) {
            head.store(slot.head, Ordering::Relaxed);
            place.store(slot.place, Ordering::Release);
            self.top.count.store(count as u32 + 1, Ordering::Release);
        }
    }

    /// Keeps the first `count` entries. Inside `change` only.
    pub(super) fn cut(&self, count: usize) {
        for head in self.heads.iter().skip(count) {
            head.store(NO_HEAD, Ordering::Relaxed);
        }
        self.top.count.store(count as u32, Ordering::Release);
    }

    /// Gives slot `at` another head. Inside `change` only.
    pub(super) fn set_head(&self, at: usize, value: u64) {
        if let Some(head) = self.heads.get(at) {
            head.store(value, Ordering::Relaxed);
        }
    }

    /// True if two neighbours from slot `from` on cannot be told apart by their heads.
    pub(super) fn has_ties(&self, from: usize, to: usize) -> bool {
        (from + 1..to).any(|at| self.head(at) == self.head(at - 1))
    }
}

impl<const F: usize> Inner<F> {
    pub(super) fn new(level: u32, skip: u32) -> Self {
        Self { node: Node::new(level, skip), children: from_fn(|_| AtomicU32::new(0)) }
    }

    /// The child in a slot.
    #[inline]
    pub(super) fn child(&self, at: usize) -> u32 {
        self.children.get(at).map_or(0, |child| child.load(Ordering::Acquire))
    }

    /// As `insert` of a leaf.
    pub(super) fn insert(&self, at: usize, slot: Slot) {
        let count = self.node.count();
        if at >= count {
            return self.append(slot);
        }
        self.node.change(|node| {
            ripple64(node.heads.get(at..=count), slot.head);
            ripple32(node.places.get(at..=count), slot.place);
            ripple32(self.children.get(at..=count), slot.child);
            node.top.count.store(count as u32 + 1, Ordering::Release);
        });
    }

    /// As `append` of a leaf.
    pub(super) fn append(&self, slot: Slot) {
        if let Some(child) = self.children.get(self.node.count()) {
            child.store(slot.child, Ordering::Release);
            self.node.append(slot);
        }
    }
}

/// Stores `value` into the first word and moves every other one up by one; the last one is lost.
fn ripple64(words: Option<&[AtomicU64]>, mut value: u64) {
    for word in words.unwrap_or_default() {
        let old = word.load(Ordering::Relaxed);
        word.store(value, Ordering::Relaxed);
        value = old;
    }
}

/// As `ripple64`. Release: whoever loads a place must find there what was put before.
fn ripple32(words: Option<&[AtomicU32]>, mut value: u32) {
    for word in words.unwrap_or_default() {
        let old = word.load(Ordering::Relaxed);
        word.store(value, Ordering::Release);
        value = old;
    }
}
