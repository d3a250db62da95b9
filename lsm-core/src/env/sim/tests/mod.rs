//! What the simulated world promises, a file per part of it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod helpers;

mod crash;
mod disk;
mod faults;
mod rules;
mod scheduler;
