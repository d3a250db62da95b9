//! How a long call tells how far it is, and how it is stopped.

use std::fmt;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::base::error::{Error, ErrorKind, Result};

/// How far a long call is: in bytes for `verify`, in entries for `flush` and `compact`, in keys for
/// `count`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// What is done.
    pub done: u64,
    /// What there is to do, as far as it is known; never less than `done`.
    pub total: u64,
}

/// Options of a call that may take long.
#[derive(Default)]
pub struct CallOptions<'a> {
    progress: Option<&'a mut dyn FnMut(Progress) -> ControlFlow<()>>,
    timeout: Option<Duration>,
    /// When the time is over, by the monotonic clock, once the call has begun.
    until: Option<Duration>,
}

impl<'a> CallOptions<'a> {
    /// Nobody is told.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Chooses who is told how far the call is, again and again, on the caller's own thread.
    /// `Break` stops the call, which then answers `Aborted`.
    #[must_use]
    pub fn progress(mut self, told: &'a mut dyn FnMut(Progress) -> ControlFlow<()>) -> Self {
        self.progress = Some(told);
        self
    }

    /// Chooses how long the call may take. Afterwards it is stopped as by `Break`, and answers
    /// `TimedOut`. A `verify` looks at the time between two tables, a `count` now and then.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The call begins at this moment, unless it has begun before as a part of another one.
    pub fn begin(&mut self, now: impl FnOnce() -> Duration) {
        if let (None, Some(timeout)) = (self.until, self.timeout) {
            self.until = Some(now().saturating_add(timeout));
        }
    }

    /// The moment at which the call is stopped, once it has begun.
    #[must_use]
    pub fn until(&self) -> Option<Duration> {
        self.until
    }

    /// Fails if the time is over.
    pub fn check_time(&self, now: impl FnOnce() -> Duration) -> Result<()> {
        if self.until.is_none_or(|until| now() < until) {
            return Ok(());
        }
        let message = "the time that the call may take has passed";
        Err(Error::new(ErrorKind::TimedOut, message))
    }

    /// True if somebody is told.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.progress.is_some()
    }

    /// Tells how far the call is; fails if it is to stop.
    pub fn report(&mut self, done: u64, total: u64) -> Result<()> {
        let Some(told) = &mut self.progress else { return Ok(()) };
        match told(Progress { done, total: total.max(done) }) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(()) => {
                Err(Error::new(ErrorKind::Aborted, "the call was stopped by its caller"))
            }
        }
    }
}

impl fmt::Debug for CallOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallOptions")
            .field("is_told", &self.progress.is_some())
            .field("timeout", &self.timeout)
            .finish()
    }
}
