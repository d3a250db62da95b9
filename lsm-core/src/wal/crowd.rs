//! How many callers wait for the log to be durable at a time.
//!
//! Those whom a sync lets go often come back at once, each with another batch. A sync that begins
//! without them leaves them to wait for the rest of it and for all of the next one, and every sync
//! covers half of what it could. So whoever syncs lets them come first: as many as there were when
//! the last sync ended, for a moment that is short beside a sync. Where nobody comes, the next
//! syncs do not wait.

use std::time::Duration;

use crate::base::sync::{AtomicUsize, Ordering};
use crate::env::schedule::Scheduler;

/// Nobody is waited for longer than this.
const PATIENCE: Duration = Duration::from_micros(100);
/// After waiting in vain, so many syncs begin at once.
const HASTY: usize = 16;

/// Callers that want something durable.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    /// How many are there.
    present: AtomicUsize,
    /// How many ever came.
    arrived: AtomicUsize,
    /// How many had come when the last sync began, which covers what they want.
    covered: AtomicUsize,
    /// How many there were when it ended.
    expected: AtomicUsize,
    /// So many syncs are going to begin at once.
    hasty: AtomicUsize,
}

/// A caller that waits, until this is dropped.
pub(super) struct Present<'a>(&'a Crowd);

impl Crowd {
    /// One more is there, whose batch is in the log.
    pub(super) fn enter(&self) -> Present<'_> {
        self.present.fetch_add(1, Ordering::AcqRel);
        self.arrived.fetch_add(1, Ordering::AcqRel);
        Present(self)
    }

    /// Lets those come who are expected. Only the syncer calls this, before each sync.
    pub(super) fn gather(&self, scheduler: &dyn Scheduler) {
        let expected = self.expected.load(Ordering::Relaxed);
        if self.uncovered() < expected && !self.is_hasty() {
            let before = self.uncovered();
            scheduler.linger(PATIENCE, &mut || self.uncovered() >= expected);
            if self.uncovered() <= before {
                self.hasty.store(HASTY, Ordering::Relaxed);
            }
        }
        self.covered.store(self.arrived.load(Ordering::Acquire), Ordering::Relaxed);
    }

    /// Takes in that a sync has ended, before those are let go whom it covers.
    pub(super) fn disperse(&self) {
        self.expected.store(self.present.load(Ordering::Acquire), Ordering::Relaxed);
    }

    /// How many came since the last sync began.
    fn uncovered(&self) -> usize {
        let covered = self.covered.load(Ordering::Relaxed);
        self.arrived.load(Ordering::Acquire).wrapping_sub(covered)
    }

    /// True if nobody is waited for this time.
    fn is_hasty(&self) -> bool {
        let hasty = self.hasty.load(Ordering::Relaxed);
        self.hasty.store(hasty.saturating_sub(1), Ordering::Relaxed);
        hasty > 0
    }
}

impl Drop for Present<'_> {
    fn drop(&mut self) {
        self.0.present.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
