//! Histograms of durations: log-linear, of a fixed size, added to by any number of threads.
//!
//! A bucket is as wide as a sixteenth of the power of two that it lies in, so a percentile that is
//! read off is at most about 6 % too high, and never too low. Everything beyond 18 minutes is in
//! the last bucket; the largest value is kept apart.

use std::time::Duration;

use crate::base::sync::{AtomicU64, Ordering};

/// Buckets for each power of two, as a power of two.
const FINE: u32 = 4;
/// Values from this power of two on are in the last bucket.
const TOP: u32 = 40;
/// How many buckets there are.
pub const BUCKETS: usize = ((TOP - FINE + 1) << FINE) as usize;

/// The bucket of a number of nanoseconds.
#[must_use]
pub fn bucket_of(nanos: u64) -> usize {
    let nanos = nanos.min((1 << TOP) - 1);
    let power = (nanos | (1 << FINE)).ilog2();
    // How often it is halved until it has one bit more than the buckets of a power can tell.
    let halved = power - FINE;
    ((u64::from(halved) << FINE) + (nanos >> halved)) as usize
}

/// The largest number of nanoseconds in a bucket.
#[must_use]
pub fn top_of(bucket: usize) -> u64 {
    let bucket = bucket.min(BUCKETS - 1) as u64;
    let fine = 1 << FINE;
    let halved = (bucket >> FINE).saturating_sub(1);
    let within = bucket - (halved << FINE);
    debug_assert!(within < 2 * fine, "a bucket lies within its power of two");
    ((within + 1) << halved) - 1
}

/// Durations, counted by their size.
#[derive(Debug)]
pub struct Histogram {
    counts: Box<[AtomicU64]>,
    sum: AtomicU64,
    max: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self::new()
    }
}

impl Histogram {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        let counts = std::iter::repeat_with(AtomicU64::default).take(BUCKETS).collect();
        Self { counts, sum: AtomicU64::new(0), max: AtomicU64::new(0) }
    }

    /// Takes in a duration. Never waits.
    pub fn record(&self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        if let Some(count) = self.counts.get(bucket_of(nanos)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(nanos, Ordering::Relaxed);
        self.max.fetch_max(nanos, Ordering::Relaxed);
    }

    /// What is in it. Beside others' additions it is a sum of moments.
    #[must_use]
    pub fn read(&self) -> Tally {
        Tally {
            counts: self.counts.iter().map(|count| count.load(Ordering::Relaxed)).collect(),
            sum: self.sum.load(Ordering::Relaxed),
            max: self.max.load(Ordering::Relaxed),
        }
    }
}

/// What a histogram held at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    counts: Vec<u64>,
    sum: u64,
    max: u64,
}

impl Tally {
    /// How many durations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    /// All of them together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        Duration::from_nanos(self.sum)
    }

    /// The longest one.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.max)
    }

    /// The mean; zero if there is none.
    #[must_use]
    pub fn mean(&self) -> Duration {
        Duration::from_nanos(self.sum.checked_div(self.count()).unwrap_or(0))
    }

    /// The duration that so many thousandths of all do not exceed; zero if there is none.
    #[must_use]
    pub fn permille(&self, thousandths: u64) -> Duration {
        let all = self.count();
        let rank = all.saturating_mul(thousandths.min(1000)).div_ceil(1000).max(1);
        let mut below = 0u64;
        for (bucket, count) in self.counts.iter().enumerate() {
            below = below.saturating_add(*count);
            if below >= rank {
                return Duration::from_nanos(top_of(bucket).min(self.max));
            }
        }
        self.max()
    }

    /// Takes in another one, of another database or time.
    pub fn merge(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count = count.saturating_add(*more);
        }
        self.sum = self.sum.saturating_add(other.sum);
        self.max = self.max.max(other.max);
    }
}

#[cfg(test)]
mod tests;
