//! Lanes: a number for each thread that counts, so that it can count without a locked instruction.
//!
//! A lane has one owner at a time, who alone changes what is counted in it, by a load and a store.
//! It is given back when the thread ends, and what the next owner finds there is what the last one
//! left, since giving back and taking synchronise. Threads beyond the number of lanes, and those
//! that are ending, share the last lane, where every change is one locked instruction.

use std::cell::Cell;

use crate::base::sync::Ordering;
use crate::base::sync::fixed::AtomicU64;

/// How many there are, the shared one included.
pub const LANES: usize = 64;
/// The one that has no owner.
pub const SHARED: usize = LANES - 1;

/// A bit for each lane that has an owner.
static TAKEN: AtomicU64 = AtomicU64::new(0);

const NONE: usize = usize::MAX;

std::thread_local! {
    static MINE: Cell<usize> = const { Cell::new(NONE) };
    static OWNED: Owned = const { Owned(Cell::new(NONE)) };
}

/// Gives the thread's lane back when the thread ends.
struct Owned(Cell<usize>);

impl Drop for Owned {
    fn drop(&mut self) {
        // What ends after this, and counts, shares.
        MINE.set(SHARED);
        let lane = self.0.get();
        if lane < SHARED {
            TAKEN.fetch_and(!(1 << lane), Ordering::Release);
        }
    }
}

/// The lane of this thread.
#[inline]
#[must_use]
pub fn lane() -> usize {
    let mine = MINE.get();
    if mine == NONE { take() } else { mine }
}

#[cold]
fn take() -> usize {
    // If the thread is ending there is nobody to give it back.
    let lane = OWNED.try_with(|owned| {
        let lane = take_free();
        owned.0.set(lane);
        lane
    });
    let lane = lane.unwrap_or(SHARED);
    MINE.set(lane);
    lane
}

fn take_free() -> usize {
    let mut taken = TAKEN.load(Ordering::Relaxed);
    loop {
        let free = taken.trailing_ones() as usize;
        if free >= SHARED {
            return SHARED;
        }
        let with = taken | (1 << free);
        match TAKEN.compare_exchange_weak(taken, with, Ordering::Acquire, Ordering::Relaxed) {
            Ok(_) => return free,
            Err(now) => taken = now,
        }
    }
}
