//! How long each operation takes, and when a thread has done enough.
//!
//! The clock is read once for each operation: where one ends the next begins. So an operation
//! includes what the harness does for it; the engine `nothing` shows how much that is.
//!
//! With a rate, each operation has a moment at which it is due, and its latency counts from there,
//! whether or not the thread had time to begin. Whatever waits behind a slow operation has waited:
//! one stall shows in all of the operations that it delays, and not in a single one.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

/// An hour, in nanoseconds: what takes longer counts as an hour.
const LONGEST: u64 = 3_600_000_000_000;
/// Percentiles are right to three digits.
const DIGITS: u8 = 3;
/// Without latencies, the clock is looked at once in so many operations.
const CALLS: u64 = 64;
/// Sleeping wakes up late by about this much; the rest of the time is spent looking at the clock.
const SLEEP_SLACK: Duration = Duration::from_micros(80);

/// Latencies, in nanoseconds.
pub type Latencies = Histogram<u64>;

/// No latencies yet.
#[must_use]
pub fn no_latencies() -> Option<Latencies> {
    Histogram::new_with_bounds(1, LONGEST, DIGITS).ok()
}

/// How much a thread does, and how fast.
#[derive(Clone, Debug, Default)]
pub struct Goal {
    /// So many operations at most.
    pub operations: u64,
    /// For so long at most.
    pub duration: Option<Duration>,
    /// One operation in each such time.
    pub interval: Option<Duration>,
    /// Latencies are kept.
    pub has_latencies: bool,
}

/// What all threads of a workload look at.
#[derive(Debug, Default)]
pub struct Board {
    /// Everybody ends.
    pub is_over: AtomicBool,
    /// Operations so far, of all threads.
    pub done: AtomicU64,
}

/// One thread's operations, counted and timed.
#[derive(Debug)]
pub struct Meter<'a> {
    board: &'a Board,
    goal: Goal,
    begun: Instant,
    /// Where the operation that runs began, or was due.
    from: Instant,
    /// What the clock showed last.
    seen: Instant,
    /// When the next operation is due.
    due: Instant,
    latencies: Option<Latencies>,
    calls: u64,
    told: u64,
    /// What was done.
    pub tally: Tally,
}

/// What a thread has done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// Operations.
    pub operations: u64,
    /// Bytes of keys and values that were written or read.
    pub bytes: u64,
    /// Of those, bytes that were written.
    pub written: u64,
    /// Of keys that were looked for, those that were there.
    pub found: u64,
}

/// A thread's account when it is through.
#[derive(Debug)]
pub struct Account {
    /// When it began.
    pub begun: Instant,
    /// When it ended.
    pub ended: Instant,
    /// What it did.
    pub tally: Tally,
    /// How long each operation took.
    pub latencies: Option<Latencies>,
}

impl<'a> Meter<'a> {
    /// Begins now.
    #[must_use]
    pub fn new(board: &'a Board, goal: Goal) -> Self {
        let begun = Instant::now();
        let latencies = if goal.has_latencies { no_latencies() } else { None };
        Self {
            board,
            goal,
            begun,
            from: begun,
            seen: begun,
            due: begun,
            latencies,
            calls: 0,
            told: 0,
            tally: Tally::default(),
        }
    }

    /// How many operations are left to do.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.goal.operations.saturating_sub(self.tally.operations)
    }

    /// True if another operation is to be done; with a rate, once it is due.
    #[inline]
    pub fn goes_on(&mut self) -> bool {
        if self.left() == 0 || self.board.is_over.load(Ordering::Relaxed) {
            return false;
        }
        if self.goal.interval.is_none() {
            return self.is_in_time(self.seen);
        }
        self.from = self.due;
        self.is_in_time(self.seen) && self.is_in_time(self.from) && self.wait()
    }

    fn is_in_time(&self, moment: Instant) -> bool {
        self.goal.duration.is_none_or(|duration| moment.duration_since(self.begun) < duration)
    }

    /// Waits until the operation is due; false if everything ends before.
    fn wait(&mut self) -> bool {
        loop {
            self.seen = Instant::now();
            let left = self.from.saturating_duration_since(self.seen);
            if left.is_zero() {
                return true;
            }
            if self.board.is_over.load(Ordering::Relaxed) {
                return false;
            }
            match left.checked_sub(SLEEP_SLACK) {
                // In pieces, so that an interruption does not wait for a slow rate.
                Some(pause) => std::thread::sleep(pause.min(Duration::from_millis(100))),
                None => std::hint::spin_loop(),
            }
        }
    }

    /// A call is through that did so many operations, on so many bytes.
    #[inline]
    pub fn done(&mut self, operations: u64, bytes: u64) {
        self.tally.operations += operations;
        self.tally.bytes += bytes;
        self.calls += 1;
        if let Some(interval) = self.goal.interval {
            // The moments at which operations are due do not move, however late the thread is.
            self.due += interval.saturating_mul(u32::try_from(operations).unwrap_or(u32::MAX));
        }
        let is_look = self.calls % CALLS == 0;
        if is_look {
            self.tell();
        }
        if let Some(latencies) = &mut self.latencies {
            let now = Instant::now();
            let nanos = now.saturating_duration_since(self.from).as_nanos() as u64;
            latencies.saturating_record(nanos);
            (self.from, self.seen) = (now, now);
        } else if is_look && self.goal.duration.is_some() {
            self.seen = Instant::now();
        }
    }

    fn tell(&mut self) {
        let news = self.tally.operations - self.told;
        self.board.done.fetch_add(news, Ordering::Relaxed);
        self.told = self.tally.operations;
    }

    /// The thread is through.
    #[must_use]
    pub fn finish(mut self) -> Account {
        self.tell();
        let ended = Instant::now();
        Account { begun: self.begun, ended, tally: self.tally, latencies: self.latencies }
    }
}

#[cfg(test)]
mod tests;
