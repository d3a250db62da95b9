//! Table files that nobody needs any more, waiting to be unlinked.
//!
//! A file leaves the manifest long before its last reader lets go of it. Whoever drops it last may
//! be in the middle of a read, so nothing is unlinked there: its number is left here, for a job.

use std::sync::Arc;

use crate::base::sync::Mutex;
use crate::env::schedule::Signal;

/// The numbers of tables that can be unlinked.
#[derive(Debug)]
pub struct Garbage {
    waiting: Mutex<Waiting>,
    wake: Arc<Signal>,
}

#[derive(Debug, Default)]
struct Waiting {
    numbers: Vec<u64>,
    /// How many times some were taken whose files may still be there.
    sweeps: usize,
}

impl Garbage {
    /// An empty list. `wake` is notified when a number comes in.
    #[must_use]
    pub fn new(wake: Arc<Signal>) -> Arc<Self> {
        Arc::new(Self { waiting: Mutex::new(Waiting::default()), wake })
    }

    /// Takes in the number of a table that the manifest does not list and that nobody reads.
    pub fn push(&self, number: u64) {
        self.waiting.lock().numbers.push(number);
        self.wake.notify();
    }

    /// What has come in since the last time. Whoever gets any says when they are unlinked.
    #[must_use]
    pub fn take(&self) -> Vec<u64> {
        let mut waiting = self.waiting.lock();
        let numbers = std::mem::take(&mut waiting.numbers);
        waiting.sweeps += usize::from(!numbers.is_empty());
        numbers
    }

    /// Takes in that what was taken once is unlinked.
    pub fn end_sweep(&self) {
        let mut waiting = self.waiting.lock();
        waiting.sweeps = waiting.sweeps.saturating_sub(1);
    }

    /// True if there is nothing to unlink, and nobody is at it.
    #[must_use]
    pub fn is_swept(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.numbers.is_empty() && waiting.sweeps == 0
    }

    /// True if there is nothing to unlink.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.waiting.lock().numbers.is_empty()
    }
}
