//! What the stories on the simulated disk are told with; no stories.
//!
//! Scripts are run with the ground alone or with the whole engine. What is done with either stands
//! here once, for all that is `Scripted`: crashes, faults, lives, planted bugs.

pub mod asked;
pub mod disk;
pub mod interrupt;
pub mod memory;

pub mod images;

pub mod scripted;

pub mod crash;
pub mod faults;
pub mod lives;

#[cfg(lsm_planted)]
pub mod planted;

pub mod engine;
pub mod ground;
