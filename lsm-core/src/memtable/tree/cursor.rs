//! Moving over a tree while it is written to.
//!
//! A cursor copies the places of a whole leaf at once and walks over the copy, so it sees a leaf at
//! one moment whatever is written meanwhile. Forwards it goes on with the node that was the next
//! one at that moment, which begins where the copy ends and always will. Backwards it goes down
//! again, for the last entry before the first one of the copy.

use std::sync::Arc;

use crate::base::sync::Ordering;
use crate::env::os::relax::Patience;
use crate::memtable::arena::{Entry, Record};
use crate::memtable::tree::node::Node;
use crate::memtable::tree::{Side, Tree};

/// So many entries ahead their memory is asked for.
const AHEAD: usize = 12;
/// So many bytes of each: of most entries, all.
const NEAR: usize = 128;

/// A place in a tree, at an entry or at none.
#[derive(Debug)]
pub(in crate::memtable) struct TreeCursor<const F: usize> {
    /// The entry, as long as there is one; it lives in the tree, which is kept.
    record: Option<Record>,
    tree: Arc<Tree<F>>,
    copy: Copy<F>,
    at: usize,
}

/// What a leaf held at one moment.
#[derive(Debug)]
struct Copy<const F: usize> {
    places: [u32; F],
    len: usize,
    next: u32,
}

impl<const F: usize> Copy<F> {
    /// The first `count` entries: as many as the caller has looked through. One that comes behind
    /// them meanwhile may lie before what is sought, and then must not be taken for it.
    #[inline]
    fn take(&mut self, leaf: &Node<F>, count: usize) {
        leaf.copy_places(count, &mut self.places);
        self.len = count;
        self.next = leaf.top.next.load(Ordering::Acquire);
    }
}

impl<const F: usize> TreeCursor<F> {
    pub(in crate::memtable) fn new(tree: Arc<Tree<F>>) -> Self {
        let copy = Copy { places: [0; F], len: 0, next: 0 };
        Self { record: None, tree, copy, at: 0 }
    }

    /// The entry; an empty one at no entry.
    #[inline]
    pub(in crate::memtable) fn entry(&self) -> Entry<'_> {
        let Some(record) = self.record else {
            return Entry { key: &[], trailer: 0, value: &[] };
        };
        // SAFETY: the record is of this cursor's tree, and the cursor keeps the tree.
        unsafe { record.entry() }
    }

    #[inline]
    pub(in crate::memtable) fn is_valid(&self) -> bool {
        self.record.is_some()
    }

    /// To the first entry at or after this place.
    pub(in crate::memtable) fn seek(&mut self, key: &[u8], trailer: u64) {
        let Self { tree, copy, .. } = self;
        let Some(target) = tree.target(key, trailer) else { return self.stop() };
        self.at = tree.descend(&target, Side::From, |leaf, at, count| {
            copy.take(leaf, count);
            at
        });
        if self.at < self.copy.len { self.settle() } else { self.enter_next() }
    }

    /// To the last entry before this place.
    pub(in crate::memtable) fn seek_before(&mut self, key: &[u8], trailer: u64) {
        let Self { tree, copy, .. } = self;
        let Some(target) = tree.target(key, trailer) else { return self.stop() };
        let at = tree.descend(&target, Side::Before, |leaf, at, count| {
            copy.take(leaf, count);
            at
        });
        self.step_back_from(at);
    }

    pub(in crate::memtable) fn seek_first(&mut self) {
        self.enter(self.tree.first);
    }

    pub(in crate::memtable) fn seek_last(&mut self) {
        self.load(self.tree.last_leaf());
        // It may have been split since.
        while self.copy.next != 0 {
            self.load(self.copy.next);
        }
        self.step_back_from(self.copy.len);
    }

    #[inline]
    pub(in crate::memtable) fn next(&mut self) {
        if self.record.is_none() {
            return;
        }
        self.at += 1;
        if self.at < self.copy.len {
            self.settle()
        } else {
            self.enter_next()
        }
        if let Some(ahead) = self.copy.places.get(self.at + AHEAD).filter(|place| **place != 0) {
            self.tree.arena.prefetch(*ahead, NEAR);
        }
    }

    #[inline]
    pub(in crate::memtable) fn prev(&mut self) {
        if self.record.is_none() {
            return;
        }
        if self.at > 0 {
            return self.step_back_from(self.at);
        }
        let Self { tree, copy, .. } = self;
        let here = tree.entry(copy.places.first().copied().unwrap_or_default());
        let target = here.and_then(|here| tree.target(here.key, here.trailer));
        let Some(target) = target else { return self.stop() };
        let at = tree.descend(&target, Side::Before, |leaf, at, count| {
            copy.take(leaf, count);
            at
        });
        self.step_back_from(at);
    }

    #[inline]
    fn step_back_from(&mut self, at: usize) {
        let Some(at) = at.checked_sub(1) else { return self.stop() };
        self.at = at;
        self.settle();
        let ahead = at.checked_sub(AHEAD).and_then(|at| self.copy.places.get(at));
        if let Some(ahead) = ahead {
            self.tree.arena.prefetch(*ahead, NEAR);
        }
    }

    /// Looks up the entry at `at`.
    #[inline]
    fn settle(&mut self) {
        let place = self.copy.places.get(self.at).copied().unwrap_or_default();
        self.record = (place != 0 && self.at < self.copy.len).then(|| {
            // SAFETY: the copy holds places that a leaf of this tree held.
            unsafe { self.tree.arena.record(place) }
        });
    }

    #[inline]
    fn stop(&mut self) {
        self.record = None;
    }

    fn enter_next(&mut self) {
        match self.copy.next {
            0 => self.stop(),
            next => self.enter(next),
        }
    }

    fn enter(&mut self, leaf: u32) {
        self.load(leaf);
        self.at = 0;
        // The next leaf is wanted long before its turn, or the walk waits at its end.
        self.tree.arena.prefetch(self.copy.next, size_of::<Node<F>>());
        for place in self.copy.places.iter().take(self.copy.len.min(AHEAD)) {
            self.tree.arena.prefetch(*place, NEAR);
        }
        self.settle();
    }

    /// Copies a leaf.
    fn load(&mut self, leaf: u32) {
        let node = self.tree.node(leaf);
        let mut patience = Patience::new();
        loop {
            if let Some(version) = node.begin() {
                self.copy.take(node, node.count());
                if node.is_still(version) {
                    return;
                }
            }
            patience.wait();
        }
    }
}
