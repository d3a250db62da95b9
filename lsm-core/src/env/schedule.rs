//! Waiting, waking and background work.
//!
//! All blocking goes through `Scheduler::wait`, and all work that nobody waits for is a `Job` made
//! of short steps. Threads run both in production; in simulation one seeded loop does, so that
//! every interleaving can be replayed.
//!
//! A `Signal` counts notifications. Whoever waits reads the count, looks whether there is something
//! to do, and sleeps only while the count stands still: no wake-up is lost, and no lock is shared
//! between the one who waits and the one who wakes.

use std::fmt::Debug;
use std::sync::Arc;
#[allow(clippy::disallowed_types, reason = "the one place where threads are put to sleep")]
use std::sync::Condvar;
use std::time::Duration;

use crate::base::error::Result;
use crate::base::sync::fixed::Mutex;
use crate::base::sync::{AtomicU64, Ordering};

/// Runs jobs and suspends callers.
pub trait Scheduler: Debug + Send + Sync + 'static {
    /// Returns true as soon as `ready` does, false once the clock has reached `deadline`.
    ///
    /// `ready` is called again after each notification of `signal`, and holds no lock when it
    /// returns. No caller holds a lock while it waits.
    fn wait(
        &self,
        signal: &Signal,
        deadline: Option<Duration>,
        ready: &mut dyn FnMut() -> bool,
    ) -> bool;

    /// Lets others go first until `ready` says yes, though no longer than for about `limit`, which
    /// is too short to sleep. Where there is one caller there is nobody to let go.
    fn linger(&self, _limit: Duration, _ready: &mut dyn FnMut() -> bool) {}

    /// Hands over a job: it is stepped until it says that it is done.
    fn spawn(&self, name: &'static str, wake: Arc<Signal>, job: Box<dyn Job>) -> Result<()>;
}

/// Work in the background, done in steps of about one I/O or 64 KiB each.
pub trait Job: Send + 'static {
    /// Does the next piece. Holds no lock when it returns, and never waits.
    fn step(&mut self) -> Step;
}

/// What a job wants after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There is more to do at once.
    Again,
    /// Nothing to do until the job's signal is notified or the clock reaches this moment.
    Idle(Option<Duration>),
    /// The job is over and is dropped.
    Done,
}

/// A count of notifications that can be waited on.
#[derive(Debug, Default)]
pub struct Signal {
    epoch: AtomicU64,
    sleepers: AtomicU64,
    lock: Mutex<()>,
    #[allow(clippy::disallowed_types, reason = "the one place where threads are put to sleep")]
    woken: Condvar,
}

impl Signal {
    /// A signal that was never notified.
    #[must_use]
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// How many notifications there were.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Wakes everybody who waits.
    pub fn notify(&self) {
        self.epoch.fetch_add(1, Ordering::SeqCst);
        if self.sleepers.load(Ordering::SeqCst) > 0 {
            let _guard = self.lock.lock();
            self.woken.notify_all();
        }
    }

    /// Sleeps until the count differs from `seen` or `timeout` has passed. Only schedulers that run
    /// threads call this.
    pub(super) fn sleep(&self, seen: u64, timeout: Option<Duration>) {
        self.sleepers.fetch_add(1, Ordering::SeqCst);
        let guard = self.lock.lock();
        if self.epoch() == seen {
            match timeout {
                Some(timeout) => drop(self.woken.wait_timeout(guard, timeout)),
                None => drop(self.woken.wait(guard)),
            }
        } else {
            drop(guard);
        }
        self.sleepers.fetch_sub(1, Ordering::SeqCst);
    }
}
