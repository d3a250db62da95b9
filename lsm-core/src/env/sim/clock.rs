//! Time that passes only when the simulation says so.

use std::sync::Arc;
use std::time::Duration;

use crate::base::sync::{AtomicU64, Ordering};
use crate::env::clock::Clock;

/// Where the wall clock of a new world stands, in milliseconds since 1970.
const START_MILLIS: u64 = 1_700_000_000_000;

/// A handle on one virtual clock.
#[derive(Clone, Debug)]
pub struct SimClock(Arc<Hands>);

#[derive(Debug)]
struct Hands {
    nanos: AtomicU64,
    wall_start: AtomicU64,
}

impl SimClock {
    /// A clock at zero.
    #[must_use]
    pub fn new() -> Self {
        let (nanos, wall_start) = (AtomicU64::new(0), AtomicU64::new(START_MILLIS));
        Self(Arc::new(Hands { nanos, wall_start }))
    }

    /// Lets time pass.
    pub fn advance(&self, by: Duration) {
        self.0.nanos.fetch_add(nanos_of(by), Ordering::SeqCst);
    }

    /// Lets time pass until `moment`, unless it has passed already.
    pub fn advance_to(&self, moment: Duration) {
        self.0.nanos.fetch_max(nanos_of(moment), Ordering::SeqCst);
    }

    /// Sets the wall clock, forward or back; the monotonic one goes on as it was.
    pub fn set_wall_millis(&self, millis: u64) {
        let passed = self.monotonic().as_millis() as u64;
        self.0.wall_start.store(millis.wrapping_sub(passed), Ordering::SeqCst);
    }
}

impl Default for SimClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SimClock {
    fn monotonic(&self) -> Duration {
        Duration::from_nanos(self.0.nanos.load(Ordering::SeqCst))
    }

    fn wall_millis(&self) -> u64 {
        let passed = self.monotonic().as_millis() as u64;
        self.0.wall_start.load(Ordering::SeqCst).wrapping_add(passed)
    }
}

fn nanos_of(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
