//! When there is something to do because values expire.

use std::time::Duration;

use crate::compaction::expiry::due_millis;
use crate::engine::state::Engine;

/// The longest time until it is looked again: the wall clock may be set forward meanwhile, and a
/// snapshot that has held something back may go.
const LOOK_AGAIN: Duration = Duration::from_secs(60);

impl Engine {
    /// What has expired by this time is seen by no view, and by none to come.
    #[must_use]
    pub fn expired_millis(&self) -> u64 {
        self.snapshots.expired_millis(self.env.clock.as_ref())
    }

    /// True if some table has something that the time decides of.
    #[must_use]
    pub fn has_expiring_tables(&self) -> bool {
        let view = self.view.load();
        let runs = view.version.trees.values().flat_map(|tree| &tree.runs);
        let mut slices = runs.flat_map(|run| &run.slices);
        slices.any(|slice| {
            let meta = &slice.file.meta;
            meta.expiry_min_millis != 0 || meta.merge_min_millis != 0
        })
    }

    /// When an idle job is to look whether enough has expired, if anything ever does.
    #[must_use]
    pub fn expired_work_at(&self) -> Option<Duration> {
        let view = self.view.load();
        let expired_millis = self.expired_millis();
        let runs = view.version.trees.values().flat_map(|tree| &tree.runs);
        let moments = runs
            .flat_map(|run| &run.slices)
            .flat_map(|slice| slice.file.meta.over_millis().into_iter().chain(due_millis(slice)));
        // What is past was there to be picked, and nobody has wanted it.
        let next = moments.filter(|moment| *moment > expired_millis).min()?;
        let wait = next.saturating_sub(self.now_millis()).max(1);
        let wait = Duration::from_millis(wait).min(LOOK_AGAIN);
        Some(self.env.clock.monotonic().saturating_add(wait))
    }
}
