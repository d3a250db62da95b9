//! Table files that nobody needs any more, waiting to be unlinked.
//!
//! A file leaves the manifest long before its last reader lets go of it. Whoever drops it last may
//! be in the middle of a read, so nothing is unlinked there: its number is left here, for a job.

use std::collections::BTreeSet;
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
    /// Files of large values that are not listed any more, with the first version without them.
    blobs: Vec<(u64, u64)>,
    /// The number that the next version gets.
    next_version: u64,
    /// Versions that somebody reads.
    versions: BTreeSet<u64>,
}

/// Keeps the files of large values of a version from being unlinked.
///
/// References to them stand in tables and memtables, and who reads those has a version. So a file
/// may go once every version is gone in which it was listed.
#[derive(Debug)]
pub struct VersionPin {
    number: u64,
    garbage: Arc<Garbage>,
}

impl Drop for VersionPin {
    fn drop(&mut self) {
        self.garbage.unpin(self.number);
    }
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
        waiting.numbers.is_empty() && !waiting.has_free_blobs() && waiting.sweeps == 0
    }

    /// True if there is nothing to unlink.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let waiting = self.waiting.lock();
        waiting.numbers.is_empty() && !waiting.has_free_blobs()
    }

    /// A new version is there.
    #[must_use]
    pub fn pin_version(self: &Arc<Self>) -> Arc<VersionPin> {
        let mut waiting = self.waiting.lock();
        waiting.next_version += 1;
        let number = waiting.next_version;
        waiting.versions.insert(number);
        Arc::new(VersionPin { number, garbage: Arc::clone(self) })
    }

    fn unpin(&self, number: u64) {
        let mut waiting = self.waiting.lock();
        waiting.versions.remove(&number);
        let is_wanted = waiting.has_free_blobs();
        drop(waiting);
        if is_wanted {
            self.wake.notify();
        }
    }

    /// Takes in files of large values that `pin`'s version is the first not to list.
    pub fn push_blobs(&self, numbers: impl Iterator<Item = u64>, pin: &VersionPin) {
        let mut waiting = self.waiting.lock();
        waiting.blobs.extend(numbers.map(|number| (number, pin.number)));
        drop(waiting);
        self.wake.notify();
    }

    /// The files of large values that nobody can read any more. Whoever gets any says when they are
    /// unlinked.
    #[must_use]
    pub fn take_blobs(&self) -> Vec<u64> {
        let mut waiting = self.waiting.lock();
        let oldest = waiting.oldest_reader();
        let mut free = Vec::new();
        waiting.blobs.retain(|&(number, gone_with)| {
            let is_free = oldest >= gone_with;
            if is_free {
                free.push(number);
            }
            !is_free
        });
        waiting.sweeps += usize::from(!free.is_empty());
        free
    }
}

impl Waiting {
    /// The oldest version that somebody reads. Whoever else is to keep files is asked here.
    fn oldest_reader(&self) -> u64 {
        self.versions.first().copied().unwrap_or(u64::MAX)
    }

    fn has_free_blobs(&self) -> bool {
        let oldest = self.oldest_reader();
        self.blobs.iter().any(|&(_, gone_with)| oldest >= gone_with)
    }
}
