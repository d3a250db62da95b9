//! How a long call tells how far it is, and how it is stopped.

use std::fmt;
use std::ops::ControlFlow;

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
        f.debug_struct("CallOptions").field("is_told", &self.progress.is_some()).finish()
    }
}
