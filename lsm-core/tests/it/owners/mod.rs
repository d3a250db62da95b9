//! The owner's list: each thing that was asked for, as a test of its name.

#[cfg(lsm_sim)]
mod list;

mod speed;
