//! What the ground promises: the log, the manifest, and which tables are listed.

mod bad_input;
mod damage;
mod faults;
mod fidelity;
mod lives;
mod races;

mod crash;
mod listed;

#[cfg(lsm_planted)]
mod planted;
