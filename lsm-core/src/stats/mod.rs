//! What is counted and timed, always.

pub mod looked;

pub mod counters;
pub mod histogram;
pub mod sample;
pub mod usage;

pub mod timings;
