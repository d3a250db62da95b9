//! The flusher: bounds what a power loss can take of `Buffered` writes, and vouches for what is
//! durable once writing pauses, so that later damage to it cannot pass for a torn write.

use std::sync::Arc;
use std::time::Duration;

use crate::base::error::Result;
use crate::base::sync::Ordering;
use crate::env::schedule::{Job, Step};
use crate::journal::jobs::JobPlace;
use crate::journal::state::State;
use crate::wal::log::Vouch;

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
        match log.vouch()? {
            Vouch::Marked => {
                log.sync_unless_busy()?;
                Ok(true)
            }
            vouch => self.vouch_in_manifest(vouch == Vouch::Elsewhere),
        }
    }

    /// Syncs at once, because somebody is going to wait for it. A failure stays in the log.
    fn hurry(&self) {
        let log = &self.state.log;
        if log.is_unsynced() {
            let _they_will_be_told = log.sync_unless_busy();
        }
    }

    /// Vouches for the log where it has no room to do so itself, and for the manifest.
    fn vouch_in_manifest(&self, for_log: bool) -> Result<bool> {
        let Some(mut manifest) = self.state.manifest.try_take() else { return Ok(true) };
        if for_log {
            self.state.commit(&mut manifest, &[])?;
        }
        manifest.vouch()?;
        Ok(false)
    }
}

impl Job for Flusher {
    fn step(&mut self) -> Step {
        if self.state.is_closing.load(Ordering::Acquire) {
            return Step::Done;
        }
        if self.state.is_sync_wanted.swap(false, Ordering::AcqRel) {
            self.hurry();
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
        // A fault stays in the log, and every later write is told of it. Anything else is tried
        // again.
        let has_more = self.flush().unwrap_or_else(|_| self.state.log.fault().is_none());
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
