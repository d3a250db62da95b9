//! From the options of a keyspace to its strategy.

use std::sync::Arc;

use crate::base::error::{Error, ErrorKind, Result};
use crate::compaction::fifo::Fifo;
use crate::compaction::lazy::Lazy;
use crate::compaction::leveled::Leveled;
use crate::compaction::registry::Strategies;
use crate::compaction::strategist::Strategist;
use crate::compaction::strategy::Strategy;
use crate::compaction::tiered::Tiered;
use crate::options::keyspace::Strategy as Choice;

/// The strategist that the options name; fails if it is one of the program's own that was not
/// registered.
pub fn strategist_of(choice: &Choice, strategies: &Strategies) -> Result<Strategist> {
    let strategy: Arc<dyn Strategy> = match choice {
        Choice::Leveled { ratio } => Arc::new(Leveled::new(*ratio)),
        Choice::Tiered { runs_max } => Arc::new(Tiered::new(*runs_max)),
        Choice::Lazy { runs_max } => Arc::new(Lazy::new(*runs_max)),
        Choice::Fifo { bytes_max, age_max_millis } => {
            Arc::new(Fifo { bytes_max: *bytes_max, age_max_millis: *age_max_millis })
        }
        Choice::User { name } => {
            let found = strategies.get(name).map(|own| Strategist::own(name, Arc::clone(own)));
            return found.ok_or_else(|| {
                let message = format!("the strategy `{name}` is not registered");
                Error::new(ErrorKind::InvalidArgument, message)
            });
        }
    };
    Ok(Strategist::trusted(strategy))
}

/// True if the options permit that data is given up which nobody deleted: `Context::may_drop`.
#[must_use]
pub fn may_drop(choice: &Choice) -> bool {
    matches!(choice, Choice::Fifo { .. })
}
