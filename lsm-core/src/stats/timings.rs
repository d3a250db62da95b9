//! How long things take, always: a histogram for each kind of them.
//!
//! What happens often is sampled, since reading the clock costs as much as a part of a lookup; what
//! happens seldom or takes long is timed each time.

use std::sync::Arc;
use std::time::Duration;

use crate::env::clock::Clock;
use crate::stats::histogram::{Histogram, Tally};
use crate::stats::sample::{KINDS, is_due};

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Timing {
    /// A write, from the call to its return: pacing and the sync of a durable one included.
    /// Sampled, like those down to `Seek`.
    Write,
    /// A lookup of one key.
    Get,
    /// A scan is opened and moves to its first entry.
    Seek,
    /// A caller waits until the log is durable. Timed each time, like all that follow.
    SyncWait,
    /// A memtable becomes a table.
    Flush,
    /// Tables become others.
    Compaction,
}

impl Timing {
    /// Every one with its name, in order.
    pub const ALL: [(Self, &'static str); 6] = [
        (Self::Write, "write"),
        (Self::Get, "get"),
        (Self::Seek, "seek"),
        (Self::SyncWait, "sync_wait"),
        (Self::Flush, "flush"),
        (Self::Compaction, "compaction"),
    ];

    /// True if only about one in 64 is timed.
    #[must_use]
    pub fn is_sampled(self) -> bool {
        (self as usize) < KINDS
    }
}

/// The histograms of one database.
#[derive(Debug)]
pub struct Timings {
    clock: Arc<dyn Clock>,
    all: [Histogram; Timing::ALL.len()],
}

impl Timings {
    /// Empty ones, to be filled by this clock.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, all: Default::default() }
    }

    /// When something begins; `None` if it is not timed this time.
    #[inline]
    #[must_use]
    pub fn begin(&self, timing: Timing) -> Option<Duration> {
        // For kinds that are timed always the answer is known here.
        is_due(timing as usize).then(|| self.now())
    }

    /// Takes in that something has ended that began then.
    #[inline]
    pub fn end(&self, timing: Timing, begun: Option<Duration>) {
        if let Some(begun) = begun {
            self.record(timing, self.now().saturating_sub(begun));
        }
    }

    /// Takes in that so many have ended that began together then, and share the time.
    #[inline]
    pub fn end_shared(&self, timing: Timing, begun: Option<Duration>, count: usize) {
        if let Some(begun) = begun {
            let took = self.now().saturating_sub(begun);
            self.record(timing, took / u32::try_from(count).unwrap_or(u32::MAX).max(1));
        }
    }

    /// Now, by the clock that is measured with.
    #[cold]
    #[must_use]
    pub fn now(&self) -> Duration {
        self.clock.monotonic()
    }

    /// Takes in how long something took.
    #[cold]
    pub fn record(&self, timing: Timing, took: Duration) {
        if let Some(histogram) = self.all.get(timing as usize) {
            histogram.record(took);
        }
    }

    /// What was measured so far.
    #[must_use]
    pub fn read(&self, timing: Timing) -> Tally {
        self.all.get(timing as usize).map(Histogram::read).unwrap_or_default()
    }
}
