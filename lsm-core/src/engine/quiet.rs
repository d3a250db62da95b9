//! Quiet times: when merges are worth it that only make reads faster.
//!
//! It is quiet when nothing was flushed for a while, and when somebody waits until nothing is left
//! to do.

use std::time::Duration;

use crate::base::sync::{AtomicU64, AtomicUsize, Ordering};

/// So long after the last flush it is quiet.
const AFTER: Duration = Duration::from_secs(30);

/// Whether it is quiet.
#[derive(Debug)]
pub struct Quiet {
    /// When the last flush ended, by the monotonic clock.
    flushed_millis: AtomicU64,
    /// Who waits until nothing is left to do.
    waiting: AtomicUsize,
}

impl Quiet {
    /// Not yet, for a database that is being opened.
    #[must_use]
    pub fn new(now: Duration) -> Self {
        Self { flushed_millis: AtomicU64::new(millis(now)), waiting: AtomicUsize::new(0) }
    }

    /// Takes in that a flush has ended.
    pub fn note_flush(&self, now: Duration) {
        self.flushed_millis.store(millis(now), Ordering::Relaxed);
    }

    /// Makes it quiet for as long as somebody waits.
    #[must_use]
    pub fn wait(&self) -> Rest<'_> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        Rest(self)
    }

    /// True if somebody waits.
    #[must_use]
    pub fn is_waited_for(&self) -> bool {
        self.waiting.load(Ordering::Acquire) > 0
    }

    /// When it is quiet of itself.
    #[must_use]
    pub fn from(&self) -> Duration {
        AFTER.saturating_add(Duration::from_millis(self.flushed_millis.load(Ordering::Relaxed)))
    }

    /// True if it is quiet now.
    #[must_use]
    pub fn is_now(&self, now: Duration) -> bool {
        self.is_waited_for() || now >= self.from()
    }
}

fn millis(moment: Duration) -> u64 {
    u64::try_from(moment.as_millis()).unwrap_or(u64::MAX)
}

/// Somebody waits: it is quiet until this is dropped.
#[derive(Debug)]
pub struct Rest<'a>(&'a Quiet);

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests;
