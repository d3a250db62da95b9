//! The moments that somebody still reads at: what they see must not be compacted away.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::base::current::Current;
use crate::base::sync::{AtomicU64, Mutex, Ordering};
use crate::env::clock::Clock;
use crate::key::seqno::SeqNo;
use crate::read::as_of::AsOf;
use crate::read::view::View;

/// The live snapshots of a database.
#[derive(Debug, Default)]
pub struct Snapshots {
    live: Mutex<Live>,
}

/// The moments that are pinned.
#[derive(Debug, Default)]
struct Live {
    /// How often. Whoever comes later sees later writes, and by a later time.
    counts: BTreeMap<AsOf, usize>,
    /// What they read, where the writer is another process and would give it up.
    views: BTreeMap<AsOf, Arc<View>>,
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
    /// A reader beside a writer keeps the view, too.
    #[must_use]
    pub fn take(
        self: &Arc<Self>,
        visible: &AtomicU64,
        clock: &dyn Clock,
        view: Option<&Current<View>>,
    ) -> SnapshotPin {
        let mut live = self.live.lock();
        let seqno = SeqNo::new(visible.load(Ordering::Acquire)).unwrap_or(SeqNo::MAX);
        let as_of = AsOf { seqno, millis: clock.wall_millis() };
        *live.counts.entry(as_of).or_insert(0) += 1;
        if let Some(current) = view {
            live.views.entry(as_of).or_insert_with(|| current.load());
        }
        drop(live);
        SnapshotPin { all: Arc::clone(self), as_of }
    }

    /// Makes a change between two snapshots.
    pub fn between<T>(&self, change: impl FnOnce() -> T) -> T {
        let _live = self.live.lock();
        change()
    }

    /// The view that the snapshots of this moment keep, if they do.
    #[must_use]
    pub fn view_at(&self, as_of: AsOf) -> Option<Arc<View>> {
        self.live.lock().views.get(&as_of).cloned()
    }

    /// The number of every moment that is pinned, ascending.
    #[must_use]
    pub fn live(&self) -> Vec<SeqNo> {
        let live = self.live.lock();
        let mut numbers: Vec<SeqNo> = live.counts.keys().map(|as_of| as_of.seqno).collect();
        numbers.dedup();
        numbers
    }

    /// The oldest moment that is pinned.
    #[must_use]
    pub fn oldest(&self) -> Option<AsOf> {
        self.live.lock().counts.keys().next().copied()
    }

    /// What has expired by this time is seen by no live snapshot, and by none to come.
    #[must_use]
    pub fn expired_millis(&self, clock: &dyn Clock) -> u64 {
        let live = self.live.lock();
        let now = clock.wall_millis();
        live.counts.keys().next().map_or(now, |oldest| oldest.millis.min(now))
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
        let Entry::Occupied(mut count) = live.counts.entry(self.as_of) else { return };
        *count.get_mut() -= 1;
        if *count.get() > 0 {
            return;
        }
        count.remove();
        let kept = if live.views.is_empty() { None } else { live.views.remove(&self.as_of) };
        drop(live);
        // What it kept goes with no lock held.
        drop(kept);
    }
}
