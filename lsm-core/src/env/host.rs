//! What the machine is, and its source of randomness.

use std::fmt::Debug;

use crate::base::error::Result;

/// One boot of one machine. Equal ids mean that the kernel, and with it the page cache, lived on.
pub type BootId = [u8; 16];

/// Facts of the machine, and random bits.
pub trait Host: Debug + Send + Sync + 'static {
    /// The running boot; `None` where the platform cannot tell.
    fn boot_id(&self) -> Option<BootId>;

    /// The id of this process.
    fn process_id(&self) -> u32;

    /// How many bytes of memory this process may use at most: those of the machine, or fewer where
    /// it was given a part; `None` where the platform cannot tell.
    fn memory_bytes(&self) -> Option<u64>;

    /// Sixty-four random bits.
    fn random(&self) -> Result<u64>;
}
