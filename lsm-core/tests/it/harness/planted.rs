//! Planted bugs: what is committed on one thread for as long as a value lives.

use lsm_core::base::planted::{Bug, plant};

/// One bug for as long as this lives; then none, also when a test fails.
pub struct Planted;

impl Planted {
    pub fn new(bug: Option<Bug>) -> Self {
        plant(bug);
        Self
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        plant(None);
    }
}
