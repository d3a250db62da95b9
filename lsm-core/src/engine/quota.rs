//! What a keyspace may take, where writers look with one load whether it takes more.

use crate::base::error::{Error, ErrorKind};
use crate::base::sync::{AtomicBool, AtomicU64, Ordering};

/// The quota of one keyspace.
#[derive(Debug, Default)]
pub struct Quota {
    /// 0 if there is none.
    bytes: u64,
    is_over: AtomicBool,
    taken: AtomicU64,
    refusals: AtomicU64,
}

impl Quota {
    /// So many bytes; 0 for any number.
    #[must_use]
    pub fn new(bytes: u64) -> Self {
        Self { bytes, ..Self::default() }
    }

    /// How many bytes; 0 if there is no limit.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// True if more was taken when that was last looked at.
    #[inline]
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// How many writes were refused.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.refusals.load(Ordering::Relaxed)
    }

    /// Takes in how much is taken.
    pub fn note(&self, taken: u64) {
        self.taken.store(taken, Ordering::Relaxed);
        self.is_over.store(self.bytes > 0 && taken > self.bytes, Ordering::Relaxed);
    }

    /// The error of a write that is refused, which is counted.
    #[cold]
    pub fn refuse(&self, name: &str) -> Error {
        self.refusals.fetch_add(1, Ordering::Relaxed);
        let (bytes, taken) = (self.bytes, self.taken.load(Ordering::Relaxed));
        let message = format!(
            "the keyspace `{name}` takes {taken} bytes on disk and in memory, and its quota_bytes \
             is {bytes}: nothing is put into it until deletes and a compaction have made room"
        );
        Error::new(ErrorKind::NoSpace, message)
    }
}
