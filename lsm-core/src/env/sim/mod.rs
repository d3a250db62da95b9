//! A world made of one seed: a disk that loses power, time that jumps, jobs in any order.
//!
//! Nothing here asks the machine for anything, so a seed replays its run bit for bit.

mod content;
pub mod rng;

mod inode;
pub mod op;

pub mod clock;
mod state;

mod reorder;

pub mod crash;
pub mod faults;
pub mod rules;

mod shared;

mod window;

mod files;

pub mod disk;
pub mod host;
pub mod scheduler;

pub mod world;

#[cfg(test)]
mod tests;
