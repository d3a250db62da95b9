//! The one writer of a tree.
//!
//! Everything that an insertion needs is allocated before anything is changed, so one that fails
//! for want of memory leaves the tree as it was.

use std::sync::{Arc, Weak};

use crate::base::error::{Error, ErrorKind, Result};
use crate::base::sync::{AtomicU32, Ordering};
use crate::key::trailer::NEWEST;
use crate::memtable::arena::{Arena, Bump, Entry};
use crate::memtable::stock::Stock;
use crate::memtable::tree::later::Later;
use crate::memtable::tree::node::{Node, SAME_KEY, Slot, head_in};
use crate::memtable::tree::{Target, Tree, shared_len};

/// More levels than any tree has: each has at least two nodes for one above it, and there are not
/// as many places.
const LEVELS: usize = 32;

/// The right to insert; there is one for each tree.
#[derive(Debug)]
pub(in crate::memtable) struct TreeWriter<const F: usize> {
    tree: Arc<Tree<F>>,
    state: State,
    pub(super) later: Later,
}

/// Where the writer stands. Its methods take the tree that it came with.
#[derive(Debug)]
struct State {
    bump: Bump,
    /// How many bytes all keys have in common.
    common: usize,
    /// The greatest entry, and the leaf that it is in.
    last: u32,
    edge: u32,
    /// The entry that was inserted last.
    recent: u32,
    path: [Step; LEVELS],
}

/// An entry on its way into the tree.
#[derive(Debug)]
struct Coming<'a> {
    entry: Entry<'a>,
    /// Where it lies in the arena; 0 if it is to be copied there.
    place: u32,
}

/// A node on the way down, and the slot before which to insert.
#[derive(Clone, Copy, Debug, Default)]
struct Step {
    node: u32,
    at: usize,
}

/// The nodes that an insertion is going to need; 0 where none.
#[derive(Debug, Default)]
struct Spare {
    nodes: [u32; LEVELS],
    root: u32,
}

impl<const F: usize> Tree<F> {
    /// An empty tree, and its writer.
    pub(in crate::memtable) fn new(stock: &Weak<Stock>) -> Result<(Arc<Self>, TreeWriter<F>)> {
        let (arena, mut bump) = Arena::new(stock);
        let mut tree = Self { arena, root: AtomicU32::new(0), first: 0, anchor: AtomicU32::new(0) };
        tree.first = tree.make(&mut bump, 0, 0)?;
        tree.root.store(tree.first, Ordering::Release);
        let tree = Arc::new(tree);
        let state = State {
            bump,
            common: 0,
            last: 0,
            edge: tree.first,
            recent: 0,
            path: [Step::default(); LEVELS],
        };
        Ok((Arc::clone(&tree), TreeWriter { tree, state, later: Later::default() }))
    }
}

impl<const F: usize> TreeWriter<F> {
    /// Sees to it that there is memory for so many bytes.
    pub(in crate::memtable) fn make_room(&self, bytes: usize) -> Result<()> {
        self.tree.arena.make_room(&self.state.bump, bytes)
    }

    /// Inserts an entry. One with this key and trailer must not be there.
    #[inline]
    pub(in crate::memtable) fn insert(&mut self, entry: Entry<'_>) -> Result<()> {
        self.state.insert(&self.tree, &Coming { entry, place: 0 })
    }

    /// Copies an entry, which is not to be found before `insert_laid`.
    #[inline]
    pub(in crate::memtable) fn lay(&mut self, entry: Entry<'_>) -> Result<()> {
        let place = self.tree.put(&mut self.state.bump, entry)?;
        self.later.add(&self.tree, place, entry.key);
        Ok(())
    }

    /// Inserts what was laid since the last time. After an error some of it is not there.
    pub(in crate::memtable) fn insert_laid(&mut self) -> Result<()> {
        let Self { tree, state, later } = self;
        later.drain(tree, |place| match tree.entry(place) {
            Some(entry) => state.insert(tree, &Coming { entry, place }),
            None => Ok(()),
        })
    }

    /// The memory that is taken by what was laid. The nodes for it will not take more.
    pub(in crate::memtable) fn laid_bytes(&self) -> usize {
        self.later.bytes()
    }

    /// Asks for the memory that inserting an entry of this key is going to touch. Whoever has
    /// something else to do meanwhile waits less.
    #[inline]
    pub(in crate::memtable) fn ahead(&self, key: &[u8]) {
        self.state.ahead(&self.tree, key);
    }
}

impl State {
    #[inline]
    fn insert<const F: usize>(&mut self, tree: &Tree<F>, coming: &Coming<'_>) -> Result<()> {
        let entry = &coming.entry;
        let Some(last) = tree.entry(self.last) else { return self.insert_first(tree, coming) };
        let Some(target) = tree.target(entry.key, entry.trailer) else { return Err(lost()) };
        if target.shared < self.common {
            self.common = target.shared;
            self.shorten_edges(tree);
        }
        let place;
        let is_last = (last.key, !last.trailer) < (entry.key, !entry.trailer);
        if is_last && tree.node(self.edge).count() < F {
            place = self.put(tree, coming)?;
            let leaf = tree.node(self.edge);
            leaf.append(slot_in(leaf, &target, place, 0));
        } else {
            place = self.insert_below(tree, &target, coming)?;
        }
        if is_last {
            self.last = place;
        }
        self.recent = place;
        Ok(())
    }

    /// Copies an entry if it is not in the arena; answers its place.
    #[inline]
    fn put<const F: usize>(&mut self, tree: &Tree<F>, coming: &Coming<'_>) -> Result<u32> {
        match coming.place {
            0 => tree.put(&mut self.bump, coming.entry),
            place => Ok(place),
        }
    }

    #[cold]
    fn insert_first<const F: usize>(&mut self, tree: &Tree<F>, coming: &Coming<'_>) -> Result<()> {
        let (place, entry) = (self.put(tree, coming)?, &coming.entry);
        self.common = entry.key.len();
        let leaf = tree.node(tree.first);
        // Nobody can tell a change of an empty node from none.
        leaf.top.skip.store(self.common as u32, Ordering::Relaxed);
        tree.anchor.store(place, Ordering::Release);
        leaf.append(slot_in(leaf, &Target::new(entry.key, entry.trailer, entry.key), place, 0));
        (self.last, self.recent) = (place, place);
        Ok(())
    }

    /// Inserts an entry where it belongs; answers its place.
    fn insert_below<const F: usize>(
        &mut self,
        tree: &Tree<F>,
        target: &Target<'_>,
        coming: &Coming<'_>,
    ) -> Result<u32> {
        self.find(tree, target);
        let Step { node, at } = self.path.first().copied().unwrap_or_default();
        let leaf = tree.node(node);
        let count = leaf.count();
        let slot = slot_in(leaf, target, 0, 0);
        // Equal entries have equal heads, and what has another one need not be looked at: it is
        // seldom near.
        if at < count && leaf.head(at) == slot.head {
            check_other(tree.entry(leaf.place(at)), &coming.entry)?;
        }
        if count < F {
            let place = self.put(tree, coming)?;
            leaf.insert(at, Slot { place, ..slot });
            return Ok(place);
        }
        let spare = self.reserve(tree)?;
        let place = self.put(tree, coming)?;
        self.split_up(tree, &spare, place);
        Ok(place)
    }

    /// Asks for the leaf of a key. The right edge need not be asked for: it was just written to.
    #[inline]
    fn ahead<const F: usize>(&self, tree: &Tree<F>, key: &[u8]) {
        if tree.entry(self.last).is_none_or(|last| last.key < key) {
            return;
        }
        let Some(target) = tree.target(key, NEWEST) else { return };
        let mut place = tree.root.load(Ordering::Relaxed);
        let mut level = tree.node(place).top.level;
        while level > 0 {
            let node = tree.node(place);
            let at = tree.rank(node, &target, (1, node.count()), true);
            place = tree.inner(place).child(at.saturating_sub(1));
            level -= 1;
        }
        tree.arena.prefetch(place, size_of::<Node<F>>());
    }

    /// Fills the path from the root down to where the target belongs.
    #[inline]
    fn find<const F: usize>(&mut self, tree: &Tree<F>, target: &Target<'_>) {
        let mut place = tree.root.load(Ordering::Relaxed);
        loop {
            let node = tree.node(place);
            let level = node.top.level as usize;
            let first = usize::from(level > 0);
            let at = tree.rank(node, target, (first, node.count()), level > 0);
            if let Some(step) = self.path.get_mut(level) {
                *step = Step { node: place, at };
            }
            if level == 0 {
                return;
            }
            place = tree.inner(place).child(at.saturating_sub(1));
        }
    }

    /// Makes a sibling for each full node from the leaf of the path upwards, and a new root if the
    /// root is one of them.
    fn reserve<const F: usize>(&mut self, tree: &Tree<F>) -> Result<Spare> {
        let mut spare = Spare::default();
        let top = tree.node(tree.root.load(Ordering::Relaxed)).top.level;
        let steps = self.path.iter().zip(&mut spare.nodes).take(top as usize + 1);
        for (level, (step, node)) in (0..).zip(steps) {
            let full = tree.node(step.node);
            if full.count() < F {
                return Ok(spare);
            }
            // The bound is told when it is known which entry it is.
            *node = tree.make(&mut self.bump, level, 0)?;
        }
        spare.root = tree.make(&mut self.bump, top + 1, self.common as u32)?;
        Ok(spare)
    }

    /// Splits the full nodes of the path, from the leaf up, and puts `place` where it belongs.
    fn split_up<const F: usize>(&mut self, tree: &Tree<F>, spare: &Spare, place: u32) {
        let (mut place, mut child) = (place, 0);
        let path = self.path;
        for (level, (step, right)) in (0..).zip(path.iter().zip(spare.nodes)) {
            if right == 0 {
                if level > 0 && step.node != 0 && spare.root == 0 {
                    let parent = tree.inner(step.node);
                    parent.insert(step.at, self.slot(tree, &parent.node, place, child));
                }
                break;
            }
            place = self.split(tree, *step, right, (place, child));
            child = right;
        }
        if spare.root != 0 {
            let root = tree.inner(spare.root);
            let left = tree.root.load(Ordering::Relaxed);
            root.append(Slot { head: 0, place: 0, child: left });
            root.append(self.slot(tree, &root.node, place, child));
            tree.root.store(spare.root, Ordering::Release);
        }
    }

    /// Moves the upper part of a full node to a new one on its right, and puts an entry, with its
    /// child, where it belongs. Answers where the right node begins.
    fn split<const F: usize>(
        &mut self,
        tree: &Tree<F>,
        step: Step,
        right: u32,
        (place, child): (u32, u32),
    ) -> u32 {
        let node = tree.node(step.node);
        let is_run = step.at == F && self.is_run(node);
        let keep = if is_run { F } else { F / 2 };
        let low = if is_run { place } else { node.place(keep) };
        let high = node.top.high.load(Ordering::Relaxed);
        self.fill_right(tree, (step.node, keep), (right, low));
        let sibling = tree.node(right);
        let goes_right = is_run || step.at > keep;
        if goes_right {
            put_into(tree, right, step.at - keep, self.slot(tree, sibling, place, child));
        }
        if high == 0 && sibling.top.level == 0 {
            self.edge = right;
        }
        node.change(|node| {
            node.cut(keep);
            node.top.high.store(low, Ordering::Release);
            node.top.next.store(right, Ordering::Release);
            self.sharpen(tree, node);
        });
        if !goes_right {
            put_into(tree, step.node, step.at, self.slot(tree, node, place, child));
        }
        low
    }

    /// True if the entry before the new one was the last one inserted, or there is nothing behind
    /// it: the next ones will follow it, so the full node is left full.
    fn is_run<const F: usize>(&self, node: &Node<F>) -> bool {
        let is_edge = node.top.high.load(Ordering::Relaxed) == 0;
        is_edge || (node.top.level == 0 && node.place(F - 1) == self.recent)
    }

    /// Fills a node that nobody sees yet with the slots of its left sibling from `keep` on.
    fn fill_right<const F: usize>(
        &self,
        tree: &Tree<F>,
        (left, keep): (u32, usize),
        (right, low): (u32, u32),
    ) {
        let node = tree.node(left);
        let level = node.top.level;
        let skip = node.top.skip.load(Ordering::Relaxed);
        let sibling = tree.node(right);
        sibling.top.skip.store(skip, Ordering::Relaxed);
        sibling.top.low.store(low, Ordering::Relaxed);
        sibling.top.high.store(node.top.high.load(Ordering::Relaxed), Ordering::Relaxed);
        sibling.top.next.store(node.top.next.load(Ordering::Relaxed), Ordering::Relaxed);
        for at in keep..F {
            let slot = Slot { head: node.head(at), place: node.place(at), child: 0 };
            if level == 0 {
                sibling.append(slot);
            } else {
                let child = tree.inner(left).child(at);
                tree.inner(right).append(Slot { child, ..slot });
            }
        }
        self.sharpen(tree, sibling);
    }

    /// Makes the heads of a node tell more apart, if some cannot be told apart. The caller sees to
    /// it that no reader believes what it loads meanwhile.
    fn sharpen<const F: usize>(&self, tree: &Tree<F>, node: &Node<F>) {
        // A first separator has no head of its own to be told apart. This is seen in the node; the
        // bounds are further off.
        if node.is_edge() || !node.has_ties(usize::from(node.top.level > 0), node.count()) {
            return;
        }
        let Some(low) = tree.entry(node.top.low.load(Ordering::Relaxed)) else { return };
        let high = node.top.high.load(Ordering::Relaxed);
        let Some(high) = tree.entry(high) else { return };
        let shared = shared_len(low.key, high.key);
        let is_same = shared == low.key.len() && shared == high.key.len();
        let skip = if is_same { SAME_KEY } else { shared as u32 };
        if skip != node.top.skip.load(Ordering::Relaxed) {
            reset_heads(tree, node, skip);
        }
    }

    /// Tells the nodes at both edges that keys have less in common than they had.
    #[cold]
    fn shorten_edges<const F: usize>(&mut self, tree: &Tree<F>) {
        for is_right in [false, true] {
            let mut place = tree.root.load(Ordering::Relaxed);
            while place != 0 {
                let node = tree.node(place);
                node.change(|node| reset_heads(tree, node, self.common as u32));
                let at = if is_right { node.count().saturating_sub(1) } else { 0 };
                place = if node.top.level == 0 { 0 } else { tree.inner(place).child(at) };
            }
        }
    }

    /// A slot for an entry that is in the tree's arena.
    fn slot<const F: usize>(&self, tree: &Tree<F>, node: &Node<F>, place: u32, child: u32) -> Slot {
        let skip = node.top.skip.load(Ordering::Relaxed);
        let head = tree.entry(place).map_or(0, |entry| head_in(skip, entry.key, entry.trailer));
        Slot { head, place, child }
    }
}

fn slot_in<const F: usize>(node: &Node<F>, target: &Target<'_>, place: u32, child: u32) -> Slot {
    let skip = node.top.skip.load(Ordering::Relaxed);
    Slot { head: head_in(skip, target.key, target.trailer), place, child }
}

/// Refuses an entry that is there already.
fn check_other(there: Option<Entry<'_>>, entry: &Entry<'_>) -> Result<()> {
    if there.is_some_and(|there| there.key == entry.key && there.trailer == entry.trailer) {
        let message = "an entry with this key and number is there already";
        return Err(Error::new(ErrorKind::InvalidArgument, message));
    }
    Ok(())
}

fn put_into<const F: usize>(tree: &Tree<F>, node: u32, at: usize, slot: Slot) {
    match tree.node(node).top.level {
        0 => tree.node(node).insert(at, slot),
        _ => tree.inner(node).insert(at, slot),
    }
}

/// Makes every head of a node anew.
fn reset_heads<const F: usize>(tree: &Tree<F>, node: &Node<F>, skip: u32) {
    node.top.skip.store(skip, Ordering::Relaxed);
    for at in 0..node.count() {
        let head = tree.entry(node.place(at));
        node.set_head(at, head.map_or(0, |entry| head_in(skip, entry.key, entry.trailer)));
    }
}

#[cold]
fn lost() -> Error {
    Error::new(ErrorKind::Internal, "the first entry of a memtable is lost")
}
