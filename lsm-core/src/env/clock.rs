//! Time, told by whoever runs the world, and what a database makes of it.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::base::planted::{Bug, planted};
use crate::base::sync::{AtomicU64, Ordering};

/// Two clocks: one to measure with, one to date things by.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Time since some fixed moment; never goes backwards.
    fn monotonic(&self) -> Duration;

    /// Milliseconds since 1970. May jump either way: `SteadyClock` does not go back.
    fn wall_millis(&self) -> u64;

    /// The same as the machine has it, which all of its processes agree on.
    fn machine_millis(&self) -> u64 {
        self.wall_millis()
    }
}

/// A clock whose wall time never goes back: while somebody sets the world's back, it stands.
#[derive(Debug)]
pub struct SteadyClock {
    world: Arc<dyn Clock>,
    latest_millis: AtomicU64,
}

impl SteadyClock {
    /// The world's clock, from now on.
    #[must_use]
    pub fn new(world: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self { world, latest_millis: AtomicU64::new(0) })
    }

    /// It is at least as late as this.
    pub fn raise(&self, millis: u64) {
        self.latest_millis.fetch_max(millis, Ordering::AcqRel);
    }
}

impl Clock for SteadyClock {
    fn monotonic(&self) -> Duration {
        self.world.monotonic()
    }

    fn wall_millis(&self) -> u64 {
        let millis = self.world.wall_millis();
        if planted(Bug::ClockGoesBack) {
            return millis;
        }
        // Readers meet here: what is written once a millisecond is read by all others.
        if self.latest_millis.load(Ordering::Acquire) < millis {
            self.raise(millis);
        }
        self.latest_millis.load(Ordering::Acquire)
    }

    fn machine_millis(&self) -> u64 {
        self.world.machine_millis()
    }
}

/// The time by which a reader judges what has expired.
#[derive(Clone, Copy, Debug)]
pub enum Now<'a> {
    /// This moment, in milliseconds since 1970.
    At(u64),
    /// Whatever this clock says when it must be known.
    By(&'a dyn Clock),
}

impl Now<'_> {
    /// Milliseconds since 1970.
    #[must_use]
    pub fn millis(&self) -> u64 {
        match self {
            Self::At(millis) => *millis,
            Self::By(clock) => clock.wall_millis(),
        }
    }
}

#[cfg(test)]
mod tests;
