//! The system's clocks.

#![allow(
    clippy::disallowed_methods,
    reason = "the real world's clock is read here and nowhere else"
)]

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::env::clock::Clock;
use crate::env::os::process;

/// The machine's clocks. Its monotonic one is the same for every process of one boot.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsClock;

impl Clock for OsClock {
    fn monotonic(&self) -> Duration {
        process::monotonic()
    }

    fn wall_millis(&self) -> u64 {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX)
    }
}
