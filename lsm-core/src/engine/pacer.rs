//! The pace that writers keep, where each of them can read it with one load.

use std::time::Duration;

use crate::base::sync::{AtomicU64, Mutex, Ordering};
use crate::pace::{Cause, Pace};
use crate::stats::counters::Counter;

/// Time is owed until there is this much of it.
const SLICE: Duration = Duration::from_micros(200);

/// A write of low priority waits so many times as long.
const LOW_PRIORITY: u64 = 4;

/// The pace, and the time that is owed at it.
#[derive(Debug, Default)]
pub struct Pacer {
    nanos_per_kib: AtomicU64,
    /// What is owed, as two's complement: who gave up has waited for what nobody wrote.
    owed_nanos: AtomicU64,
    cause: AtomicU64,
    turn: Mutex<()>,
}

impl Pacer {
    /// Works the pace out and changes it, one caller at a time: what the last one saw counts. False
    /// if it stays the same.
    pub fn update(&self, work_out: impl FnOnce() -> Option<Pace>) -> bool {
        let _turn = self.turn.lock();
        self.set(work_out())
    }

    /// Changes the pace; false if it stays the same.
    fn set(&self, pace: Option<Pace>) -> bool {
        let cause = pace.map_or(Cause::Flush, |pace| pace.cause);
        let before = self.cause.swap(cause as u64, Ordering::Relaxed);
        let nanos = pace.map_or(0, |pace| pace.per_kib.as_nanos() as u64);
        let nanos_before = self.nanos_per_kib.swap(nanos, Ordering::AcqRel);
        (before, nanos_before) != (cause as u64, nanos) && (nanos, nanos_before) != (0, 0)
    }

    /// The pace now.
    #[must_use]
    pub fn pace(&self) -> Option<Pace> {
        let nanos = self.nanos_per_kib.load(Ordering::Acquire);
        let per_kib = Duration::from_nanos(nanos);
        (nanos > 0).then(|| Pace { per_kib, cause: self.cause() })
    }

    fn cause(&self) -> Cause {
        match self.cause.load(Ordering::Relaxed) {
            cause if cause == Cause::Runs as u64 => Cause::Runs,
            cause if cause == Cause::Debt as u64 => Cause::Debt,
            cause if cause == Cause::Memory as u64 => Cause::Memory,
            _ => Cause::Flush,
        }
    }

    /// True if somebody is held back.
    #[inline]
    #[must_use]
    pub fn is_holding(&self) -> bool {
        self.nanos_per_kib.load(Ordering::Acquire) != 0
    }

    /// Takes in that so many bytes are to be written, and answers how long to wait for that and for
    /// what was owed before; `None` while it is too little.
    #[must_use]
    pub fn owe(&self, bytes: usize) -> Option<Duration> {
        let price = self.price(bytes).as_nanos() as u64;
        let owed = self.owed_nanos.fetch_add(price, Ordering::Relaxed).wrapping_add(price) as i64;
        let owed = Duration::from_nanos(u64::try_from(owed).unwrap_or(0));
        if owed < SLICE {
            return None;
        }
        // Two who come at once may both take it: then the second owes the first one's part.
        self.owed_nanos.store(0, Ordering::Relaxed);
        Some(owed)
    }

    /// Takes in that a write of so many bytes gave up: of what `owe` answered, its own part is not
    /// owed any more, and what it did wait for counts for the next, which may be its next attempt.
    pub fn give_up(&self, owed: Duration, waited: Duration, bytes: usize) {
        let paid = waited.min(owed).saturating_add(self.price(bytes));
        let (owed, paid) = (owed.as_nanos() as u64, paid.as_nanos() as u64);
        self.owed_nanos.fetch_add(owed.wrapping_sub(paid), Ordering::Relaxed);
    }

    /// What so many bytes cost now.
    #[must_use]
    pub fn price(&self, bytes: usize) -> Duration {
        let per_kib = self.nanos_per_kib.load(Ordering::Acquire);
        Duration::from_nanos(per_kib.saturating_mul(bytes as u64) / 1024)
    }

    /// How long a write of low priority waits for its own bytes, whatever others owe.
    #[must_use]
    pub fn price_of_low(&self, bytes: usize) -> Duration {
        let per_kib = self.nanos_per_kib.load(Ordering::Acquire);
        let price = per_kib.saturating_mul(LOW_PRIORITY).saturating_mul(bytes as u64) / 1024;
        Duration::from_nanos(price).max(SLICE)
    }

    /// Where the time is counted that is waited now.
    #[must_use]
    pub fn counter(&self) -> Counter {
        match self.cause() {
            Cause::Runs => Counter::PacedForRunsMicros,
            Cause::Debt => Counter::PacedForDebtMicros,
            Cause::Flush => Counter::PacedForFlushMicros,
            Cause::Memory => Counter::PacedForMemoryMicros,
        }
    }
}

#[cfg(test)]
mod tests;
