//! Whatever reads bytes that somebody else may have written, fed with bytes that nobody meant.
//!
//! `target` says what a target is and what holds for all of them; `targets` lists them. `corpus`
//! keeps inputs in files, `mutate` makes others of them, and `replay` runs both without a fuzzer.
//! All of it needs the simulated world: `make fuzz` and `make fuzz-replay` build with it.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a target that finds something panics, and the tool stands outside of the engine"
)]
#![cfg(lsm_sim)]

pub mod account;
pub mod input;

pub mod target;

pub mod forge;
pub mod place;

pub mod specimen;

pub mod targets;

pub mod corpus;
pub mod mutate;

pub mod replay;
