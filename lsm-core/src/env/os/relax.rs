//! How to wait for a moment that is so short that sleeping would take longer.

use crate::base::sync::look_again;

/// Someone who waits for another thread to finish a few stores.
#[derive(Debug, Default)]
pub struct Patience(u32);

/// After so many looks the other one is not running: let it.
const LOOKS: u32 = 128;

impl Patience {
    /// Has not waited yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits a little; longer when it has been called often.
    #[inline]
    pub fn wait(&mut self) {
        self.0 = self.0.saturating_add(1);
        if cfg!(lsm_loom) || self.0 < LOOKS { look_again() } else { std::thread::yield_now() }
    }
}
