//! `Env`: the four things that the engine may ask of the outside.

use std::sync::Arc;

use crate::env::clock::Clock;
use crate::env::fs::FileSystem;
use crate::env::host::Host;
use crate::env::schedule::Scheduler;

/// One world: a file system, a clock, a machine and a scheduler. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Env {
    /// Files and directories.
    pub fs: Arc<dyn FileSystem>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The machine and its random bits.
    pub host: Arc<dyn Host>,
    /// Waiting and background work.
    pub scheduler: Arc<dyn Scheduler>,
}
