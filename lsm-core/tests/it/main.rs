//! The stories: each file tells what the ground and the engine promise and tries to
//! prove it wrong. Folders stand bottom to top, and so do the files in each.
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
    dropping_copy_types,
    dropping_references,
    reason = "tests may fail, print, pass results over and use the machine"
)]

mod machine;

#[cfg(lsm_sim)]
mod harness;

#[cfg(lsm_sim)]
mod ground;

#[cfg(lsm_sim)]
mod engine;

#[cfg(lsm_sim)]
mod life;

#[cfg(all(lsm_sim, lsm_planted))]
mod museum;

mod owners;
