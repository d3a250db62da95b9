//! A whole world made of one seed.

use std::sync::Arc;

use super::clock::SimClock;
use super::disk::SimDisk;
use super::host::SimHost;
use super::rng::Rng;
use super::scheduler::SimScheduler;
use crate::env::world::Env;

/// The parts of a world, to be handed to the engine as an `Env` and handled by the test.
#[derive(Clone, Debug)]
pub struct SimWorld {
    /// Its disk.
    pub disk: SimDisk,
    /// Its time.
    pub clock: SimClock,
    /// Its machine.
    pub host: Arc<SimHost>,
    /// Its jobs.
    pub scheduler: Arc<SimScheduler>,
}

impl SimWorld {
    /// A world with an empty disk.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self::from_disk(SimDisk::new(), seed)
    }

    /// A world around a disk, most often one that a crash has left: its boot is the disk's.
    #[must_use]
    pub fn from_disk(disk: SimDisk, seed: u64) -> Self {
        let mut rng = Rng::new(seed);
        let clock = SimClock::new();
        disk.attach_clock(clock.clone());
        let host = Arc::new(SimHost::new(disk.boot(), rng.draw()));
        let scheduler = Arc::new(SimScheduler::new(clock.clone(), rng.draw()));
        Self { disk, clock, host, scheduler }
    }

    /// What the engine is given.
    #[must_use]
    pub fn env(&self) -> Env {
        Env {
            fs: Arc::new(self.disk.clone()),
            clock: Arc::new(self.clock.clone()),
            host: Arc::clone(&self.host) as _,
            scheduler: Arc::clone(&self.scheduler) as _,
        }
    }
}
