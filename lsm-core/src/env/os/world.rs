//! The real world, put together.

use std::sync::Arc;

use crate::env::os::clock::OsClock;
use crate::env::os::fs::OsFileSystem;
use crate::env::os::host::OsHost;
use crate::env::os::scheduler::OsScheduler;
use crate::env::world::Env;

/// The operating system as an `Env`.
#[must_use]
pub fn real() -> Env {
    Env {
        fs: Arc::new(OsFileSystem),
        clock: Arc::new(OsClock),
        host: Arc::new(OsHost::default()),
        scheduler: Arc::new(OsScheduler::default()),
    }
}
