//! The flusher: bounds what a power loss can take of `Buffered` writes, and vouches for what is
//! durable once writing pauses, so that later damage to it cannot pass for a torn write.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Result;
use crate::base::sync::Ordering;
use crate::env::schedule::{Job, Step};
use crate::journal::jobs::JobPlace;
use crate::journal::state::State;

/// The job.
pub struct Flusher {
    state: Arc<State>,
    interval: Duration,
    next: Option<Duration>,
    _place: JobPlace,
}

impl Flusher {
    /// A flusher that syncs at most `interval` after the first unsynced append.
    #[must_use]
    pub fn new(state: Arc<State>, interval: Duration, place: JobPlace) -> Self {
        Self { state, interval, next: None, _place: place }
    }

    /// Syncs, or vouches if there is nothing to sync. False if there was nothing to do at all.
    fn flush(&self) -> Result<bool> {
        let log = &self.state.log;
        if log.is_unsynced() {
            log.sync_unless_busy()?;
            return Ok(true);
        }
        if log.vouch()? {
            log.sync_unless_busy()?;
            return Ok(true);
        }
        if let Some(mut manifest) = self.state.manifest.try_take() {
            manifest.vouch()?;
        }
        Ok(false)
    }
}

impl Job for Flusher {
    fn step(&mut self) -> Step {
        if self.state.is_closing.load(Ordering::Acquire) {
            return Step::Done;
        }
        let now = self.state.env.clock.monotonic();
        let Some(due) = self.next else {
            if self.state.is_flusher_asleep.load(Ordering::Acquire) {
                return Step::Idle(None);
            }
            self.next = Some(now + self.interval);
            return Step::Idle(self.next);
        };
        if now < due {
            return Step::Idle(self.next);
        }
        // An append after this line wakes the flusher again; one before it is covered below.
        self.state.is_flusher_asleep.store(true, Ordering::SeqCst);
        // A fault stays in the log, and every later write is told of it.
        let has_more = self.flush().unwrap_or(false);
        if has_more {
            self.state.is_flusher_asleep.store(false, Ordering::SeqCst);
        }
        self.next = None;
        Step::Again
    }
}

impl Drop for Flusher {
    fn drop(&mut self) {
        self.state.note_end_of_job();
    }
}
