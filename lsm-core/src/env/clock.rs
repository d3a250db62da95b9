//! Time, told by whoever runs the world.

use std::fmt::Debug;
use std::time::Duration;

/// Two clocks: one to measure with, one to date things by.
pub trait Clock: Debug + Send + Sync + 'static {
    /// Time since some fixed moment; never goes backwards.
    fn monotonic(&self) -> Duration;

    /// Milliseconds since 1970. May jump either way: nothing may depend on it for correctness.
    fn wall_millis(&self) -> u64;
}
