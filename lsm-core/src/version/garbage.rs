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
    numbers: Mutex<Vec<u64>>,
    wake: Arc<Signal>,
}

impl Garbage {
    /// An empty list. `wake` is notified when a number comes in.
    #[must_use]
    pub fn new(wake: Arc<Signal>) -> Arc<Self> {
        Arc::new(Self { numbers: Mutex::new(Vec::new()), wake })
    }

    /// Takes in the number of a table that the manifest does not list and that nobody reads.
    pub fn push(&self, number: u64) {
        self.numbers.lock().push(number);
        self.wake.notify();
    }

    /// What has come in since the last time.
    #[must_use]
    pub fn take(&self) -> Vec<u64> {
        std::mem::take(&mut *self.numbers.lock())
    }

    /// True if there is nothing to unlink.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.numbers.lock().is_empty()
    }
}
