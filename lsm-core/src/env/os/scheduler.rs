//! Waiting on the machine's threads, and one thread for each job.
//!
//! Threads of jobs take no signals but those of their own faults, so the host's handlers run where
//! the host expects them. A job that panics ends alone: it is dropped, its thread goes, and whoever
//! depends on it learns so from what its `Drop` does.

#![allow(clippy::disallowed_methods, clippy::disallowed_types, reason = "threads are started here")]

#[cfg(test)]
mod tests;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};
use crate::env::clock::Clock;
use crate::env::os::clock::OsClock;
use crate::env::os::process::SignalsBlocked;
use crate::env::schedule::{Job, Scheduler, Signal, Step};

/// Threads of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsScheduler {
    clock: OsClock,
}

impl Scheduler for OsScheduler {
    fn wait(
        &self,
        signal: &Signal,
        deadline: Option<Duration>,
        ready: &mut dyn FnMut() -> bool,
    ) -> bool {
        loop {
            // The count is read before the look: a notification after the look changes it, and the
            // sleep ends at once.
            let seen = signal.epoch();
            if ready() {
                return true;
            }
            let left = match deadline.map(|moment| moment.checked_sub(self.clock.monotonic())) {
                None => None,
                Some(Some(left)) if !left.is_zero() => Some(left),
                Some(_) => return false,
            };
            signal.sleep(seen, left);
        }
    }

    fn linger(&self, limit: Duration, ready: &mut dyn FnMut() -> bool) {
        let until = self.clock.monotonic().saturating_add(limit);
        while !ready() && self.clock.monotonic() < until {
            thread::yield_now();
        }
    }

    fn spawn(&self, name: &'static str, wake: Arc<Signal>, job: Box<dyn Job>) -> Result<()> {
        // The standard library panics on such a name.
        if name.contains('\0') {
            let message = "the name of a job holds a zero byte";
            return Err(Error::new(ErrorKind::InvalidArgument, message));
        }
        let this = *self;
        // The thread starts with the mask of this one: no signal finds it before it has its own.
        let _blocked = SignalsBlocked::new();
        thread::Builder::new()
            .name(name.to_owned())
            .spawn(move || this.run(&wake, job))
            .map_err(|error| Error::from_os("start a thread", error))?;
        Ok(())
    }
}

impl OsScheduler {
    /// Steps a job to its end, and drops it.
    fn run(&self, wake: &Signal, mut job: Box<dyn Job>) {
        while self.step(wake, &mut *job) {}
        contain(move || drop(job));
    }

    /// One step and the rest after it; false when the job is over.
    fn step(&self, wake: &Signal, job: &mut dyn Job) -> bool {
        // Read before the step: what is notified during it calls for another.
        let seen = wake.epoch();
        match contain(|| job.step()) {
            Some(Step::Again) => true,
            Some(Step::Idle(until)) => {
                self.wait(wake, until, &mut || wake.epoch() != seen);
                true
            }
            Some(Step::Done) | None => false,
        }
    }
}

/// Runs a piece of a job; `None` if it panics.
fn contain<T>(piece: impl FnOnce() -> T) -> Option<T> {
    // What a panic leaves half done is the job's own, and all that happens to it then is its drop.
    match catch_unwind(AssertUnwindSafe(piece)) {
        Ok(value) => Some(value),
        Err(payload) => {
            // Its drop could panic again, and what that throws could too: there it ends.
            if let Err(thrown) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
                std::mem::forget(thrown);
            }
            None
        }
    }
}
