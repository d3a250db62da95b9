//! The range tombstones of a memtable: chunks that never change, each at least twice as large as
//! the next, so that a tombstone is copied a logarithm of times however many there are.
//!
//! The list of chunks stands in two places. The writer changes the one that is not current, and
//! makes it the current one: a reader never waits for it, for if the place that it reads is locked,
//! then the other one has become current.

use std::sync::Arc;

use crate::base::sync::{AtomicBool, AtomicUsize, OnceLock, Ordering, RwLock, look_again};
use crate::cursor::tombstone::{Fragments, Tombstone};
use crate::key::seqno::SeqNo;

/// All tombstones at one moment.
#[derive(Debug, Default)]
struct Chunks {
    /// The largest first.
    chunks: Vec<Arc<Fragments>>,
    /// All of them as one, once somebody asked for that.
    whole: OnceLock<Arc<Fragments>>,
}

/// The tombstones: one thread adds, any number of threads asks.
#[derive(Debug, Default)]
pub(super) struct Tombstones {
    has_any: AtomicBool,
    current: AtomicUsize,
    places: [RwLock<Arc<Chunks>>; 2],
    bytes: AtomicUsize,
}

impl Tombstones {
    /// True if there are some.
    #[inline]
    pub(super) fn has_any(&self) -> bool {
        self.has_any.load(Ordering::Acquire)
    }

    /// The newest tombstone over `key` that is not newer than `ceiling`; `ZERO` if none is.
    #[inline]
    pub(super) fn covering(&self, key: &[u8], ceiling: SeqNo) -> SeqNo {
        if self.has_any() { self.covering_some(key, ceiling) } else { SeqNo::ZERO }
    }

    // Where there are none, nobody is to carry this along.
    #[inline(never)]
    fn covering_some(&self, key: &[u8], ceiling: SeqNo) -> SeqNo {
        self.read(|now| {
            let found = now.chunks.iter().map(|chunk| chunk.covering(key, ceiling));
            found.max().unwrap_or_default()
        })
    }

    /// All tombstones as one.
    pub(super) fn whole(&self) -> Arc<Fragments> {
        let now = self.read(Arc::clone);
        if let Some(whole) = now.whole.get() {
            return Arc::clone(whole);
        }
        let whole = match now.chunks.as_slice() {
            [only] => Arc::clone(only),
            chunks => {
                let chunks: Vec<&Fragments> = chunks.iter().map(Arc::as_ref).collect();
                Arc::new(Fragments::merge(&chunks))
            }
        };
        // Two may do this at a time, and neither waits; one of the two is kept.
        let _ = now.whole.set(Arc::clone(&whole));
        whole
    }

    /// How many bytes they take.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// Adds one. Only one thread may.
    pub(super) fn add(&self, tombstone: Tombstone) {
        let mut chunks = self.read(|now| now.chunks.clone());
        let mut last = Arc::new(Fragments::build(vec![tombstone]));
        while let Some(before) = chunks.last().filter(|before| before.len() < 2 * last.len()) {
            last = Arc::new(Fragments::merge(&[before, &last]));
            chunks.pop();
        }
        chunks.push(last);
        let bytes = chunks.iter().map(|chunk| chunk.bytes()).sum();
        self.bytes.store(bytes, Ordering::Relaxed);
        self.publish(Arc::new(Chunks { chunks, whole: OnceLock::new() }));
        self.has_any.store(true, Ordering::Release);
    }

    /// Puts a list into both places, and changes to each before the other is touched.
    fn publish(&self, list: Arc<Chunks>) {
        for _ in 0..self.places.len() {
            let other = 1 - self.current.load(Ordering::Relaxed).min(1);
            if let Some(place) = self.places.get(other) {
                *place.write() = Arc::clone(&list);
            }
            self.current.store(other, Ordering::Release);
        }
    }

    fn read<T>(&self, look: impl Fn(&Arc<Chunks>) -> T) -> T {
        loop {
            let place = self.places.get(self.current.load(Ordering::Acquire));
            if let Some(now) = place.and_then(RwLock::try_read) {
                return look(&now);
            }
            look_again();
        }
    }
}

#[cfg(test)]
mod tests;
