//! The outside world as a parameter: files, clock, randomness, threads and every kind of waiting.
//!
//! Nothing above this folder names the operating system. `os` is the real world; `sim` is a world
//! made of one seed, in which a disk can lose power.

pub mod clock;
pub mod fs;
pub mod host;
pub mod schedule;

pub mod world;

#[allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the operating system is named here and nowhere else"
)]
pub mod os;
#[cfg(any(test, lsm_sim))]
pub mod sim;
