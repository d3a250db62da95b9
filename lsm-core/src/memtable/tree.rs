//! A B+tree whose nodes hold eight bytes of each key, for one writer and readers without locks.
//!
//! A node covers the entries from `low` up to `high`. All of them share the bytes that `low` and
//! `high` share, so a node's heads leave these bytes out, and tell apart what lies close together.
//! The first and the last node of a level lack a bound; there it is the bytes that every key of the
//! tree shares with the first one that was inserted, the anchor.
//!
//! When a node is full, a new right sibling takes its upper part: it is filled before anybody can
//! see it, then the left one names it as `next` and its first entry as `high`, then the parent
//! learns of it. A reader that comes too early to the left one sees that its key is not before
//! `high`, and moves right. It seldom has to compare for that: if `high` is the entry that bounds
//! the child in the parent too, then the node has not been split since.
//!
//! Nodes are never freed, never merged, and never begin elsewhere, so whatever a reader holds is
//! the place where it has to go on.
//!
//! Invariants: `root`, `next` and children are places of nodes whose kind is told by their level;
//! every other place in a node is that of a record, or 0. They are stored with release and loaded
//! with acquire, so what lies there is whole; this holds of any single load, before any version is
//! looked at.

#![allow(unsafe_code)]

use std::cmp::Ordering as Order;

use crate::base::error::Result;
use crate::base::sync::{AtomicU32, Ordering};
use crate::env::os::relax::Patience;
use crate::key::trailer::entry_order;
use crate::memtable::arena::{Arena, Bump, Entry};

mod node;

mod later;

mod write;

mod cursor;

mod spread;

use node::{Inner, Node, head_in};

pub(super) use cursor::TreeCursor;
pub(super) use write::TreeWriter;

/// Entries in a node: so many heads fill eight cache lines.
pub(super) const FAN_OUT: usize = 64;

/// What readers and the writer share.
#[derive(Debug)]
pub(super) struct Tree<const F: usize> {
    arena: Arena,
    root: AtomicU32,
    /// The first leaf, which stays the first.
    first: u32,
    /// The record that was inserted first; 0 while there is none.
    anchor: AtomicU32,
}

/// What is looked for: a place in the order, whether there is an entry at it or not.
#[derive(Clone, Copy, Debug)]
struct Target<'a> {
    key: &'a [u8],
    trailer: u64,
    /// How many bytes the key shares with the anchor's, and whether it is larger than that.
    shared: usize,
    is_above: bool,
}

/// Which side of a target is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    /// The first entry at or after it.
    From,
    /// The last entry before it.
    Before,
}

impl<const F: usize> Tree<F> {
    /// What the arena has handed out, in bytes.
    pub(super) fn bytes(&self) -> usize {
        self.arena.used()
    }

    /// As `Arena::resident`.
    pub(super) fn resident(&self, used: usize) -> usize {
        self.arena.resident(used)
    }

    /// As `Arena::page_in`.
    pub(super) fn page_in(&self, bytes: usize) -> bool {
        self.arena.page_in(bytes)
    }

    /// The newest entry of `key` whose trailer is at most `ceiling`.
    #[inline]
    pub(super) fn get(&self, key: &[u8], ceiling: u64) -> Option<Entry<'_>> {
        let target = self.target(key, ceiling)?;
        let place = self.descend(&target, Side::From, |leaf, at, count| {
            if at < count { leaf.place(at) } else { leaf.top.high.load(Ordering::Acquire) }
        });
        self.entry(place).filter(|entry| entry.key == key)
    }

    /// `None` in an empty tree.
    #[inline]
    fn target<'a>(&self, key: &'a [u8], trailer: u64) -> Option<Target<'a>> {
        let anchor = self.entry(self.anchor.load(Ordering::Acquire))?;
        Some(Target::new(key, trailer, anchor.key))
    }

    /// Goes down to the leaf of a target and answers what `look` makes of it: the leaf, the first
    /// slot at or after the target, and how many slots are taken. `look` may be called on a leaf
    /// that is being changed; then it is called again.
    #[inline]
    fn descend<T>(
        &self,
        target: &Target<'_>,
        side: Side,
        mut look: impl FnMut(&Node<F>, usize, usize) -> T,
    ) -> T {
        let mut patience = Patience::new();
        let mut place = self.root.load(Ordering::Acquire);
        // An entry that the target is known to be before; 0 for the end.
        let mut bound = 0;
        loop {
            let node = self.node(place);
            let Some(version) = node.begin() else {
                patience.wait();
                continue;
            };
            let high = node.top.high.load(Ordering::Acquire);
            if high != bound && self.is_beyond(target, side, high) {
                let next = node.top.next.load(Ordering::Acquire);
                if node.is_still(version) && next != 0 {
                    place = next;
                }
                continue;
            }
            let count = node.count();
            if node.top.level == 0 {
                let at = self.rank(node, target, (0, count), false);
                let answer = look(node, at, count);
                if node.is_still(version) {
                    return answer;
                }
            } else {
                let at = self.rank(node, target, (1, count), side == Side::From);
                let child = self.inner(place).child(at.saturating_sub(1));
                let end = if at < count { node.place(at) } else { high };
                if node.is_still(version) && child != 0 {
                    (place, bound) = (child, end);
                }
            }
        }
    }

    /// True if the target does not belong into a node that ends at `high`.
    #[inline]
    fn is_beyond(&self, target: &Target<'_>, side: Side, high: u32) -> bool {
        let Some(high) = self.entry(high) else { return false };
        match entry_order((high.key, high.trailer), (target.key, target.trailer)) {
            Order::Less => true,
            Order::Equal => side == Side::From,
            Order::Greater => false,
        }
    }

    /// How many slots hold an entry before the target, or, if it is `is_inclusive`, not behind it.
    /// The slots before `first` count as such, whatever they hold.
    #[inline]
    fn rank(
        &self,
        node: &Node<F>,
        target: &Target<'_>,
        (first, count): (usize, usize),
        is_inclusive: bool,
    ) -> usize {
        let skip = node.top.skip.load(Ordering::Relaxed);
        if (skip as usize) > target.shared && node.is_edge() {
            // It differs from every key in here, and at the same byte.
            return if target.is_above { count } else { first };
        }
        let head = head_in(skip, target.key, target.trailer);
        let at = node.smaller(head).clamp(first, count.max(first));
        if at >= count || node.head(at) != head {
            return at;
        }
        self.rank_among_ties(node, target, (at, count), is_inclusive)
    }

    /// Compares whole keys where heads are equal.
    fn rank_among_ties(
        &self,
        node: &Node<F>,
        target: &Target<'_>,
        (first, count): (usize, usize),
        is_inclusive: bool,
    ) -> usize {
        let head = node.head(first);
        let is_before = |at: usize| {
            let Some(entry) = self.entry(node.place(at)) else { return false };
            match entry_order((entry.key, entry.trailer), (target.key, target.trailer)) {
                Order::Less => true,
                Order::Equal => is_inclusive,
                Order::Greater => false,
            }
        };
        let (mut low, mut high) = (first, first);
        while high < count && node.head(high) == head {
            high += 1;
        }
        while low < high {
            let middle = low + (high - low) / 2;
            if is_before(middle) { low = middle + 1 } else { high = middle }
        }
        low
    }

    /// The last leaf.
    fn last_leaf(&self) -> u32 {
        let mut patience = Patience::new();
        let mut place = self.root.load(Ordering::Acquire);
        loop {
            let node = self.node(place);
            let Some(version) = node.begin() else {
                patience.wait();
                continue;
            };
            let mut next = node.top.next.load(Ordering::Acquire);
            if next == 0 && node.top.level > 0 {
                next = self.inner(place).child(node.count().saturating_sub(1));
            }
            if !node.is_still(version) {
                continue;
            }
            if next == 0 {
                return place;
            }
            place = next;
        }
    }

    /// The node at a place that was loaded from `root`, `next` or a child.
    #[inline]
    fn node(&self, place: u32) -> &Node<F> {
        // SAFETY: by the invariant a node was written there, whole and before the place was
        // stored; an inner node begins with a `Node`. It is made of atomics and of fields that
        // never change, and lives as long as the arena.
        let node = unsafe { &*self.arena.address(place).cast::<Node<F>>() };
        node.top.made.read();
        node
    }

    /// The same of a node whose level is not 0.
    #[inline]
    fn inner(&self, place: u32) -> &Inner<F> {
        // SAFETY: as `node`; nodes above level 0 are written as `Inner`.
        unsafe { &*self.arena.address(place).cast::<Inner<F>>() }
    }

    /// The entry at a place that was loaded from a node; `None` for 0.
    #[inline]
    fn entry(&self, place: u32) -> Option<Entry<'_>> {
        if place == 0 {
            return None;
        }
        // SAFETY: by the invariant `put` answered this place before it was stored.
        Some(unsafe { self.arena.entry(place) })
    }

    /// Makes a node that nobody knows of yet.
    fn make(&self, bump: &mut Bump, level: u32, skip: u32) -> Result<u32> {
        let len = if level == 0 { size_of::<Node<F>>() } else { size_of::<Inner<F>>() };
        // SAFETY: the writer of this tree has the bump that came with its arena.
        let place = unsafe { self.arena.take(bump, len, align_of::<Node<F>>())? };
        let at = self.arena.address(place);
        // SAFETY: these bytes were just given to us, as many as the type has and aligned for it.
        unsafe {
            match level {
                0 => at.cast::<Node<F>>().write(Node::new(level, skip)),
                _ => at.cast::<Inner<F>>().write(Inner::new(level, skip)),
            }
        }
        Ok(place)
    }

    /// Copies an entry into the arena.
    fn put(&self, bump: &mut Bump, entry: Entry<'_>) -> Result<u32> {
        // SAFETY: as `make`.
        unsafe { self.arena.put(bump, 0, entry) }
    }
}

impl<'a> Target<'a> {
    #[inline]
    fn new(key: &'a [u8], trailer: u64, anchor: &[u8]) -> Self {
        let shared = shared_len(key, anchor);
        let is_above = key.get(shared) > anchor.get(shared);
        Self { key, trailer, shared, is_above }
    }
}

/// How many bytes two keys have in common from the start.
#[inline]
fn shared_len(a: &[u8], b: &[u8]) -> usize {
    let (words, others) = (a.chunks_exact(8), b.chunks_exact(8));
    let mut shared = 0;
    for (word, other) in words.zip(others) {
        let (Some(word), Some(other)) = (word.first_chunk::<8>(), other.first_chunk::<8>()) else {
            break;
        };
        let differ = u64::from_le_bytes(*word) ^ u64::from_le_bytes(*other);
        if differ != 0 {
            return shared + (differ.trailing_zeros() / 8) as usize;
        }
        shared += 8;
    }
    let rest = a.iter().skip(shared).zip(b.iter().skip(shared));
    shared + rest.take_while(|(a, b)| a == b).count()
}
