//! What the ground promises: the log, the manifest, and which tables are listed.

pub mod bad_input;
pub mod damage;
mod fidelity;
mod lives;
mod races;

pub mod faults;
mod listed;

pub mod crash;

#[cfg(lsm_planted)]
mod planted;
