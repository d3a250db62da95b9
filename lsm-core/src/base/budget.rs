//! One number of bytes for everything that is held in memory, and who holds how much of it.
//!
//! It only counts: who has to give way, and when, is decided by those who ask it. Several databases
//! may share one.

use std::sync::Arc;

use crate::base::sync::{AtomicU64, Ordering};

/// What memory is held for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MemoryKind {
    /// Entries that no table holds yet.
    Memtable,
    /// Cached data blocks.
    Block,
    /// Cached index and filter blocks, and the places of all blocks.
    Index,
    /// The mapped part of the log.
    LogWindow,
    /// What flushes, compactions and reads ahead work in.
    Buffer,
    /// Blocks that the cache gave up, or never kept, and that somebody still reads.
    Pin,
    /// Blocks that wait for the last reader that may just be reaching for them.
    Retired,
}

impl MemoryKind {
    /// Every kind, in order.
    pub const ALL: [MemoryKind; 7] = [
        MemoryKind::Memtable,
        MemoryKind::Block,
        MemoryKind::Index,
        MemoryKind::LogWindow,
        MemoryKind::Buffer,
        MemoryKind::Pin,
        MemoryKind::Retired,
    ];

    /// The kind with this number, as `kind as u8` gives it.
    #[must_use]
    pub fn from_number(number: u8) -> Option<MemoryKind> {
        Self::ALL.get(usize::from(number)).copied()
    }
}

/// What readers may hold of blocks that the cache has given up: one part in so many. Beyond that
/// they get copies.
const PINS_SHARE: u64 = 4;

/// A limit, and what is used of it.
#[derive(Debug, Default)]
pub struct Budget {
    limit: AtomicU64,
    used: [AtomicU64; MemoryKind::ALL.len()],
}

impl Budget {
    /// A budget of `limit` bytes, none of them used.
    #[must_use]
    pub fn new(limit: u64) -> Arc<Budget> {
        Arc::new(Budget { limit: AtomicU64::new(limit), used: Default::default() })
    }

    /// How much should be used at most.
    #[must_use]
    pub fn limit(&self) -> u64 {
        self.limit.load(Ordering::Relaxed)
    }

    /// Changes the limit. Nobody is told: those who use memory ask.
    pub fn set_limit(&self, bytes: u64) {
        self.limit.store(bytes, Ordering::Relaxed);
    }

    /// How much is used by all together. Beside others' changes it is a sum of moments.
    #[must_use]
    pub fn used(&self) -> u64 {
        let used = self.used.iter().map(|used| used.load(Ordering::Relaxed));
        used.fold(0, u64::saturating_add)
    }

    /// How much is used for one kind.
    #[must_use]
    pub fn used_by(&self, kind: MemoryKind) -> u64 {
        self.of(kind).map_or(0, |used| used.load(Ordering::Relaxed))
    }

    /// How much is left; nothing if more is used than should be.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.limit().saturating_sub(self.used())
    }

    /// Readers hold so much that whoever asks for a value gets a copy.
    #[must_use]
    pub fn is_pinned_full(&self) -> bool {
        self.used_by(MemoryKind::Pin) > self.limit() / PINS_SHARE
    }

    /// Counts `bytes` more. `sub` takes them back: a `Charge` cannot forget to.
    pub fn add(&self, kind: MemoryKind, bytes: u64) {
        if let Some(used) = self.of(kind) {
            used.fetch_add(bytes, Ordering::Relaxed);
        }
    }

    /// Counts `bytes` less.
    pub fn sub(&self, kind: MemoryKind, bytes: u64) {
        if let Some(used) = self.of(kind) {
            let before = used.fetch_sub(bytes, Ordering::Relaxed);
            debug_assert!(before >= bytes, "{kind:?}: {bytes} bytes given back of {before}");
        }
    }

    /// Counts `bytes` from now until the answer is dropped, whether or not there is room.
    #[must_use]
    pub fn charge(self: &Arc<Self>, kind: MemoryKind, bytes: u64) -> Charge {
        self.add(kind, bytes);
        Charge { budget: Arc::clone(self), kind, bytes }
    }

    /// The same where the limit allows it. Of several callers at once that would fit only one by
    /// one, all may be refused, but never too many let in.
    #[must_use]
    pub fn try_charge(self: &Arc<Self>, kind: MemoryKind, bytes: u64) -> Option<Charge> {
        if bytes > self.limit() {
            return None;
        }
        let charge = self.charge(kind, bytes);
        (self.used() <= self.limit()).then_some(charge)
    }

    fn of(&self, kind: MemoryKind) -> Option<&AtomicU64> {
        self.used.get(kind as usize)
    }
}

/// Bytes that count as used until this is dropped.
#[derive(Debug)]
pub struct Charge {
    budget: Arc<Budget>,
    kind: MemoryKind,
    bytes: u64,
}

impl Charge {
    /// How many.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Where they count.
    #[must_use]
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// What for.
    #[must_use]
    pub fn kind(&self) -> MemoryKind {
        self.kind
    }

    /// Makes it so many.
    pub fn resize(&mut self, bytes: u64) {
        self.budget.add(self.kind, bytes);
        self.budget.sub(self.kind, self.bytes);
        self.bytes = bytes;
    }

    /// The same bytes for something else.
    pub fn move_to(&mut self, kind: MemoryKind) {
        self.budget.add(kind, self.bytes);
        self.budget.sub(self.kind, self.bytes);
        self.kind = kind;
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.sub(self.kind, self.bytes);
    }
}

#[cfg(test)]
mod tests;
