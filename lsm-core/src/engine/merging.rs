//! Merge operands on their way, and how many there were of each key.
//!
//! Each operand is stamped with the time before the commit lock, and until it is in a memtable,
//! where a compaction looks, it counts as on its way: a value that expires after the oldest stamp
//! is kept, for the operand may belong to it.

use std::collections::BTreeMap;

use crate::base::sync::{AtomicU32, Mutex, Ordering};
use crate::env::clock::Clock;

/// So many operands of a key in memory are worth being folded. In the simulated world chains are
/// short: there they have to be folded all the time.
pub const LONG: u32 = if cfg!(lsm_sim) { 8 } else { 128 };
/// Counters; keys that share one are told apart when it is looked at them.
const COUNTERS: usize = 4096;

/// Operands on their way, and how many there were of each key, about.
#[derive(Debug)]
pub struct Merging {
    on_their_way: Mutex<BTreeMap<u64, u64>>,
    counts: Box<[AtomicU32]>,
}

impl Default for Merging {
    fn default() -> Self {
        let counts = (0..COUNTERS).map(|_| AtomicU32::new(0)).collect();
        Self { on_their_way: Mutex::new(BTreeMap::new()), counts }
    }
}

/// Operands that carry a stamp and are in no memtable yet.
#[derive(Debug)]
pub struct OnTheirWay<'a> {
    all: &'a Merging,
    millis: u64,
}

impl Merging {
    /// Operands that are written now are on their way, and perhaps some with this older stamp.
    /// Answers the stamp of the new ones.
    pub fn begin(&self, clock: &dyn Clock, oldest: u64) -> (u64, OnTheirWay<'_>) {
        let mut on_their_way = self.on_their_way.lock();
        // Under the lock: whoever has looked before knows no later time. Zero is no stamp.
        let now = clock.wall_millis().max(1);
        let millis = now.min(oldest);
        *on_their_way.entry(millis).or_insert(0) += 1;
        (now, OnTheirWay { all: self, millis })
    }

    /// The oldest stamp of those on their way.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.on_their_way.lock().keys().next().copied().unwrap_or(u64::MAX)
    }

    /// Counts an operand; true if it is time to look how long its chain is.
    #[must_use]
    pub fn count(&self, hash: u64) -> bool {
        let Some(count) = self.counter(hash) else { return false };
        let count = count.fetch_add(1, Ordering::Relaxed).wrapping_add(1);
        // Twice as many have to come before it is looked again.
        count >= LONG && (count / LONG).is_power_of_two() && count % LONG == 0
    }

    /// Begins to count anew.
    pub fn forget(&self, hash: u64) {
        if let Some(count) = self.counter(hash) {
            count.store(0, Ordering::Relaxed);
        }
    }

    fn counter(&self, hash: u64) -> Option<&AtomicU32> {
        self.counts.get(hash as usize % COUNTERS)
    }
}

impl OnTheirWay<'_> {
    /// The oldest stamp of them.
    #[must_use]
    pub fn millis(&self) -> u64 {
        self.millis
    }
}

impl Drop for OnTheirWay<'_> {
    fn drop(&mut self) {
        let mut on_their_way = self.all.on_their_way.lock();
        if let Some(count) = on_their_way.get_mut(&self.millis) {
            *count -= 1;
            if *count == 0 {
                on_their_way.remove(&self.millis);
            }
        }
    }
}
