//! The moments that somebody still reads at: what they see must not be compacted away.
//!
//! A merge keeps what the snapshots see that were there when it began. Of one that is taken later
//! it can take nothing away either, but a compaction filter can: so a snapshot that is taken while
//! one is at work keeps to the tables and memtables of its time, as an iterator does. So does every
//! snapshot of a reader, whose writer is another process.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;

use crate::base::current::Current;
use crate::base::planted::{Bug, planted};
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

#[derive(Debug, Default)]
struct Live {
    /// Whoever comes later sees later writes, and by a later time.
    moments: BTreeMap<AsOf, usize>,
    /// How many merges show what they write to a compaction filter.
    sieving: usize,
}

/// One live snapshot; what it sees stays until it is dropped.
#[derive(Debug)]
pub struct SnapshotPin {
    all: Arc<Snapshots>,
    as_of: AsOf,
    /// Where it reads, if that is not where everybody does.
    view: Option<Arc<View>>,
}

/// A merge that shows what it writes to a compaction filter.
#[derive(Debug)]
pub struct Sieving(Arc<Snapshots>);

impl Snapshots {
    /// No snapshots.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Pins what is visible now. Number and time are read under the lock: a compaction that looked
    /// at the list before saw only entries that this snapshot sees too, and gave up only what has
    /// expired for it too. If it is said to, it keeps to the view of this moment; so it does while
    /// a merge shows a filter what it writes.
    #[must_use]
    pub fn take(
        self: &Arc<Self>,
        visible: &AtomicU64,
        clock: &dyn Clock,
        (view, keeps_view): (&Current<View>, bool),
    ) -> SnapshotPin {
        let mut live = self.live.lock();
        let seqno = SeqNo::new(visible.load(Ordering::Acquire)).unwrap_or(SeqNo::MAX);
        let as_of = AsOf { seqno, millis: clock.wall_millis(), sifted: 0 };
        *live.moments.entry(as_of).or_insert(0) += 1;
        // It has everything up to the number, and is of before a filtered merge or of after it.
        let view = (keeps_view || live.sieving > 0).then(|| view.load());
        drop(live);
        SnapshotPin { all: Arc::clone(self), as_of, view }
    }

    /// Makes a change between two snapshots.
    pub fn between<T>(&self, change: impl FnOnce() -> T) -> T {
        let _live = self.live.lock();
        change()
    }

    /// The number of every moment that is pinned, ascending.
    #[must_use]
    pub fn live(&self) -> Vec<SeqNo> {
        self.live.lock().numbers()
    }

    /// The same for a merge that shows a filter what none of them sees. Until that is installed or
    /// given up, and what this answers dropped, new snapshots keep to their own view.
    #[must_use]
    pub fn begin_sieving(self: &Arc<Self>) -> (Vec<SeqNo>, Sieving) {
        let mut live = self.live.lock();
        live.sieving += 1;
        (live.numbers(), Sieving(Arc::clone(self)))
    }

    /// The oldest moment that is pinned.
    #[must_use]
    pub fn oldest(&self) -> Option<AsOf> {
        self.live.lock().moments.keys().next().copied()
    }

    /// What has expired by this time is seen by no live snapshot, and by none to come.
    #[must_use]
    pub fn expired_millis(&self, clock: &dyn Clock) -> u64 {
        let live = self.live.lock();
        let now = clock.wall_millis();
        if planted(Bug::ExpiredUnderSnapshot) {
            return now;
        }
        live.moments.keys().next().map_or(now, |oldest| oldest.millis.min(now))
    }
}

impl Live {
    fn numbers(&self) -> Vec<SeqNo> {
        let mut numbers: Vec<SeqNo> = self.moments.keys().map(|as_of| as_of.seqno).collect();
        numbers.dedup();
        numbers
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

    /// Where it reads, if that is not where everybody does.
    #[must_use]
    pub fn view(&self) -> Option<&Arc<View>> {
        self.view.as_ref()
    }
}

impl Drop for SnapshotPin {
    fn drop(&mut self) {
        let mut live = self.all.live.lock();
        let Entry::Occupied(mut count) = live.moments.entry(self.as_of) else { return };
        *count.get_mut() -= 1;
        if *count.get() == 0 {
            count.remove();
        }
    }
}

impl Drop for Sieving {
    fn drop(&mut self) {
        self.0.live.lock().sieving -= 1;
    }
}
