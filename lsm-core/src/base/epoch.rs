//! Epochs: when the last reader is gone that may have seen what was taken away.
//!
//! A reader pins, goes from a shared pointer to a counted reference, and unpins. A writer unlinks,
//! takes a `stamp`, and gives the memory back once no reader has been pinned since before it:
//! once `stamp < oldest()`.
//!
//! Why this holds. Pinning reads the epoch (acquire) and then stores it in the thread's lane
//! (sequentially consistent, as are the reader's load of the pointer, the writer's unlinking, and
//! `oldest`'s loads of the lanes). Let a reader have loaded the pointer before it was unlinked.
//! Then in the one order of these operations: lane stored, pointer loaded, unlinked, lanes read. So
//! `oldest` reads that lane's value or a later one. A later one was stored (release) by the end of
//! the reader's turn or after it, so its reference is counted by now. The value itself is at most
//! the stamp: a greater one was read from the increment that made the stamp (release) or from a
//! later one, and the reader would have found the pointer unlinked.
//!
//! Nothing is unsafe here, and a pin that is never dropped only keeps memory. Every user has an
//! `Epoch` of its own, so that nobody waits for another one's readers, and what is given back when
//! does not depend on them. A turn lasts some nanoseconds, so the writer hardly ever finds one.

use std::marker::PhantomData;

use crate::base::lane::{LANES, lane_of_thread, used};
use crate::base::sync::{AtomicU64, Ordering};

/// The epochs of one set of shared pointers.
#[derive(Debug)]
pub struct Epoch {
    now: Line,
    lanes: Box<[Lane]>,
}

/// A value that shares its cache lines with no other.
#[derive(Debug)]
#[repr(align(128))]
struct Line(AtomicU64);

/// What one thread alone writes. Two lines, because processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Lane {
    /// The epoch in which this thread pinned; 0 while it is not.
    since: AtomicU64,
    tally: AtomicU64,
}

impl Default for Epoch {
    fn default() -> Self {
        Self::new()
    }
}

impl Epoch {
    /// Bytes that one takes up.
    pub const BYTES: usize = size_of::<Epoch>() + LANES * size_of::<Lane>();

    /// Epochs from one on.
    #[must_use]
    pub fn new() -> Self {
        let lanes = (0..LANES).map(|_| Lane::default()).collect();
        Self { now: Line(AtomicU64::new(1)), lanes }
    }

    /// Nothing that is unlinked from now on is given back before the answer is dropped, which must
    /// be soon: before any I/O, waiting or call of somebody else's code. `None` where there are too
    /// many threads, and in a thread that is about to end: keep the writer out with a lock then.
    #[inline]
    #[must_use]
    pub fn pin(&self) -> Option<Pin<'_>> {
        let lane = self.lanes.get(lane_of_thread()?)?;
        let before = lane.since.load(Ordering::Relaxed);
        if before == 0 {
            lane.since.store(self.now.0.load(Ordering::Acquire), Ordering::SeqCst);
        }
        Some(Pin { lane, before, _stays_in_its_thread: PhantomData })
    }

    /// Call it after unlinking something, with a sequentially consistent store: the name of the
    /// moment.
    #[must_use]
    pub fn stamp(&self) -> u64 {
        self.now.0.fetch_add(1, Ordering::SeqCst)
    }

    /// What was unlinked before any stamp below this one is seen by nobody.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        let lanes = self.lanes.iter().take(used());
        let pinned = lanes.map(|lane| lane.since.load(Ordering::SeqCst)).filter(|since| *since > 0);
        pinned.min().unwrap_or(u64::MAX)
    }

    /// The sum of all that was counted with `Pin::count`.
    #[must_use]
    pub fn tally(&self) -> u64 {
        let tallies = self.lanes.iter().map(|lane| lane.tally.load(Ordering::Relaxed));
        tallies.fold(0, u64::wrapping_add)
    }
}

/// A reader's turn.
#[derive(Debug)]
pub struct Pin<'a> {
    lane: &'a Lane,
    /// Not 0 if this thread was pinned before.
    before: u64,
    _stays_in_its_thread: PhantomData<*const ()>,
}

impl Pin<'_> {
    /// Counts so many more, at the cost of nothing: the line is this thread's own and at hand.
    #[inline]
    pub fn count(&self, more: u64) {
        let tally = self.lane.tally.load(Ordering::Relaxed);
        self.lane.tally.store(tally.wrapping_add(more), Ordering::Relaxed);
    }
}

impl Drop for Pin<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.before == 0 {
            self.lane.since.store(0, Ordering::Release);
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(all(test, lsm_loom))]
mod loom_test;
