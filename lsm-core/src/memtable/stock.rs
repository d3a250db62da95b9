//! Memory of memtables that are gone, kept for those that come: the system would zero it anew, and
//! the writer would wait for that.
//!
//! It counts as used, and is given back when somebody else needs it or when nobody has taken any
//! for a while. Only regions of some size are kept, and only those that were written nearly to
//! their end, so that what they count for is what they take.

use std::sync::Arc;

use crate::base::budget::{Budget, Charge, MemoryKind};
use crate::base::sync::{AtomicU64, Mutex, Ordering};
use crate::env::os::memory::Region;

/// No smaller regions are kept.
const KEPT_MIN: usize = 64 << 10;

/// Regions that nobody uses.
#[derive(Debug)]
pub struct Stock {
    budget: Arc<Budget>,
    /// No more bytes than this are kept.
    bytes_max: usize,
    kept: Mutex<Vec<(Region, Charge)>>,
    /// How often something came or went.
    changes: AtomicU64,
}

impl Stock {
    /// An empty one for memtables of so many bytes.
    #[must_use]
    pub fn new(budget: &Arc<Budget>, bytes_max: usize) -> Arc<Self> {
        Arc::new(Self {
            budget: Arc::clone(budget),
            bytes_max,
            kept: Mutex::new(Vec::new()),
            changes: AtomicU64::new(0),
        })
    }

    /// A region of `len` bytes that was kept: they hold anything at all, and take up memory. From
    /// now on they are for the caller to count.
    pub(super) fn take(&self, len: usize) -> Option<Region> {
        if len < KEPT_MIN {
            return None;
        }
        let mut kept = self.kept.lock();
        let at = kept.iter().position(|(region, _)| region.len() == len)?;
        self.changes.fetch_add(1, Ordering::Relaxed);
        Some(kept.swap_remove(at).0)
    }

    /// Keeps a region of which `used` bytes were touched, if that is worth it and there is room.
    pub(super) fn keep(&self, region: Region, used: usize) {
        let len = region.len();
        if len < KEPT_MIN || used < len / 4 * 3 {
            return;
        }
        let mut kept = self.kept.lock();
        let bytes: usize = kept.iter().map(|(region, _)| region.len()).sum();
        if bytes + len > self.bytes_max {
            return;
        }
        if let Some(charge) = self.budget.try_charge(MemoryKind::Memtable, len as u64) {
            self.changes.fetch_add(1, Ordering::Relaxed);
            kept.push((region, charge));
        }
    }

    /// True if there is something that could be given back.
    #[must_use]
    pub fn has_any(&self) -> bool {
        !self.kept.lock().is_empty()
    }

    /// How often something came or went: whoever gets the same answer twice knows that nobody needs
    /// what is here.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Relaxed)
    }

    /// Gives everything back.
    pub fn give_back(&self) {
        let kept = std::mem::take(&mut *self.kept.lock());
        // The system takes its time, and nobody waits for it with the lock.
        drop(kept);
    }
}

#[cfg(test)]
mod tests;
