//! A machine that can be booted again, and whose random bits come from a seed.

use super::content::fold;
use super::rng::Rng;
use crate::base::error::Result;
use crate::base::sync::Mutex;
use crate::env::host::{BootId, Host};

/// The memory of every simulated machine: a constant, for what is chosen by it must be the same in
/// every run.
const MEMORY_BYTES: u64 = 2 << 30;

/// The machine of a simulation.
#[derive(Debug)]
pub struct SimHost(Mutex<Facts>);

#[derive(Debug)]
struct Facts {
    boot: Option<u64>,
    process: u32,
    rng: Rng,
}

impl SimHost {
    /// A machine in its `boot`-th boot.
    #[must_use]
    pub fn new(boot: u64, seed: u64) -> Self {
        Self(Mutex::new(Facts { boot: Some(boot), process: 4242, rng: Rng::new(seed) }))
    }

    /// Boots the machine: its boot id is another one from now on.
    pub fn reboot(&self) {
        let mut facts = self.0.lock();
        facts.boot = facts.boot.map(|boot| boot + 1);
    }

    /// Makes the platform one that cannot tell its boots apart.
    pub fn forget_boot(&self) {
        self.0.lock().boot = None;
    }

    /// Sets the id of the process.
    pub fn set_process_id(&self, id: u32) {
        self.0.lock().process = id;
    }
}

impl Host for SimHost {
    fn boot_id(&self) -> Option<BootId> {
        let boot = self.0.lock().boot?;
        let (low, high) = (fold(1, boot), fold(2, boot));
        Some((u128::from(high) << 64 | u128::from(low)).to_le_bytes())
    }

    fn process_id(&self) -> u32 {
        self.0.lock().process
    }

    fn memory_bytes(&self) -> Option<u64> {
        Some(MEMORY_BYTES)
    }

    fn random(&self) -> Result<u64> {
        Ok(self.0.lock().rng.draw())
    }
}
