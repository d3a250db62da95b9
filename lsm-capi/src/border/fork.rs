//! Telling a forked child from its parent, for what outlives a database and cannot ask it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use lsm_core::{Error, ErrorKind, Result};

/// How many forks lie between the first process and this one.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// The process that something was made in.
#[derive(Clone, Copy)]
pub(crate) struct Birth(u64);

impl Birth {
    /// This process.
    pub(crate) fn here() -> Self {
        watch();
        Self(GENERATION.load(Ordering::Relaxed))
    }

    /// Refuses the use in a forked child. Costs one load.
    #[inline]
    pub(crate) fn check(self) -> Result<()> {
        if GENERATION.load(Ordering::Relaxed) == self.0 { Ok(()) } else { Err(forked()) }
    }
}

#[cold]
fn forked() -> Error {
    let message = "the database was opened before a fork, by the parent process";
    Error::new(ErrorKind::Forked, message)
}

extern "C" fn in_child() {
    GENERATION.fetch_add(1, Ordering::Relaxed);
}

/// Sees to it that a child knows that it is one. Two threads may both do it: it may count twice.
fn watch() {
    static IS_WATCHING: AtomicBool = AtomicBool::new(false);
    if !IS_WATCHING.load(Ordering::Acquire) {
        // SAFETY: the handler touches one atomic, and the library stays loaded.
        let failed = unsafe { libc::pthread_atfork(None, None, Some(in_child)) };
        IS_WATCHING.store(failed == 0, Ordering::Release);
    }
}
