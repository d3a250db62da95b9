//! Lanes: a small number for each living thread, so that it finds what is its own without a lock.
//!
//! A lane has one owner at a time. It is given back when the thread ends, and what the next owner
//! finds in its place is what the last one left, since giving back and taking synchronise. Threads
//! get the lowest lane that is free, so who needs less than all lanes keeps places for the first
//! few (`lane_below`).
//!
//! In a model, the lane is the number of the model's thread: lanes are not given back there.

#![cfg_attr(lsm_loom, allow(dead_code, reason = "how lanes are claimed is no part of a model"))]

use std::cell::Cell;

use crate::base::sync::Ordering;
use crate::base::sync::fixed::{AtomicU64, AtomicUsize};

/// So many threads of the process can have one at once.
pub const LANES: usize = if cfg!(lsm_loom) { 5 } else { 128 };
const WORD: usize = u64::BITS as usize;
const WORDS: usize = LANES.div_ceil(WORD);

/// The lanes that living threads have, a bit each.
static TAKEN: [AtomicU64; WORDS] = [const { AtomicU64::new(0) }; WORDS];
/// No lane from here on was ever taken.
static LANES_USED: AtomicUsize = AtomicUsize::new(0);

const UNCLAIMED: usize = usize::MAX;
const ENDED: usize = usize::MAX - 1;

std::thread_local! {
    static LANE: Cell<usize> = const { Cell::new(UNCLAIMED) };
    static CLAIM: Claim = const { Claim(Cell::new(UNCLAIMED)) };
}

/// Gives the lane back when the thread ends.
struct Claim(Cell<usize>);

impl Drop for Claim {
    fn drop(&mut self) {
        let lane = self.0.get();
        LANE.set(ENDED);
        if let Some(word) = TAKEN.get(lane / WORD) {
            word.fetch_and(!(1 << (lane % WORD)), Ordering::Release);
        }
    }
}

/// This thread's lane; `None` if there are too many threads, or this one is about to end.
#[inline]
#[must_use]
#[cfg(not(lsm_loom))]
pub fn lane_of_thread() -> Option<usize> {
    let lane = LANE.get();
    if lane < LANES { Some(lane) } else { claim(lane) }
}

/// This thread's lane.
#[must_use]
#[cfg(lsm_loom)]
pub fn lane_of_thread() -> Option<usize> {
    Some(crate::base::sync::thread_index())
}

/// This thread's lane if it is one of the first `limit`.
#[inline]
#[must_use]
#[cfg(not(lsm_loom))]
pub fn lane_below(limit: usize) -> Option<usize> {
    let lane = LANE.get();
    if lane < limit { Some(lane) } else { claim_below(lane, limit) }
}

/// This thread's lane if it is one of the first `limit`.
#[must_use]
#[cfg(lsm_loom)]
pub fn lane_below(limit: usize) -> Option<usize> {
    Some(crate::base::sync::thread_index()).filter(|lane| *lane < limit)
}

#[cold]
fn claim_below(lane: usize, limit: usize) -> Option<usize> {
    let lane = if lane < LANES { Some(lane) } else { claim(lane) };
    lane.filter(|lane| *lane < limit)
}

#[cold]
fn claim(lane: usize) -> Option<usize> {
    if lane == ENDED {
        return None;
    }
    let lane = CLAIM.try_with(|claim| take_lane().inspect(|lane| claim.0.set(*lane))).ok()??;
    LANE.set(lane);
    LANES_USED.fetch_max(lane + 1, Ordering::SeqCst);
    Some(lane)
}

/// Every lane that a thread has or ever had is below this one.
#[must_use]
pub fn used() -> usize {
    if cfg!(lsm_loom) { LANES } else { LANES_USED.load(Ordering::SeqCst) }
}

/// The lowest lane that nobody has.
fn take_lane() -> Option<usize> {
    for (index, word) in TAKEN.iter().enumerate() {
        let mut taken = word.load(Ordering::Relaxed);
        while taken != u64::MAX {
            let bit = taken.trailing_ones();
            let more = taken | 1 << bit;
            match word.compare_exchange_weak(taken, more, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Some(index * WORD + bit as usize),
                Err(now) => taken = now,
            }
        }
    }
    None
}
