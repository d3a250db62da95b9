//! The moments that somebody still reads at: what they see must not be compacted away.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::sync::{AtomicU64, Mutex, Ordering};
use crate::key::seqno::SeqNo;

/// The live snapshots of a database.
#[derive(Debug, Default)]
pub struct Snapshots {
    live: Mutex<BTreeMap<SeqNo, usize>>,
}

/// One live snapshot; what it sees stays until it is dropped.
#[derive(Debug)]
pub struct SnapshotPin {
    all: Arc<Snapshots>,
    seqno: SeqNo,
}

impl Snapshots {
    /// No snapshots.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Pins what is visible now. The number is read under the lock: a compaction that looked at the
    /// list before saw only entries that this snapshot sees too.
    #[must_use]
    pub fn take(self: &Arc<Self>, visible: &AtomicU64) -> SnapshotPin {
        let mut live = self.live.lock();
        let seqno = SeqNo::new(visible.load(Ordering::Acquire)).unwrap_or(SeqNo::MAX);
        *live.entry(seqno).or_insert(0) += 1;
        drop(live);
        SnapshotPin { all: Arc::clone(self), seqno }
    }

    /// Every moment that is pinned, ascending.
    #[must_use]
    pub fn live(&self) -> Vec<SeqNo> {
        self.live.lock().keys().copied().collect()
    }
}

impl SnapshotPin {
    /// True if it is one of these.
    #[must_use]
    pub fn is_of(&self, all: &Arc<Snapshots>) -> bool {
        Arc::ptr_eq(&self.all, all)
    }

    /// The moment.
    #[must_use]
    pub fn seqno(&self) -> SeqNo {
        self.seqno
    }
}

impl Drop for SnapshotPin {
    fn drop(&mut self) {
        let mut live = self.all.live.lock();
        if let Some(count) = live.get_mut(&self.seqno) {
            *count -= 1;
            if *count == 0 {
                live.remove(&self.seqno);
            }
        }
    }
}
