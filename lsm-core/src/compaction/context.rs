//! What a strategy may know besides the tree: settings, and the time as a number.

use crate::key::seqno::SeqNo;

/// Plain data: two equal trees and contexts give equal plans.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// The time, in milliseconds by the catalog's clock.
    pub now_millis: u64,
    /// What expired by then is seen by no live view.
    pub expired_millis: u64,
    /// The oldest live snapshot, if there is one: deletes that are newer must stay.
    pub oldest_snapshot: Option<SeqNo>,
    /// About how large a flushed table is.
    pub memtable_bytes: u64,
    /// About how large a merged table should be.
    pub table_bytes: u64,
    /// This many runs in level 0 ask for a merge.
    pub level_zero_runs: usize,
    /// A delete may wait this long before it is pushed down to what it deletes; 0 for any time.
    pub delete_age_millis: u64,
    /// Data may be dropped that nobody deleted: only for keyspaces whose options say so.
    pub may_drop: bool,
    /// Nobody has written for a while, or somebody waits until nothing is left to do: what makes
    /// reads faster may cost more than usual.
    pub is_quiet: bool,
    /// A compaction filter wants to see what there is: what leaves level 0 is rewritten.
    pub is_filtered: bool,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            now_millis: 0,
            expired_millis: 0,
            oldest_snapshot: None,
            memtable_bytes: 64 << 20,
            table_bytes: 32 << 20,
            level_zero_runs: 4,
            delete_age_millis: 0,
            may_drop: false,
            is_quiet: false,
            is_filtered: false,
        }
    }
}

impl Context {
    /// About how many bytes level 0 holds when it is merged.
    #[must_use]
    pub fn level_zero_bytes(&self) -> u64 {
        let runs = u64::try_from(self.level_zero_runs.max(1)).unwrap_or(u64::MAX);
        self.memtable_bytes.max(1).saturating_mul(runs)
    }

    /// True if the deletes in a file that goes up to `newest` can be seen through by no snapshot.
    #[must_use]
    pub fn can_drop_up_to(&self, newest: SeqNo) -> bool {
        self.oldest_snapshot.is_none_or(|oldest| newest <= oldest)
    }
}
