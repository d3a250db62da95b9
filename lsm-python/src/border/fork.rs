//! Telling a forked child from its parent.
//!
//! A child has the parent's memory and none of its threads: a lock that another thread held stays
//! locked there for ever. So nothing that was made before a fork is touched after it, not even to
//! give it back. The engine counts forks before anything else runs in the child: Python itself
//! drops objects of other threads there before it calls anybody.

use std::fmt;

use lsm_core::env::os::fork::generation;
use lsm_core::{Error, ErrorKind};

/// What stands for an object of the parent's where it is only shown.
pub(crate) const OF_PARENT: &str = "<lsmdb object of the parent process>";

/// Something of the engine's that only the process which made it may use. A forked child answers
/// `Forked`, and leaves it alone when it is dropped.
pub(crate) struct Kept<T> {
    generation: u64,
    inner: Option<T>,
}

impl<T> Kept<T> {
    pub(crate) fn new(inner: T) -> Self {
        Self { generation: generation(), inner: Some(inner) }
    }

    /// What is kept.
    #[inline]
    pub(crate) fn get(&self) -> Result<&T, Error> {
        match &self.inner {
            Some(inner) if self.is_here() => Ok(inner),
            _ => Err(parents()),
        }
    }

    /// The same, to be changed.
    pub(crate) fn get_mut(&mut self) -> Result<&mut T, Error> {
        let is_here = self.is_here();
        match &mut self.inner {
            Some(inner) if is_here => Ok(inner),
            _ => Err(parents()),
        }
    }

    /// True in the process that made it.
    #[inline]
    pub(crate) fn is_here(&self) -> bool {
        self.generation == generation()
    }
}

impl<T> Drop for Kept<T> {
    fn drop(&mut self) {
        if !self.is_here() {
            std::mem::forget(self.inner.take());
        }
    }
}

impl<T> fmt::Debug for Kept<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Kept").field("is_here", &self.is_here()).finish_non_exhaustive()
    }
}

#[cold]
fn parents() -> Error {
    let message = "it was opened before a fork, by the parent process: open it anew";
    Error::new(ErrorKind::Forked, message)
}
