//! The tombstones over one key after another, for those who go through the keys in order.

use std::sync::Arc;

use crate::cursor::tombstone::Fragments;
use crate::key::seqno::SeqNo;

/// Remembers the interval of the last key, so that neighbours need no search.
#[derive(Clone, Debug)]
pub struct Cover {
    fragments: Arc<Fragments>,
    interval: usize,
}

impl Cover {
    /// Over these tombstones.
    #[must_use]
    pub fn new(fragments: Arc<Fragments>) -> Self {
        Self { fragments, interval: 0 }
    }

    /// The tombstones.
    #[must_use]
    pub fn fragments(&self) -> &Arc<Fragments> {
        &self.fragments
    }

    /// The newest tombstone over `key` that is not newer than `ceiling`; `ZERO` if there is none.
    #[inline]
    #[must_use]
    pub fn newest(&mut self, key: &[u8], ceiling: SeqNo) -> SeqNo {
        if self.fragments.is_empty() {
            return SeqNo::ZERO;
        }
        self.find(key);
        self.fragments.covering_interval(self.interval, ceiling)
    }

    /// How far from the last key on, over at most `reach` intervals more, each key is covered by a
    /// tombstone newer than `newest` that is not newer than `ceiling`.
    #[must_use]
    pub fn run_end(&self, newest: SeqNo, ceiling: SeqNo, reach: usize) -> Option<&[u8]> {
        let mut last = self.interval;
        let end = last.saturating_add(reach);
        while last < end && self.fragments.covering_interval(last + 1, ceiling) > newest {
            last += 1;
        }
        self.fragments.interval_end(last)
    }

    /// How far from the last key back, over at most `reach` intervals more, each key is covered by
    /// a tombstone newer than `newest` that is not newer than `ceiling`.
    #[must_use]
    pub fn run_start(&self, newest: SeqNo, ceiling: SeqNo, reach: usize) -> Option<&[u8]> {
        let mut first = self.interval;
        let end = first.saturating_sub(reach);
        while first > end && self.fragments.covering_interval(first - 1, ceiling) > newest {
            first -= 1;
        }
        self.fragments.interval_start(first)
    }

    fn find(&mut self, key: &[u8]) {
        let (all, at) = (&self.fragments, self.interval);
        let is_here = all.interval_start(at).is_none_or(|start| start <= key)
            && all.interval_end(at).is_none_or(|end| key < end);
        if !is_here {
            self.interval = self.fragments.interval(key);
        }
    }
}
