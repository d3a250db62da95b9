//! What the whole engine promises, on the simulated disk.

mod edges;
mod lives;
mod model;
mod stats;

mod crash;

mod faults;

#[cfg(lsm_planted)]
pub mod planted;
