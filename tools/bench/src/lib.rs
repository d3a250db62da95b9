//! Benchmarks of lsm, and of whatever else is put behind the same traits.
//!
//! The modules stand bottom to top, and import only from those above them in this list. A program
//! that offers other engines hands them to [`command::run`], with its words.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a program for people, on the real machine"
)]

pub mod generator;
pub mod interrupt;
pub mod store;

pub mod distribution;
pub mod kernel;
pub mod meter;
pub mod truth;
pub mod words;

pub mod nothing;
pub mod ours;
pub mod place;

pub mod flags;

pub mod result;

pub mod report;
pub mod workload;

pub mod crew;
pub mod killed;

pub mod bench;

pub mod command;
