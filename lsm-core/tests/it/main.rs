//! The stories: each file tells what the ground and the engine promise and tries to
//! prove it wrong.
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

#[cfg(lsm_sim)]
mod reference;

#[cfg(lsm_sim)]
mod engine_subject;

#[cfg(lsm_sim)]
mod engine_script;

#[cfg(lsm_sim)]
mod engine_crash;

#[cfg(lsm_sim)]
mod engine_faults;

#[cfg(lsm_sim)]
mod engine_lives;

#[cfg(all(lsm_sim, lsm_planted))]
mod engine_planted;

#[cfg(lsm_sim)]
mod acts;

#[cfg(lsm_sim)]
mod player_reads;

#[cfg(lsm_sim)]
mod player;

#[cfg(lsm_sim)]
mod engine_model;

mod engine_threads;

#[cfg(lsm_sim)]
mod engine_stats;

#[cfg(lsm_sim)]
mod owners_list;

#[cfg(lsm_sim)]
mod engine_edges;

mod owners_speed;

mod memory;

#[cfg(lsm_sim)]
mod rich;

#[cfg(lsm_sim)]
mod life_read_only;

#[cfg(lsm_sim)]
mod life_destroy;

#[cfg(lsm_sim)]
mod life_verify;

#[cfg(lsm_sim)]
mod life_handles;

#[cfg(lsm_sim)]
mod life_damage;
