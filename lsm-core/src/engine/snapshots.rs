//! The moments that somebody still reads at: what they see must not be compacted away.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::base::sync::{AtomicU64, Mutex, Ordering};
use crate::env::clock::Clock;
use crate::key::seqno::SeqNo;
use crate::read::as_of::AsOf;

/// The live snapshots of a database.
#[derive(Debug, Default)]
pub struct Snapshots {
    /// Whoever comes later sees later writes, and by a later time.
    live: Mutex<BTreeMap<AsOf, usize>>,
}

/// One live snapshot; what it sees stays until it is dropped.
#[derive(Debug)]
pub struct SnapshotPin {
    all: Arc<Snapshots>,
    as_of: AsOf,
}

impl Snapshots {
    /// No snapshots.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Pins what is visible now. Number and time are read under the lock: a compaction that looked
    /// at the list before saw only entries that this snapshot sees too, and gave up only what has
    /// expired for it too.
    #[must_use]
    pub fn take(self: &Arc<Self>, visible: &AtomicU64, clock: &dyn Clock) -> SnapshotPin {
        let mut live = self.live.lock();
        let seqno = SeqNo::new(visible.load(Ordering::Acquire)).unwrap_or(SeqNo::MAX);
        let as_of = AsOf { seqno, millis: clock.wall_millis() };
        *live.entry(as_of).or_insert(0) += 1;
        drop(live);
        SnapshotPin { all: Arc::clone(self), as_of }
    }

    /// The number of every moment that is pinned, ascending.
    #[must_use]
    pub fn live(&self) -> Vec<SeqNo> {
        let live = self.live.lock();
        let mut numbers: Vec<SeqNo> = live.keys().map(|as_of| as_of.seqno).collect();
        numbers.dedup();
        numbers
    }

    /// The oldest moment that is pinned.
    #[must_use]
    pub fn oldest(&self) -> Option<AsOf> {
        self.live.lock().keys().next().copied()
    }

    /// What has expired by this time is seen by no live snapshot, and by none to come.
    #[must_use]
    pub fn expired_millis(&self, clock: &dyn Clock) -> u64 {
        let live = self.live.lock();
        let now = clock.wall_millis();
        live.keys().next().map_or(now, |oldest| oldest.millis.min(now))
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
    pub fn as_of(&self) -> AsOf {
        self.as_of
    }
}

impl Drop for SnapshotPin {
    fn drop(&mut self) {
        let mut live = self.all.live.lock();
        if let Some(count) = live.get_mut(&self.as_of) {
            *count -= 1;
            if *count == 0 {
                live.remove(&self.as_of);
            }
        }
    }
}
