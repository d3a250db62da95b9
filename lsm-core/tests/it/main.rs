//! The stories: each file tells what the ground promises and tries to prove it wrong.
//!
//! `make test` runs them at a small size. Those named `prove_` are ignored by default and run at
//! full size by `make prove`. A failure prints a line that replays it.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    unreachable_pub,
    reason = "tests may fail, print and use the machine"
)]

#[cfg(lsm_sim)]
mod tables;

#[cfg(lsm_sim)]
mod script;

#[cfg(lsm_sim)]
mod model;

#[cfg(lsm_sim)]
mod images;

#[cfg(lsm_sim)]
mod crash;

mod machine;

mod threads;

mod cut;

mod kill;

mod os_input;

#[cfg(lsm_sim)]
mod specimen;

#[cfg(lsm_sim)]
mod damage;

#[cfg(lsm_sim)]
mod faults;

#[cfg(lsm_sim)]
mod lives;

#[cfg(all(lsm_sim, lsm_planted))]
mod planted;

#[cfg(lsm_sim)]
mod bad_input;

#[cfg(lsm_sim)]
mod listed;

#[cfg(lsm_sim)]
mod golden;

#[cfg(lsm_sim)]
mod fidelity;

#[cfg(lsm_sim)]
mod races;
