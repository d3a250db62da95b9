//! Programs in C, written for LevelDB: what they see through this library is what they see through
//! LevelDB's own.
//!
//! Where that library is not installed (`apt-get install libleveldb-dev`), nothing is run, and
//! each test says so; on a machine that tests for others, where `CI` is set, that is a failure.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stderr,
    reason = "tests of files and compilers"
)]

mod lab;

mod inside;
mod life;
mod limits;
mod same;
mod strict;
mod symbols;
