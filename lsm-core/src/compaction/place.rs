//! Places: where in a tree a run stands, and which of two holds the newer data.

use std::cmp::Ordering;

use crate::version::tree::Run;

/// Level and run number. The newer place comes first in the order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The level.
    pub level: u8,
    /// The run's number there; the higher, the newer.
    pub run: u64,
}

impl Place {
    /// Where a run stands.
    #[must_use]
    pub fn of(run: &Run) -> Self {
        Self { level: run.level, run: run.number }
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        self.level.cmp(&other.level).then_with(|| other.run.cmp(&self.run))
    }
}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
