//! How many background jobs of a journal have not ended yet.

use std::sync::Arc;

use crate::base::sync::{AtomicUsize, Ordering};
use crate::env::schedule::{Scheduler, Signal};

/// The count.
#[derive(Debug)]
pub struct Jobs {
    running: AtomicUsize,
    ended: Arc<Signal>,
}

/// A job's place in the count, given up when dropped. It is the last field of the job, so that by
/// then the job holds nothing of the journal any more, and closing can let go of the lock.
#[derive(Debug)]
pub struct JobPlace(Arc<Jobs>);

impl Jobs {
    /// No jobs.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self { running: AtomicUsize::new(0), ended: Signal::new() })
    }

    /// Counts one more.
    #[must_use]
    pub fn add(self: &Arc<Self>) -> JobPlace {
        self.running.fetch_add(1, Ordering::AcqRel);
        JobPlace(Arc::clone(self))
    }

    /// How many have not ended.
    #[must_use]
    pub fn running(&self) -> usize {
        self.running.load(Ordering::Acquire)
    }

    /// Waits until all have ended.
    pub fn wait(&self, scheduler: &dyn Scheduler) {
        let mut have_ended = || self.running() == 0;
        let _always_true = scheduler.wait(&self.ended, None, &mut have_ended);
    }
}

impl Drop for JobPlace {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::AcqRel);
        self.0.ended.notify();
    }
}
