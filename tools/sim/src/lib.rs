//! Whole lives of databases in a simulated world: a seed makes the configuration, what clients do,
//! what the disk does to them, and in which order the background works; a model of plain maps says
//! what may come of it.
//!
//! The modules, bottom to top; a module uses those above it in this list.

// The simulated world is there in the test-only build alone; without it nothing of this is.
#![cfg(all(lsm_sim, lsm_planted))]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a tool that runs tests: it prints, measures time, and may fail loudly"
)]

/// Another process acts between two operations of this one.
#[path = "../../../lsm-core/tests/it/harness/interrupt.rs"]
#[allow(missing_docs, unreachable_pub, reason = "shared with the stories of the engine")]
mod interrupt;

pub mod acts;
pub mod swarm;

pub mod model;

pub mod deed;

pub mod found;

pub mod line;

pub mod world;

pub mod tally;

pub mod life;

pub mod seed;

pub mod shrink;

pub mod hunt;

pub mod command;
