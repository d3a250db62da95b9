//! What the ground promises: the log, the manifest, and which tables are listed.

pub mod bad_input;
pub mod damage;
pub mod faults;
mod fidelity;
mod lives;
mod races;

pub mod crash;
mod listed;
