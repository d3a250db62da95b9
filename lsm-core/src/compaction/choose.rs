//! From the options of a keyspace to its strategy.

use std::sync::Arc;

use crate::compaction::fifo::Fifo;
use crate::compaction::leveled::Leveled;
use crate::compaction::strategy::Strategy;
use crate::compaction::tiered::Tiered;
use crate::options::keyspace::Strategy as Choice;

/// The strategy that the options name.
#[must_use]
pub fn strategy_of(choice: Choice) -> Arc<dyn Strategy> {
    match choice {
        Choice::Leveled { ratio } => Arc::new(Leveled::new(ratio)),
        Choice::Tiered { runs_max } => Arc::new(Tiered::new(runs_max)),
        Choice::Fifo { bytes_max, age_max_millis } => Arc::new(Fifo { bytes_max, age_max_millis }),
    }
}

/// True if the options permit that data is given up which nobody deleted: `Context::may_drop`.
#[must_use]
pub fn may_drop(choice: Choice) -> bool {
    matches!(choice, Choice::Fifo { .. })
}
