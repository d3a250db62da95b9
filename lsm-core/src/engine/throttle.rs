//! How fast background work writes: so many bytes a second, whoever they are from.

use std::time::Duration;

use crate::base::sync::{AtomicU64, Ordering};

/// Counts what is written against a number of bytes a second.
#[derive(Debug)]
pub struct Throttle {
    per_second: u64,
    /// When what was written so far is made up for, in nanoseconds of the monotonic clock.
    even_at: AtomicU64,
}

impl Throttle {
    /// So many bytes a second; 0 for any number.
    #[must_use]
    pub fn new(bytes_per_second: u64) -> Self {
        Self { per_second: bytes_per_second, even_at: AtomicU64::new(0) }
    }

    /// True if there is a limit.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.per_second > 0
    }

    /// Takes in that so many bytes were written just now. Time in which nothing was written is not
    /// saved up.
    pub fn note(&self, bytes: u64, now: Duration) {
        let nanos = u128::from(bytes) * 1_000_000_000 / u128::from(self.per_second.max(1));
        let took = u64::try_from(nanos).unwrap_or(u64::MAX);
        let after = |even_at: u64| Some(even_at.max(nanos_of(now)).saturating_add(took));
        let _there_is_always_one =
            self.even_at.fetch_update(Ordering::Relaxed, Ordering::Relaxed, after);
    }

    /// When more may be written; `None` if that is now.
    #[must_use]
    pub fn until(&self, now: Duration) -> Option<Duration> {
        let even_at = Duration::from_nanos(self.even_at.load(Ordering::Relaxed));
        (self.is_on() && even_at > now).then_some(even_at)
    }
}

fn nanos_of(moment: Duration) -> u64 {
    u64::try_from(moment.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
